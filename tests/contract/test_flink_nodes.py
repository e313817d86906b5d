"""The Flink nodes against a double of the SQL gateway in this process; no real Flink."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flink_gateway_double import Gateway
from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed, Script
from headrace.nodes.flink import read_parameters, split_statements
from headrace.sql.engine import Cancellation
from node_surroundings import KeptLog, context, run_node, web_service


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    double = Gateway()
    with web_service(double) as service:
        double.port = service.url.rpartition(":")[2]
        yield double


@pytest.fixture
def around(gateway: Gateway) -> Callable[..., NodeContext]:
    def make(text: str = "", **members: Any) -> NodeContext:
        config = {"ip": "127.0.0.1", "port": gateway.port, "authentication": "NONE"}
        bound = BoundConnection(name="mrs-stream-01", type="FLINK", config=config)
        scripts = {"enrich": Script(name="enrich", type="FlinkSQL", content=text)}
        return context(connections={"mrs-stream-01": bound}, scripts=scripts, **members)

    return make


BATCH = {"clusterName": "mrs-stream-01", "jobName": "iot_enrich", "flinkJobType": "Flink SQL", "scriptName": "enrich"}
STREAM = BATCH | {"flinkJobProcessType": "stream"}


def test_flink__batch__waits_for_its_job_and_gives_the_last_result(
    gateway: Gateway, around: Callable[..., NodeContext]
) -> None:
    log = KeptLog()
    gateway.turns = ["CREATED", "RUNNING", "FINISHED"]
    text = "CREATE TABLE t (a INT) WITH ('password'='hush');\n-- fill\nINSERT INTO t VALUES (1);\nSELECT * FROM t;"
    result = run_node(
        "MRSFlinkJob", around(text, log=log), programParameter="parallelism=4|state.backend=rocksdb", **BATCH
    )

    assert result.success
    assert (result.output, result.running_data) == ('[["1","a"],[null,"磁"]]', '{"jobIds": ["' + "0" * 32 + '"]}')
    assert gateway.properties == {
        "execution.runtime-mode": "batch",
        "parallelism.default": "4",
        "pipeline.name": "iot_enrich",
        "state.backend.type": "rocksdb",
    }
    told = [statement for statement in gateway.statements if statement != "SHOW JOBS"]
    assert told == ["CREATE TABLE t (a INT) WITH ('password'='hush')", "INSERT INTO t VALUES (1)", "SELECT * FROM t"]
    assert "hush" not in log.text
    assert gateway.calls[-1] == "DELETE /s-1"
    assert gateway.calls.count("DELETE /s-1/operations/o-1/close") == 1


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_flink__batch__a_job_that_ends_badly_fails_the_node(
    gateway: Gateway, around: Callable[..., NodeContext], state: str
) -> None:
    gateway.turns = ["RUNNING", state]
    with pytest.raises(NodeFailed, match=f"is {state}"):
        run_node("MRSFlink", around("INSERT INTO t VALUES (1)"), **BATCH)


def test_flink__stream__success_is_a_running_job_that_a_later_run_only_looks_at(
    gateway: Gateway, around: Callable[..., NodeContext]
) -> None:
    text = "INSERT INTO t SELECT * FROM s"
    assert run_node("MRSFlinkJob", around(text), **STREAM).success
    log = KeptLog()
    assert run_node("MRSFlinkJob", around(text, log=log), **STREAM).success
    assert gateway.statements.count(text) == 1
    assert "Job 'iot_enrich' is running." in log.text

    gateway.jobs[0][2] = "FAILED"
    assert run_node("MRSFlinkJob", around(text), **STREAM).success
    assert gateway.statements.count(text) == 2


def test_flink__the_cause_of_a_refused_statement_is_told_and_begun_jobs_are_stopped(
    gateway: Gateway, around: Callable[..., NodeContext]
) -> None:
    with pytest.raises(NodeFailed, match=r"status 500: org\.apache\.flink.*: no such table"):
        run_node("MRSFlinkJob", around("INSERT INTO t SELECT 1; BAD TABLE; SELECT 1"), **STREAM)
    assert gateway.jobs[0][2] == "CANCELED"
    assert "SELECT 1" not in gateway.statements


def test_flink__a_stop_cancels_the_job(gateway: Gateway, around: Callable[..., NodeContext]) -> None:
    stop = Cancellation()
    threading.Timer(0.3, stop.cancel).start()
    with pytest.raises(NodeFailed, match=r"[Ss]topped"):
        run_node("MRSFlinkJob", around("INSERT INTO t SELECT 1", cancellation=stop), **BATCH)
    assert gateway.jobs[0][2] == "CANCELED"
    assert gateway.calls[-1] == "DELETE /s-1"


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"clusterName": "mrs-9", "scriptName": "enrich"}, "connectionName: there is no connection 'mrs-9'"),
        ({"flinkJobType": "Flink JAR"}, "flinkJobType"),
        ({"clusterName": "mrs-stream-01"}, "scriptName: the node names no script"),
        ({"clusterName": "mrs-stream-01", "scriptName": "enrich"}, "scriptName: the script has no statements"),
        ({**BATCH, "statement": "SELECT 1", "scriptName": "", "programParameter": "x"}, "programParameter: 'x'"),
    ],
)
def test_flink__a_bad_property_is_named(
    around: Callable[..., NodeContext], properties: dict[str, str], named: str
) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node("MRSFlinkJob", around("-- nothing"), **properties)
    assert named in str(failure.value)


def test_split_statements__a_statement_set_is_one() -> None:
    text = (
        "SET 'a'='x;y';\nEXECUTE STATEMENT SET BEGIN\nINSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND;\nSELECT 1"
    )
    assert split_statements(text) == [
        "SET 'a'='x;y'",
        "EXECUTE STATEMENT SET BEGIN\nINSERT INTO a SELECT 1;\nINSERT INTO b SELECT 2;\nEND",
        "SELECT 1",
    ]


def test_read_parameters__known_names_are_those_of_flink() -> None:
    assert read_parameters("checkpoint.interval=60000 | table.exec.x: y") == {
        "execution.checkpointing.interval": "60000",
        "table.exec.x": "y",
    }
