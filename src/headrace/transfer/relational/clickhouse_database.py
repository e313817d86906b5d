"""ClickHouse as a database of migrations: streams of Arrow over HTTP, both ways, without a driver."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import SqlFailed, TypeUnsupported
from headrace.transfer.connector import BATCH_ROWS, Rejected
from headrace.transfer.relational.clickhouse_session import Answered, ClickHouse, WholeStream
from headrace.transfer.relational.clickhouse_types import (
    arrow_type,
    bare,
    is_composed,
    is_nullable,
    most_days_or_seconds,
    new_type,
    selected,
)
from headrace.transfer.relational.cutting import Refused, load_in_pieces
from headrace.transfer.relational.database import Column, Database, Loader, Table

_COLUMNS = (
    "SELECT name, type, is_in_primary_key, comment, default_kind FROM system.columns"
    " WHERE database = if(? = '', currentDatabase(), ?) AND table = ? ORDER BY position"
)
_TABLES = "SELECT name FROM system.tables WHERE database = if(? = '', currentDatabase(), ?)"
_MADE = ("MATERIALIZED", "ALIAS")  # columns that are not written
_READING = {"output_format_arrow_string_as_string": "0", "max_block_size": str(BATCH_ROWS)}
# What must not be bent: NULL is no default, times beyond a type's range are none, equal blocks are no duplicates
_WRITING = {
    "input_format_null_as_default": "0",
    "date_time_overflow_behavior": "throw",
    "insert_deduplicate": "0",
    "async_insert": "0",
}
# Numbers of errors that one row can be blamed for: values that cannot be parsed, converted or hold no constraint
_OF_A_ROW = frozenset(
    {6, 26, 27, 32, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 376, 395, 407, 441, 443, 469, 675, 676, 691}
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ClickHouseDatabase(Database):
    """One server; a schema is one of its databases. ``writes``: columns that it makes itself are left out."""

    def __init__(self, server: ClickHouse, *, writes: bool = False) -> None:
        self._server = server
        self._writes = writes

    def quoted(self, name: str) -> str:
        """In backticks."""
        return "`{}`".format(name.replace("\\", "\\\\").replace("`", "\\`"))

    def columns(self, table: Table) -> Sequence[Column]:
        """As the server lists them."""
        schema, name = table
        return [
            self._column(found, declared, bool(key), comment)
            for found, declared, key, comment, made in self.rows(_COLUMNS, [schema, schema, name])
            if not (self._writes and made in _MADE)
        ]

    def _column(self, name: str, declared: str, key: bool = False, comment: str = "") -> Column:
        return Column(
            name=name,
            declared=declared,
            type=arrow_type(declared),
            nullable=is_nullable(declared),
            key=key,
            comment=comment,
        )

    def described(self, select: str) -> Sequence[Column]:
        """As the server describes the result of the SELECT."""
        found = self._meta(f"SELECT * FROM ({select}\n) source LIMIT 0")["meta"]
        return [self._column(one["name"], one["type"]) for one in found]

    def tables(self, schema: str) -> Sequence[str]:
        """Names of the tables and views of a database."""
        return [row[0] for row in self.rows(_TABLES, [schema, schema])]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query."""
        first, *others = statement.split("?") if parameters else [statement]
        text = first + "".join(f"{{p{number}:String}}{rest}" for number, rest in enumerate(others))
        found = self._meta(text, {f"param_p{number}": str(value) for number, value in enumerate(parameters)})
        readers = [_reader(one["type"]) for one in found["meta"]]
        return [
            tuple(None if cell is None else read(cell) for read, cell in zip(readers, row, strict=True))
            for row in found["data"]
        ]

    def _meta(self, statement: str, settings: dict[str, str] | None = None) -> Any:
        given = {"date_time_output_format": "unix_timestamp", "output_format_json_quote_64bit_integers": "1"}
        given |= {"output_format_json_quote_decimals": "1", "output_format_json_quote_denormals": "1"}
        with self._told():
            return json.loads(self._server.ask(f"{statement}\nFORMAT JSONCompact", given | (settings or {})))

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """One after the other: the server has no transactions."""
        with self._told():
            for statement in statements:
                self._server.ask(statement)
        return [0] * len(statements)

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """Blocks of the server; ``fetch`` is not needed, as nothing is kept here."""
        with self._told(), self._server.asked(f"{select}\nFORMAT ArrowStream", _READING) as body:
            whole = WholeStream(body)
            try:
                with pa.ipc.open_stream(pa.PythonFile(whole, "r")) as reader:
                    for batch in reader:
                        if batch.num_rows:
                            yield _typed(batch, columns)
            except pa.ArrowInvalid as error:
                raise SqlFailed(f"The server broke off in the middle of the rows: {error}") from error
            whole.ended()

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """An INSERT a batch. Raises TypeUnsupported for columns of arrays, maps and tuples."""
        for column in columns:
            if is_composed(column.declared):
                raise TypeUnsupported(f"Column {column.name!r}: {column.declared} is read as JSON, but not written.")
        names = ", ".join(self.quoted(column.name) for column in columns)
        return _StreamLoader(self._server, f"INSERT INTO {self.qualified(table)} ({names}) FORMAT ArrowStream", columns)

    def projected(self, column: Column) -> str:
        """As what Arrow holds: moments in UTC, what it has no type for as text."""
        return selected(self.quoted(column.name), column.declared)

    def declared(self, field: pa.Field) -> str:
        """The type that a new table gives to a column."""
        return new_type(field)

    def literal(self, value: Any) -> str:
        """A number, text, date or timestamp."""
        if isinstance(value, datetime):
            moment = value.astimezone(UTC) if value.tzinfo else value
            return f"toDateTime64('{moment.replace(tzinfo=None).isoformat(sep=' ')}', 6, 'UTC')"
        if isinstance(value, date):
            return f"toDate32('{value.isoformat()}')"
        return _text(value) if isinstance(value, str) else str(value)

    def created(self, table: Table, columns: Sequence[Column], options: str = "") -> str:
        """A MergeTree in the order of its keys."""
        lines = [
            f"{self.quoted(one.name)} {one.declared}"
            if not one.nullable or is_nullable(one.declared) or is_composed(one.declared)
            else f"{self.quoted(one.name)} Nullable({one.declared})"
            for one in columns
        ]
        keys = ", ".join(self.quoted(one.name) for one in columns if one.key and not one.nullable)
        order = f"({keys})" if keys else "tuple()"
        return f"CREATE TABLE {self.qualified(table)} ({', '.join(lines)}) ENGINE = MergeTree ORDER BY {order}{options}"

    def with_schema(self, schema: str) -> str:
        """A database."""
        return f"CREATE DATABASE IF NOT EXISTS {self.quoted(schema)}"

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Answered as error:
            raise error.as_cdm(self._server.target) from None


