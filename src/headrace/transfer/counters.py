"""What a run has moved so far, counted by its threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields


@dataclass
class Counts:
    """Rows, bytes and files; ``rows_skipped``: dirty or filtered. ``parts``: splits, and how many are done.

    Source: CDM API reference, counters of a submission.
    """

    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0
    rows_skipped: int = 0
    files_read: int = 0
    files_written: int = 0
    files_skipped: int = 0
    total_files: int = 0
    total_size: int = 0
    parts: int = 0
    parts_done: int = 0

    @property
    def progress(self) -> int:
        """Percent, by files where their number is known, else by parts."""
        done, of = (
            (self.files_written + self.files_skipped, self.total_files)
            if self.total_files
            else (self.parts_done, self.parts)
        )
        return min(99, 100 * done // of) if of else 0


class Counters:
    """Counts that several threads add to; what is added to those of a part is added to the whole too."""

    def __init__(self, whole: Counters | None = None) -> None:
        self._whole = whole
        self._lock = threading.Lock()
        self._counts = Counts()

    def add(self, **amounts: int) -> None:
        """Add amounts to the counts of these names."""
        with self._lock:
            for name, amount in amounts.items():
                setattr(self._counts, name, getattr(self._counts, name) + amount)
        if self._whole is not None:
            self._whole.add(**amounts)

    def undo(self) -> None:
        """Take back all that was added: it will be done again."""
        counts = self.now()
        self.add(**{item.name: -getattr(counts, item.name) for item in fields(Counts)})

    def now(self) -> Counts:
        """The counts at this moment."""
        with self._lock:
            return Counts(**{item.name: getattr(self._counts, item.name) for item in fields(Counts)})
