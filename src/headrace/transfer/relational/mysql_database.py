"""MySQL, MariaDB and DDM as a database of migrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
from pymysql.constants import FIELD_TYPE, FLAG

from headrace.errors_cdm import CdmError
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import BATCH_BYTES, BATCH_ROWS
from headrace.transfer.relational.database import Column, Database, Loader, Table
from headrace.transfer.relational.mysql_address import Habits, MySqlAddress
from headrace.transfer.relational.mysql_loading import FileLoader, InsertLoader
from headrace.transfer.relational.mysql_reading import batches
from headrace.transfer.relational.mysql_session import connect, described_result, drop, kill, stopping, told
from headrace.transfer.relational.mysql_types import declared_type, type_of
from headrace.transfer.relational.mysql_wire import Rows

_COLUMNS = (
    "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, NUMERIC_PRECISION, NUMERIC_SCALE,"
    " COLUMN_COMMENT, COALESCE(GENERATION_EXPRESSION, '') <> '' FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = COALESCE(NULLIF(?, ''), DATABASE()) AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION"
)
_TABLES = (
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = COALESCE(NULLIF(?, ''), DATABASE())"
    " AND TABLE_TYPE <> 'SYSTEM VIEW'"
)
_ENGINE = (
    "SELECT COALESCE(e.TRANSACTIONS, 'YES') FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e"
    " ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = COALESCE(NULLIF(?, ''), DATABASE()) AND t.TABLE_NAME = ?"
)
_COUNTED = (
    "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = COALESCE(NULLIF(?, ''), DATABASE())"
    " AND TABLE_NAME = ? AND EXTRA LIKE '%auto_increment%'"
)
_NEW_TABLE = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4"
_BINARY = 63  # number of the character set that is none
_NAMES = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
}


class MySqlDatabase(Database):
    """One server; a schema is one of its databases."""

    def __init__(self, address: MySqlAddress, cancellation: Cancellation, habits: Habits | None = None) -> None:
        self._address = address
        self._cancellation = cancellation
        self._habits = habits or Habits()

    def quoted(self, name: str) -> str:
        """In backticks."""
        return f"`{name.replace('`', '``')}`"

    def columns(self, table: Table) -> Sequence[Column]:
        """Of the catalogue of the server."""
        return [self._column(*row[:-1]) for row in self.rows(_COLUMNS, table) if not (self._habits.writes and row[-1])]

    def _column(
        self, name: str, kind: str, declared: str, nullable: str, key: str, precision: int, scale: int, comment: str
    ) -> Column:
        return Column(
            name=name,
            declared=declared,
            type=self._type(kind, declared, precision or 0, scale or 0),
            takes=pa.string() if kind.lower() == "time" else None,  # which goes beyond a day
            nullable=nullable == "YES",
            key=key == "PRI",
            comment=comment,
        )

    def _type(self, kind: str, declared: str, precision: int, scale: int) -> pa.DataType:
        return type_of(kind, declared, precision, scale, bool_is_tiny=self._habits.bool_is_tiny)

    def described(self, select: str) -> Sequence[Column]:
        """As the server describes the result of the SELECT."""
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({select}\n) source LIMIT 0")
            fields = cursor._result.fields  # the driver shows lengths and flags only there
        return [self._described(field) for field in fields]

    def _described(self, field: Any) -> Column:
        name = _NAMES.get(field.type_code) or ("varbinary" if field.charsetnr == _BINARY else "varchar")
        unsigned = bool(field.flags & FLAG.UNSIGNED)
        precision, declared = field.length, name + " unsigned" * unsigned
        if name == "decimal":
            precision -= (field.scale > 0) + (not unsigned)
            declared = f"decimal({precision},{field.scale})"
        elif name == "tinyint" and field.length == 1:
            declared = "tinyint(1)"
        return Column(
            name=field.name,
            declared=declared,
            type=self._type(name, declared, precision, field.scale),
            nullable=not field.flags & FLAG.NOT_NULL,
        )

    def tables(self, schema: str) -> Sequence[str]:
        """Names of the tables and views of a database."""
        return [row[0] for row in self.rows(_TABLES, [schema])]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query."""
        text = statement.replace("%", "%%").replace("?", "%s") if parameters else statement
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute(text, tuple(parameters) or None)
            fields = cursor._result.fields if cursor.description else ()
            bits = {number: field.flags for number, field in enumerate(fields) if field.type_code == FIELD_TYPE.BIT}
            found = [tuple(row) for row in cursor.fetchall()]
        return [tuple(_bits(cell, bits.get(at)) for at, cell in enumerate(row)) for row in found] if bits else found

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """In one transaction, unless one of them ends it: those that make and drop tables do."""
        with self._connection() as connection:
            connection.begin()
            counts = [connection.query(statement) for statement in statements]
            connection.commit()
            return counts

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """As the server sends them; ``fetch`` is not needed, as nothing is kept here."""
        with told(self._address, self._cancellation):
            connection = connect(self._address, raw=True)
            complete = False
            try:
                with stopping(self._cancellation, self._address, connection):
                    rows = Rows(described_result(connection, select), len(columns))
                    yield from batches(rows.columns(BATCH_ROWS, BATCH_BYTES), columns)
                    complete = True
            finally:
                if not complete and not self._cancellation.cancelled:
                    kill(self._address, connection)
                drop(connection)

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """A file where the server takes one, else inserts."""
        name, named = self.qualified(table), [(self.quoted(column.name), column) for column in columns]
        found = self.rows(_ENGINE, table)
        transactional = not found or found[0][0] == "YES"
        if self._habits.native and self._takes_files and transactional:
            counted = next((row[0] for row in self.rows(_COUNTED, table)), "")
            return FileLoader(self._address, self._cancellation, name, named, counted)
        limit = self.rows("SELECT @@max_allowed_packet")[0][0]
        return InsertLoader(self._address, self._cancellation, name, named, limit=limit, transactional=transactional)

    @cached_property
    def _takes_files(self) -> bool:
        return bool(self.rows("SELECT @@local_infile")[0][0])

    def projected(self, column: Column) -> str:
        """As is, but: all digits of a FLOAT, bits as a number, moments without a zone between."""
        name = self.quoted(column.name)
        kind = column.type
        if self._habits.zero_is_null and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            name = f"NULLIF({name}, 0)"
        if pa.types.is_float32(kind):
            return f"{name} + 0e0"
        if column.declared.lower().startswith("bit"):
            return f"{name} + 0"
        return f"UNIX_TIMESTAMP({name})" if pa.types.is_timestamp(kind) and kind.tz else name

    def declared(self, field: pa.Field) -> str:
        """The type that a new table gives to a column."""
        return declared_type(field, self._habits.text_factor)

    def literal(self, value: Any) -> str:
        """A number, text, date or timestamp."""
        if isinstance(value, datetime):
            return f"'{value.isoformat(sep=' ')}'"
        if isinstance(value, date):
            return f"'{value.isoformat()}'"
        if isinstance(value, str):
            return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)" if value else "''"
        return str(value)

    def created(self, table: Table, columns: Sequence[Column], options: str = "") -> str:
        """With transactions, for every sign; a TIMESTAMP without a rule of its own."""
        lines = [f"{self.quoted(one.name)} {one.declared} {'NULL' if one.nullable else 'NOT NULL'}" for one in columns]
        keys = [self.quoted(one.name) for one in columns if one.key]
        lines += [f"PRIMARY KEY ({', '.join(keys)})"] if keys else []
        return f"CREATE TABLE {self.qualified(table)} ({', '.join(lines)}){_NEW_TABLE}{options}"

    def copied(self, table: Table, like: Table) -> str:
        """By the server itself."""
        return f"CREATE TABLE {self.qualified(table)} LIKE {self.qualified(like)}"

    def moved(self, table: Table, stage: Table, columns: Sequence[str], conflict: str) -> str:
        """Rows whose key is there are an error, left out, take over the row, or replace it."""
        names = ", ".join(self.quoted(name) for name in columns)
        word = "REPLACE" if conflict == "REPLACE" else "INSERT"
        moved = f"{word} INTO {self.qualified(table)} ({names}) SELECT {names} FROM {self.qualified(stage)} stage"
        if conflict in ("EXCEPTION", "REPLACE"):
            return moved
        if conflict not in ("IGNORE", "UPDATE"):
            raise CdmError(f"toJobConfig.onConflict: {conflict!r} is not possible in MySQL.")
        changed = columns if conflict == "UPDATE" else columns[:1]
        of = "stage" if conflict == "UPDATE" else self.qualified(table)
        assignments = ", ".join(
            f"{self.qualified(table)}.{self.quoted(one)} = {of}.{self.quoted(one)}" for one in changed
        )
        return f"{moved} ON DUPLICATE KEY UPDATE {assignments}"

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with (
            told(self._address, self._cancellation),
            closing(connect(self._address)) as connection,
            stopping(self._cancellation, self._address, connection),
        ):
            yield connection


def _bits(cell: Any, flags: int | None) -> Any:
    """Bits as a number: a column gives them as bytes, what is computed of it as digits."""
    if flags is None or cell is None:
        return cell
    return int(cell) if flags & FLAG.BINARY else int.from_bytes(cell, "big")
