"""Plans that move or rebuild tables: ALTER SCHEMA ... RENAME, and columns put before the partition columns.

The engine itself can neither rename a schema nor put a column in the middle: the tables are made anew, in one
transaction. Their rows are copied.
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sqlglot
from sqlglot import exp

from headrace.sql.catalog import CATALOG, MAIN, Plan, Relation, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated

_REBUILT = "headrace_rebuilt"  # the name a table has while it is made anew


def rename(old: str, new: str, scope: Scope) -> Plan:
    """ALTER SCHEMA old RENAME TO new: its tables with their rows, and every view that names them."""
    before, after = scope.schema_of(old), scope.schema_of(new)
    if MAIN in (before, after):
        raise StatementNotTranslated("The default database cannot be renamed, and nothing can take its name.")
    if not scope.catalog.has_schema(before):
        raise StatementNotTranslated(f"There is no schema {old}.")
    if scope.catalog.has_schema(after):
        raise StatementNotTranslated(f"There is a schema {new} already.")
    relations = scope.catalog.relations()
    steps = [f"CREATE SCHEMA {quoted(CATALOG)}.{quoted(after)}"]
    for table in relations:
        if table.schema == before and not table.is_view:
            moved = replace(table, schema=after, comment=_renamed_comment(table, before, after))
            steps += _copied(table, moved)
    for other in relations:
        if other.is_view and _names(other, before):
            steps += _moved_view(other, before, after)
        elif not other.is_view and other.schema != before and _renamed_comment(other, before, after) != other.comment:
            steps += _comments(replace(other, comment=_renamed_comment(other, before, after), column_comments={}))
    steps.append(f"DROP SCHEMA {quoted(CATALOG)}.{quoted(before)} CASCADE")
    return Plan(steps=tuple(steps))


def with_columns(table: Relation, added: Sequence[exp.ColumnDef], partitions: Sequence[str]) -> tuple[str, ...]:
    """The steps after which ``table`` has further columns, empty, before its partition columns."""
    last = {name.lower() for name in partitions}
    tree = _parsed(table.definition)
    columns = tree.this.expressions
    kept = [each for each in columns if not (isinstance(each, exp.ColumnDef) and each.name.lower() in last)]
    tree.this.set("expressions", [*kept, *added, *(each for each in columns if each not in kept)])
    rebuilt = replace(table, name=_REBUILT, definition=tree.sql("duckdb"))
    names = [each.name for each in columns if isinstance(each, exp.ColumnDef)]
    return (
        *_copied(table, rebuilt, names),
        f"DROP TABLE {_place(table)}",
        f"ALTER TABLE {_place(rebuilt)} RENAME TO {quoted(table.name)}",
    )


def _copied(source: Relation, target: Relation, names: Sequence[str] = ()) -> Iterator[str]:
    """The steps that make ``target`` with the rows and comments of ``source``."""
    yield _defined(target)
    listed = ", ".join(quoted(name) for name in names)
    yield f"INSERT INTO {_place(target)}{f' ({listed})' * bool(names)} SELECT {listed or '*'} FROM {_place(source)}"
    yield from _comments(target)


def _moved_view(view: Relation, before: str, after: str) -> Iterator[str]:
    moved = replace(
        view,
        schema=after if view.schema == before else view.schema,
        definition=_renamed(view.definition, before, after),
        comment=_renamed_comment(view, before, after),
    )
    if view.schema != before:
        yield f"DROP VIEW {_place(view)}"
    yield _defined(moved)
    yield from _comments(moved)


def _defined(relation: Relation) -> str:
    """The statement that makes a relation under its own name."""
    tree = _parsed(relation.definition)
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    table.set("catalog", exp.to_identifier(CATALOG, quoted=True))
    table.set("db", exp.to_identifier(relation.schema, quoted=True))
    table.set("this", exp.to_identifier(relation.name, quoted=True))
    return tree.sql("duckdb", identify=True)


def _comments(relation: Relation) -> Iterator[str]:
    kind = "VIEW" if relation.is_view else "TABLE"
    if relation.comment is not None:
        yield f"COMMENT ON {kind} {_place(relation)} IS {literal(relation.comment)}"
    for column, comment in relation.column_comments.items() if not relation.is_view else ():
        yield f"COMMENT ON COLUMN {_place(relation)}.{quoted(column)} IS {literal(comment)}"


def _names(view: Relation, schema: str) -> bool:
    return view.schema == schema or any(table.db == schema for table in _parsed(view.definition).find_all(exp.Table))


def _renamed(query: str, before: str, after: str) -> str:
    tree = _parsed(query)
    for part in tree.find_all(exp.Table, exp.Column):
        if part.text("db") == before:
            part.set("db", exp.to_identifier(after, quoted=True))
    return tree.sql("duckdb", identify=True)


def _renamed_comment(relation: Relation, before: str, after: str) -> str | None:
    """The comment of a relation; a query recorded there names tables too."""
    facts = TableFacts.read({}, relation.comment)
    if facts.query is None:
        return relation.comment
    query = _renamed(facts.query, before, after)
    return replace(facts, storage={**facts.storage, "query": query}).recorded()


def _place(relation: Relation) -> str:
    return f"{quoted(CATALOG)}.{quoted(relation.schema)}.{quoted(relation.name)}"


def _parsed(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read="duckdb")
