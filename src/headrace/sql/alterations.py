"""Plans for ALTER TABLE and TRUNCATE: partitions, columns, names."""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlglot
from sqlglot import exp

from headrace.sql import functions, schemas
from headrace.sql.catalog import Plan, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.tables import plain_column
from headrace.sql.writing import duckdb, partition_condition, where


def truncate(tree: exp.TruncateTable, scope: Scope) -> Plan:
    """TRUNCATE TABLE t [PARTITION (dt = 'x')]."""
    partition = tree.args.get("partition")
    steps = []
    for table in tree.expressions:
        facts = _own(table, scope)
        condition = partition_condition(partition.expressions, facts) if partition is not None else None
        steps.append(f"DELETE FROM {duckdb(scope.located(table))}{where(condition)}")
    return Plan(steps=tuple(steps))


def alter(tree: exp.Alter, scope: Scope) -> Plan:
    """ALTER TABLE: partitions, columns, names; what only describes storage has no effect."""
    table = tree.this
    if tree.args.get("kind") != "TABLE" or not isinstance(table, exp.Table):
        raise StatementNotTranslated(f"ALTER {tree.args.get('kind')} has no equal on the embedded engine.")
    steps: list[str] = []
    for action in tree.args["actions"]:
        steps += _alteration(action, table, scope)
    message = "" if steps else "Has no effect on the embedded engine."
    return Plan(steps=tuple(steps), message=message)


def _alteration(action: exp.Expr, table: exp.Table, scope: Scope) -> Iterator[str]:
    name = duckdb(scope.located(table))
    if isinstance(action, exp.DropPartition):
        facts = _own(table, scope)
        for partition in action.expressions:
            yield f"DELETE FROM {name}{where(partition_condition(partition.expressions, facts))}"
    elif isinstance(action, exp.AddPartition):
        if action.args.get("location"):
            raise StatementNotTranslated("A partition with a location of its own has no equal on the embedded engine.")
    elif isinstance(action, exp.Schema | exp.ColumnDef):
        yield from _added_columns(action, table, scope)
    elif isinstance(action, exp.AlterRename):
        yield f"ALTER TABLE {name} RENAME TO {quoted(action.this.name)}"
    elif isinstance(action, exp.RenameColumn):
        old, new = quoted(action.this.name), quoted(action.args["to"].name)
        yield f"ALTER TABLE {name} RENAME COLUMN {old} TO {new}"
    elif isinstance(action, exp.AlterColumn | exp.ModifyColumn):
        yield from _changed_column(action, table, scope)
    elif isinstance(action, exp.AddConstraint):
        yield from _added_keys(action, table, scope)
    elif isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMN":
        exists = "IF EXISTS " if action.args.get("exists") else ""
        dropped = action.this or action.args["tables"][0]  # sqlglot keeps it here or there
        yield f"ALTER TABLE {name} DROP COLUMN {exists}{quoted(dropped.name)}"
    elif not (isinstance(action, exp.AlterSet) and not action.args.get("option")):
        raise StatementNotTranslated(f"ALTER TABLE with {type(action).__name__} has no equal on the embedded engine.")


def _added_keys(action: exp.AddConstraint, table: exp.Table, scope: Scope) -> Iterator[str]:
    """A primary key is enforced from now on; an index has no effect."""
    _own(table, scope)
    for part in action.expressions:
        inner = part.expressions if isinstance(part, exp.Constraint) else [part]
        for each in inner:
            if isinstance(each, exp.PrimaryKey):
                columns = ", ".join(quoted(column.name) for column in each.expressions)
                yield f"ALTER TABLE {duckdb(scope.located(table))} ADD PRIMARY KEY ({columns})"
            elif not isinstance(each, exp.IndexColumnConstraint):
                raise StatementNotTranslated(f"ALTER TABLE ADD {each.sql()[:60]} has no equal on the embedded engine.")


def _changed_column(action: exp.AlterColumn | exp.ModifyColumn, table: exp.Table, scope: Scope) -> Iterator[str]:
    """Another type, name, default or comment."""
    facts, changed = _own(table, scope), action.this
    if changed.name.lower() in {name.lower() for name in facts.partition_columns}:
        raise StatementNotTranslated(f"{changed.name} is a partition column, which cannot be changed.")
    column = f"ALTER TABLE {duckdb(scope.located(table))} ALTER COLUMN {quoted(changed.name)}"
    kind = changed.args.get("kind") if isinstance(changed, exp.ColumnDef) else action.args.get("dtype")
    if kind is not None:
        using = action.args.get("using")
        conversion = f" USING {duckdb(functions.correct(using.copy(), scope.dialect))}" if using else ""
        yield f"{column} SET DATA TYPE {duckdb(functions.correct(kind.copy(), scope.dialect))}{conversion}"
    if action.args.get("default") is not None:
        yield f"{column} SET DEFAULT {duckdb(functions.correct(action.args['default'].copy(), scope.dialect))}"
    if action.args.get("drop"):
        yield f"{column} DROP DEFAULT"
    if action.args.get("allow_null") is not None:
        yield f"{column} {'DROP' if action.args['allow_null'] else 'SET'} NOT NULL"
    if isinstance(action.args.get("comment"), exp.Expr):
        name = f"{duckdb(scope.located(table))}.{quoted(changed.name)}"
        yield f"COMMENT ON COLUMN {name} IS {literal(action.args['comment'].name)}"
    new = action.args.get("rename_to")
    if new is not None and new.name != changed.name:
        yield f"ALTER TABLE {duckdb(scope.located(table))} RENAME COLUMN {quoted(changed.name)} TO {quoted(new.name)}"


def _added_columns(action: exp.Schema | exp.ColumnDef, table: exp.Table, scope: Scope) -> Iterator[str]:
    facts = _own(table, scope)
    columns = action.expressions if isinstance(action, exp.Schema) else [action]
    if facts.partition_columns:
        yield from _before_partitions(columns, table, facts, scope)
    else:
        for column in columns:
            definition = duckdb(functions.correct(plain_column(column), scope.dialect))
            yield f"ALTER TABLE {duckdb(scope.located(table))} ADD COLUMN {definition}"
    for column in columns:
        comment = column.find(exp.CommentColumnConstraint)
        if comment is not None:
            name = f"{duckdb(scope.located(table))}.{quoted(column.name)}"
            yield f"COMMENT ON COLUMN {name} IS {literal(comment.this.name)}"


def _before_partitions(
    columns: Sequence[exp.ColumnDef], table: exp.Table, facts: TableFacts, scope: Scope
) -> Iterator[str]:
    schema = scope.schema_of(table.db or None)
    relation = next(
        each for each in scope.catalog.relations() if each.schema == schema and each.name.lower() == table.name.lower()
    )
    definitions = [functions.correct(plain_column(column), scope.dialect) for column in columns]
    parsed = [sqlglot.parse_one(duckdb(each), into=exp.ColumnDef, read="duckdb") for each in definitions]
    yield from schemas.with_columns(relation, parsed, facts.partition_columns)


def _own(table: exp.Table, scope: Scope) -> TableFacts:
    """The facts of a table that the engine itself keeps."""
    facts = scope.facts(table)
    if facts is None:
        raise StatementNotTranslated(f"{table.name} is no table of the workspace.")
    if facts.location:
        raise StatementNotTranslated(
            f"{table.name} is an external table; its rows are files, which this statement cannot change."
        )
    if facts.query is not None:
        raise StatementNotTranslated(f"{table.name} is a view, which this statement cannot change.")
    return facts
