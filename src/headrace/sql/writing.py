"""Write DuckDB statements: from a tree, and the conditions that pick partitions."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from headrace.sql.catalog import TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated


def duckdb(tree: exp.Expr) -> str:
    """The text of a rewritten tree. Raises StatementNotTranslated where sqlglot knows that DuckDB has no equal."""
    try:
        return tree.sql("duckdb", identify=True, comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.UnsupportedError as error:
        raise StatementNotTranslated(f"No equal on the embedded engine: {error}") from error
    except ValueError as error:  # an expression without a form in DuckDB
        raise StatementNotTranslated(f"No equal on the embedded engine: {error}") from error


def where(condition: str | None) -> str:
    """`` WHERE ...``, or nothing."""
    return f" WHERE {condition}" if condition else ""


def partition_condition(parts: Sequence[exp.Expr], facts: TableFacts) -> str:
    """The rows of the partitions that ``dt = 'x', hour > 3`` names."""
    return " AND ".join(_comparison(part, facts) for part in parts)


def _comparison(part: exp.Expr, facts: TableFacts) -> str:
    sign = _SIGNS.get(type(part))
    if sign is None or not isinstance(part.this, exp.Column | exp.Identifier):
        raise StatementNotTranslated(f"{part.sql()[:60]} does not name partitions.")
    column = partition_column(part.this.name, facts)
    return f"{quoted(column)} {sign} CAST({constant(part.expression)} AS {facts.columns[column]})"


def partition_column(name: str, facts: TableFacts) -> str:
    """The partition column of that name, as the table spells it."""
    for column in facts.partition_columns:
        if column.lower() == name.lower():
            return next(each for each in facts.columns if each.lower() == column.lower())
    raise StatementNotTranslated(f"{name} is no partition column of the table.")


def constant(value: exp.Expr) -> str:
    """A constant of a partition specification."""
    if isinstance(value, exp.Literal):
        return literal(value.name) if value.is_string else value.name
    if isinstance(value, exp.Cast | exp.Neg | exp.Null | exp.Boolean):
        return duckdb(value)
    raise StatementNotTranslated(f"{value.sql()[:60]} is no constant.")


_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "IS NOT DISTINCT FROM",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
