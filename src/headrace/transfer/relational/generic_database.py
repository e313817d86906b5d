"""Any system that SQLAlchemy has a dialect for, as a database of migrations: rows and arrays of Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from headrace.sql.engine import Cancellation
from headrace.transfer.connector import BATCH_ROWS, Rejected
from headrace.transfer.relational.cutting import Refused, load_in_pieces
from headrace.transfer.relational.database import Column, Database, Loader, Table
from headrace.transfer.relational.generic_rows import batches, inferred
from headrace.transfer.relational.generic_session import opened, refused, stopping, told
from headrace.transfer.relational.generic_types import SQLITE, arrow_type, declared_type, new_type

_SAMPLE = 1_000  # rows from which the types of a SELECT are told
_TRUNCATES = frozenset({"oracle", "mssql", "postgresql", "hana"})


class GenericDatabase(Database):
    """One server. ``extra``: of the package, for the driver; ``writes``: columns it fills itself are left out."""

    def __init__(self, url: sa.URL, cancellation: Cancellation, *, extra: str = "", writes: bool = False) -> None:
        self._url = url
        self._cancellation = cancellation
        self._engine = opened(url, extra)
        self._dialect = self._engine.dialect
        self._writes = writes

    def quoted(self, name: str) -> str:
        """Quoted; a name in small letters is one in capitals where the system writes those without quotes so."""
        return str(self._dialect.identifier_preparer.quote_identifier(self._real(name)))

    def _real(self, name: str) -> str:
        return str(self._dialect.denormalize_name(name)) if self._dialect.requires_name_normalize else name

    def _known(self, name: str) -> str | None:
        """A name as SQLAlchemy knows it."""
        real = self._real(name) or None
        return self._dialect.normalize_name(real) if real and self._dialect.requires_name_normalize else real

    def columns(self, table: Table) -> Sequence[Column]:
        """As SQLAlchemy reflects them."""
        schema, name = self._known(table.schema), self._known(table.name)
        with self._connection() as connection:
            inspector = sa.inspect(connection)
            try:
                found = inspector.get_columns(str(name), schema=schema)
                keys = inspector.get_pk_constraint(str(name), schema=schema)["constrained_columns"]
            except NoSuchTableError:
                return []
        return [self._column(one, one["name"] in keys) for one in found if not (self._writes and _is_made(one))]

    def _column(self, found: Any, key: bool) -> Column:
        return Column(
            name=self._real(found["name"]),
            declared=declared_type(found["type"], self._dialect) or "unknown",
            type=arrow_type(found["type"], self._dialect.name),
            nullable=found["nullable"],
            key=key,
            comment=found.get("comment") or "",
        )

    def described(self, select: str) -> Sequence[Column]:
        """By the values of the first rows: drivers tell too little of a SELECT."""
        with self._connection() as connection:
            result = self._executed(connection, f"SELECT * FROM ({select}\n) source")
            names, rows = list(result.keys()), result.fetchmany(_SAMPLE)
            result.close()
        cells = list(zip(*rows, strict=True)) if rows else [() for _ in names]
        return [
            Column(name=self._real(name), declared="", type=inferred(values))
            for name, values in zip(names, cells, strict=True)
        ]

    def tables(self, schema: str) -> Sequence[str]:
        """Names of the tables and views of a schema."""
        known = self._known(schema)
        with self._connection() as connection:
            inspector = sa.inspect(connection)
            return [self._real(one) for one in (*inspector.get_table_names(known), *inspector.get_view_names(known))]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a query."""
        with self._connection() as connection:
            if not parameters:
                return [tuple(row) for row in self._executed(connection, statement)]
            first, *others = statement.replace(":", "\\:").split("?")
            text = first + "".join(f":p{number}{rest}" for number, rest in enumerate(others))
            named = {f"p{number}": value for number, value in enumerate(parameters)}
            return [tuple(row) for row in connection.execute(sa.text(text), named)]

    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """In one transaction, unless the system ends it by itself."""
        with self._connection() as connection:
            counts = [self._executed(connection, statement).rowcount for statement in statements]
            connection.commit()
            return counts

    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """Parts of a result that stays at the server, where the driver can have that."""
        with self._connection() as connection:
            ready = connection.execution_options(stream_results=True, max_row_buffer=fetch)
            with closing(self._executed(ready, select)) as found:
                yield from batches(found.partitions(min(fetch, BATCH_ROWS)), columns)

    def _executed(self, connection: sa.Connection, statement: str) -> sa.CursorResult[Any]:
        return connection.execution_options(no_parameters=True).exec_driver_sql(statement)

    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """Arrays of rows."""
        with self._connection() as connection:
            found = sa.inspect(connection).get_columns(str(self._known(table.name)), schema=self._known(table.schema))
        reflected = {self._real(one["name"]): one for one in found}
        name = self.qualified(table)
        names = ", ".join(self.quoted(column.name) for column in columns)
        places = ", ".join(f":c{number}" for number in range(len(columns)))
        insert = sa.text(f"INSERT INTO {_escaped(name)} ({_escaped(names)}) VALUES ({places})").bindparams(
            *(
                sa.bindparam(f"c{number}", type_=self._bound(reflected[column.name]["type"]))
                for number, column in enumerate(columns)
            )
        )
        numbered = any(reflected[column.name].get("identity") for column in columns)
        before = f"SET IDENTITY_INSERT {name} ON" if numbered and self._dialect.name == "mssql" else ""
        with told(self._url, self._cancellation):
            return _ArrayLoader(self._engine, self._cancellation, insert, before)

    def _bound(self, kind: Any) -> Any:
        """Decimals go as they are where the driver would make floats of them."""
        return sa.types.NullType() if isinstance(kind, sa.Numeric) and self._dialect.name == SQLITE else kind

    def projected(self, column: Column) -> str:
        """As it is; Oracle's moments in UTC, as its driver drops zones."""
        name = self.quoted(column.name)
        zoned = pa.types.is_timestamp(column.type) and column.type.tz
        return f"SYS_EXTRACT_UTC({name})" if zoned and self._dialect.name == "oracle" else name

    def declared(self, field: pa.Field) -> str:
        """The type that a new table gives to a column."""
        return declared_type(new_type(field, self._dialect), self._dialect)

    def literal(self, value: Any) -> str:
        """As the dialect writes it."""
        kind: Any = sa.DateTime() if isinstance(value, datetime) else sa.Date() if isinstance(value, date) else None
        if kind is None and not isinstance(value, str):
            return str(int(value) if isinstance(value, bool) and self._dialect.name != "postgresql" else value)
        made = sa.literal(value, kind or sa.String()).compile(
            dialect=self._dialect, compile_kwargs={"literal_binds": True}
        )
        return str(made)

    def with_schema(self, schema: str) -> str:
        """Schemas of these systems are users, or made by hand."""
        return f"CREATE SCHEMA IF NOT EXISTS {self.quoted(schema)}" if self._dialect.name == "postgresql" else ""

    def emptied(self, table: Table) -> str:
        """TRUNCATE where the system has it in its plain form."""
        word = "TRUNCATE TABLE" if self._dialect.name in _TRUNCATES else "DELETE FROM"
        return f"{word} {self.qualified(table)}"

    def close(self) -> None:
        """Let go of the engine."""
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        with (
            told(self._url, self._cancellation),
            self._engine.connect() as connection,
            stopping(self._cancellation, connection),
        ):
            yield connection

    @cached_property
    def version(self) -> str:
        """The kind of system and its version."""
        with self._connection():
            found = self._dialect.server_version_info or ()
            return " ".join((self._dialect.name, ".".join(map(str, found)))).strip()


