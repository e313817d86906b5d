"""Plans for CREATE, DROP, ALTER and TRUNCATE: tables, views and databases."""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from headrace.sql import counted, external_writing, functions, materialized, queries, storage_clauses
from headrace.sql.catalog import CATALOG, MAIN, Plan, Scope, TableFacts, literal, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.objects import Publication
from headrace.sql.writing import duckdb

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
    counters = _counters(tree, scope)
    if counters:
        storage["counted"] = {each.column.name: each.sequence for each in counters}
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
    steps = [*(each.making for each in counters), *steps, *filling]
    return Plan(steps=tuple(steps), temporary=temporary, publications=publications)


def _counters(tree: exp.Create, scope: Scope) -> list[counted.Counter]:
    """The columns that count by themselves, which become plain ones with a default, in place."""
    found = []
    for column in tree.this.expressions if isinstance(tree.this, exp.Schema) else []:
        counter = counted.counter(column, tree, _name(tree).name, scope) if isinstance(column, exp.ColumnDef) else None
        if counter is not None:
            column.replace(counter.column)
            found.append(counter)
    return found


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
            columns.append(plain_column(part))
        elif isinstance(part, exp.PrimaryKey | exp.UniqueColumnConstraint | exp.Constraint):
            columns.append(part.copy())
        elif not isinstance(part, exp.IndexColumnConstraint):
            raise StatementNotTranslated(f"{part.sql()[:60]} inside CREATE TABLE has no equal on the embedded engine.")
    return sorted(columns, key=lambda column: partitions.index(column.name) if column.name in partitions else -1)


def plain_column(column: exp.ColumnDef) -> exp.ColumnDef:
    """A column without what only steers its table. Raises StatementNotTranslated."""
    kept = []
    for constraint in column.args.get("constraints") or []:
        kind = constraint.kind
        if isinstance(kind, exp.OnUpdateColumnConstraint):
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
    if any(isinstance(clause, exp.TemporaryProperty) for clause in clauses):
        return _temporary_view(tree, scope)
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


def _temporary_view(tree: exp.Create, scope: Scope) -> Plan:
    """A name for a query, until the script ends."""
    name = _name(tree).name.lower()
    if name in scope.views and not tree.args.get("replace"):
        raise StatementNotTranslated(f"There is a temporary view {name} already.")
    query = duckdb(queries.rewritten(tree.expression.copy(), scope, keep_external=True))
    names = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    if names:
        query = f"SELECT * FROM ({query}) AS headrace_query({', '.join(quoted(each.name) for each in names)})"
    return Plan(steps=(f"SELECT * FROM ({query}) LIMIT 0",), views={name: query})


def drop(tree: exp.Drop, scope: Scope) -> Plan:
    """DROP TABLE, VIEW, DATABASE, SCHEMA."""
    kind = tree.args.get("kind") or ""
    exists = "IF EXISTS " if tree.args.get("exists") else ""
    cascade = " CASCADE" if tree.args.get("cascade") else ""
    if kind in ("DATABASE", "SCHEMA"):
        place = tree.this or tree.args["tables"][0]  # sqlglot keeps it here or there
        name = scope.schema_of(place.db or place.name)
        if name == MAIN:
            raise StatementNotTranslated("The default database cannot be dropped.")
        return Plan(steps=(f"DROP SCHEMA {exists}{quoted(CATALOG)}.{quoted(name)}{cascade}",))
    if kind in ("TABLE", "VIEW"):
        tables = tree.args.get("tables") or [tree.this, *(tree.args.get("expressions") or [])]
        if kind == "VIEW" and any(scope.is_temporary_view(table) for table in tables):
            return Plan(steps=(), views={table.name.lower(): None for table in tables})
        kind = "TABLE" if tree.args.get("materialized") else kind
        steps = [f"DROP {kind} {exists}{duckdb(scope.located(table))}" for table in tables]
        dropped = [facts.storage.get("counted", {}) for table in tables if (facts := scope.facts(table)) is not None]
        steps += [counted.dropping(sequence) for each in dropped for sequence in each.values()]
        return Plan(steps=tuple(steps))
    raise StatementNotTranslated(f"DROP {kind} has no equal on the embedded engine.")
