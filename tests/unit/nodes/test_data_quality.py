"""Data Quality Monitor nodes on the embedded engine: one check of each type, strong and weak, and hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.domain.quality_document import read_rule_job
from headrace.domain.quality_outcome import Measured, Outcome, Status, judged
from headrace.errors import InvalidParameter
from headrace.nodes.base import NodeContext, NodeFailed, NodeResult
from headrace.nodes.data_quality import DEFAULT_SCRIPT_TYPE, SCRIPT_TYPES, output_of
from headrace.sql.dialects import CLICKHOUSE, DORIS, HIVE, IMPALA, MYSQL, POSTGRES, PRESTO, SPARK, TRINO, dialect_of
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import OUTPUT_LIMIT
from headrace.sql.quality import quality_statement
from headrace.sql.statements import split
from node_surroundings import KeptLog, context, run_node

Json = dict[str, Any]
PLAN = datetime(2024, 1, 31, 2, tzinfo=UTC)

TABLES = """
CREATE TABLE orders (id INT, mail STRING, amount DECIMAL(10, 2), day DATE, changed TIMESTAMP);
INSERT INTO orders VALUES
  (1, 'ann@example.org', 10.00, '2024-01-30', '2024-01-31 01:30:00'),
  (2, 'bob', 20.50, '2024-01-30', '2024-01-30 23:00:00'),
  (2, 'cy@example.org', -3.00, '2024-01-31', NULL),
  (NULL, NULL, NULL, '2024-01-31', '2024-01-29 00:00:00');
CREATE TABLE empty_orders (id INT);
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    folder = tmp_path_factory.mktemp("quality")
    (folder / "obs").mkdir()
    opened = EmbeddedEngine(folder / "w.duckdb", folder / "obs")
    opened.execute(TABLES, HIVE, None)
    yield opened
    opened.close()


