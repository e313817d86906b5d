"""Plans for MERGE, UPDATE and DELETE: the same in DuckDB but for aliases of targets, and MySQL's joins with them."""

from __future__ import annotations

from sqlglot import exp

from headrace.sql import queries
from headrace.sql.catalog import Plan, Scope
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.writing import duckdb


def change(tree: exp.Merge | exp.Update | exp.Delete, scope: Scope) -> Plan:
    """MERGE, UPDATE and DELETE. Raises StatementNotTranslated."""
    if isinstance(tree, exp.Merge):
        for when in tree.find_all(exp.When):
            action = when.args.get("then")
            if isinstance(action, exp.Update):
                _without_alias(action)
    elif isinstance(tree, exp.Update):
        _update_with_joins(tree)
        _without_alias(tree)
    else:
        _delete_with_joins(tree)
    return Plan(steps=(duckdb(queries.rewritten(tree, scope)),), count_of=(0,))


def _without_alias(update: exp.Update) -> None:
    """The columns that are set are those of the target, whatever is written before them."""
    for assignment in update.expressions:
        if isinstance(assignment, exp.EQ) and isinstance(assignment.this, exp.Column):
            assignment.set("this", exp.column(assignment.this.this.copy()))


def _update_with_joins(tree: exp.Update) -> None:
    """UPDATE t JOIN s ON ... SET t.a = s.b is UPDATE t SET a = s.b FROM s WHERE ..."""
    joins = tree.this.args.get("joins") if isinstance(tree.this, exp.Table) else None
    if not joins:
        return
    for assignment in tree.expressions:
        owner = assignment.this.text("table") if isinstance(assignment, exp.EQ) else ""
        if owner.lower() != tree.this.alias_or_name.lower():
            raise StatementNotTranslated(f"An UPDATE with joins must name its first table before {assignment.this}.")
    tree.this.set("joins", None)
    source, conditions = _joined(joins)
    tree.set("from_", exp.From(this=source))
    _narrow(tree, conditions)


def _delete_with_joins(tree: exp.Delete) -> None:
    """DELETE t FROM t JOIN s ON ... is DELETE FROM t USING s WHERE ..."""
    joins = tree.this.args.get("joins") if isinstance(tree.this, exp.Table) else None
    named = tree.args.get("tables") or []
    if not joins and not named:
        return
    if len(named) != 1 or named[0].name.lower() not in (tree.this.alias_or_name.lower(), tree.this.name.lower()):
        raise StatementNotTranslated("A DELETE with joins must delete from its first table alone.")
    tree.set("tables", None)
    tree.this.set("joins", None)
    if joins:
        source, conditions = _joined(joins)
        tree.set("using", [source])
        _narrow(tree, conditions)


def _joined(joins: list[exp.Join]) -> tuple[exp.Expr, list[exp.Expr]]:
    """The tables that are joined, and the conditions of all of the joins."""
    for join in joins:
        if join.args.get("side") or join.args.get("using") or join.args.get("method"):
            raise StatementNotTranslated("Only inner joins with ON can change tables on the embedded engine.")
    source: exp.Expr = joins[0].this.copy()
    if len(joins) > 1:
        source.set("joins", [exp.Join(this=join.this.copy()) for join in joins[1:]])
    return source, [join.args["on"].copy() for join in joins if join.args.get("on") is not None]


def _narrow(tree: exp.Update | exp.Delete, conditions: list[exp.Expr]) -> None:
    where = tree.args.get("where")
    every = [*conditions, *([where.this.copy()] if where is not None else [])]
    if every:
        tree.set("where", exp.Where(this=exp.and_(*every)))
