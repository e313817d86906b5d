"""Hive, and Spark's HiveServer2, as a database of migrations: no transactions, rows go in as INSERT statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import CdmError, SqlFailed, TypeUnsupported
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Rejected
from headrace.transfer.relational.cutting import Refused, load_in_pieces
from headrace.transfer.relational.database import Column, Database, Loader, Table
from headrace.transfer.relational.hive_session import HiveAddress, execute, rows_of, session, told

_FETCH = 10_000  # rows, at least; the server decides
_STATEMENT_ROWS, _STATEMENT_BYTES = 5_000, 4 << 20  # of an INSERT
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_TYPES = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_TEXTS = ("string", "varchar", "char")
_DECLARED: tuple[tuple[Any, str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int8, "tinyint"),
    (pa.types.is_int16, "smallint"),
    (pa.types.is_uint8, "smallint"),
    (pa.types.is_int32, "int"),
    (pa.types.is_uint16, "int"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_uint32, "bigint"),
    (pa.types.is_uint64, "decimal(20,0)"),
    (pa.types.is_float32, "float"),
    (pa.types.is_float64, "double"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_time, "string"),
    (pa.types.is_string, "string"),
    (pa.types.is_large_string, "string"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_large_binary, "binary"),
    (pa.types.is_null, "string"),
    (pa.types.is_nested, "string"),  # as JSON
    (lambda kind: isinstance(kind, pa.UuidType), "string"),
)
MOST_DIGITS = 38
_MISSING = re.compile(r"TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND|Table not found|does not exist|10001")
# What one row can be blamed for. Source: Spark, "Error Conditions"
_OF_A_ROW = re.compile(
    r"\[(EXCEED_LIMIT_LENGTH|CAST_\w+|NUMERIC_\w+|NOT_NULL_ASSERT_VIOLATION|ARITHMETIC_OVERFLOW)[\].]"
)


class HiveDatabase(Database):
    """Tables behind one HiveServer2."""

    def __init__(self, address: HiveAddress, cancellation: Cancellation) -> None:
        self._address = address
        self._cancellation = cancellation

    def quoted(self, name: str) -> str:
        """In backquotes."""
        return "`" + name.replace("`", "``") + "`"

    def columns(self, table: Table) -> Sequence[Column]:
        """Those of partitions too."""
        try:
            rows = self.rows(f"DESCRIBE {self.qualified(table)}")
        except SqlFailed as error:
            if _MISSING.search(error.detail):
                return ()
            raise
        found = []
        for name, declared, *_ in rows:
            if not name or name.startswith("#"):
                break  # facts about partitions follow
            found.append(_column(name.strip(), declared.strip().lower()))
        return found

    def described(self, select: str) -> Sequence[Column]:
        """By asking for no row."""
        with self._session() as cursor:
            execute(cursor, f"SELECT * FROM ({select}\n) described LIMIT 0", self._cancellation)
            return [_column(one[0], _declared(one)) for one in cursor.description]

    def tables(self, schema: str) -> Sequence[str]:
        """Names of the tables of a database."""
        rows = self.rows(f"SHOW TABLES IN {self.quoted(schema or 'default')}")
        return [row[1] if len(row) > 1 else row[0] for row in rows]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query; it takes no parameters."""
        if parameters:
            raise CdmError("Hive takes no parameters in statements.")
        with self._session() as cursor:
            execute(cursor, statement, self._cancellation)
            return rows_of(cursor)

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """One after the other, as there are no transactions; the server does not tell how many rows it was."""
        with self._session() as cursor:
            for statement in statements:
                execute(cursor, statement, self._cancellation)
        return [0] * len(statements)

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """Rows as the server hands them out; decimals, dates and times as their texts."""
        names = [column.name for column in columns]
        types = [_read_as(column.type) for column in columns]
        with self._session() as cursor:
            execute(cursor, select, self._cancellation)
            while rows := cursor.fetchmany(max(fetch, _FETCH)):
                cells = zip(zip(*rows, strict=True), types, strict=True)
                yield pa.RecordBatch.from_arrays([_array(values, kind) for values, kind in cells], names=names)

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """Raises TypeUnsupported for a column of arrays, maps or structs."""
        for column in columns:
            if pa.types.is_string(column.type) and not column.declared.startswith(_TEXTS):
                raise TypeUnsupported(f"{table}.{column.name} is {column.declared}, which is not written.")
        return HiveLoader(self, self._address, self._cancellation, table, columns)

    def projected(self, column: Column) -> str:
        """As it is."""
        return self.quoted(column.name)

    def declared(self, field: pa.Field) -> str:
        """What Hive has for it."""
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_decimal(kind):
            fits_in = kind.precision <= MOST_DIGITS and kind.scale >= 0
            return f"decimal({kind.precision},{kind.scale})" if fits_in else "string"
        for fits, name in _DECLARED:
            if fits(kind):
                return name
        raise TypeUnsupported(f"{field.name}: Hive has no type for {field.type}.")

    def literal(self, value: Any) -> str:
        """Numbers as they are, all else cast from its text."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float | Decimal):
            return str(value)
        kind = "TIMESTAMP" if isinstance(value, datetime) else "DATE" if isinstance(value, date) else "STRING"
        return f"CAST({quoted_text(str(value))} AS {kind})"

    def created(self, table: Table, columns: Sequence[Column], options: str = "") -> str:
        """Without keys and constraints, which Hive does not check."""
        lines = [f"{self.quoted(one.name)} {one.declared}" for one in columns]
        return f"CREATE TABLE {self.qualified(table)} ({', '.join(lines)}){options}"

    def with_schema(self, schema: str) -> str:
        return f"CREATE DATABASE IF NOT EXISTS {self.quoted(schema)}"

    def _session(self) -> AbstractContextManager[Any]:
        return session(self._address, self._cancellation)


class HiveLoader(Loader):
    """``INSERT … SELECT … FROM (VALUES …)``: texts, cast by the server once a column."""

    def __init__(
        self,
        database: HiveDatabase,
        address: HiveAddress,
        cancellation: Cancellation,
        table: Table,
        columns: Sequence[Column],
    ) -> None:
        self._address = address
        self._cancellation = cancellation
        names = ", ".join(database.quoted(column.name) for column in columns)
        aliases = [f"c{number}" for number in range(len(columns))]
        casts = ", ".join(_cast(alias, column) for alias, column in zip(aliases, columns, strict=True))
        self._start = f"INSERT INTO {database.qualified(table)} ({names}) SELECT {casts} FROM (VALUES "
        self._end = f") v({', '.join(aliases)})"
        self._opened = ExitStack()
        self._cursor = self._opened.enter_context(session(address, cancellation))

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """A few thousand rows a statement, each of which is in as a whole or not at all."""
        texts = [_texts(column) for column in batch.columns]
        rows = pc.binary_join_element_wise("(", pc.binary_join_element_wise(*texts, ", "), ")", "")
        rejected: list[Rejected] = []
        for begin, end in _parts(rows):
            part = pa.RecordBatch.from_arrays([rows.slice(begin, end - begin)], names=["row"])
            rejected += [Rejected(begin + row, reason) for row, reason in load_in_pieces(part, self._insert)]
        return rejected

    def _insert(self, piece: pa.RecordBatch) -> None:
        statement = self._start + ", ".join(piece.column(0).to_pylist()) + self._end
        try:
            with told(self._address, self._cancellation):
                execute(self._cursor, statement, self._cancellation)
        except SqlFailed as error:
            if _OF_A_ROW.search(error.detail):
                raise Refused(error.detail) from None
            raise

    def commit(self) -> None:
        """Every statement is committed already."""
        self._opened.close()

    def rollback(self) -> None:
        """What was written stays."""
        self._opened.close()


def quoted_text(text: str) -> str:
    """A text in a statement; ``${…}`` in it is no variable."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024").replace("\0", "\\u0000")
    return f"'{escaped}'"


