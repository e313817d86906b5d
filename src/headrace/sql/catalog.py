"""What the translator must know of the tables that exist, and how warehouse names become the engine's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlglot import exp

from headrace.sql.dialects import Dialect
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.objects import Publication, TableObjects

CATALOG = "headrace_workspace"  # the attached file; every table name is written in full, so USE needs no engine state
MAIN = "main"  # the schema that stands for the default database


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """A table of the workspace: its columns and what its dialect said beyond them."""

    columns: Mapping[str, str]  # name -> DuckDB type, in order
    partition_columns: tuple[str, ...] = ()
    storage: Mapping[str, Any] = field(default_factory=dict)  # format, location, delimiter ... as declared
    comment: str = ""

    @property
    def location(self) -> str | None:
        """The obs:// path of an external table."""
        return self.storage.get("location")

    @property
    def query(self) -> str | None:
        """The DuckDB query of a view over external tables, or of a materialized view; tables by their full names."""
        return self.storage.get("query")

    @property
    def keeps_rows(self) -> bool:
        """Whether it is a materialized view."""
        return bool(self.storage.get("keeps_rows"))

    def recorded(self) -> str:
        """The form in which the engine keeps this beside the table (its comment)."""
        facts = {"partition_columns": list(self.partition_columns), "storage": dict(self.storage)}
        return json.dumps({"headrace": facts, "comment": self.comment}, ensure_ascii=False)

    @classmethod
    def read(cls, columns: Mapping[str, str], recorded: str | None) -> TableFacts:
        """Of a table's columns and its comment."""
        facts = _facts(recorded)
        if facts is None:
            return cls(columns=columns, comment=recorded or "")
        return cls(
            columns=columns,
            partition_columns=tuple(facts["headrace"]["partition_columns"]),
            storage=facts["headrace"]["storage"],
            comment=facts["comment"],
        )


def _facts(recorded: str | None) -> dict[str, Any] | None:
    if not recorded or not recorded.startswith('{"headrace":'):
        return None
    try:
        facts: dict[str, Any] = json.loads(recorded)
    except ValueError:  # a comment somebody wrote that only looks like ours
        return None
    return facts


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or view as the engine keeps it."""

    schema: str
    name: str
    is_view: bool
    definition: str  # the DuckDB statement that makes it
    comment: str | None
    column_comments: Mapping[str, str] = field(default_factory=dict)


class Catalog(Protocol):
    """The tables that exist now."""

    def table(self, schema: str, name: str) -> TableFacts | None:
        """The facts of a table, or of a view over external tables; None for other views and what does not exist."""

    def relations(self) -> Sequence[Relation]:
        """Every table and view of the workspace, in the order in which they were made."""

    def has_schema(self, schema: str) -> bool:
        """Whether there is a schema of that name."""

    def has_sequence(self, name: str) -> bool:
        """Whether the default schema has a sequence of that name."""

    def text_of(self, constant: str, kind: str) -> str | None:
        """A constant of DuckDB as a value of the type, as text. Raises StatementFailed where it is none."""

    def keys(self, schema: str, name: str) -> Sequence[Sequence[str]]:
        """The columns of each primary key and unique constraint of a table."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where a statement is translated: its dialect, the chosen database, the tables and files it can see."""

    dialect: Dialect
    catalog: Catalog
    database: str | None = None
    temporary: frozenset[str] = frozenset()  # names of temporary tables, lower case
    views: Mapping[str, str] = field(default_factory=dict)  # queries of temporary views by name, lower case
    variables: Mapping[str, str] = field(default_factory=dict)  # SET k=v
    objects: TableObjects | None = None  # of external tables
    row_limit: int = 1000

    def schema_of(self, database: str | None) -> str:
        """The schema that stands for a database; None is the chosen one."""
        if self.dialect.name == "postgres" and database is not None and database.lower() == "public":
            database = None
        name = (self.database if database is None else database) or MAIN
        if name.lower() in self.dialect.default_databases | {"default", MAIN}:
            return MAIN
        if name.lower() in {"information_schema", "pg_catalog"}:
            raise StatementNotTranslated(f"The embedded engine has no system catalog {name}.")
        return name.lower()

    def facts(self, table: exp.Table) -> TableFacts | None:
        """The facts of a table named in a statement."""
        if self.is_temporary_view(table):
            return TableFacts(columns={}, storage={"query": self.views[table.name.lower()]})
        if not table.db and table.name.lower() in self.temporary:
            return None
        return self.catalog.table(self.schema_of(table.db or None), table.name)

    def is_temporary_view(self, table: exp.Table) -> bool:
        """Whether a name means a temporary view of the script."""
        return not table.db and table.name.lower() in self.views

    def located(self, table: exp.Table) -> exp.Table:
        """A copy of the name in full: catalog, schema, table; alias and the rest kept."""
        if "/" in table.name:  # the engine would look for a file of that name
            raise StatementNotTranslated(f"{table.name} is no name of a table.")
        full = table.copy()
        temporary = not table.db and table.name.lower() in self.temporary
        full.set("catalog", exp.to_identifier("temp" if temporary else CATALOG, quoted=True))
        schema = MAIN if temporary else self.schema_of(table.db or None)
        full.set("db", exp.to_identifier(schema, quoted=True))
        return full


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the embedded engine does for one statement of the script."""

    steps: tuple[str, ...]  # DuckDB statements, run in one transaction
    rows_of: int | None = None  # the step whose rows are the result
    count_of: tuple[int, ...] = ()  # the steps whose row counts are the result
    message: str = ""
    use: str | None = None  # the database chosen from now on
    variables: Mapping[str, str] = field(default_factory=dict)  # SET k=v
    temporary: str | None = None  # a temporary table that exists from now on
    views: Mapping[str, str | None] = field(default_factory=dict)  # temporary views made, with their query, or dropped
    transaction: str | None = None  # BEGIN, COMMIT, ROLLBACK
    publications: tuple[Publication, ...] = ()  # files the steps have written, to be put in place after them


def quoted(name: str) -> str:
    """An identifier of the embedded engine, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal of the embedded engine."""
    return "'" + text.replace("'", "''") + "'"
