"""CSV files. Source: user guide and CDM API reference, CSV_FILE; §7.1 of the reference on connectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Reject, Rejected
from headrace.transfer.formats.base import Columns, FileReader, FileWriter, Sink, in_batches
from headrace.transfer.formats.csv_dialect import CsvDialect
from headrace.transfer.formats.csv_rows import as_text, is_blank, line_splitter, lines_of, parser, row_splitter
from headrace.transfer.formats.records import first_record, utf8_blocks, whole_records


class CsvReader(FileReader):
    """Reads rows of text.

    The first row of the first file says how many columns there are; rows with more or fewer are rejected. Empty lines
    are no rows where there are several columns. Columns have the names of the header, else their numbers from 1.
    """

    def __init__(self, dialect: CsvDialect) -> None:
        self._dialect = dialect
        self.header_rows = int(dialect.header)
        if dialect.pattern:
            try:
                line_splitter(dialect)
            except re.error as error:
                raise CdmError(f"fromJobConfig.regex: {error}.") from error

    def head(self, stream: BinaryIO) -> pa.Schema:
        """All columns, text; none in an empty file."""
        dialect = self._dialect
        for block in whole_records(utf8_blocks(stream, dialect.encoding), dialect):
            while block:
                end = first_record(block, dialect)
                cells = self._cells(block[:end])
                if cells is not None:
                    return pa.schema([pa.field(name, pa.string()) for name in self._names(cells)])
                block = block[end:]
        return pa.schema([])

    def _cells(self, row: bytes) -> list[str | None] | None:
        """The fields of one row; nothing for a line that does not say how many there are."""
        dialect = self._dialect
        if dialect.pattern:
            cells = line_splitter(dialect)(lines_of(row, dialect)[0].as_py())
            return None if cells is None else [one.decode(errors="replace") for one in cells]
        if is_blank(row, dialect):
            return None
        fields, _ = next(row_splitter(dialect)(row))
        return [None if one is None else one.decode(errors="replace") for one in fields or [b""]]

    def _names(self, cells: Sequence[str | None]) -> list[str]:
        """Unique names: those of the header, or numbers."""
        names: list[str] = []
        for number, cell in enumerate(cells, 1):
            name = (cell or "").strip() if self._dialect.header else ""
            names.append(name if name and name not in names else str(number))
        return names

    def read(self, stream: BinaryIO, columns: Columns, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Batches of text columns."""
        dialect = self._dialect
        if not len(columns.every):
            return
        parse = parser(dialect, len(columns.every), columns.chosen)
        header = dialect.header
        for block in whole_records(utf8_blocks(stream, dialect.encoding), dialect):
            if header:
                block, header = block[first_record(block, dialect) :], False
            if block:
                yield from in_batches(as_text(parse(block, reject), columns.names, reject))


class CsvWriter(FileWriter):
    """Writes rows of text; values of other types as their texts.

    Without quotes, separators inside of values are written as they are, and rows cannot be told apart then; so the
    original does it. Characters that the character set does not have make their row a rejected one.
    """

    def __init__(self, sink: Sink, schema: pa.Schema, dialect: CsvDialect) -> None:
        self._sink = sink
        self._dialect = dialect
        self._alone = len(schema) == 1
        self._special = _special(dialect)
        if dialect.header and len(schema):
            names = pa.RecordBatch.from_arrays([pa.array([name]) for name in schema.names], names=schema.names)
            self.write(names)

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows."""
        if not batch.num_rows:
            return ()
        data = self._lines(batch)
        if self._dialect.encoding == "utf-8":
            self._sink(_bytes_of(data))
            return ()
        try:
            self._sink(_bytes_of(data).decode().encode(self._dialect.encoding))
        except UnicodeEncodeError:
            return self._one_by_one(data)
        return ()

    def close(self) -> None:
        """Nothing is left to write."""

    def _lines(self, batch: pa.RecordBatch) -> pa.Array:
        cells = [self._quoted(_text(column)) for column in batch.columns]
        null = self._dialect.null
        rows = pc.binary_join_element_wise(
            *cells, self._dialect.separator, null_handling="replace", null_replacement=null
        )
        return pc.binary_join_element_wise(rows, "", self._dialect.line_separator or "\n")

    def _quoted(self, column: pa.Array) -> pa.Array:
        """Fields in quotes where they need them."""
        quotes = self._dialect.quotes
        if quotes == "NONE":
            return column
        needs = pc.or_(pc.match_substring_regex(column, self._special), pc.equal(column, self._dialect.null))
        if pc.any(needs).as_py() is not True:
            return column
        simple = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
        if quotes == "TRIPLE":
            tripled = pc.binary_join_element_wise('"""', column, '"""', "")
            simple = pc.if_else(pc.match_substring(column, '"'), tripled, simple)
        return pc.if_else(needs, simple, column)

    def _one_by_one(self, lines: pa.Array) -> Sequence[Rejected]:
        """Write the rows that the character set has, name the others."""
        rejected = []
        for number, line in enumerate(lines.to_pylist()):
            try:
                self._sink(line.encode(self._dialect.encoding))
            except UnicodeEncodeError as error:
                sign = line[error.start]
                rejected.append(Rejected(number, f"{self._dialect.encoding} has no character {sign!r}."))
        return rejected


def _special(dialect: CsvDialect) -> str:
    """A pattern of what a field cannot hold without quotes."""
    signs = {'"', "\r", "\n", *dialect.separator, *dialect.line_separator}
    return "|".join(re.escape(sign) for sign in sorted(signs))


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        return column
    return column.cast(pa.string())


def _bytes_of(lines: pa.Array) -> bytes:
    """All texts of a column, one after the other, without a copy of each."""
    offsets = lines.buffers()[1]
    first, last = (memoryview(offsets).cast("i")[at] for at in (lines.offset, lines.offset + len(lines)))
    return memoryview(lines.buffers()[2])[first:last].tobytes()
