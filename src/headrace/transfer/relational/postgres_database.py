"""PostgreSQL as a database of migrations: its catalogue, its reads and its statements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import CdmError, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import BATCH_BYTES, BATCH_ROWS
from headrace.transfer.relational.database import Column, Database, Loader, Table
from headrace.transfer.relational.postgres_loading import BinaryCopy, Copy, CopyLoader, TextCopy
from headrace.transfer.relational.postgres_session import Address, stopping, told
from headrace.transfer.relational.postgres_types import arrow_type, assigned, is_binary, new_type, received, selected

_HINT = "adbc.postgresql.batch_size_hint_bytes"
_TABLE = (
    "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relname = %s AND n.nspname = COALESCE(NULLIF(%s, ''), current_schema())"
    " AND c.relkind IN ('r', 'v', 'm', 'f', 'p')"
)
_COLUMNS = (
    "SELECT a.attname, CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)"
    " ELSE format_type(a.atttypid, a.atttypmod) END, a.attnotnull, COALESCE(a.attnum = ANY(i.indkey), false),"
    " COALESCE(col_description(a.attrelid, a.attnum), '')"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
    f" WHERE a.attrelid = ({_TABLE}) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
_TABLES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = COALESCE(NULLIF(?, ''), current_schema()) ORDER BY table_name"
)


class PostgresDatabase(Database):
    """One database. ``text_factor``: by which lengths of text grow in new tables."""

    transactional_ddl = True

    def __init__(self, address: Address, cancellation: Cancellation, text_factor: int = 1) -> None:
        self._address = address
        self._cancellation = cancellation
        self._text_factor = text_factor

    def quoted(self, name: str) -> str:
        """In double quotes. Raises CdmError for what no identifier can hold."""
        if "\0" in name or not name:
            raise CdmError(f"{name!r} is no name of PostgreSQL.")
        return '"' + name.replace('"', '""') + '"'

    def columns(self, table: Table) -> Sequence[Column]:
        """Of a table or view; domains as the types under them."""
        with self._session() as connection:
            found = connection.execute(_COLUMNS, (table.name, table.schema)).fetchall()
        return [
            replace(_column(name, declared), nullable=not needed, key=key, comment=comment)
            for name, declared, needed, key, comment in found
        ]

    def described(self, select: str) -> Sequence[Column]:
        """The columns as the server describes the result."""
        with self._session() as connection:
            cursor = connection.execute(f"SELECT * FROM ({select}\n) source LIMIT 0".encode())
            names = [one.name for one in cursor.description]
            kinds = [(cursor.pgresult.ftype(at), cursor.pgresult.fmod(at)) for at in range(len(names))]
            wanted = ", ".join(f"format_type({kind}, {modifier})" for kind, modifier in kinds)
            (declared,) = connection.execute(f"SELECT {wanted}".encode()).fetchall()
        return [_column(name, one) for name, one in zip(names, declared, strict=True)]

    def tables(self, schema: str) -> Sequence[str]:
        """Tables and views."""
        return [row[0] for row in self.rows(_TABLES, [schema])]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query."""
        with self._session() as connection:
            if not parameters:
                return list(connection.execute(statement.encode()).fetchall())
            text = statement.replace("%", "%%").replace("?", "%s")
            return list(connection.execute(text.encode(), list(parameters)).fetchall())

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """In one transaction."""
        with self._session() as connection, connection.transaction():
            return [max(0, connection.execute(statement.encode()).rowcount) for statement in statements]

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """The server sends rows as they are read: batches are bounded in bytes, whatever ``fetch`` says."""
        schema = [column.type for column in columns]
        with (
            told(self._address, self._cancellation),
            closing(self._address.connect_columns()) as connection,
            closing(connection.cursor()) as cursor,
            stopping(self._cancellation, cursor.adbc_cancel),
        ):
            cursor.adbc_statement.set_options(**{_HINT: str(BATCH_BYTES)})
            cursor.execute(select)
            for batch in cursor.fetch_record_batch():
                if self._cancellation.cancelled:
                    raise RunStopped
                arrays = [received(array, kind) for array, kind in zip(batch.columns, schema, strict=True)]
                whole = pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])
                for begin in range(0, whole.num_rows, BATCH_ROWS):
                    yield whole.slice(begin, BATCH_ROWS)

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """By COPY: in binary form unless a column can only be loaded as text."""
        names = [self.quoted(column.name) for column in columns]
        into = f"{self.qualified(table)} ({', '.join(names)})"
        way: Copy
        if all(is_binary(column) for column in columns):
            values = (assigned(name, column.declared) for name, column in zip(names, columns, strict=True))
            way = BinaryCopy(self._address, table, columns, f"INSERT INTO {into} SELECT {', '.join(values)}")
        else:
            way = TextCopy(self._address, columns, f"COPY {into} FROM STDIN")
        return CopyLoader(self._address, self._cancellation, way)

    def projected(self, column: Column) -> str:
        """Cast to text where the driver would give bytes of the wire."""
        return selected(self.quoted(column.name), column.declared)

    def declared(self, field: pa.Field) -> str:
        """The type of the same values."""
        return new_type(field, self._text_factor)

    def literal(self, value: Any) -> str:
        """With its type where that is not plain from its form."""
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, datetime):
            return f"TIMESTAMP{' WITH TIME ZONE' if value.tzinfo else ''} '{value.isoformat(sep=' ')}'"
        if isinstance(value, date):
            return f"DATE '{value.isoformat()}'"
        if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
            return str(value)
        if isinstance(value, str):
            text = value.replace("'", "''")
            return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"
        raise CdmError(f"{value!r} cannot stand in a statement.")

    def moved(self, table: Table, stage: Table, columns: Sequence[str], conflict: str) -> str:
        """With the primary key as what conflicts; of several rows of one key in the stage the last one counts."""
        plain = super().moved(table, stage, columns, "EXCEPTION")
        if conflict == "EXCEPTION":
            return plain
        if conflict == "IGNORE":
            return f"{plain} ON CONFLICT DO NOTHING"
        known = self.columns(table)
        keys = [column.name for column in known if column.key]
        if not keys or not set(keys) <= set(columns):
            raise CdmError(f"toJobConfig.onConflict: {table} has no primary key among the columns that are written.")
        quoted_keys = ", ".join(self.quoted(key) for key in keys)
        names = ", ".join(self.quoted(name) for name in columns)
        changes = [f"{self.quoted(name)} = EXCLUDED.{self.quoted(name)}" for name in columns if name not in keys]
        if conflict == "REPLACE":
            changes += [f"{self.quoted(one.name)} = DEFAULT" for one in known if one.name not in columns]
        action = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
        return (
            f"INSERT INTO {self.qualified(table)} ({names})"
            f" SELECT DISTINCT ON ({quoted_keys}) {names} FROM {self.qualified(stage)}"
            f" ORDER BY {quoted_keys}, ctid DESC ON CONFLICT ({quoted_keys}) DO {action}"
        )

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """For short work, which may come after a cancellation too: what it left is removed."""
        late = self._cancellation.cancelled
        with (
            told(self._address, None if late else self._cancellation),
            closing(self._address.connect()) as connection,
            nullcontext() if late else stopping(self._cancellation, connection.cancel_safe),
        ):
            yield connection


def _column(name: str, declared: str) -> Column:
    kind = arrow_type(declared)
    return Column(name=name, declared=declared, type=kind, takes=pa.string() if pa.types.is_decimal(kind) else None)
