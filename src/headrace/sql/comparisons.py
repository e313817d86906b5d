"""Comparisons of a text with a date or a number, which Hive, Spark and MySQL make and DuckDB refuses to.

A text is compared with a date as a moment, with a number as a number; what is neither is NULL, so that the comparison
does not hold. Source: Hive wiki "LanguageManual Types", implicit conversions; Spark SQL "Type Coercion".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from headrace.sql.catalog import Scope
from headrace.sql.functions import TEXT_DATES

_COMPARING = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)
_MOMENTS = (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.DATETIME)
_DATED = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentDatetime, exp.TsOrDsToDate, exp.LastDay, exp.NextDay)
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL")
_TEXT = ("VARCHAR", "TEXT")


def adjust(tree: exp.Expr, scope: Scope) -> None:
    """Make the texts in comparisons what they are compared with, in place."""
    if scope.dialect.name not in TEXT_DATES:
        return
    types = _types(tree, scope)
    for node in list(tree.find_all(*_COMPARING)):
        sides = list(_sides(node))
        if any(_is_moment(side, types) for side in sides):
            _cast([side for side in sides if _may_be_text(side, types)], "TIMESTAMP")
        elif any(_is_number(side, types) for side in sides):
            _cast([side for side in sides if _type(side, types) in _TEXT], "DOUBLE")


def _sides(node: exp.Expr) -> Iterator[exp.Expr]:
    yield node.this
    for key in ("expression", "low", "high"):
        if isinstance(node.args.get(key), exp.Expr):
            yield node.args[key]
    if isinstance(node, exp.In):
        yield from node.expressions


def _cast(sides: list[exp.Expr], kind: str) -> None:
    for side in sides:
        side.replace(exp.TryCast(this=side.copy(), to=exp.DataType.build(kind)))


def _is_moment(side: exp.Expr, types: Mapping[str, str]) -> bool:
    plain = side.unnest()
    if isinstance(plain, exp.Cast):
        return plain.to.this in _MOMENTS
    if isinstance(plain, exp.Case):
        return any(_is_moment(each.args["true"], types) for each in plain.args["ifs"])
    if isinstance(plain, exp.Add | exp.Sub):
        return isinstance(plain.expression, exp.Interval) or _is_moment(plain.this, types)
    return isinstance(plain, _DATED) or _type(plain, types).startswith(("DATE", "TIMESTAMP"))


def _may_be_text(side: exp.Expr, types: Mapping[str, str]) -> bool:
    """Whether it is a text or unknown; DuckDB itself reads texts that are written in the statement."""
    if isinstance(side, exp.Literal | exp.Null | exp.Query) or _is_moment(side, types):
        return False
    return not isinstance(side, exp.Column) or _type(side, types) in ("", *_TEXT)


def _is_number(side: exp.Expr, types: Mapping[str, str]) -> bool:
    if isinstance(side, exp.Neg):
        side = side.this
    return (isinstance(side, exp.Literal) and not side.is_string) or _type(side, types).startswith(_NUMBERS)


def _type(side: exp.Expr, types: Mapping[str, str]) -> str:
    return types.get(side.name.lower(), "") if isinstance(side, exp.Column) else ""


def _types(tree: exp.Expr, scope: Scope) -> dict[str, str]:
    """The types of the columns of every table in the statement, by name; of names with several types none."""
    found: dict[str, set[str]] = {}
    for table in tree.find_all(exp.Table):
        facts = scope.facts(table) if isinstance(table.this, exp.Identifier) else None
        for name, kind in facts.columns.items() if facts is not None else ():
            found.setdefault(name.lower(), set()).add(kind)
    return {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}
