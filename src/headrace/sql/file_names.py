"""``input_file_name()`` of Spark and ``INPUT__FILE__NAME`` of Hive: the obs:// path of the file a row is from.

Where a query asks for it, its external table gives one column more, which stars leave out.
Source: Spark SQL "Built-in Functions"; Hive wiki "LanguageManual VirtualColumns".
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from headrace.sql.catalog import Scope
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.external import FILE_NAME
from headrace.sql.functions import HIVE_LIKE

_ASKED = "headrace_asked_for_file"  # mark of a table in the tree


def resolve(select: exp.Select, scope: Scope) -> None:
    """Give the file names that one SELECT asks for; the tables of other SELECTs inside it are not its own."""
    if scope.dialect.name not in HIVE_LIKE:
        return
    asked = [node for node in _own(select) if _is_file_name(node)]
    if not asked:
        return
    tables = [table for table in _sources(select) if _is_of_files(table, scope)]
    if len(tables) != 1:
        raise StatementNotTranslated(f"{asked[0].name} needs one external table in the FROM clause of its SELECT.")
    table = tables[0]
    table.meta[_ASKED] = True
    for node in asked:
        alias = exp.to_identifier(table.alias_or_name, quoted=True)
        better: exp.Expr = exp.column(FILE_NAME, table=alias)
        if node.parent is select:
            better = exp.alias_(better, "input_file_name()" if isinstance(node, exp.Func) else node.name, quoted=True)
        node.replace(better)
    _leave_out(select, table)


def is_asked(table: exp.Table) -> bool:
    """Whether the query of this table's SELECT needs the file names."""
    return bool(table.meta.get(_ASKED))


def _own(select: exp.Select) -> Iterator[exp.Expr]:
    """The nodes of a SELECT without those of the queries inside it."""
    return select.walk(prune=lambda node: isinstance(node, exp.Query) and node is not select)


def _is_file_name(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower() == "input_file_name" and not node.expressions
    return isinstance(node, exp.Column) and node.name.upper() == "INPUT__FILE__NAME"


def _sources(select: exp.Select) -> list[exp.Table]:
    clause = select.args.get("from_")
    parts = [clause.this] if clause is not None else []
    parts += [join.this for join in select.args.get("joins") or []]
    return [part for part in parts if isinstance(part, exp.Table) and isinstance(part.this, exp.Identifier)]


def _is_of_files(table: exp.Table, scope: Scope) -> bool:
    facts = scope.facts(table)
    return facts is not None and facts.location is not None


def _leave_out(select: exp.Select, table: exp.Table) -> None:
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        is_of_table = isinstance(item, exp.Star) or item.text("table").lower() == table.alias_or_name.lower()
        if isinstance(star, exp.Star) and is_of_table:
            star.set("except_", [*(star.args.get("except_") or []), exp.to_identifier(FILE_NAME)])
