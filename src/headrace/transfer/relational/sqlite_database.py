"""A file of SQLite as a database of migrations.

Everything goes through one driver: two copies of SQLite in one process would take each other's locks away, and the file
would be damaged. Source: SQLite manual, "How To Corrupt An SQLite Database File", 2.2.1.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, DatabaseUnreachable, RunStopped, SqlFailed
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import BATCH_ROWS, Rejected
from headrace.transfer.drivers import driver
from headrace.transfer.relational.cutting import Refused, load_in_pieces
from headrace.transfer.relational.database import Column, Database, Loader, Table
from headrace.transfer.relational.sqlite_types import (
    column_of,
    form,
    new_type,
    received,
    sent,
    stored_type,
)

_LOOKED_AT = 1000  # values of a column of a query
_WAIT = 60  # seconds for another writer of the file
_BATCH = "adbc.sqlite.query.batch_rows"
_SAVEPOINT = "headrace_piece"
_OF_A_ROW = ("constraint failed", "datatype mismatch", "string or blob too big")


class SqliteDatabase(Database):
    """One file; ``create``: made where there is none."""

    transactional_ddl = True

    def __init__(self, path: Path, cancellation: Cancellation, *, create: bool) -> None:
        self._path = path
        self._cancellation = cancellation
        self._create = create
        self._address = f"file:{quote(str(path))}?mode={'rwc' if create else 'ro'}"

    def quoted(self, name: str) -> str:
        """In double quotes. Raises CdmError for what no identifier can hold."""
        if "\0" in name or not name:
            raise CdmError(f"{name!r} is no name of SQLite.")
        return '"' + name.replace('"', '""') + '"'

    def columns(self, table: Table) -> Sequence[Column]:
        """Of a table or view."""
        found = self.rows(
            "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?, COALESCE(NULLIF(?, ''), 'main'))",
            list(table)[::-1],
        )
        return [
            column_of(name, declared, nullable=not (needed or key), key=bool(key))
            for name, declared, needed, key in found
        ]

    def described(self, select: str) -> Sequence[Column]:
        """By the first values of each column, as a result of SQLite has no declared types."""
        with self._session() as cursor:
            cursor.execute(f"SELECT * FROM ({select}\n) LIMIT 0")
            names = [one[0] for one in cursor.description]
            return [column_of(name, stored_type(self._kinds(cursor, select, name))) for name in names]

    def _kinds(self, cursor: Any, select: str, name: str) -> Collection[str]:
        place = self.quoted(name)
        values = f"SELECT {place} FROM ({select}\n) WHERE {place} IS NOT NULL LIMIT {_LOOKED_AT}"
        cursor.execute(f"SELECT DISTINCT typeof({place}) FROM ({values})")
        return {row[0] for row in cursor.fetchall()}

    def tables(self, schema: str) -> Sequence[str]:
        """Tables and views."""
        found = self.rows(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        return [row[0] for row in found]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query."""
        with self._session() as cursor:
            cursor.execute(statement, list(parameters) or None)
            return list(cursor.fetchall())

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """In one transaction."""
        with self._session() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            totals = [_changes(cursor)]
            for statement in statements:
                cursor.execute(statement)
                totals.append(_changes(cursor))
            cursor.execute("COMMIT")
            return [after - before for before, after in pairwise(totals)]

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """Batches as the driver makes them; a first row of our own tells it the types, which it else would guess."""
        first = ", ".join(form(column).first for column in columns)
        names = [column.name for column in columns]
        with _told(self._cancellation), closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{_BATCH: str(BATCH_ROWS)})
            cursor.execute(f"SELECT {first} UNION ALL {select}")
            skip = 1
            for batch in cursor.fetch_record_batch():
                if self._cancellation.cancelled:
                    raise RunStopped
                arrays = [
                    received(array, one.type) for array, one in zip(batch.slice(skip).columns, columns, strict=True)
                ]
                skip = 0
                yield pa.RecordBatch.from_arrays(arrays, names)

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """Inserts whole batches."""
        with _told(self._cancellation):
            return _SqliteLoader(self._connect(), self._cancellation, table, columns)

    def projected(self, column: Column) -> str:
        """Dates and decimals as texts."""
        return form(column).select.format(self.quoted(column.name))

    def declared(self, field: pa.Field) -> str:
        """A type that keeps every value."""
        return new_type(field)

    def literal(self, value: Any) -> str:
        """Dates and timestamps as the texts that they are here."""
        if isinstance(value, datetime):
            return f"'{value.isoformat(sep=' ')}'"
        if isinstance(value, date):
            return f"'{value.isoformat()}'"
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
            return str(value)
        if isinstance(value, str) and "\0" not in value:
            return "'" + value.replace("'", "''") + "'"
        raise CdmError(f"{value!r} cannot stand in a statement.")

    def with_schema(self, schema: str) -> str:
        """A file has the schema ``main``."""
        return ""

    def emptied(self, table: Table) -> str:
        """There is no TRUNCATE."""
        return f"DELETE FROM {self.qualified(table)}"

    def moved(self, table: Table, stage: Table, columns: Sequence[str], conflict: str) -> str:
        """``REPLACE`` removes the old row, ``UPDATE`` keeps what the job does not write."""
        names = ", ".join(self.quoted(name) for name in columns)
        into = f"INTO {self.qualified(table)} ({names}) SELECT {names} FROM {self.qualified(stage)}"
        if conflict != "UPDATE":
            return f"INSERT {'' if conflict == 'EXCEPTION' else f'OR {conflict} '}{into}"
        keys = [column.name for column in self.columns(table) if column.key]
        if not keys or not set(keys) <= set(columns):
            raise CdmError(f"toJobConfig.onConflict: {table} has no primary key among the columns that are written.")
        changes = ", ".join(
            f"{one} = excluded.{one}" for one in map(self.quoted, columns) if one not in map(self.quoted, keys)
        )
        action = f"UPDATE SET {changes}" if changes else "NOTHING"
        return f"INSERT {into} WHERE TRUE ON CONFLICT ({', '.join(map(self.quoted, keys))}) DO {action}"

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """For short work, which may come after a cancellation too: what it left is removed."""
        with _told(None), closing(self._connect()) as connection, closing(connection.cursor()) as cursor:
            yield cursor

    def _connect(self) -> Any:
        """A connection of the driver of columns, each statement a transaction. Raises DatabaseUnreachable."""
        if not (self._path.parent if self._create else self._path).exists():
            raise DatabaseUnreachable(f"{self._path} does not exist.")  # the driver speaks of memory
        connection = driver("adbc_driver_sqlite.dbapi").connect(self._address, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {_WAIT * 1000}")
        return connection


def _changes(cursor: Any) -> int:
    """How many rows the connection has changed so far."""
    cursor.execute("SELECT total_changes()")
    return int(cursor.fetchall()[0][0])


class _SqliteLoader(Loader):
    """A batch is a transaction; what was refused is halved until the bad rows are alone."""

    def __init__(self, connection: Any, cancellation: Cancellation, table: Table, columns: Sequence[Column]) -> None:
        self._cancellation = cancellation
        self._table = table
        self._columns = columns
        self._connection = connection
        self._cursor = connection.cursor()

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows that no constraint refuses, and that have no NaN, which SQLite would make NULL."""
        names = [column.name for column in self._columns]
        rows = pa.RecordBatch.from_arrays([sent(column) for column in batch.columns], names)
        nan = self._nan(rows)
        kept = [row for row in range(rows.num_rows) if row not in nan] if nan else range(rows.num_rows)
        with _told(self._cancellation):
            self._cursor.execute("BEGIN IMMEDIATE")
            found = load_in_pieces(rows.take(pa.array(kept, pa.int64())) if nan else rows, self._piece)
            self._cursor.execute("COMMIT")
        return sorted([*(Rejected(kept[row], reason) for row, reason in found), *nan.values()])

    def _nan(self, rows: pa.RecordBatch) -> dict[int, Rejected]:
        return {
            row: Rejected(row, f"Column {name}: NaN cannot be stored in SQLite.")
            for name, array in zip(rows.schema.names, rows.columns, strict=True)
            if pa.types.is_floating(array.type)
            for row in pc.indices_nonzero(pc.is_nan(array)).to_pylist()
        }

    def _piece(self, piece: pa.RecordBatch) -> None:
        if self._cancellation.cancelled:
            raise RunStopped
        self._cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            self._cursor.adbc_ingest(self._table.name, piece, mode="append")
        except Exception as error:
            reason = _reason(error)
            if not any(words in reason for words in _OF_A_ROW):
                raise
            self._cursor.execute(f"ROLLBACK TO {_SAVEPOINT}")
            raise Refused(reason) from None
        finally:
            self._cursor.execute(f"RELEASE {_SAVEPOINT}")

    def commit(self) -> None:
        """Every batch was committed."""
        self.rollback()

    def rollback(self) -> None:
        """Closing undoes a batch that was cut off."""
        self._cursor.close()
        self._connection.close()


@contextmanager
def _told(cancellation: Cancellation | None) -> Iterator[None]:
    """What the drivers raise, as CdmError; RunStopped where the run was cancelled."""
    if cancellation is not None and cancellation.cancelled:
        raise RunStopped
    try:
        yield
    except (HeadraceError, Refused):
        raise
    except Exception as error:
        if cancellation is not None and cancellation.cancelled:
            raise RunStopped from None
        reason = _reason(error)
        kind = DatabaseUnreachable if "failed to open" in reason or "not a database" in reason else SqlFailed
        raise kind(reason) from error


def _reason(error: Exception) -> str:
    """The first line: the driver adds the statement."""
    return str(error).partition("\n")[0].removeprefix("INTERNAL: failed to execute: ")
