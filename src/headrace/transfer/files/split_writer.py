"""The files that one split writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from headrace.errors_cdm import DuplicateFile
from headrace.transfer.connector import Rejected, Surroundings, Writer
from headrace.transfer.files.store import FileStore, Output
from headrace.transfer.formats.base import FileWriter, Sink
from headrace.transfer.formats.compression import Packed, packed

DUPLICATES = ("REPLACE", "SKIP", "ABANDON")  # Source: CDM API reference, duplicateFileOpType


@dataclass(frozen=True, kw_only=True)
class Names:
    """How the files of a run are called: ``folder/base[_split][_number]suffix``.

    ``hidden``: what their names begin with until all of them are shown; empty where they appear one by one.
    """

    folder: str
    base: str
    suffix: str
    numbered_splits: bool
    numbered_files: bool
    hidden: str

    def path(self, split: int, number: int) -> str:
        """Of the ``number``-th file of a split, both counted from 0."""
        parts = [self.base]
        parts += [str(split)] if self.numbered_splits else []
        parts += [str(number)] if self.numbered_files else []
        return "/".join(part for part in (self.folder, "_".join(parts) + self.suffix) if part)

    def waiting(self, path: str) -> str:
        """Where a file is written."""
        folder, slash, name = path.rpartition("/")
        return f"{folder}{slash}{self.hidden}{name}"

    def shown(self, path: str) -> str:
        """Where a file that waits belongs."""
        folder, slash, name = path.rpartition("/")
        return f"{folder}{slash}{name.removeprefix(self.hidden)}"


@dataclass(frozen=True, kw_only=True)
class Places:
    """What the writers of a job share. ``most``: bytes of a file, 0 without a limit; ``placed``: what was written."""

    store: FileStore
    make: Callable[[Sink, pa.Schema], FileWriter]
    compression: str
    most: int
    duplicates: str
    surroundings: Surroundings
    placed: list[str] = field(default_factory=list)


class Counted:
    """An output that counts its bytes. One that was discarded takes more and forgets it: some writers of formats write
    once more when they are forgotten themselves."""

    def __init__(self, output: Output, surroundings: Surroundings) -> None:
        self._output = output
        self._counters = surroundings.counters
        self._discarded = False
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        if self._discarded:
            return len(data)
        self.size += len(data)
        self._counters.add(bytes_written=len(data))
        return self._output.write(data)

    def close(self) -> None:
        """Put the file in place, whole."""
        self._output.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._discarded = True
        self._output.discard()


class SplitWriter(Writer):
    """Writes the rows of a split into one file, or into the next one when it is large enough.

    The first split has a file even without rows, so that there is one.
    """

    counts_bytes = True

    def __init__(self, places: Places, schema: pa.Schema, names: Names, split: int) -> None:
        self._places = places
        self._schema = schema
        self._names = names
        self._split = split
        self._number = 0
        self._mine: list[str] = []
        self._file: _File | None = None

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows; those that the format or the character set cannot hold are refused."""
        if not batch.num_rows:
            return ()
        if self._file is None:
            self._file = self._opened()
        rejected = self._file.writer.write(batch)
        if self._places.most and self._file.counted.size >= self._places.most:
            self._end()
        return rejected

    def _opened(self) -> _File:
        path = self._names.path(self._split, self._number)
        self._number += 1
        counted = Counted(self._places.store.create(self._names.waiting(path)), self._places.surroundings)
        try:
            output = packed(counted, self._places.compression)
            return _File(path, counted, output, self._places.make(output.write, self._schema))
        except BaseException:
            counted.discard()
            raise

    def _end(self) -> None:
        """Complete the current file. Raises DuplicateFile."""
        file, self._file = self._file, None
        if file is None:
            return
        places = self._places
        try:
            file.writer.close()
            if isinstance(file.output, Packed):
                file.output.finish()
        except BaseException:
            file.output.discard()
            raise
        if self._is_duplicate(file):
            file.output.discard()
            if places.duplicates == "ABANDON":
                raise DuplicateFile(file.path)
            places.surroundings.counters.add(files_skipped=1)
            return
        waiting = self._names.waiting(file.path)
        file.output.close()
        self._mine.append(waiting)
        places.placed.append(waiting)
        places.surroundings.counters.add(files_written=1)

    def _is_duplicate(self, file: _File) -> bool:
        """Whether a file of this name and size is there that is not of this run."""
        if self._places.duplicates == "REPLACE" or file.path in self._places.placed:
            return False
        there = self._places.store.find(file.path)
        return there is not None and there.size == file.counted.size

    def close(self) -> None:
        """Complete the last file."""
        if self._file is None and self._split == 0 and not self._number:
            self._file = self._opened()
        self._end()

    def abort(self) -> None:
        """Remove the files of this split."""
        file, self._file = self._file, None
        if file is not None:
            file.output.discard()
        for path in self._mine:
            self._places.store.delete(path)
            self._places.placed.remove(path)
        self._mine.clear()


@dataclass(frozen=True)
class _File:
    """``path``: where it belongs; ``counted`` is what the place takes, ``output`` what the writer writes to."""

    path: str
    counted: Counted
    output: Output
    writer: FileWriter
