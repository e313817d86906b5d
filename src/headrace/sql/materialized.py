"""Materialized views: a table beside the query whose rows it keeps until the next REFRESH.

Source: DWS SQL syntax reference, "CREATE MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW".
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

import sqlglot
from sqlglot import exp

from headrace.sql import queries
from headrace.sql.catalog import Plan, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.writing import duckdb


def create(tree: exp.Create, table: exp.Table, scope: Scope) -> Plan:
    """CREATE MATERIALIZED VIEW: the rows of now, and the query for later."""
    if tree.args.get("exists") and scope.facts(table) is not None:
        return Plan(steps=(), message="The materialized view exists.")
    query = duckdb(queries.rewritten(tree.expression.copy(), scope, keep_external=True))
    names = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    if names:
        query = f"SELECT * FROM ({query}) AS headrace_query({', '.join(quoted(name.name) for name in names)})"
    facts = TableFacts(columns={}, storage={"query": query, "keeps_rows": True})
    place = duckdb(scope.located(exp.Table(this=table.this, db=table.args.get("db"))))
    return Plan(
        steps=(
            f"CREATE TABLE {place} AS {_rows(query, scope)}",
            f"COMMENT ON TABLE {place} IS {literal(facts.recorded())}",
        )
    )


def refresh(database: str | None, name: str, scope: Scope) -> Plan:
    """REFRESH MATERIALIZED VIEW: all rows anew, as the query gives them now."""
    table = exp.table_(exp.to_identifier(name, quoted=True), db=database and exp.to_identifier(database, quoted=True))
    facts = scope.facts(table)
    if facts is None or facts.query is None or not facts.keeps_rows:
        raise StatementNotTranslated(f"{name} is no materialized view of the workspace.")
    place = duckdb(scope.located(table))
    return Plan(steps=(f"DELETE FROM {place}", f"INSERT INTO {place} {_rows(facts.query, scope)}"))


def _rows(query: str, scope: Scope) -> str:
    """The query with the files of external tables as they are now."""
    return duckdb(queries.with_files(sqlglot.parse_one(query, read="duckdb"), scope))
