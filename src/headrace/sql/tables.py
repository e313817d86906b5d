"""Plans for CREATE, DROP, ALTER and TRUNCATE: tables, views and databases."""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sqlglot
from sqlglot import exp

from headrace.sql import external_writing, functions, materialized, queries, schemas, storage_clauses
from headrace.sql.catalog import CATALOG, MAIN, Plan, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.objects import Publication
from headrace.sql.writing import duckdb, partition_condition, where

_IGNORED_CONSTRAINTS = (
    exp.CommentColumnConstraint,  # recorded apart
    exp.CharacterSetColumnConstraint,
    exp.CollateColumnConstraint,
    exp.CompressColumnConstraint,
)


def create(tree: exp.Create, scope: Scope) -> Plan:
    """CREATE TABLE, VIEW, DATABASE, SCHEMA, INDEX."""
    kind = tree.kind or ""
    if kind == "TABLE":
        return _create_like(tree, scope) if tree.find(exp.LikeProperty) else _create_table(tree, scope)
    if kind == "VIEW":
        return _create_view(tree, scope)
    if kind in ("DATABASE", "SCHEMA"):
        name = quoted(scope.schema_of(tree.this.db or tree.this.name))
        exists = "IF NOT EXISTS " if tree.args.get("exists") else ""
        return Plan(steps=(f"CREATE SCHEMA {exists}{quoted(CATALOG)}.{name}",))
    if kind == "INDEX" and not tree.args.get("unique"):
        return Plan(steps=(), message="Indexes have no effect on the embedded engine.")
    raise StatementNotTranslated(f"CREATE {kind} has no equal on the embedded engine.")


def _create_table(tree: exp.Create, scope: Scope) -> Plan:
    storage = storage_clauses.recorded(tree, scope.dialect)
    is_temporary = tree.find(exp.TemporaryProperty) is not None
    partitions, added = _partition_columns(tree)
    comment = _comment(tree)
    table = _target(tree, scope, is_temporary)
    definition = _definition(tree, added, partitions)
    queries_of = tree.args.get("expression")
    if queries_of is not None:
        queries_of = _ordered(queries.rewritten(queries_of.copy(), scope), partitions)
    new = exp.Create(
        this=exp.Schema(this=table, expressions=definition) if definition else table,
        kind="TABLE",
        exists=tree.args.get("exists"),
        replace=tree.args.get("replace"),
        expression=queries_of,
    )
    if not definition and queries_of is None:
        raise StatementNotTranslated(
            "CREATE TABLE needs its columns: the embedded engine does not guess them from files."
        )
    facts = TableFacts(columns={}, partition_columns=partitions, storage=storage, comment=comment)
    filling, publications = _filling(new, facts, scope)
    text = duckdb(functions.correct(new, scope.dialect) if queries_of is None else new)
    steps = [text.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1) if is_temporary else text]
    if (partitions or storage or comment) and not is_temporary:
        steps.append(f"COMMENT ON TABLE {duckdb(table)} IS {literal(facts.recorded())}")
    if not is_temporary:
        steps += _column_comments(tree, table, added)
    if tree.args.get("exists") and not is_temporary and scope.facts(_name(tree)) is not None:
        return Plan(steps=(), message="The table exists.")
    temporary = _name(tree).name.lower() if is_temporary else None
    return Plan(steps=(*steps, *filling), temporary=temporary, publications=publications)


def _filling(new: exp.Create, facts: TableFacts, scope: Scope) -> tuple[tuple[str, ...], tuple[Publication, ...]]:
    """CREATE TABLE ... LOCATION ... AS SELECT: the rows go into files, the table itself stays empty."""
    query = new.expression
    if query is None or facts.location is None:
        return (), ()
    copy, publication = external_writing.copying(duckdb(query), facts, scope)
    new.set("expression", exp.Select(expressions=[exp.Star()]).from_(query.subquery("query", copy=False)).limit(0))
    return (copy,), (replace(publication, replaces=True),)


