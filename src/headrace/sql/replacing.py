"""REPLACE INTO and INSERT IGNORE of MySQL and Doris: rows that stand in the way of new ones go, or the new ones do.

Source: MySQL manual, "REPLACE Statement", "INSERT Statement".
"""

# ruff: noqa: S608 - writing SQL is the work of this module; names go through quoted(), texts through literal()

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from headrace.sql.catalog import Plan, quoted
from headrace.sql.staged import StagedInsert
from headrace.sql.writing import duckdb


def replace(staged: StagedInsert, table: exp.Table, keys: Sequence[Sequence[str]]) -> Plan:
    """Delete the rows that have a key of a new one, then insert; of new rows with one key the last stays."""
    target = duckdb(staged.scope.located(exp.Table(this=table.this.copy(), db=table.args.get("db"))))
    given = {name.lower() for name in staged.columns}
    usable = [key for key in keys if all(name.lower() in given for name in key)]
    steps = [staged.staging]
    steps += [f"DELETE FROM {staged.stage} AS headrace_old WHERE {_later(staged.stage, key)}" for key in usable]
    steps += [f"DELETE FROM {target} AS headrace_old WHERE {_same(staged.stage, key)}" for key in usable]
    columns = ", ".join(quoted(name) for name in staged.columns)
    steps.append(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {staged.stage} ORDER BY rowid")
    return Plan(steps=(*steps, staged.unstaging), count_of=(len(steps) - 1,))


def _same(stage: str, key: Sequence[str]) -> str:
    equal = " AND ".join(f"headrace_new.{quoted(name)} = headrace_old.{quoted(name)}" for name in key)
    return f"EXISTS (SELECT 1 FROM {stage} AS headrace_new WHERE {equal})"


def _later(stage: str, key: Sequence[str]) -> str:
    return _same(stage, key)[:-1] + " AND headrace_new.rowid > headrace_old.rowid)"
