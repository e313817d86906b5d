"""Plans for statements that write rows: INSERT, INSERT OVERWRITE, multi-insert, MERGE, UPDATE, DELETE.

INSERT OVERWRITE first reads its query to the end, then deletes, then inserts, in one transaction. Without a static
partition it replaces the partitions that the query has rows for. Source: Hive wiki "LanguageManual DML", Spark SQL
"INSERT OVERWRITE".
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from sqlglot import exp

from headrace.sql import queries
from headrace.sql.catalog import Plan, Scope, TableFacts, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.writing import constant, duckdb, partition_column, where

_STATIC_OVERWRITE = "spark.sql.sources.partitionoverwritemode"


def insert(tree: exp.Insert, scope: Scope, number: int = 0) -> Plan:
    """INSERT INTO and INSERT OVERWRITE, with or without PARTITION."""
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise StatementNotTranslated("INSERT writes tables only on the embedded engine.")
    facts = scope.facts(table)
    if facts is not None and facts.location:
        raise StatementNotTranslated(f"{table.name} is an external table, which can only be read.")
    if facts is not None and facts.query is not None:
        raise StatementNotTranslated(f"{table.name} is a view, which INSERT cannot change.")
    partition = table.args.get("partition") or tree.args.get("partition")
    if not partition and not tree.args.get("overwrite") and not (facts and facts.partition_columns):
        return _plain(tree, scope)
    if facts is None:
        raise StatementNotTranslated(f"{table.name} is no table of the workspace.")
    if tree.args.get("where") is not None or tree.args.get("conflict") is not None:
        raise StatementNotTranslated(
            "This form of INSERT into a partitioned table has no equal on the embedded engine."
        )
    return _PartitionedInsert(tree, table, facts, partition or None, scope, number).plan()


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
    return Plan(steps=steps, count_of=counts)


def change(tree: exp.Merge | exp.Update | exp.Delete, scope: Scope) -> Plan:
    """MERGE, UPDATE and DELETE: the same in DuckDB but for the target's alias in assignments."""
    if isinstance(tree, exp.Merge):
        _without_target_alias(tree)
    return Plan(steps=(duckdb(queries.rewritten(tree, scope)),), count_of=(0,))


def _plain(tree: exp.Insert, scope: Scope) -> Plan:
    conflict = tree.args.get("conflict")
    if conflict is not None and conflict.args.get("duplicate"):
        _on_duplicate_key(conflict)
    return Plan(steps=(duckdb(queries.rewritten(tree, scope)),), count_of=(0,))


def _on_duplicate_key(conflict: exp.OnConflict) -> None:
    """MySQL's ON DUPLICATE KEY UPDATE a = VALUES(a) is ON CONFLICT DO UPDATE SET a = excluded.a."""
    conflict.set("duplicate", None)
    conflict.set("action", exp.var("DO UPDATE"))
    for value in list(conflict.find_all(exp.Anonymous)):
        if value.name.lower() == "values" and len(value.expressions) == 1:
            value.replace(exp.column(value.expressions[0].name, table="excluded"))


def _without_target_alias(merge: exp.Merge) -> None:
    for when in merge.find_all(exp.When):
        action = when.args.get("then")
        if isinstance(action, exp.Update):
            for assignment in action.expressions:
                if isinstance(assignment, exp.EQ) and isinstance(assignment.this, exp.Column):
                    assignment.set("this", exp.column(assignment.this.this.copy()))