def _name(tree: exp.Create) -> exp.Table:
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise StatementNotTranslated("The name of the table is no plain name.")
    return table


def _target(tree: exp.Create, scope: Scope, is_temporary: bool) -> exp.Table:
    if not is_temporary:
        return scope.located(_name(tree))
    return exp.Table(this=exp.to_identifier(_name(tree).name, quoted=True), db=exp.to_identifier(MAIN), catalog="temp")


def _partition_columns(tree: exp.Create) -> tuple[tuple[str, ...], list[exp.ColumnDef]]:
    """The names of the partition columns, and those of them that the column list does not have (Hive)."""
    clause = tree.find(exp.PartitionedByProperty)
    if clause is None:
        return (), []
    parts = clause.this.expressions if isinstance(clause.this, exp.Schema | exp.Tuple) else [clause.this]
    if not all(isinstance(part, exp.ColumnDef | exp.Identifier | exp.Column) for part in parts):
        return (), []  # an expression of ClickHouse or DWS: where rows are kept, not what they are
    return tuple(part.name for part in parts), [part for part in parts if isinstance(part, exp.ColumnDef)]


def _definition(tree: exp.Create, added: list[exp.ColumnDef], partitions: tuple[str, ...]) -> list[exp.Expr]:
    """Columns and keys as DuckDB takes them, the partition columns last."""
    declared = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    columns: list[exp.Expr] = []
    for part in [*declared, *added]:
        if isinstance(part, exp.ColumnDef):
            columns.append(_column(part))
        elif isinstance(part, exp.PrimaryKey | exp.UniqueColumnConstraint | exp.Constraint):
            columns.append(part.copy())
        elif not isinstance(part, exp.IndexColumnConstraint):
            raise StatementNotTranslated(f"{part.sql()[:60]} inside CREATE TABLE has no equal on the embedded engine.")
    return sorted(columns, key=lambda column: partitions.index(column.name) if column.name in partitions else -1)


def _column(column: exp.ColumnDef) -> exp.ColumnDef:
    kept = []
    for constraint in column.args.get("constraints") or []:
        kind = constraint.kind
        if isinstance(kind, exp.AutoIncrementColumnConstraint | exp.OnUpdateColumnConstraint):
            raise StatementNotTranslated(f"Column {column.name}: {type(kind).__name__} has no equal here.")
        if not isinstance(kind, _IGNORED_CONSTRAINTS):
            kept.append(constraint.copy())
    if column.args.get("kind") is None:
        raise StatementNotTranslated(f"Column {column.name} has no type.")
    return exp.ColumnDef(this=column.this.copy(), kind=column.args["kind"].copy(), constraints=kept)


def _ordered(query: exp.Expr, partitions: tuple[str, ...]) -> exp.Expr:
    """CREATE TABLE ... PARTITIONED BY (dt) AS SELECT: the partition columns come last."""
    if not partitions:
        return query
    names = [exp.column(exp.to_identifier(name, quoted=True)) for name in partitions]
    star = exp.Star(except_=[name.this.copy() for name in names])
    return exp.Select(expressions=[star, *names]).from_(exp.Subquery(this=query, alias="query"))


def _comment(tree: exp.Create) -> str:
    clause = tree.find(exp.SchemaCommentProperty)
    return clause.this.name if clause is not None else ""


def _column_comments(tree: exp.Create, table: exp.Table, added: list[exp.ColumnDef]) -> Iterator[str]:
    declared = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    for column in [*declared, *added]:
        comment = column.find(exp.CommentColumnConstraint) if isinstance(column, exp.ColumnDef) else None
        if comment is not None:
            yield f"COMMENT ON COLUMN {duckdb(table)}.{quoted(column.name)} IS {literal(comment.this.name)}"


