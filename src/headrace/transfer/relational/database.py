"""What a relational system must offer; splits, clearing, automatic tables and staging are built on it once.

Names of tables and columns come from outside: ``quoted`` is the only way into a statement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Rejected


class Table(NamedTuple):
    """A table of a schema; an empty schema is the default one of the connection."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as the catalogue has it.

    ``declared``: its type as the system itself writes it (``numeric(12,2)``); ``type``: what holds its values without
    loss; ``takes``: what a loader takes where that is wider, as for a decimal that may be NaN; ``key``: whether it
    belongs to the primary key.
    """

    name: str
    declared: str
    type: pa.DataType
    takes: pa.DataType | None = None
    nullable: bool = True
    key: bool = False
    comment: str = ""

    def field(self) -> pa.Field:
        """The column in a schema; its declared type travels along for automatic tables."""
        return pa.field(self.name, self.type, self.nullable, {"declared": self.declared, "key": str(int(self.key))})

    def taken(self) -> pa.Field:
        """What a loader takes for it."""
        return pa.field(self.name, self.takes or self.type, self.nullable)


def declared_of(field: pa.Field) -> str:
    """The type of a source's column as its own system writes it; empty where it has none."""
    return str((field.metadata or {}).get(b"declared", b""), "utf-8")


class Loader(ABC):
    """Loads batches into one table over one connection."""

    @abstractmethod
    def load(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Load a batch in bulk and commit it; the rows that were refused.

        The others of the batch are in. Raises CdmError when the connection is lost or the table is gone.
        """

    @abstractmethod
    def commit(self) -> None:
        """Make everything durable and close the connection."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo what is not committed and close the connection."""


class Database(ABC):
    """One database server (or file). Every call may be made from any thread; each uses a connection of its own."""

    transactional_ddl = False  # whether DROP TABLE is part of a transaction

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A name as an identifier of a statement, whatever signs it has."""

    @abstractmethod
    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of a table, in its order; none where there is no such table. Raises CdmError."""

    @abstractmethod
    def described(self, select: str) -> Sequence[Column]:
        """The columns that a SELECT gives. Raises CdmError."""

    @abstractmethod
    def tables(self, schema: str) -> Sequence[str]:
        """Names of the tables of a schema. Raises CdmError."""

    @abstractmethod
    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[tuple[Any, ...]]:
        """All rows of a small query; ``?`` in the statement stands for a parameter. Raises CdmError."""

    @abstractmethod
    def run(self, statements: Sequence[str]) -> Sequence[int]:
        """Run statements in one transaction; how many rows each concerned. Raises CdmError, and then did nothing."""

    @abstractmethod
    def stream(self, select: str, columns: Sequence[Column], fetch: int) -> Iterator[pa.RecordBatch]:
        """The rows of a SELECT of exactly these columns, in batches; a server-side cursor of about ``fetch`` rows.

        ``select`` has been written with ``projected``. Cancelled from another thread when the job stops.
        """

    @abstractmethod
    def loader(self, table: Table, columns: Sequence[Column]) -> Loader:
        """What loads these columns of a table."""

    @abstractmethod
    def projected(self, column: Column) -> str:
        """A column in a select list: as is, or cast to what ``stream`` can carry without loss."""

    @abstractmethod
    def declared(self, field: pa.Field) -> str:
        """The type that a new table gives to a column of a source. Raises TypeUnsupported."""

    @abstractmethod
    def literal(self, value: Any) -> str:
        """A number, text, date or timestamp in a statement (bounds of splits)."""

    def qualified(self, table: Table) -> str:
        """A table in a statement."""
        return ".".join(self.quoted(part) for part in table if part)

    def created(self, table: Table, columns: Sequence[Column], options: str = "") -> str:
        """The statement that makes a table."""
        lines = [f"{self.quoted(one.name)} {one.declared}{'' if one.nullable else ' NOT NULL'}" for one in columns]
        keys = [self.quoted(one.name) for one in columns if one.key]
        lines += [f"PRIMARY KEY ({', '.join(keys)})"] if keys else []
        return f"CREATE TABLE {self.qualified(table)} ({', '.join(lines)}){options}"

    def copied(self, table: Table, like: Table) -> str:
        """The statement that makes an empty table with the columns (and keys) of another."""
        return self.created(table, self.columns(like))

    def moved(self, table: Table, stage: Table, columns: Sequence[str], conflict: str) -> str:
        """The statement that adds the rows of a stage to a table.

        ``conflict``: ``EXCEPTION``, or what else becomes of rows whose key is there: ``IGNORE``, ``UPDATE``,
        ``REPLACE``. Raises CdmError for one that the system cannot do.
        """
        if conflict != "EXCEPTION":
            raise CdmError(f"toJobConfig.onConflict: {conflict!r} is not possible in this system.")
        names = ", ".join(self.quoted(name) for name in columns)
        return f"INSERT INTO {self.qualified(table)} ({names}) SELECT {names} FROM {self.qualified(stage)}"

    def with_schema(self, schema: str) -> str:
        """The statement that makes a schema unless it is there; empty where schemas are not made like this."""
        return f"CREATE SCHEMA IF NOT EXISTS {self.quoted(schema)}"

    def emptied(self, table: Table) -> str:
        """The statement that empties a table."""
        return f"TRUNCATE TABLE {self.qualified(table)}"

    def close(self) -> None:  # noqa: B027
        """Let go of connections."""
