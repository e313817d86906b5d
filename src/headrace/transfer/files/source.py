"""Files in one of the formats as the source of a job."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import pairwise
from typing import BinaryIO

import pyarrow as pa

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.connector import Reject, Source, Split, Surroundings
from headrace.transfer.files.afterwards import Afterwards
from headrace.transfer.files.reading import Read, check_digest, compression_of
from headrace.transfer.files.selection import Selected, select
from headrace.transfer.files.store import FileStore
from headrace.transfer.formats.base import Columns, FileReader, choose
from headrace.transfer.formats.compression import READ, members, seekable
from headrace.transfer.formats.registry import FileKind, named_kind, reader_of
from headrace.transfer.options import Options


class FileSource(Source):
    """Reads the files that a job names, each as a whole in one split.

    The first file that has any says what the columns are. Source: CDM API reference, fromJobConfig of OBS, SFTP, HDFS.
    """

    counts_bytes = True

    def __init__(self, store: FileStore, options: Options, surroundings: Surroundings) -> None:
        self._store = store
        self._options = options
        self._surroundings = surroundings
        self._compression = options.choice("fromCompression", READ, "NONE").replace("TARGZ", "TAR.GZ")
        self._afterwards = Afterwards(options)
        self._digests = options.text("md5FileSuffix")

    @cached_property
    def _files(self) -> Sequence[Selected]:
        return select(self._store, self._options, self._surroundings)

    @cached_property
    def _kind(self) -> FileKind:
        named = self._files[0].entry.path if self._files else self._options.text("inputDirectory")
        return named_kind(self._options, "inputFormat", self._compression, named)

    @cached_property
    def _reader(self) -> FileReader:
        return reader_of(self._kind, self._options)

    def schema(self) -> pa.Schema:
        """The wanted columns; text for CSV and JSON. Where there is no file, those that the job lists."""
        return self._columns.schema

    @cached_property
    def _columns(self) -> Columns:
        every = next((schema for one in self._files if (schema := self._head(one.entry.path))), None)
        wanted = self._options.source_columns()
        if every is None:
            every = pa.schema([(name, pa.string()) for name in wanted])
            return Columns(every, tuple(range(len(every))))
        return choose(every, wanted, f"{self._options.section}.columnList")

    def _head(self, path: str) -> pa.Schema | None:
        """The columns of a file, nothing where it is empty."""
        with closing(Read(self._store.open(path), self._surroundings)) as stream:
            stream.counts = False
            for member in self._members(path, stream):
                with _told(path):
                    schema = self._reader.head(member)
                if len(schema):
                    return schema
        return None

    def splits(self, wanted: int) -> Sequence[Split]:
        """Files dealt out by number or by size; never a part of a file. Source: CDM API reference, splitType."""
        by_size = self._options.choice("splitType", ("FILE", "SIZE"), "FILE") == "SIZE"
        groups = (_balanced if by_size else _dealt)(self._files, max(1, wanted))
        self._surroundings.counters.add(total_size=sum(one.entry.size for one in self._files))
        columns = base64.b64encode(self._columns.every.serialize()).decode()
        return [{"files": [one.entry.path for one in group], "columns": columns} for group in groups]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """The rows of the files, one after the other. Raises FileCheckFailed where the digest of one is another."""
        every = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(split["columns"])))
        columns = choose(every, self._options.source_columns(), f"{self._options.section}.columnList")
        for path in split["files"]:
            self._surroundings.say(f"Reads {path}.")
            with closing(Read(self._store.open(path), self._surroundings, digests=bool(self._digests))) as stream:
                for member in self._members(path, stream):
                    with _told(path):
                        skipped = self._reader.header_rows
                        for batch in self._reader.read(member, columns, reject):
                            self._surroundings.counters.add(rows_read=skipped)
                            skipped = 0
                            yield batch
                if self._digests:
                    check_digest(self._store, path, self._digests, stream)
            self._surroundings.counters.add(files_read=1)

    def _members(self, path: str, stream: BinaryIO) -> Iterator[BinaryIO]:
        """The files inside of a file, readable at any place where the format wants it."""
        compression = compression_of(path, self._kind.compression, self._options)
        with _told(path), closing(members(stream, compression)) as inside:
            for member in inside:
                if self._reader.seeks:
                    with seekable(member.stream) as whole:
                        yield whole
                else:
                    yield member.stream

    def finish(self) -> None:
        """Rename or delete the files that were read."""
        self._afterwards.apply(self._store, [one.entry.path for one in self._files], self._surroundings)

    def close(self) -> None:
        """Let go of the place."""
        self._store.close()


def _dealt(files: Sequence[Selected], wanted: int) -> Sequence[Sequence[Selected]]:
    """As many files in each group, as far as that goes, in their order."""
    count = min(wanted, len(files))
    bounds = [len(files) * number // count for number in range(count + 1)] if count else [0]
    return [files[start:end] for start, end in pairwise(bounds)]


def _balanced(files: Sequence[Selected], wanted: int) -> Sequence[Sequence[Selected]]:
    """As many bytes in each group, as far as that goes: the largest file to the lightest group."""
    groups: list[list[Selected]] = [[] for _ in range(min(wanted, len(files)))]
    sizes = [0] * len(groups)
    for one in sorted(files, key=lambda one: -one.entry.size):
        lightest = sizes.index(min(sizes))
        groups[lightest].append(one)
        sizes[lightest] += one.entry.size
    return [sorted(group) for group in groups]


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Errors of a format name the file."""
    try:
        yield
    except FileFormatWrong as error:
        if error.detail.startswith(path):
            raise
        raise FileFormatWrong(f"{path}: {error.detail}") from error