class Monitor:
    """Runs a node with rule jobs of the test's own."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self.jobs: dict[str, Json] = {}
        self.log = KeptLog()
        self.recorded: list[Outcome] = []

    def context(self, **members: Any) -> NodeContext:
        def substitute(text: str, arguments: Mapping[str, str]) -> str:
            for name, value in arguments.items():
                text = text.replace("${" + name + "}", value)
            return text

        given = {
            "open_sql": lambda: self._engine,
            "embedded_connections": True,
            "plan_time": PLAN,
            "log": self.log,
            "substitute": substitute,
            "find_quality_rules": lambda name: json.dumps(self.jobs[name]),
            "record_quality": self.recorded.extend,
        }
        return context(**(given | members))

    def run(self, *rules: Json, parameters: str = "", **members: Any) -> NodeResult:
        self.jobs["orders"] = {"name": "orders", "rules": list(rules), **members}
        return run_node("DataQualityMonitor", self.context(), qualityRuleName="orders", parameters=parameters)

    def outcome(self, kind: str, **members: Any) -> Json:
        """The outcome of one rule."""
        table = {} if kind == "sql" else {"table": "orders"}
        result = self.run({"name": "r", "type": kind, **table, **members})
        (found,) = json.loads(result.output or "")["rules"]
        assert result.success is (found["status"] != "failed")
        told: Json = found
        return told


@pytest.fixture
def monitor(engine: EmbeddedEngine) -> Monitor:
    return Monitor(engine)


def test_row_count(monitor: Monitor) -> None:
    assert monitor.outcome("rowCount", min=4, max=4)["checked"] == 4
    assert monitor.outcome("rowCount", min=5)["message"] == "4 rows, fewer than 5."
    assert monitor.outcome("rowCount", max=3)["status"] == "failed"
    assert monitor.outcome("rowCount", max=2, where="day = '2024-01-30'")["status"] == "passed"
    assert monitor.outcome("rowCount", min=1, table="empty_orders")["status"] == "failed"


def test_null(monitor: Monitor) -> None:
    found = monitor.outcome("null", columns=["id", "changed"], exampleColumns=["mail"])
    assert (found["status"], found["checked"], found["violations"]) == ("failed", 4, 2)
    assert "mail = 'cy@example.org', id = 2, changed = NULL" in monitor.log.text
    assert monitor.outcome("null", column="id", where="id IS NOT NULL -- and a comment")["status"] == "passed"
    assert monitor.outcome("null", column="id", threshold={"percent": 25})["status"] == "passed"
    assert monitor.outcome("null", column="id", table="empty_orders") == {
        "ruleJob": "orders",
        "rule": "r",
        "type": "null",
        "strength": "strong",
        "table": "empty_orders",
        "status": "passed",
        "checked": 0,
        "violations": 0,
        "message": "0 of 0 rows break the rule, 0 rows may.",
    }


def test_unique(monitor: Monitor) -> None:
    found = monitor.outcome("unique", column="id")
    assert (found["status"], found["checked"], found["violations"]) == ("failed", 4, 1)
    assert "id = 2, count = 2" in monitor.log.text
    assert monitor.outcome("unique", columns=["id", "mail"])["status"] == "passed"


def test_range(monitor: Monitor) -> None:
    found = monitor.outcome("range", column="amount", min=0, max=20)
    assert (found["checked"], found["violations"]) == (4, 2)
    assert monitor.outcome("range", column="amount", min=-3, max=20.5)["status"] == "passed"
    assert monitor.outcome("range", column="day", max="2024-01-30", valueType="date")["violations"] == 2
    assert monitor.outcome("range", column="changed", min="2024-01-30 00:00:00", valueType="timestamp")[
        "violations"
    ] == (1)
    assert monitor.outcome("range", column="mail", max="b")["violations"] == 2


@pytest.mark.parametrize(
    "script_type", ["", "HiveSQL", "SparkSQL", "DWSSQL", "RDSSQL", "PrestoSQL", "HetuEngine", "ImpalaSQL", "DorisSQL"]
)
def test_regex__in_the_words_of_every_dialect(monitor: Monitor, script_type: str) -> None:
    members = {"scriptType": script_type} if script_type else {}
    found = monitor.outcome("regex", column="mail", pattern=r"^[a-z]{2,3}@example\.org$", **members)
    assert (found["checked"], found["violations"]) == (4, 1), found
    assert "mail = 'bob'" in monitor.log.text


def test_freshness(monitor: Monitor) -> None:
    found = monitor.outcome("freshness", column="changed", maxAgeMinutes=30)
    assert (found["status"], found["value"]) == ("passed", "2024-01-31 01:30:00")
    found = monitor.outcome("freshness", column="changed", maxAgeMinutes=29)
    assert found["message"] == "The newest is 2024-01-31 01:30:00, 30 minutes before the plan time; 29 may be."
    assert monitor.outcome("freshness", column="day", maxAgeMinutes=120)["status"] == "passed"
    assert monitor.outcome("freshness", column="mail", maxAgeMinutes=120)["status"] == "failed"
    assert monitor.outcome("freshness", column="id", table="empty_orders", maxAgeMinutes=1)["status"] == "failed"


def test_sql(monitor: Monitor) -> None:
    found = monitor.outcome("sql", sql="SELECT id, amount FROM orders WHERE amount < 0")
    assert (found["violations"], found["message"]) == (1, "1 rows break the rule, 0 rows may.")
    assert "id = 2, amount = '-3.00'" in monitor.log.text
    assert monitor.outcome("sql", sql="SELECT 1 WHERE 1 = 0;")["status"] == "passed"
    assert monitor.outcome("sql", sql="SELECT SUM(amount) FROM orders", equals=27.5)["value"] == "27.50"
    assert monitor.outcome("sql", sql="SELECT SUM(amount) FROM orders", max=27)["status"] == "failed"
    many = monitor.outcome("sql", sql="SELECT a.id FROM orders a, orders b, orders c, orders d, orders e")
    assert many["message"] == "at least 1000 rows break the rule, 0 rows may."


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "its SQL is 2 statements, expected one query."),
        ("CREATE TABLE IF NOT EXISTS gone (a INT)", "its SQL gives no rows; expected a query."),
        ("SELECT nothing FROM orders", 'Binder Error: Referenced column "nothing"'),
    ],
)
def test_sql__what_cannot_be_checked_is_not_met(monitor: Monitor, sql: str, message: str) -> None:
    found = monitor.outcome("sql", sql=sql)
    assert found["status"] == "failed"
    assert found["message"].startswith(f"It could not be checked: {message}")
    assert monitor.outcome("sql", sql=sql, strength="weak")["status"] == "warning"


def test_node__strong_rules_fail_it_and_weak_ones_warn(monitor: Monitor) -> None:
    null = {"name": "ids", "type": "null", "table": "orders", "column": "id"}
    rows = {"name": "rows", "type": "rowCount", "table": "orders", "min": 1}
    warned = monitor.run({**null, "strength": "weak"}, rows)
    assert (warned.success, warned.message) == (True, "")
    told = json.loads(warned.output or "")
    assert {name: told[name] for name in ("status", "passed", "warning", "failed")} == {
        "status": "warning",
        "passed": 1,
        "warning": 1,
        "failed": 0,
    }
    failed = monitor.run(null, rows)
    assert (failed.success, json.loads(failed.output or "")["status"]) == (False, "failed")
    assert failed.message == "1 of 2 quality rules failed. orders/ids: 1 of 4 rows break the rule, 0 rows may."
    assert [(item.rule, item.status.value) for item in monitor.recorded] == [
        ("ids", "warning"),
        ("rows", "passed"),
        ("ids", "failed"),
        ("rows", "passed"),
    ]
    assert "FAILED  orders/ids (strong): 1 of 4 rows break the rule, 0 rows may." in monitor.log.lines


def test_parameters__values_of_the_node_replace_those_of_the_rule_job(monitor: Monitor) -> None:
    rule = {"name": "r", "type": "rowCount", "table": "${table}", "where": "day = '${day}'", "min": "${least}"}
    defaults = {"table": "orders", "day": "2024-01-30", "least": "3"}
    job = {"name": "orders", "rules": [rule], "parameters": defaults}
    monitor.jobs["orders"] = job
    node = {"qualityRuleName": "orders"}
    assert run_node("DataQualityMonitor", monitor.context(), **node).message.endswith("2 rows, fewer than 3.")
    given = node | {"parameters": "least=1\nday=2024-01-29"}
    assert run_node("DataQualityMonitor", monitor.context(), **given).message.endswith("0 rows, fewer than 1.")
    monitor.jobs["orders"] = job | {"parameters": {}}
    with pytest.raises(InvalidParameter, match=r"rules\[0\].min: '\$\{least\}' is wrong; expected a number."):
        run_node("DataQualityMonitor", monitor.context(), **node)


def test_parameters__a_value_stays_a_name_or_a_literal(monitor: Monitor, engine: EmbeddedEngine) -> None:
    hostile = """x" ; DROP TABLE orders; -- ' ` \\' \\"""
    for script_type in ("HiveSQL", "DWSSQL", "RDSSQL", "PrestoSQL"):
        for rule in (
            {"type": "null", "table": "orders", "column": hostile},
            {"type": "rowCount", "table": hostile.replace(".", ""), "min": 1},
            {"type": "range", "table": "orders", "column": "mail", "min": hostile},
            {"type": "unique", "table": "orders", "columns": ["id", hostile]},
        ):
            monitor.run({"name": "r", **rule}, scriptType=script_type)
    engine.execute("SELECT 1 FROM orders", HIVE, None)


