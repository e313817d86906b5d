"""Rewrite what queries have beyond DuckDB: lateral views, grouping sets, SORT BY, full names."""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from headrace.sql import comparisons, external, file_names, functions
from headrace.sql.catalog import CATALOG, Scope, TableFacts
from headrace.sql.engine import StatementNotTranslated

_TABLE_FUNCTIONS = (exp.Unnest, exp.GenerateSeries, exp.ExplodingGenerateSeries, exp.Values, exp.Explode)


def rewritten(tree: exp.Expr, scope: Scope, *, keep_external: bool = False) -> exp.Expr:
    """``tree``, changed in place: correct functions, DuckDB's clauses, tables by their full names.

    External tables become the query of their files, unless ``keep_external``: then they stay names, for a query
    that is kept until later. Raises StatementNotTranslated for what has no equal.
    """
    for select in list(tree.find_all(exp.Select)):
        _clauses(select)
        _lateral_views(select)
        file_names.resolve(select, scope)
    functions.correct(tree, scope.dialect)
    comparisons.adjust(tree, scope)
    _columns(tree, scope)
    for table in reversed(list(tree.find_all(exp.Table))):  # the joined before what holds them
        _name_in_full(table, scope, keep_external)
    for unresolved in tree.find_all(exp.Parameter, exp.Placeholder, exp.SessionParameter):
        raise StatementNotTranslated(f"The parameter {unresolved.sql(dialect=scope.dialect.grammar)} has no value.")
    for command in tree.find_all(exp.Command):
        raise StatementNotTranslated(f"{command.name} is not known on the embedded engine.")
    return tree


def _clauses(select: exp.Select) -> None:
    """Hints and DISTRIBUTE BY only steer the cluster; SORT BY and CLUSTER BY order the rows of each of its parts."""
    select.set("hint", None)
    select.set("distribute", None)
    order = select.args.get("sort") or select.args.get("cluster")
    if order is not None and select.args.get("order") is None:
        select.set("order", exp.Order(expressions=order.expressions))
    select.set("sort", None)
    select.set("cluster", None)
    group = select.args.get("group")
    if group is not None:
        _grouping(select, group)


def _grouping(select: exp.Select, group: exp.Group) -> None:
    """``GROUP BY a, b WITH CUBE`` and ``GROUP BY a, b GROUPING SETS (...)`` name their columns before."""
    columns = [column.copy() for column in group.expressions]
    for kind in ("cube", "rollup"):
        parts = group.args.get(kind) or []
        if parts and not parts[0].expressions:
            parts[0].set("expressions", columns)
            group.set("expressions", None)
    if group.args.get("grouping_sets"):
        group.set("expressions", None)
    for column in list(select.find_all(exp.Column)):
        if column.name.lower() == "grouping__id" and columns:
            column.replace(exp.Anonymous(this="GROUPING", expressions=[each.copy() for each in columns]))


def _lateral_views(select: exp.Select) -> None:
    """LATERAL VIEW [OUTER] f(x) v AS a, b becomes a lateral join; OUTER keeps rows without any."""
    for lateral in select.args.pop("laterals", None) or []:
        source = exp.Subquery(this=_generated(lateral), alias=exp.TableAlias(this=lateral.args["alias"].this))
        join = exp.Join(this=exp.Lateral(this=source.this.subquery(), alias=source.args["alias"].copy()))
        if lateral.args.get("outer"):
            join.set("side", "LEFT")
            join.set("on", exp.true())
        else:
            join.set("kind", "CROSS")
        select.append("joins", join)


def _generated(lateral: exp.Lateral) -> exp.Select:
    """The SELECT that yields the rows of one lateral view."""
    generator, names = lateral.this, [column.name for column in lateral.args["alias"].args.get("columns") or []]
    if isinstance(generator, exp.Posexplode):
        values = ["UNNEST(RANGE(LEN(_1)))", "UNNEST(_1)"]
        names = names or ["pos", "col"]
    elif isinstance(generator, exp.Explode) and len(names) == 2:
        values = ["UNNEST(MAP_KEYS(_1))", "UNNEST(MAP_VALUES(_1))"]
    elif isinstance(generator, exp.Explode):
        values, names = ["UNNEST(_1)"], names or ["col"]
    elif isinstance(generator, exp.Anonymous) and generator.name.lower() == "json_tuple":
        return _json_tuple(generator, names)
    else:
        raise StatementNotTranslated(f"LATERAL VIEW {generator.sql('hive')[:60]} has no equal on the embedded engine.")
    if len(values) != len(names):
        raise StatementNotTranslated(f"LATERAL VIEW {generator.sql('hive')[:60]} gives {len(values)} columns.")
    columns = [functions.fill(value, generator.this).this for value in values]
    return exp.Select(expressions=_aliased(columns, names))