class _StreamLoader(Loader):
    """A batch is one block of one INSERT, which the server takes as a whole or not at all."""

    def __init__(self, server: ClickHouse, statement: str, columns: Sequence[Column]) -> None:
        self._server = server
        self._statement = statement
        self._columns = columns

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows that the server takes; each other with its reason."""
        beyond = self._beyond(batch)
        if not beyond:
            return load_in_pieces(batch, self._piece)
        kept = [row for row in range(batch.num_rows) if row not in beyond]
        found = load_in_pieces(batch.take(pa.array(kept, pa.int64())), self._piece)
        return sorted([*(Rejected(kept[row], reason) for row, reason in found), *beyond.values()])

    def _beyond(self, batch: pa.RecordBatch) -> dict[int, Rejected]:
        """Rows with dates and moments that the server would move to the end of what a column holds."""
        found: dict[int, Rejected] = {}
        for column, array in zip(self._columns, batch.columns, strict=True):
            most = most_days_or_seconds(column.declared)
            if most is None:
                continue
            numbers = array.cast(pa.int32() if pa.types.is_date(array.type) else pa.int64())
            outside = pc.fill_null(pc.or_(pc.less(numbers, 0), pc.greater(numbers, most)), False)
            for row in pc.indices_nonzero(outside).to_pylist():
                reason = f"Column {column.name!r}: {array[row].as_py()} does not fit {bare(column.declared)}."
                found.setdefault(row, Rejected(row, reason))
        return found

    def _piece(self, piece: pa.RecordBatch) -> None:
        if not piece.num_rows:
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, piece.schema) as writer:
            writer.write_batch(piece)
        try:
            self._server.ask(self._statement, _WRITING, sink.getvalue().to_pybytes())
        except Answered as error:
            told = error.as_cdm(self._server.target)
            if error.code in _OF_A_ROW:
                raise Refused(self._server.target.masked(str(error))) from None
            raise told from None

    def commit(self) -> None:
        """Every batch is in already."""

    def rollback(self) -> None:
        """There are no transactions."""


def _typed(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    arrays = [_as(array, column.type) for array, column in zip(batch.columns, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def _as(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column as its type; texts that are none stay bytes."""
    try:
        return array if array.type == kind else array.cast(kind)
    except pa.ArrowInvalid:
        return array


def _reader(declared: str) -> Callable[[Any], Any]:
    """How a cell of JSON becomes a value of Python."""
    kind = arrow_type(declared)
    if pa.types.is_integer(kind):
        return int
    if pa.types.is_timestamp(kind):
        return lambda cell: _EPOCH + timedelta(microseconds=int(Decimal(cell) * 1_000_000))
    readers: tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...] = (
        (pa.types.is_floating, float),
        (pa.types.is_decimal, Decimal),
        (pa.types.is_date, date.fromisoformat),
        (pa.types.is_boolean, bool),
    )
    return next((read for fits, read in readers if fits(kind)), str)


def _text(value: str) -> str:
    return "'{}'".format(value.replace("\\", "\\\\").replace("'", "\\'"))