def _escaped(names: str) -> str:
    """Names in a statement of SQLAlchemy, where a colon begins a parameter."""
    return names.replace(":", "\\:")


def _is_made(column: Any) -> bool:
    identity = column.get("identity") or {}
    return bool(column.get("computed") or identity.get("always"))


class _ArrayLoader(Loader):
    """One connection; each piece of a batch is a transaction. ``before``: a statement of the session, or nothing."""

    def __init__(self, engine: sa.Engine, cancellation: Cancellation, insert: sa.TextClause, before: str) -> None:
        self._url = engine.url
        self._cancellation = cancellation
        self._insert = insert
        self._connection = engine.connect()
        if before:
            self._connection.exec_driver_sql(before)
            self._connection.commit()

    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows that the system takes; each other with its reason."""
        keyed = batch.rename_columns([f"c{number}" for number in range(batch.num_columns)])
        with told(self._url, self._cancellation), stopping(self._cancellation, self._connection):
            return load_in_pieces(keyed, self._piece)

    def _piece(self, piece: pa.RecordBatch) -> None:
        if not piece.num_rows:
            return
        try:
            self._connection.execute(self._insert, piece.to_pylist())
        except (SQLAlchemyError, OverflowError) as error:
            self._connection.rollback()
            if isinstance(error, OverflowError):
                raise Refused(str(error)) from None
            row = refused(self._url, self._connection.dialect.name, error)
            if row is None or self._cancellation.cancelled:
                raise
            raise row from None
        self._connection.commit()

    def commit(self) -> None:
        """Every batch is committed already."""
        self._connection.close()

    def rollback(self) -> None:
        """Undo what is not committed."""
        self._connection.close()