class _PartitionedInsert:
    """One INSERT whose target columns must be told: static partition values, dynamic partitions, overwriting."""

    def __init__(
        self,
        tree: exp.Insert,
        table: exp.Table,
        facts: TableFacts,
        partition: exp.Partition | None,
        scope: Scope,
        number: int,
    ) -> None:
        self.tree, self.facts, self.scope = tree, facts, scope
        self.static: dict[str, str] = {}
        self.dynamic: list[str] = []
        self._read(partition)
        target = exp.Table(this=table.this.copy(), db=table.args.get("db"))
        self.target = duckdb(scope.located(target))
        self.stage = f'"temp"."main"."headrace_overwrite_{number}"'

    def _read(self, partition: exp.Partition | None) -> None:
        for part in partition.expressions if partition is not None else []:
            if isinstance(part, exp.EQ):
                self.static[partition_column(part.this.name, self.facts)] = constant(part.expression)
            else:
                self.dynamic.append(partition_column(part.name, self.facts))
        if partition is None:
            self.dynamic = [partition_column(name, self.facts) for name in self.facts.partition_columns]
        elif set(self.static) | set(self.dynamic) != {
            partition_column(n, self.facts) for n in self.facts.partition_columns
        }:
            raise StatementNotTranslated("PARTITION must name every partition column of the table.")

    def plan(self) -> Plan:
        columns = self._query_columns()
        written = ", ".join(quoted(name) for name in [*columns, *self.static])
        rows = f"SELECT * FROM {self.stage}"
        steps = [f"CREATE OR REPLACE TEMPORARY TABLE {self.stage.rsplit('.', 1)[-1]} AS {self._rows(columns)}"]
        if self.tree.args.get("overwrite"):
            steps.append(f"DELETE FROM {self.target}{where(self._overwritten())}")
        steps.append(f"INSERT INTO {self.target} ({written}) {rows}")
        count = len(steps) - 1
        steps.append(f"DROP TABLE {self.stage}")
        return Plan(steps=tuple(steps), count_of=(count,))

    def _query_columns(self) -> list[str]:
        """The columns the query gives, in order: the given or all data columns, then the dynamic partitions."""
        given = self.tree.this.expressions if isinstance(self.tree.this, exp.Schema) else []
        partitions = {name.lower() for name in self.facts.partition_columns}
        data = [name for name in self.facts.columns if name.lower() not in partitions]
        if not given:
            return data + self.dynamic
        names = [column.name for column in given]
        named = {name.lower() for name in names}
        missing = [name for name in self.dynamic if name.lower() not in named]
        if missing:
            raise StatementNotTranslated(f"INSERT names columns but not the partition column {missing[0]}.")
        return names

    def _rows(self, columns: list[str]) -> str:
        query = self.tree.expression.copy()
        clause = self.tree.args.get("with_")
        if clause is not None and isinstance(query, exp.Query):
            query.set("with_", clause.copy())
        inner = duckdb(
            queries.rewritten(exp.Subquery(this=query) if isinstance(query, exp.Values) else query, self.scope)
        )
        inner = inner if inner.startswith("(") else f"({inner})"
        names = ", ".join(quoted(name) for name in columns)
        fixed = "".join(f", {value} AS {quoted(name)}" for name, value in self.static.items())
        return f"SELECT headrace_query.*{fixed} FROM {inner} AS headrace_query({names})"

    def _overwritten(self) -> str | None:
        """Which rows go: those of the static partition, and of it only the dynamic partitions that come anew."""
        types = self.facts.columns
        conditions = [
            f"{quoted(name)} IS NOT DISTINCT FROM CAST({value} AS {types[name]})" for name, value in self.static.items()
        ]
        if self.dynamic and not self._replaces_all():
            same = " AND ".join(
                f"headrace_new.{quoted(name)} IS NOT DISTINCT FROM {self.target}.{quoted(name)}"
                for name in self.dynamic
            )
            casts = ", ".join(f"CAST({quoted(name)} AS {types[name]}) AS {quoted(name)}" for name in self.dynamic)
            fresh = f"(SELECT DISTINCT {casts} FROM {self.stage}) AS headrace_new"
            conditions.append(f"EXISTS (SELECT 1 FROM {fresh} WHERE {same})")
        return " AND ".join(conditions) or None

    def _replaces_all(self) -> bool:
        """Spark's own tables (CREATE TABLE ... USING) lose every matching partition unless told to be dynamic."""
        mode = self.scope.variables.get(_STATIC_OVERWRITE, "static").lower()
        return self.scope.dialect.name == "spark" and bool(self.facts.storage.get("data_source")) and mode == "static"
