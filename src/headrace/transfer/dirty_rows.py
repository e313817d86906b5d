"""Rows that could not be moved: kept where the job wants them, counted, and too many of them end it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import TooManyDirtyRows
from headrace.transfer.connector import Rejected
from headrace.transfer.counters import Counters
from headrace.transfer.expression_columns import cells_of
from headrace.transfer.files.store import FileStore, Output
from headrace.transfer.json_text import json_text


@dataclass(frozen=True, kw_only=True)
class DirtyRules:
    """What becomes of bad rows.

    ``keeps``: whether there may be any (else the first fails its split); ``most``: how many in a split;
    ``folder``: where they are written, none where they are only counted.
    Source: CDM API reference, throttlingConfig.recordDirtyData, maxErrorRecords, dirtyDataDirectory.
    """

    keeps: bool = False
    most: int = 0
    folder: str = ""


class DirtyRows:
    """The bad rows of one split, one JSON object a line: ``{"row": {…}, "error": …}``.

    Its reader and its writer share it.
    """

    def __init__(self, rules: DirtyRules, store: Callable[[], FileStore], split: int, counters: Counters) -> None:
        self._rules = rules
        self._open_store = store
        self._path = f"{rules.folder}/{split}.jsonl"
        self._counters = counters
        self._count = 0
        self._store: FileStore | None = None
        self._output: Output | None = None
        self._lock = threading.Lock()

    def add(self, batch: pa.RecordBatch, rejected: Sequence[Rejected]) -> None:
        """Take rows of a batch. Raises TooManyDirtyRows."""
        for row, reason in rejected:
            one = batch.slice(row, 1)
            self.add_text({name: cells_of(one.column(at))[0] for at, name in enumerate(one.schema.names)}, reason)

    def add_text(self, row: Any, reason: str) -> None:
        """Take one row, in whatever form it has. Raises TooManyDirtyRows."""
        if not self._rules.keeps:
            raise TooManyDirtyRows(f"{reason} Dirty data is not to be recorded, so the first bad row ends the job.")
        with self._lock:
            self._count += 1
            self._counters.add(rows_skipped=1)
            if self._rules.folder:
                self._written(json_text({"row": row, "error": reason}).encode() + b"\n")
        if self._count > self._rules.most:
            raise TooManyDirtyRows(f"{self._count} in one split, {self._rules.most} are allowed. The last: {reason}")

    def _written(self, line: bytes) -> None:
        if self._output is None:
            self._store = self._open_store()
            self._output = self._store.create(self._path)
        self._output.write(line)

    def close(self) -> None:
        """Show the file; also of a split that failed."""
        if self._output is not None:
            self._output.close()
            self._output = None
        if self._store is not None:
            self._store.close()
            self._store = None