@pytest.mark.parametrize(
    "dialect",
    [HIVE, IMPALA, SPARK, POSTGRES, MYSQL, PRESTO, TRINO, CLICKHOUSE, DORIS],
    ids=lambda dialect: dialect.name,
)
def test_statement__hostile_names_and_values_stay_one_statement(dialect: Any) -> None:
    for hostile in ("`; DROP TABLE t; --", '"; DROP TABLE t; --', "'; DROP TABLE t; --", "\\'; x", "\\", "\\\\'; x"):
        rules = [
            {"name": "1", "type": "regex", "table": "t", "column": hostile, "pattern": hostile},
            {"name": "2", "type": "range", "table": "t", "column": hostile, "min": hostile, "max": hostile},
            {"name": "3", "type": "unique", "table": "t", "columns": [hostile]},
            {"name": "4", "type": "freshness", "table": hostile, "column": hostile, "maxAgeMinutes": 1},
        ]
        for rule in read_rule_job({"name": "j", "rules": rules}).rules:
            text = quality_statement(rule, dialect)
            assert [one.text for one in split(text, dialect)] == [text.replace("\\;", ";")]


def test_node__several_rule_jobs_and_every_spelling_of_the_property(monitor: Monitor) -> None:
    rule = {"name": "r", "type": "rowCount", "table": "orders", "min": 1}
    monitor.jobs = {name: {"name": name, "rules": [rule]} for name in ("a", "b")}
    for spelling in ("qualityRuleName", "Quality Rule Name", "ruleJobName", "jobName"):
        monitor.recorded.clear()
        assert run_node("DataQualityMonitor", monitor.context(), **{spelling: "a, b,a"}).success
        assert [outcome.rule_job for outcome in monitor.recorded] == ["a", "b"]
    with pytest.raises(NodeFailed, match="the node names no quality rule job"):
        run_node("DataQualityMonitor", monitor.context())


def test_node__rules_that_are_wrong_are_named_and_none_is_checked(monitor: Monitor) -> None:
    with pytest.raises(InvalidParameter, match=r"rules\[1\].min: 'many' is wrong"):
        monitor.run(
            {"name": "a", "type": "rowCount", "table": "orders", "min": 1},
            {"name": "b", "type": "rowCount", "table": "orders", "min": "many"},
        )
    assert monitor.recorded == []


def outcomes(number: int, status: Status) -> Sequence[Outcome]:
    strength = "weak" if status is Status.WARNING else "strong"
    rules = [
        {"name": f"{status}{n}", "type": "null", "table": "t", "column": "c", "strength": strength}
        for n in range(number)
    ]
    job = read_rule_job({"name": "j", "rules": rules})
    broken = Measured(checked=9, violations=0 if status is Status.PASSED else 1)
    return [judged("j", rule, broken, PLAN) for rule in job.rules]


def test_output__keeps_what_is_not_met_when_all_does_not_fit() -> None:
    text = output_of([*outcomes(200, Status.PASSED), *outcomes(20, Status.WARNING), *outcomes(1, Status.FAILED)])
    told = json.loads(text)
    assert len(text) <= OUTPUT_LIMIT
    assert (told["passed"], told["warning"], told["failed"]) == (200, 20, 1)
    assert [rule["status"] for rule in told["rules"][:22]] == ["warning"] * 20 + ["failed", "passed"]
    assert told["omitted"] == 221 - len(told["rules"])


def test_dialects__the_script_types_of_rules_are_known() -> None:
    assert all(dialect_of(name) for name in (*SCRIPT_TYPES.values(), DEFAULT_SCRIPT_TYPE))
