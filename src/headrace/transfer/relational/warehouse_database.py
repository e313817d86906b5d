"""The embedded engine of a workspace as a database of migrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from headrace.errors_cdm import CdmError, SqlFailed, TypeUnsupported
from headrace.sql.catalog import CATALOG, MAIN
from headrace.sql.catalog import literal as text_literal
from headrace.sql.catalog import quoted as quoted_name
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.sql.introspection import EngineCatalog
from headrace.transfer.connector import BATCH_ROWS, Rejected, Surroundings
from headrace.transfer.relational.database import Column, Database, Loader, Table

_DEFAULT = ("", "default")  # databases that are the engine's main schema
_TYPES: tuple[tuple[Any, str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_int8, "TINYINT"),
    (pa.types.is_int16, "SMALLINT"),
    (pa.types.is_int32, "INTEGER"),
    (pa.types.is_int64, "BIGINT"),
    (pa.types.is_uint8, "UTINYINT"),
    (pa.types.is_uint16, "USMALLINT"),
    (pa.types.is_uint32, "UINTEGER"),
    (pa.types.is_uint64, "UBIGINT"),
    (pa.types.is_float32, "FLOAT"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (pa.types.is_binary, "BLOB"),
    (pa.types.is_large_binary, "BLOB"),
    (pa.types.is_string, "VARCHAR"),
    (pa.types.is_large_string, "VARCHAR"),
    (pa.types.is_null, "VARCHAR"),
    (pa.types.is_nested, "VARCHAR"),  # as JSON
    (lambda kind: isinstance(kind, pa.UuidType), "VARCHAR"),
)
MOST_DIGITS = 38  # of a decimal


class WarehouseDatabase(Database):
    """The embedded engine as a database: its schemas are the databases of the warehouse."""

    transactional_ddl = True

    def __init__(self, surroundings: Surroundings) -> None:
        self._engine = _embedded(surroundings.open_sql())
        self._cancellation = surroundings.cancellation

    def quoted(self, name: str) -> str:
        """In double quotes."""
        return quoted_name(name)

    def qualified(self, table: Table) -> str:
        """With the catalog, as the engine has several."""
        return f"{CATALOG}.{quoted_name(_schema(table))}.{quoted_name(table.name)}"

    def with_schema(self, schema: str) -> str:
        """Databases are made as they are named."""
        return f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{quoted_name(_schema(Table(schema, '')))}"

    def columns(self, table: Table) -> Sequence[Column]:
        """Of a table that keeps rows. Raises CdmError for a view or an external table."""
        with self._cursor() as cursor:
            facts = EngineCatalog(cursor).table(_schema(table), table.name)
            if facts is None:
                return ()
            if facts.location is not None or (facts.query is not None and not facts.keeps_rows):
                raise CdmError(f"{table}: is an external table or a view, which migrations do not read or write.")
            return self._described(cursor, f"SELECT * FROM {self.qualified(table)}")

    def described(self, select: str) -> Sequence[Column]:
        """The columns of a SELECT in the engine's own dialect."""
        with self._cursor() as cursor:
            return self._described(cursor, select)

    def _described(self, cursor: duckdb.DuckDBPyConnection, select: str) -> Sequence[Column]:
        result = cursor.execute(f"SELECT * FROM ({select}\n) LIMIT 0")
        declared = [str(kind) for _, kind, *_ in result.description or ()]
        schema = result.to_arrow_reader().schema
        return [
            Column(name=field.name, declared=kind, type=field.type)
            for field, kind in zip(schema, declared, strict=True)
        ]

    def tables(self, schema: str) -> Sequence[str]:
        """Names of the tables of a database."""
        found = self.rows(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?",
            [CATALOG, _schema(Table(schema, ""))],
        )
        return [row[0] for row in found]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query."""
        with self._cursor() as cursor:
            return cursor.execute(statement, list(parameters)).fetchall()

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """In one transaction."""
        counts = []
        with self._cursor() as cursor:
            cursor.execute("BEGIN")
            for statement in statements:
                found = cursor.execute(statement).fetchall()
                counts.append(found[0][0] if found and isinstance(found[0][0], int) else 0)
            cursor.execute("COMMIT")
        return counts

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """Batches as the engine makes them."""
        with self._cursor() as cursor:
            yield from cursor.execute(select).to_arrow_reader(BATCH_ROWS)

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """Inserts whole batches."""
        names = ", ".join(self.quoted(column.name) for column in columns)
        statement = f"INSERT INTO {self.qualified(table)} ({names}) SELECT * FROM incoming"
        return _BatchLoader(self._engine.cursor(), statement, self._cancellation)

    def projected(self, column: Column) -> str:
        """As it is: the engine gives every type of its own as Arrow."""
        return self.quoted(column.name)

    def declared(self, field: pa.Field) -> str:
        """The engine's type of a column."""
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_decimal(kind):
            if kind.precision > MOST_DIGITS:
                return "VARCHAR"
            return f"DECIMAL({kind.precision},{kind.scale})"
        if pa.types.is_timestamp(kind):
            return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
        for fits, name in _TYPES:
            if fits(kind):
                return name
        raise TypeUnsupported(f"{field.name}: {kind} has no type in the embedded engine.")

    def literal(self, value: Any) -> str:
        """A number, a date or a timestamp."""
        if isinstance(value, datetime):
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        if isinstance(value, date):
            return f"DATE '{value.isoformat()}'"
        return text_literal(value) if isinstance(value, str) else str(value)

    def emptied(self, table: Table) -> str:
        """A DELETE, which a transaction may hold."""
        return f"DELETE FROM {self.qualified(table)}"

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with closing(self._engine.cursor()) as cursor, self._cancellation.calling(cursor.interrupt), told():
            yield cursor


class _BatchLoader(Loader):
    def __init__(self, cursor: duckdb.DuckDBPyConnection, statement: str, cancellation: Cancellation) -> None:
        self._cursor = cursor
        self._statement = statement
        self._cancellation = cancellation

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows, or those that no constraint refuses."""
        try:
            self._insert(batch)
        except duckdb.ConstraintException:
            return self._one_by_one(batch)
        return ()

    def _insert(self, batch: pa.RecordBatch) -> None:
        self._cursor.register("incoming", pa.table(batch))
        try:
            with self._cancellation.calling(self._cursor.interrupt), told(but=duckdb.ConstraintException):
                self._cursor.execute(self._statement)
        finally:
            self._cursor.unregister("incoming")

    def _one_by_one(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Halves of a batch, until the refused rows are alone."""
        refused: list[Rejected] = []
        parts = [(0, batch.num_rows)]
        while parts:
            begin, size = parts.pop()
            try:
                self._insert(batch.slice(begin, size))
            except duckdb.ConstraintException as error:
                if size == 1:
                    refused.append(Rejected(begin, str(error)))
                else:
                    half = size // 2
                    parts += [(begin + half, size - half), (begin, half)]
        return sorted(refused)

    def commit(self) -> None:
        """Every batch is committed already."""
        self._cursor.close()

    def rollback(self) -> None:
        """What was committed stays."""
        self._cursor.close()


@contextmanager
def told(but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """What the engine raises, as SqlFailed; ``but`` one kind."""
    try:
        yield
    except but:
        raise
    except duckdb.Error as error:
        raise SqlFailed(str(error).replace(f"{CATALOG}.", "")) from error


def _schema(table: Table) -> str:
    return MAIN if table.schema.lower() in _DEFAULT else table.schema


def _embedded(engine: SqlEngine) -> EmbeddedEngine:
    if not isinstance(engine, EmbeddedEngine):
        raise CdmError("The workspace has no embedded engine.")
    return engine
