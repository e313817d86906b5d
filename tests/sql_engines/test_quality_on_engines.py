"""Every type of quality rule on real engines: the same table, the same counts, hostile names and patterns."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.domain.quality_outcome import Outcome
from headrace.nodes.base import BoundConnection
from headrace.sql.dialects import HIVE, MYSQL, POSTGRES, SPARK, Dialect
from headrace.sql.engines import open_real
from node_surroundings import KeptLog, context, run_node

Config = dict[str, Any]
Json = dict[str, Any]
PLAN = datetime(2024, 1, 31, 2, tzinfo=UTC)
HOSTILE = """x' OR 1=1; DROP TABLE "orders"; -- ` \\' \\"""

# name: (rule, rows looked at, rows that break it, status)
RULES: dict[str, tuple[Json, int | None, int | None, str]] = {
    "rows": ({"type": "rowCount", "min": 4, "max": 4}, 4, None, "passed"),
    "some": ({"type": "rowCount", "max": 1, "where": "amount > 0 -- bought"}, 2, None, "failed"),
    "ids": ({"type": "null", "columns": ["id", "changed"]}, 4, 2, "failed"),
    "keys": ({"type": "unique", "column": "id"}, 4, 1, "failed"),
    "both": ({"type": "unique", "columns": ["id", "mail"]}, 4, 0, "passed"),
    "amounts": ({"type": "range", "column": "amount", "min": 0, "max": 20.5}, 4, 1, "failed"),
    "texts": ({"type": "range", "column": "mail", "min": "b"}, 4, 1, "failed"),
    "days": ({"type": "range", "column": "dt", "max": "2024-01-30", "valueType": "date"}, 4, 2, "failed"),
    "times": (
        {"type": "range", "column": "changed", "min": "2024-01-30 00:00:00", "valueType": "timestamp"},
        *(4, 1, "failed"),
    ),
    "mails": ({"type": "regex", "column": "mail", "pattern": r"^[a-z]{2,3}@example\.org$"}, 4, 1, "failed"),
    "quotes": ({"type": "regex", "column": "mail", "pattern": r"[^'\\\"]+"}, 4, 0, "passed"),
    "fresh": ({"type": "freshness", "column": "changed", "maxAgeMinutes": 30}, 4, None, "passed"),
    "stale": ({"type": "freshness", "column": "dt", "maxAgeMinutes": 60}, 4, None, "failed"),
    "empty": ({"type": "null", "column": "id", "where": "1 = 0"}, 0, 0, "passed"),
    "query": ({"type": "sql", "sql": "SELECT id FROM orders WHERE amount < 0"}, None, 1, "failed"),
    "sum": ({"type": "sql", "sql": "SELECT SUM(amount) FROM orders", "equals": 27.5}, None, None, "passed"),
    "value": ({"type": "range", "column": "mail", "min": HOSTILE, "max": HOSTILE}, 4, 3, "failed"),
}
MADE = """
CREATE TABLE orders (id INT, mail VARCHAR(40), amount DECIMAL(10, 2), dt DATE, changed TIMESTAMP{null});
INSERT INTO orders VALUES
  (1, 'ann@example.org', 10.00, DATE '2024-01-30', TIMESTAMP '2024-01-31 01:30:00'),
  (2, 'bob', 20.50, DATE '2024-01-30', TIMESTAMP '2024-01-30 23:00:00'),
  (2, 'cy@example.org', -3.00, DATE '2024-01-31', NULL),
  (NULL, NULL, NULL, DATE '2024-01-31', TIMESTAMP '2024-01-29 00:00:00');
"""


def checked(kind: str, config: Config, dialect: Dialect, database: str | None = None) -> list[Outcome]:
    """The outcomes of the rules, and of some with hostile names, on a table that is made and dropped."""
    engine, _ = open_real("c", kind, config)
    engine.execute(MADE.format(null=" NULL" if dialect is MYSQL else ""), dialect, database)
    rules = [{"name": name, **({} if rule["type"] == "sql" else {"table": "orders"}), **rule}
             for name, (rule, *_) in RULES.items()]  # fmt: skip
    rules += [
        {"name": "hostile column", "type": "null", "table": "orders", "column": HOSTILE},
        {"name": "hostile table", "type": "rowCount", "table": HOSTILE, "min": 0},
    ]
    job = {"name": "j", "connection": "c", "database": database or "", "rules": rules}
    outcomes: list[Outcome] = []
    ctx = context(
        connections={"c": BoundConnection(name="c", type=kind, config=config)},
        plan_time=PLAN,
        log=KeptLog(),
        find_quality_rules=lambda name: json.dumps(job),
        record_quality=outcomes.extend,
    )
    try:
        run_node("DataQualityMonitor", ctx, qualityRuleName="j")
    finally:
        engine.execute("DROP TABLE orders", dialect, database)
    return outcomes


def assert_found(outcomes: list[Outcome]) -> None:
    found = {
        one.rule: (one.measured.checked, one.measured.violations, one.status.value)
        for one in outcomes
        if not one.rule.startswith("hostile")
    }
    told = {one.rule: one.message for one in outcomes}
    assert found == {name: tuple(expected) for name, (_, *expected) in RULES.items()}, told
    for name in ("hostile column", "hostile table"):
        assert told[name].startswith("It could not be checked: ")


@pytest.mark.postgres
def test_quality__on_postgresql(postgres_config: Config) -> None:
    assert_found(checked("DWS", postgres_config, POSTGRES))


@pytest.mark.mariadb
def test_quality__on_mariadb(mariadb_config: Config) -> None:
    assert_found(checked("RDS", mariadb_config, MYSQL))


@pytest.mark.spark
def test_quality__on_spark_connect(spark_config: Config, spark_database: str) -> None:
    assert_found(checked("SparkSQL", spark_config, SPARK, spark_database))


@pytest.mark.spark
def test_quality__on_hiveserver2(hive_config: Config, spark_database: str) -> None:
    assert_found(checked("HIVE", hive_config, HIVE, spark_database))
