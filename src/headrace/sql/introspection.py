"""What the embedded engine itself says of its tables and views."""

# ruff: noqa: S608 - the statements are made of constants and types of the engine

from __future__ import annotations

import duckdb

from headrace.sql.catalog import CATALOG, Relation, TableFacts, quoted
from headrace.sql.engine import StatementFailed

_IS_IT = f"database_name = '{CATALOG}' AND schema_name = ? AND lower({{name}}) = lower(?)"
_TABLE = f"SELECT table_name, comment FROM duckdb_tables() WHERE {_IS_IT.format(name='table_name')}"
_VIEW = f"SELECT comment FROM duckdb_views() WHERE {_IS_IT.format(name='view_name')}"
_COLUMNS_OF = (
    f"SELECT column_name, data_type FROM duckdb_columns() WHERE {_IS_IT.format(name='table_name')} "
    "ORDER BY column_index"
)
_RELATIONS = (
    "SELECT schema_name, name, is_view, sql, comment FROM ("
    "SELECT schema_name, table_name AS name, FALSE AS is_view, sql, comment, table_oid AS oid FROM duckdb_tables() "
    f"WHERE database_name = '{CATALOG}' UNION ALL "
    "SELECT schema_name, view_name, TRUE, sql, comment, view_oid FROM duckdb_views() "
    f"WHERE database_name = '{CATALOG}' AND NOT internal) ORDER BY is_view, oid"
)
_COLUMN_COMMENTS = (
    "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() "
    f"WHERE database_name = '{CATALOG}' AND comment IS NOT NULL"
)
_SCHEMA = f"SELECT 1 FROM duckdb_schemas() WHERE database_name = '{CATALOG}' AND schema_name = ?"

_SEQUENCE = f"SELECT 1 FROM duckdb_sequences() WHERE database_name = '{CATALOG}' AND sequence_name = ?"
_KEYS = (
    f"SELECT constraint_column_names FROM duckdb_constraints() WHERE {_IS_IT.format(name='table_name')} "
    "AND constraint_type IN ('PRIMARY KEY', 'UNIQUE') ORDER BY constraint_index"
)


class EngineCatalog:
    """The Catalog as one cursor sees it, with what the transaction at hand has made."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._known: dict[
            tuple[str, str], TableFacts | None
        ] = {}  # by schema and name, while a statement is translated

    def forget(self) -> None:
        """A statement may have changed tables."""
        self._known.clear()

    def table(self, schema: str, name: str) -> TableFacts | None:
        """The facts of a table or recorded view, also of one made in the transaction at hand."""
        key = (schema, name.lower())
        if key not in self._known:
            self._known[key] = self._table(schema, name) or self._view(schema, name)
        return self._known[key]

    def _table(self, schema: str, name: str) -> TableFacts | None:
        found = self._cursor.execute(_TABLE, [schema, name]).fetchone()
        if found is None:
            return None
        spelt, comment = found
        place = f"{quoted(CATALOG)}.{quoted(schema)}.{quoted(spelt)}"
        described = self._cursor.execute(f"SELECT * FROM {place} LIMIT 0").description  # quicker than duckdb_columns()
        return TableFacts.read({str(column[0]): str(column[1]) for column in described or []}, comment)

    def _view(self, schema: str, name: str) -> TableFacts | None:
        found = self._cursor.execute(_VIEW, [schema, name]).fetchone()
        if found is None or not (found[0] or "").startswith('{"headrace":'):
            return None
        return TableFacts.read(dict(self._cursor.execute(_COLUMNS_OF, [schema, name]).fetchall()), found[0])

    def relations(self) -> list[Relation]:
        """Every table and view."""
        rows = self._cursor.execute(_RELATIONS).fetchall()
        comments: dict[tuple[str, str], dict[str, str]] = {}
        for schema, name, column, comment in self._cursor.execute(_COLUMN_COMMENTS).fetchall():
            comments.setdefault((schema, name), {})[column] = comment
        return [
            Relation(
                schema=schema,
                name=name,
                is_view=is_view,
                definition=definition,
                comment=comment,
                column_comments=comments.get((schema, name), {}),
            )
            for schema, name, is_view, definition, comment in rows
        ]

    def has_schema(self, schema: str) -> bool:
        """Whether there is a schema of that name."""
        return self._cursor.execute(_SCHEMA, [schema]).fetchone() is not None

    def has_sequence(self, name: str) -> bool:
        """Whether the default schema has a sequence of that name."""
        return self._cursor.execute(_SEQUENCE, [name]).fetchone() is not None

    def text_of(self, constant: str, kind: str) -> str | None:
        """A constant as a value of the type, as text."""
        try:
            found = self._cursor.execute(f"SELECT CAST(CAST({constant} AS {kind}) AS VARCHAR)").fetchone()
        except duckdb.Error as error:
            raise StatementFailed(f"{constant} is no value of the type {kind}.") from error
        return None if found is None else found[0]

    def keys(self, schema: str, name: str) -> list[list[str]]:
        """The columns of each primary key and unique constraint of a table."""
        return [columns for (columns,) in self._cursor.execute(_KEYS, [schema, name]).fetchall()]
