"""A place with files that lives in memory, and the surroundings of a job in tests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from headrace.objectstore.base import ObjectStore
from headrace.transfer.connector import Surroundings
from headrace.transfer.files.source import FileSource
from headrace.transfer.files.store import FileEntry, FileStore, Output
from headrace.transfer.files.target import FileTarget
from headrace.transfer.options import Options

NOW = 1_706_666_400_000  # 2024-01-31 02:00:00 UTC


class MemoryFiles(FileStore):
    """Files by their paths; ``renames`` and ``seeks`` say what kind of place it plays."""

    def __init__(self, files: dict[str, bytes] | None = None, *, renames: bool = True, seeks: bool = True) -> None:
        self.files = dict(files or {})
        self.modified: dict[str, int] = {}
        self.renames = renames
        self.seeks = seeks
        self.closed_streams = 0

    def list(self, path: str) -> Iterator[FileEntry]:
        start = f"{path}/" if path else ""
        for name in sorted(self.files):
            if name == path or name.startswith(start):
                yield self._entry(name)

    def _entry(self, name: str) -> FileEntry:
        return FileEntry(name, len(self.files[name]), self.modified.get(name, NOW))

    def find(self, path: str) -> FileEntry | None:
        return self._entry(path) if path in self.files else None

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.files[path]) if self.seeks else _OneWay(self.files[path])

    def create(self, path: str) -> Output:
        return _MemoryOutput(self, path)

    def delete(self, path: str) -> None:
        self.files.pop(path, None)

    def rename(self, path: str, to: str) -> None:
        self.files[to] = self.files.pop(path)


class _OneWay(io.BytesIO):
    """A stream that gives few bytes at once and cannot go back."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation("seek")

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 1000) if size is not None and size >= 0 else size)


class _MemoryOutput:
    def __init__(self, store: MemoryFiles, path: str) -> None:
        self._store = store
        self._path = path
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def close(self) -> None:
        self._store.files[self._path] = b"".join(self._pieces)

    def discard(self) -> None:
        self._pieces.clear()


def around(**changes: Any) -> Surroundings:
    """The surroundings of a job: no object store, no engine, the clock stands still."""
    given: dict[str, Any] = {
        "store": ObjectStore.__new__(_NoStore),
        "files": Path("/nowhere"),
        "open_sql": lambda: None,
        "zone": UTC,
        "now": lambda: NOW,
    }
    return Surroundings(**given | changes)


class _NoStore(ObjectStore):
    __abstractmethods__ = frozenset()  # type: ignore[assignment]


def source_options(**values: str) -> Options:
    return Options(section="fromJobConfig", values=values)


def target_options(**values: str) -> Options:
    return Options(section="toJobConfig", values=values)


def read_all(
    files: FileStore, surroundings: Surroundings | None = None, splits: int = 1, **values: str
) -> tuple[pa.Table, list[tuple[Any, str]]]:
    """All rows of a source, and those that were rejected."""
    source = FileSource(files, source_options(**values), surroundings or around())
    rejected: list[tuple[Any, str]] = []
    schema = source.schema()
    batches = [
        batch
        for split in source.splits(splits)
        for batch in source.read(split, lambda row, reason: rejected.append((row, reason)))
    ]
    source.finish()
    return pa.Table.from_batches(batches, schema), rejected


def write_all(
    files: FileStore, table: pa.Table, surroundings: Surroundings | None = None, splits: int = 1, **values: str
) -> list[Any]:
    """Write a table, its rows dealt out to the splits; the rows that were rejected."""
    target = FileTarget(files, target_options(**values), surroundings or around())
    prepared = target.prepare(table.schema, "r1", splits)
    table = pa.table(
        [column.cast(field.type) for column, field in zip(table.columns, prepared.schema, strict=True)],
        schema=prepared.schema,
    )
    rejected = []
    size = -(-table.num_rows // splits)
    for split in range(splits):
        writer = target.writer(prepared, split)
        for batch in table.slice(split * size, size).to_batches():
            rejected += writer.write(batch)
        writer.close()
    target.finish(prepared)
    return rejected
