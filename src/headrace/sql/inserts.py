"""Plans for statements that write rows: INSERT, INSERT OVERWRITE, multi-insert.

INSERT OVERWRITE first reads its query to the end, then deletes, then inserts, in one transaction. Without a static
partition it replaces the partitions that the query has rows for. Source: Hive wiki "LanguageManual DML", Spark SQL
"INSERT OVERWRITE".
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from headrace.sql import counted, external_writing, functions, queries, replacing
from headrace.sql.catalog import Plan, Scope, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.staged import StagedInsert
from headrace.sql.writing import duckdb, where


def insert(tree: exp.Insert, scope: Scope, number: int = 0) -> Plan:
    """INSERT INTO and INSERT OVERWRITE, with or without PARTITION."""
    if isinstance(tree.this, exp.Directory):
        return external_writing.directory(tree, scope)
    table = _table(tree)
    facts = scope.facts(table)
    if facts is not None and facts.query is not None:
        raise StatementNotTranslated(f"{table.name} is a view, which INSERT cannot change.")
    partition = table.args.get("partition") or tree.args.get("partition")
    of_files = facts is not None and facts.location is not None
    if facts is not None and tree.args.get("alternative") == "REPLACE" and not of_files:
        _count_on(tree, scope)
        return replacing.replace(StagedInsert(tree, table, facts, scope, number), table, _keys(table, scope))
    if not (of_files or partition or tree.args.get("overwrite") or (facts and facts.partition_columns)):
        return _plain(tree, scope)
    if facts is None:
        raise StatementNotTranslated(f"{table.name} is no table of the workspace.")
    if tree.args.get("where") is not None or tree.args.get("conflict") is not None:
        raise StatementNotTranslated(
            "This form of INSERT into a partitioned or external table has no equal on the embedded engine."
        )
    staged = StagedInsert(tree, table, facts, scope, number)
    return external_writing.plan(staged) if of_files else _partitioned(staged, table)


def _table(tree: exp.Insert) -> exp.Table:
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise StatementNotTranslated("INSERT writes tables only on the embedded engine.")
    return table


def _keys(table: exp.Table, scope: Scope) -> Sequence[Sequence[str]]:
    return scope.catalog.keys(scope.schema_of(table.db or None), table.name)


def multi_insert(tree: exp.MultitableInserts, scope: Scope) -> Plan:
    """FROM source INSERT ... SELECT ... INSERT ... SELECT ...: all of them or none."""
    plans = []
    for number, each in enumerate(tree.expressions):
        if not isinstance(each, exp.Insert) or not isinstance(each.expression, exp.Select):
            raise StatementNotTranslated("This form of multi-insert has no equal on the embedded engine.")
        single = each.copy()
        single.expression.set("from_", exp.From(this=tree.args["source"].copy()))
        plans.append(insert(single, scope, number))
    steps: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    for plan in plans:
        counts += tuple(len(steps) + index for index in plan.count_of)
        steps += plan.steps
    return Plan(steps=steps, count_of=counts, publications=tuple(one for plan in plans for one in plan.publications))


def _plain(tree: exp.Insert, scope: Scope) -> Plan:
    conflict = tree.args.get("conflict")
    _count_on(tree, scope)
    if conflict is not None and conflict.args.get("duplicate"):
        _on_duplicate_key(conflict)
    if tree.args.get("ignore"):
        tree.set("ignore", None)
        tree.set("alternative", "IGNORE" if _keys(_table(tree), scope) else None)
    insertion = queries.rewritten(tree, scope)
    for today in list(conflict.find_all(exp.CurrentDate)) if conflict is not None else []:
        today.replace(functions.fill("CAST(GET_CURRENT_TIMESTAMP() AS DATE)"))  # its word is taken for a column here
    return Plan(steps=(duckdb(insertion),), count_of=(0,))


def _count_on(tree: exp.Insert, scope: Scope) -> None:
    facts = scope.facts(_table(tree))
    counters = facts.storage.get("counted") if facts is not None else None
    if facts is None or not counters or not isinstance(tree.expression, exp.Values):
        return
    given = [column.name for column in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    counted.count_on(tree.expression, given or list(facts.columns), counters)


def _on_duplicate_key(conflict: exp.OnConflict) -> None:
    """MySQL's ON DUPLICATE KEY UPDATE a = VALUES(a) is ON CONFLICT DO UPDATE SET a = excluded.a."""
    conflict.set("duplicate", None)
    conflict.set("action", exp.var("DO UPDATE"))
    for value in list(conflict.find_all(exp.Anonymous)):
        if value.name.lower() == "values" and len(value.expressions) == 1:
            value.replace(exp.column(value.expressions[0].name, table="excluded"))


def _partitioned(staged: StagedInsert, table: exp.Table) -> Plan:
    """Rows of a partitioned table: what they replace goes first."""
    target = duckdb(staged.scope.located(exp.Table(this=table.this.copy(), db=table.args.get("db"))))
    written = ", ".join(quoted(name) for name in [*staged.columns, *staged.static])
    steps = [staged.staging]
    if staged.overwrites:
        steps.append(f"DELETE FROM {target}{where(_overwritten(staged, target))}")
    steps.append(f"INSERT INTO {target} ({written}) SELECT * FROM {staged.stage}")
    return Plan(steps=(*steps, staged.unstaging), count_of=(len(steps) - 1,))


def _overwritten(staged: StagedInsert, target: str) -> str | None:
    """Which rows go: those of the static partition, and of it only the dynamic partitions that come anew."""
    types = staged.facts.columns
    conditions = [
        f"{quoted(name)} IS NOT DISTINCT FROM CAST({value} AS {types[name]})" for name, value in staged.static.items()
    ]
    if staged.dynamic and not staged.replaces_all:
        same = " AND ".join(
            f"headrace_new.{quoted(name)} IS NOT DISTINCT FROM {target}.{quoted(name)}" for name in staged.dynamic
        )
        casts = ", ".join(f"CAST({quoted(name)} AS {types[name]}) AS {quoted(name)}" for name in staged.dynamic)
        fresh = f"(SELECT DISTINCT {casts} FROM {staged.stage}) AS headrace_new"
        conditions.append(f"EXISTS (SELECT 1 FROM {fresh} WHERE {same})")
    return " AND ".join(conditions) or None
