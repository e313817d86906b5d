"""Translate one statement of a warehouse dialect into what the embedded engine does.

sqlglot reads the dialect and writes DuckDB; the files beside this one add what it drops or leaves as it is. What has
no equal raises StatementNotTranslated: never a result that is wrong without saying so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import exp

from headrace.sql import alterations, changes, clauses, commands, inserts, queries, tables
from headrace.sql.catalog import Plan, Scope, TableFacts, literal
from headrace.sql.engine import SqlError, StatementNotTranslated
from headrace.sql.statements import Statement
from headrace.sql.writing import duckdb


def translate(statement: Statement, scope: Scope) -> Plan:
    """The plan for one statement. Raises StatementNotTranslated with its position, text and reason."""
    try:
        return _translated(clauses.with_variables(statement.text, scope.variables), scope)
    except SqlError as error:
        raise error.at(statement.text, statement.position) from error
    except RecursionError as error:
        reason = "The statement is nested too deeply."
        raise StatementNotTranslated(reason, statement.text, statement.position) from error


def _translated(text: str, scope: Scope) -> Plan:
    plan = commands.planned(text, scope)
    if plan is not None:
        return plan
    tree = _parsed(text, scope)
    for kind, translator in _TRANSLATORS.items():
        if isinstance(tree, kind):
            return translator(tree, scope)
    word = text.split(None, 1)[0].upper()
    raise StatementNotTranslated(f"{word[:40]} has no equal on the embedded engine.")


def _parsed(text: str, scope: Scope) -> exp.Expr:
    try:
        trees = sqlglot.parse(clauses.readable(text, scope.dialect), read=scope.dialect.grammar)
    except (sqlglot.ParseError, sqlglot.TokenError) as error:
        raise StatementNotTranslated(f"Not understood: {_told(error)}") from error
    if len(trees) != 1 or trees[0] is None:
        raise StatementNotTranslated("Not understood: more than one statement.")
    return trees[0]


def _told(error: Exception) -> str:
    found = getattr(error, "errors", None)
    if not found:
        return str(error).split("\n", 1)[0][:200]
    first: dict[str, Any] = found[0]
    return f"{first['description']} near {first['highlight']!r} (line {first['line']} of the statement)"[:300]


def _query(tree: exp.Query, scope: Scope) -> Plan:
    """A result: one row more than shown, so that what is left out can be told."""
    if tree.find(exp.Into) is not None:
        raise StatementNotTranslated("SELECT INTO has no equal on the embedded engine; use CREATE TABLE AS.")
    limit = tree.args.get("limit")
    shown = scope.row_limit + 1
    asked = limit.expression if isinstance(limit, exp.Limit) else None
    if limit is None or (isinstance(asked, exp.Literal) and asked.is_int and int(asked.name) > shown):
        tree = tree.limit(shown, copy=False)
    return Plan(steps=(duckdb(queries.rewritten(tree, scope)),), rows_of=0)


def _comment(tree: exp.Comment, scope: Scope) -> Plan:
    """COMMENT ON TABLE keeps what the engine recorded there."""
    kind = tree.args.get("kind")
    if kind == "TABLE":
        facts = scope.facts(tree.this) or TableFacts(columns={})
        facts = TableFacts(
            columns={},
            partition_columns=facts.partition_columns,
            storage=facts.storage,
            comment=tree.expression.name,
        )
        return Plan(steps=(f"COMMENT ON TABLE {duckdb(scope.located(tree.this))} IS {literal(facts.recorded())}",))
    if kind == "COLUMN" and isinstance(tree.this, exp.Column):
        table = exp.Table(this=tree.this.args["table"], db=tree.this.args.get("db"))
        column = exp.to_identifier(tree.this.name, quoted=True).sql("duckdb")
        return Plan(
            steps=(f"COMMENT ON COLUMN {duckdb(scope.located(table))}.{column} IS {literal(tree.expression.name)}",)
        )
    raise StatementNotTranslated(f"COMMENT ON {kind} has no equal on the embedded engine.")


_TRANSLATORS: dict[type[exp.Expr], Callable[[Any, Scope], Plan]] = {
    exp.Query: _query,
    exp.Insert: inserts.insert,
    exp.MultitableInserts: inserts.multi_insert,
    exp.Merge: changes.change,
    exp.Update: changes.change,
    exp.Delete: changes.change,
    exp.Create: tables.create,
    exp.Drop: tables.drop,
    exp.Alter: alterations.alter,
    exp.TruncateTable: alterations.truncate,
    exp.Comment: _comment,
}