def _create_like(tree: exp.Create, scope: Scope) -> Plan:
    source = tree.find(exp.LikeProperty)
    assert source is not None  # noqa: S101 - the caller looked
    facts = scope.facts(source.this)
    if facts is None:
        raise StatementNotTranslated(f"{source.this.name} is no table of the workspace.")
    if tree.args.get("exists") and scope.facts(_name(tree)) is not None:
        return Plan(steps=(), message="The table exists.")
    target = duckdb(scope.located(_name(tree)))
    copied = TableFacts(columns={}, partition_columns=facts.partition_columns, comment=facts.comment)
    return Plan(
        steps=(
            f"CREATE TABLE {target} AS SELECT * FROM {duckdb(scope.located(source.this))} LIMIT 0",
            f"COMMENT ON TABLE {target} IS {literal(copied.recorded())}",
        )
    )


def _create_view(tree: exp.Create, scope: Scope) -> Plan:
    properties = tree.args.get("properties")
    clauses = properties.expressions if properties is not None else []
    if any(isinstance(clause, exp.MaterializedProperty) for clause in clauses):
        return materialized.create(tree, _name(tree), scope)
    for clause in clauses:
        if not isinstance(clause, exp.SchemaCommentProperty):
            raise StatementNotTranslated(
                f"CREATE VIEW with {type(clause).__name__} has no equal on the embedded engine."
            )
    query = duckdb(queries.rewritten(tree.expression.copy(), scope, keep_external=True))
    names = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    columns = f" ({', '.join(quoted(name.name) for name in names)})" if names else ""
    again = "OR REPLACE " if tree.args.get("replace") else ""
    exists = "IF NOT EXISTS " if tree.args.get("exists") else ""
    place = duckdb(scope.located(_name(tree)))
    steps = [f"CREATE {again}VIEW {exists}{place}{columns} AS {query}"]
    if queries.reads_files(query, scope):
        named = f"SELECT * FROM ({query}) AS headrace_query{columns}" if names else query
        facts = TableFacts(columns={}, storage={"query": named})
        steps.append(f"COMMENT ON VIEW {place} IS {literal(facts.recorded())}")
    return Plan(steps=tuple(steps))


def drop(tree: exp.Drop, scope: Scope) -> Plan:
    """DROP TABLE, VIEW, DATABASE, SCHEMA."""
    kind = tree.args.get("kind") or ""
    exists = "IF EXISTS " if tree.args.get("exists") else ""
    cascade = " CASCADE" if tree.args.get("cascade") else ""
    if kind in ("DATABASE", "SCHEMA"):
        name = scope.schema_of(tree.this.db or tree.this.name)
        if name == MAIN:
            raise StatementNotTranslated("The default database cannot be dropped.")
        return Plan(steps=(f"DROP SCHEMA {exists}{quoted(CATALOG)}.{quoted(name)}{cascade}",))
    if kind in ("TABLE", "VIEW"):
        tables = tree.args.get("tables") or [tree.this, *(tree.args.get("expressions") or [])]
        kind = "TABLE" if tree.args.get("materialized") else kind
        return Plan(steps=tuple(f"DROP {kind} {exists}{duckdb(scope.located(table))}" for table in tables))
    raise StatementNotTranslated(f"DROP {kind} has no equal on the embedded engine.")


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
    elif isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMN":
        exists = "IF EXISTS " if action.args.get("exists") else ""
        dropped = action.this or action.args["tables"][0]  # sqlglot keeps it here or there
        yield f"ALTER TABLE {name} DROP COLUMN {exists}{quoted(dropped.name)}"
    elif not (isinstance(action, exp.AlterSet) and not action.args.get("option")):
        raise StatementNotTranslated(f"ALTER TABLE with {type(action).__name__} has no equal on the embedded engine.")


def _added_columns(action: exp.Schema | exp.ColumnDef, table: exp.Table, scope: Scope) -> Iterator[str]:
    facts = _own(table, scope)
    columns = action.expressions if isinstance(action, exp.Schema) else [action]
    if facts.partition_columns:
        yield from _before_partitions(columns, table, facts, scope)
    else:
        for column in columns:
            definition = duckdb(functions.correct(_column(column), scope.dialect))
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
    definitions = [functions.correct(_column(column), scope.dialect) for column in columns]
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
