"""An INSERT whose rows are staged first: with partitions, or into files.

The query is read to its end into a temporary table, so that a statement may overwrite what it reads.
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from sqlglot import exp

from headrace.sql import queries
from headrace.sql.catalog import Scope, TableFacts, quoted
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.writing import constant, duckdb, partition_column

_STATIC_OVERWRITE = "spark.sql.sources.partitionoverwritemode"


class StagedInsert:
    """What one INSERT says: static partition values, dynamic partitions, the columns its query gives.

    ``number`` tells the inserts of a multi-insert apart.
    """

    def __init__(self, tree: exp.Insert, table: exp.Table, facts: TableFacts, scope: Scope, number: int) -> None:
        self.tree, self.facts, self.scope = tree, facts, scope
        if tree.args.get("by_name") or tree.args.get("exists"):
            raise StatementNotTranslated("INSERT with BY NAME or IF NOT EXISTS has no equal here for this table.")
        self.static: dict[str, str] = {}  # column -> constant of DuckDB
        self.dynamic: list[str] = []
        self._read(table.args.get("partition") or tree.args.get("partition") or None)
        self.columns = self._query_columns()
        self.stage = f'"temp"."main"."headrace_overwrite_{number}"'
        self.overwrites = bool(tree.args.get("overwrite"))

    def _read(self, partition: exp.Partition | None) -> None:
        for part in partition.expressions if partition is not None else []:
            if isinstance(part, exp.EQ):
                self.static[partition_column(part.this.name, self.facts)] = constant(part.expression)
            else:
                self.dynamic.append(partition_column(part.name, self.facts))
        wanted = [partition_column(name, self.facts) for name in self.facts.partition_columns]
        if partition is None:
            self.dynamic = wanted
        elif set(self.static) | set(self.dynamic) != set(wanted):
            raise StatementNotTranslated("PARTITION must name every partition column of the table.")

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

    @property
    def staging(self) -> str:
        """The step that makes the temporary table ``stage``: the columns of the query, then the static partitions."""
        query = self.tree.expression.copy()
        clause = self.tree.args.get("with_")
        if clause is not None and isinstance(query, exp.Query):
            query.set("with_", clause.copy())
        inner = duckdb(
            queries.rewritten(exp.Subquery(this=query) if isinstance(query, exp.Values) else query, self.scope)
        )
        inner = inner if inner.startswith("(") else f"({inner})"
        names = ", ".join(quoted(name) for name in self.columns)
        fixed = "".join(f", {value} AS {quoted(name)}" for name, value in self.static.items())
        rows = f"SELECT headrace_query.*{fixed} FROM {inner} AS headrace_query({names})"
        return f"CREATE OR REPLACE TEMPORARY TABLE {self.stage.rsplit('.', 1)[-1]} AS {rows}"

    @property
    def unstaging(self) -> str:
        """The step that drops it."""
        return f"DROP TABLE {self.stage}"

    @property
    def replaces_all(self) -> bool:
        """Spark's own tables (CREATE TABLE ... USING) lose every matching partition unless told to be dynamic."""
        mode = self.scope.variables.get(_STATIC_OVERWRITE, "static").lower()
        return self.scope.dialect.name == "spark" and bool(self.facts.storage.get("data_source")) and mode == "static"
