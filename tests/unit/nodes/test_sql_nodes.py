"""SQL nodes beside their statements: which engine, settings, job ids of DLI, the matching rule of DWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from headrace.engine.scope import _insert_job_id
from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed, NodeResult, Script
from headrace.nodes.sql_settings import read_environment, read_program_parameters
from headrace.sql.dialects import POSTGRES, SPARK, Dialect
from headrace.sql.engine import StatementResult
from headrace.sql.statements import split
from node_surroundings import KeptLog, context, run_node

ERROR = '(1,"error message")'
RULE = r"(?<=\()(-*\d+?)(?=,)"  # the documented example


class Engine:
    """Answers every SELECT with one cell and keeps what it was asked."""

    def __init__(self, cell: str = "x") -> None:
        self.cell = cell
        self.dialect: Dialect | None = None
        self.settings: Mapping[str, str] = {}

    def execute(self, script: str, dialect: Dialect, *_: Any, settings: Mapping[str, str]) -> list[StatementResult]:
        self.dialect, self.settings = dialect, settings
        return [self._result(statement.text) for statement in split(script, dialect)]

    def _result(self, text: str) -> StatementResult:
        told = {"message": "", "duration_seconds": 0.0, "row_count": 1, "statement": text}
        if not text.lower().startswith("select"):
            return StatementResult(**told, input_row_count=1)
        return StatementResult(**told, rows=((self.cell,),), schema=(("c", "text"),))


def around(engine: Engine, **members: Any) -> NodeContext:
    return context(open_sql=lambda: engine, embedded_connections=True, **members)


def dws(cell: str, **properties: str) -> NodeResult:
    return run_node("DWSSQL", around(Engine(cell)), statement="select f()", matchingRule=RULE, **properties)


def test_matching_rule__a_match_that_is_the_failure_value_fails_the_node() -> None:
    result = dws(ERROR, failureMatchingValue="1")
    assert (result.success, result.output) == (False, json.dumps([[ERROR]]))
    assert result.message == "matchingRule: the result matches with '1'."


@pytest.mark.parametrize(("cell", "value"), [(ERROR, "2"), (ERROR, ""), ("fine", "1"), ('(0,"")', "1")])
def test_matching_rule__any_other_match_or_none_succeeds(cell: str, value: str) -> None:
    assert dws(cell, failureMatchingValue=value).success


def test_matching_rule__java_names_of_groups_are_understood() -> None:
    ctx = around(Engine("code=7"))
    result = run_node("DWSSQL", ctx, statement="select 1", matchingRule="(?<c>7)", failureMatchingValue="7")
    assert not result.success


def test_matching_rule__no_regular_expression_is_told() -> None:
    with pytest.raises(NodeFailed, match=r"matchingRule: '\('.*no regular expression"):
        run_node("DWSSQL", around(Engine()), statement="select 1", matchingRule="(")


def test_matching_rule__an_endless_match_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.nodes.matching._SECONDS", 0.5)
    with pytest.raises(NodeFailed, match="took longer"):
        run_node("DWSSQL", around(Engine("a" * 60 + "!")), statement="select 1", matchingRule="(a+)+$")


def test_dli__each_statement_has_an_id_and_the_first_insert_is_known() -> None:
    script = "create table t (a int); insert into t values (1); with q as (select 1) insert into t select * from q"
    ctx = around(Engine())
    told = json.loads(run_node("DLISQL", ctx, sql=script).running_data or "")
    assert len(set(told["jobIds"])) == 3
    assert told["insertJobId"] == told["jobIds"][1]
    again = run_node("DLISQL", around(Engine(), token="home:1:0:2"), sql=script).running_data or ""
    assert not set(json.loads(again)["jobIds"]) & set(told["jobIds"])


def test_dli__without_an_insert_there_is_no_insert_id() -> None:
    running_data = run_node("DLISQL", around(Engine()), sql="select 1").running_data
    assert list(json.loads(running_data or "")) == ["jobIds"]
    assert (_insert_job_id(running_data), _insert_job_id(None)) == (None, None)


def test_insert_job_id__is_what_the_running_data_tell() -> None:
    assert _insert_job_id('{"jobIds":["a","b"],"insertJobId":"b"}') == "b"


def test_other_nodes_have_no_running_data() -> None:
    assert run_node("SparkSQL", around(Engine()), statement="select 1").running_data is None


def test_dli__environment_of_the_node_beats_that_of_the_script() -> None:
    engine = Engine()
    configuration = {"spark.sql.ansi.enabled": False, "dli.sql.shuffle.partitions": 5}
    script = Script(name="s", type="DLISQL", content="select 1", configuration=configuration)
    ctx = around(engine, scripts={"s": script})
    run_node("DLISQL", ctx, scriptName="s", conf='{"dli.sql.shuffle.partitions": "7"}')
    assert engine.settings == {"spark.sql.ansi.enabled": "false", "dli.sql.shuffle.partitions": "7"}


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ("spark.master=local", "'spark.master' must start with"),
        ("dli.sql.shuffle.partitions=0", "positive whole number"),
        ("dli.sql.autoBroadcastJoinThreshold=big", "whole number"),
        ("dli.sql.x", "'dli.sql.x' is not of the form"),
        ("{", "conf: "),
    ],
)
def test_dli__environment_that_dli_refuses_is_refused(conf: str, message: str) -> None:
    with pytest.raises(NodeFailed, match=message):
        run_node("DLISQL", around(Engine()), sql="select 1", conf=conf)


@pytest.mark.parametrize("text", ["a.b=1\nc=x=y", "a.b=1\\nc=x=y", '["a.b=1", "c=x=y"]', '{"a.b": 1, "c": "x=y"}'])
def test_read_environment__takes_lines_lists_and_objects(text: str) -> None:
    assert read_environment(text) == {"a.b": "1", "c": "x=y"}


def test_program_parameters__settings_are_told_from_options() -> None:
    text = "--hiveconf hive.x=1 --hivevar day='2024 01' --conf=spark.y=z --num-executors 4 --verbose k=v"
    assert read_program_parameters(text) == (
        {"hive.x": "1", "day": "2024 01", "spark.y": "z", "k": "v"},
        ["--num-executors", "4", "--verbose"],
    )


def test_program_parameters__those_without_effect_are_in_the_log() -> None:
    engine, log = Engine(), KeptLog()
    ctx = around(engine, log=log)
    run_node("HiveSQL", ctx, statement="select 1", programParameter="--hiveconf a=b --num-executors 4")
    assert engine.settings == {"a": "b"}
    assert "Program parameters without effect here: --num-executors 4" in log.lines


def test_connection__a_bound_one_leads_to_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def open_real(*arguments: Any) -> tuple[Engine, Dialect]:
        asked.append(arguments)
        return engine, POSTGRES

    engine, log, config = Engine(), KeptLog(), {"ip": "10.0.0.7", "password": "secret words"}
    monkeypatch.setattr("headrace.nodes.sql.open_real", open_real)
    connections = {"shop": BoundConnection(name="shop", type="RDS", config=config)}
    ctx = context(connections=connections, log=log)
    assert run_node("RDSSQL", ctx, statement="select 1", connectionName="shop").success
    assert asked == [("shop", "RDS", config)]
    assert engine.dialect is POSTGRES
    assert log.lines[0] == "Connection 'shop' (RDS): running on 10.0.0.7."
    assert "secret words" not in log.text


def test_connection__an_unbound_one_runs_on_the_embedded_engine_and_says_so() -> None:
    engine, log = Engine(), KeptLog()
    run_node("SparkSQL", around(engine, log=log), statement="select 1", connectionName="lake")
    assert engine.dialect is SPARK
    assert log.lines[0] == "Connection 'lake' is not bound to an engine: running on the embedded one."


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("HOST", {"ip": "h", "password": "p"}, "type HOST, which no SQL engine belongs to"),
        ("DWS", {"ip": "h", "password": "p", "port": "65536"}, "port: '65536'"),
        ("HIVE", {"ip": "h", "password": "p", "protocol": "carrier-pigeon"}, "protocol: 'carrier-pigeon'"),
    ],
)
def test_connection__one_that_cannot_lead_to_an_engine_says_why(
    kind: str, config: dict[str, Any], message: str
) -> None:
    connections = {"there": BoundConnection(name="there", type=kind, config=config)}
    with pytest.raises(NodeFailed, match=message):
        run_node("HiveSQL", context(connections=connections), statement="select 1", connectionName="there")


def test_connection__a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name="pymysql")

    monkeypatch.setattr("headrace.sql.engines.importlib.import_module", missing)
    connections = {"shop": BoundConnection(name="shop", type="RDS", config={"ip": "h", "password": "p"})}
    with pytest.raises(NodeFailed, match=r"needs pymysql: pip install 'headrace\[mysql\]'"):
        run_node("RDSSQL", context(connections=connections), statement="select 1", connectionName="shop")