def _texts(column: pa.Array) -> pa.Array:
    """Values as texts in a statement, NULL where they are null."""
    if pa.types.is_binary(column.type):
        texts = pa.array([None if value is None else value.hex() for value in column.to_pylist()], pa.string())
    else:
        texts = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        texts = pc.replace_substring(pc.replace_substring(texts, "nan", "NaN"), "inf", "Infinity")
    for sign, written in (("\\", "\\\\"), ("'", "\\'"), ("$", "\\u0024"), ("\0", "\\u0000")):
        texts = pc.replace_substring(texts, sign, written)
    quoted = pc.binary_join_element_wise("'", texts, "'", "")
    return pc.fill_null(quoted, "NULL")


def _cast(alias: str, column: Column) -> str:
    """A text column of the statement as a column of the table."""
    if pa.types.is_binary(column.type):
        return f"unhex(CAST({alias} AS STRING))"
    if pa.types.is_boolean(column.type):
        return f"CAST({alias} AS STRING) = 'true'"
    return f"CAST({alias} AS {'STRING' if column.declared.startswith(_TEXTS) else column.declared})"


def _parts(rows: pa.Array) -> Iterator[tuple[int, int]]:
    """Rows that go into one statement."""
    begin = size = 0
    for row, length in enumerate(pc.binary_length(rows).to_pylist()):
        if row > begin and (size + length > _STATEMENT_BYTES or row - begin >= _STATEMENT_ROWS):
            yield begin, row
            begin, size = row, 0
        size += length
    if begin < len(rows):
        yield begin, len(rows)


def _column(name: str, declared: str) -> Column:
    """A column by its declared type; arrays, maps and structs are text."""
    found = _DECIMAL.fullmatch(declared)
    kind = pa.decimal128(int(found[1]), int(found[2])) if found else _TYPES.get(declared, pa.string())
    return Column(name=name, declared=declared, type=kind)


def _declared(described: Sequence[Any]) -> str:
    """The type of a column of a result."""
    kind = str(described[1]).lower()
    return f"decimal({described[4]},{described[5]})" if kind == "decimal" else kind


def _read_as(kind: pa.DataType) -> pa.DataType:
    """What the driver's values of a type are: decimals, dates and times come as texts."""
    as_text = pa.types.is_decimal(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    return pa.string() if as_text else kind


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    return pa.array(values, kind)
