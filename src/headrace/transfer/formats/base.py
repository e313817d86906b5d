"""What a format of files is: how a stream becomes batches, and how batches become bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

import pyarrow as pa

from headrace.errors_cdm import CdmError, FileFormatWrong
from headrace.transfer.connector import BATCH_ROWS, Reject, Rejected

Sink = Callable[[bytes], object]  # takes the next bytes of a file


class Columns(NamedTuple):
    """The columns of a file, and which of them are wanted, by their positions."""

    every: pa.Schema
    chosen: tuple[int, ...]

    @property
    def schema(self) -> pa.Schema:
        """The wanted ones, in the order of the column list."""
        return pa.schema([self.every.field(position) for position in self.chosen])

    @property
    def names(self) -> list[str]:
        """Names of the wanted ones."""
        return [self.every.field(position).name for position in self.chosen]


def choose(every: pa.Schema, wanted: Sequence[str], member: str) -> Columns:
    """The columns of a column list: numbers from 1, ascending, or names; all where it is empty.

    Raises CdmError. Source: CDM API reference, columnList of files.
    """
    if not wanted:
        return Columns(every, tuple(range(len(every))))
    chosen = tuple(_position(every, column, member) for column in wanted)
    if all(column.isdecimal() for column in wanted) and list(chosen) != sorted(set(chosen)):
        raise CdmError(f"{member}: the column numbers of files are ascending, {'&'.join(wanted)} are not.")
    return Columns(every, chosen)


def _position(every: pa.Schema, column: str, member: str) -> int:
    if column.isdecimal() and 1 <= int(column) <= len(every):
        return int(column) - 1
    if column in every.names:
        return int(every.names.index(column))
    raise CdmError(f"{member}: the file has no column {column!r}; it has {len(every)}.")


class FileReader(ABC):
    """Reads files of one format.

    ``seeks``: whether it reads streams at any place, ``stream.seekable()`` is true then. ``header_rows``: how many
    rows of a file are not given as rows.
    """

    seeks: bool = False
    header_rows: int = 0

    @abstractmethod
    def head(self, stream: BinaryIO) -> pa.Schema:
        """All columns of a file. Raises FileFormatWrong."""

    @abstractmethod
    def read(self, stream: BinaryIO, columns: Columns, reject: Reject) -> Iterator[pa.RecordBatch]:
        """The wanted columns of a file; ``columns.every`` is what the head of the first file said.

        Rows that are none go to ``reject``. Raises FileFormatWrong.
        """


class FileWriter(ABC):
    """Writes one file of a format; its bytes go to the sink it was made with."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows; those that the format cannot hold."""

    @abstractmethod
    def close(self) -> None:
        """Write what the end of the file needs. The sink stays open."""


def in_batches(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows of a large batch in batches of the usual size."""
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def by_name(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Columns of a batch by their names, in the types of the schema; null where the file does not have them.

    Raises FileFormatWrong where a file has other types than the first.
    """
    columns = []
    for field in schema:
        at = batch.schema.get_field_index(field.name)
        column = batch.column(at) if at >= 0 else pa.nulls(batch.num_rows, field.type)
        if column.type != field.type:
            try:
                column = column.cast(field.type)
            except pa.ArrowException as error:
                raise FileFormatWrong(
                    f"Column {field.name!r} is {column.type}, it was {field.type} in the first file."
                ) from error
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)