def _json_tuple(generator: exp.Anonymous, names: list[str]) -> exp.Select:
    document, *keys = generator.expressions
    if len(keys) != len(names) or not all(isinstance(key, exp.Literal) for key in keys):
        raise StatementNotTranslated("json_tuple needs its keys as texts and a name for each.")
    extract = "JSON_EXTRACT_STRING(_1, _2)"
    columns = [functions.fill(extract, document, exp.Literal.string(f'$."{key.name}"')).this for key in keys]
    return exp.Select(expressions=_aliased(columns, names))


def _aliased(columns: list[exp.Expr], names: list[str]) -> list[exp.Expr]:
    return [exp.alias_(column, name, quoted=True) for column, name in zip(columns, names, strict=True)]


def _columns(tree: exp.Expr, scope: Scope) -> None:
    """``ods.orders.id`` keeps its schema as the engine calls it; a catalog in front of it is dropped."""
    for column in tree.find_all(exp.Column):
        column.set("catalog", None)
        if column.args.get("db") is not None:
            column.set("db", exp.to_identifier(scope.schema_of(column.text("db")), quoted=True))


def _name_in_full(table: exp.Table, scope: Scope, keep_external: bool) -> None:
    if not isinstance(table.this, exp.Identifier):
        if not isinstance(table.this, _TABLE_FUNCTIONS):
            raise StatementNotTranslated(f"The table function {table.sql()[:60]} is not known on the embedded engine.")
        return
    if not table.db and table.name.lower() in _visible_queries(table):
        return
    facts = scope.facts(table)
    kept = keep_external and not scope.is_temporary_view(table)
    if facts is None or kept or not _is_of_files(facts):
        table.replace(scope.located(table))
        return
    if not isinstance(table.parent, exp.From | exp.Join | exp.Merge) and table.arg_key != "using":
        raise StatementNotTranslated(f"{table.name} is made of files, which no statement of this kind can change.")
    _read(table, facts, scope, keep_external)


def with_files(tree: exp.Expr, scope: Scope) -> exp.Expr:
    """A query that was kept with full names, changed in place: external tables, and views of them, as they are now."""
    for table in reversed(list(tree.find_all(exp.Table))):
        if table.catalog == CATALOG:
            facts = scope.catalog.table(table.db, table.name)
            if facts is not None and _is_of_files(facts):
                _read(table, facts, scope)
    return tree


def reads_files(query: str, scope: Scope) -> bool:
    """Whether a query with full names reads an external table, also by a view."""
    tables = sqlglot.parse_one(query, read="duckdb").find_all(exp.Table)
    found = [scope.catalog.table(table.db, table.name) for table in tables if table.catalog == CATALOG]
    return any(facts is not None and _is_of_files(facts) for facts in found)


def _is_of_files(facts: TableFacts) -> bool:
    return facts.location is not None or (facts.query is not None and not facts.keeps_rows)


def _read(table: exp.Table, facts: TableFacts, scope: Scope, keep_external: bool = False) -> None:
    """Put the query that gives an external table's rows, or those of a view over some, in its place."""
    rows: exp.Expr
    if facts.query is not None:
        rows = sqlglot.parse_one(facts.query, read="duckdb")
        rows = rows if keep_external else with_files(rows, scope)
    else:
        rows = external.reading(facts, scope, with_file_name=file_names.is_asked(table))
    alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name, quoted=True))
    table.replace(exp.Subquery(this=rows, alias=alias))


def _visible_queries(table: exp.Table) -> frozenset[str]:
    """The names of the WITH queries that a table name can mean where it stands, lower case."""
    return frozenset(name for node in _around(table) for name in node)


def _around(table: exp.Expr) -> Iterator[list[str]]:
    child, parent = table, table.parent
    while parent is not None:
        if isinstance(parent, exp.With):
            earlier = parent.expressions[: _position(parent, child)]
            own = [child] if parent.args.get("recursive") else []
            yield [query.alias.lower() for query in [*earlier, *own]]
        else:
            clause = parent.args.get("with_")
            if clause is not None and clause is not child:
                yield [query.alias.lower() for query in clause.expressions]
        child, parent = parent, parent.parent


def _position(clause: exp.With, query: exp.Expr) -> int:
    return next(index for index, each in enumerate(clause.expressions) if each is query)
