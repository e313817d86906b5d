"""Jobs with Rest Client, SMN and OBS nodes, through the API, against services on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_jobs import Jobs, states

from flink_gateway_double import Gateway
from headrace.objectstore.path import ObsPath
from node_surroundings import WebService, as_json, load_apprise, web_service


def ran(jobs: Jobs, *nodes: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Create a job, run it once; the instance when it has ended."""
    name = jobs.create(f"job_{time.time_ns()}", *nodes, **members)
    return jobs.ended(name, jobs.run(name))


@pytest.fixture(scope="module")
def service() -> Iterator[WebService]:
    with web_service(lambda request: as_json({"items": [{"name": "gw1"}], "path": request.path})) as running:
        yield running


@pytest.fixture(scope="module")
def jobs(start_server: Any, service: WebService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    home: Path = tmp_path_factory.mktemp("services")
    topics = {"ops-oncall": [service.url.replace("http://", "json://") + "/hook"]}
    program = home.parent / "spark-submit"
    program.write_text('#!/bin/sh\nwhile [ "$#" -gt 2 ]; do shift; done\necho "$(cat "$1") of $2"\n')
    program.chmod(0o755)
    with start_server(home, topics=topics, spark_submit=str(program)) as server:
        yield Jobs(server)


def node(name: str, kind: str, *before: str, **properties: str) -> dict[str, Any]:
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": listed}


def test_rest__a_later_node_sends_what_an_earlier_one_was_answered(jobs: Jobs, service: WebService) -> None:
    host = '#{JSONUtil.path(Job.getNodeOutput("ask"),"items[0].name")}'
    shown = ran(
        jobs,
        node("ask", "RESTAPI", url=f"{service.url}/hosts?name=#{{Job.name}}", method="GET"),
        node("tell", "RESTAPI", "ask", url=f"{service.url}/issues", method="POST", body=f'{{"host":"{host}"}}'),
    )
    assert states(shown) == {"ask": "success", "tell": "success"}
    assert json.loads(service.requests[-1].body) == {"host": "gw1"}
    assert f"GET {service.url}/hosts: status 200" in jobs.log(shown, "ask")


def test_smn__a_job_tells_its_topic(jobs: Jobs, service: WebService) -> None:
    load_apprise()
    urn = "urn:smn:eu-de:0123456789abcdef0123456789abcdef:"
    told = {"topic": f"{urn}ops-oncall", "subject": "Disk of ${host}", "messageType": "NORMAL", "message": "90 %"}
    shown = ran(jobs, node("tell", "SMN", **told), params=[{"name": "host", "value": "h1"}])
    assert states(shown) == {"tell": "success"}
    assert json.loads(service.requests[-1].body)["title"] == "Disk of h1"

    refused = ran(jobs, node("tell", "SMN", **(told | {"topic": f"{urn}other"})))
    assert states(refused) == {"tell": "fail"}
    assert "Add it to the table [topics] of headrace.toml" in jobs.log(refused, "tell")


def test_obs__a_job_makes_and_removes_a_directory_of_the_plan_time(jobs: Jobs) -> None:
    path = 'obs://acme-ops/probe/#{DateUtil.format(Job.planTime,"yyyy")}/'
    shown = ran(
        jobs,
        node("make", "OBSManager", action="CREATE_PATH", path=path),
        node("look", "OBSManager", "make", action="MONITOR", path=path),
        node("say", "CreateOBS", "look", path='obs://acme-ops/#{OBSUtil.isExistOBSPath("obs://acme-ops/probe/")}/'),
    )
    assert jobs.server.services.store.folder_exists(ObsPath("acme-ops", "true/"))
    folder = ObsPath("acme-ops", f"probe/{time.strftime('%Y')}/")
    assert (states(shown), jobs.server.services.store.folder_exists(folder)) == (
        {"make": "success", "look": "success", "say": "success"},
        True,
    )

    shown = ran(jobs, node("remove", "DeleteOBS", path=path))
    assert (states(shown), jobs.server.services.store.folder_exists(folder)) == ({"remove": "success"}, False)


def test_rest__variables_of_an_answer_reach_later_nodes(jobs: Jobs, service: WebService) -> None:
    shown = ran(
        jobs,
        node("ask", "RESTAPI", url=f"{service.url}/hosts", responseVariables="host=items[0].name"),
        node("tell", "RESTAPI", "ask", url=f"{service.url}/issues/${{host}}", method="DELETE"),
    )
    assert states(shown) == {"ask": "success", "tell": "success"}
    assert (service.requests[-1].method, service.requests[-1].path) == ("DELETE", "/issues/gw1")


def test_css__a_connection_made_over_the_api_has_the_address(jobs: Jobs, service: WebService) -> None:
    config = {"ip": "127.0.0.1", "port": service.url.rpartition(":")[2], "userName": "admin", "password": "hush-css"}
    body = {"name": "search", "type": "CSS", "config": config}
    answer = jobs.server.http.post("/v1/{p}/connections", json=body, headers=jobs.headers)
    assert answer.status_code == 204, answer.text

    shown = ran(jobs, node("find", "CSS", connectionName="search", method="GET", path="/logs/_search"))
    assert states(shown) == {"find": "success"}
    assert service.requests[-1].headers["Authorization"] == "Basic YWRtaW46aHVzaC1jc3M="
    assert "hush-css" not in jobs.log(shown, "find")


def test_kafka__a_job_sends_and_counts(jobs: Jobs) -> None:
    library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
    owner = library.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    (broker,) = owner.list_topics(timeout=10).brokers.values()
    config = {"ip": broker.host, "port": str(broker.port), "authentication": "NONE"}
    body = {"name": "mrs_kafka", "type": "KAFKA", "config": config}
    assert jobs.server.http.post("/v1/{p}/connections", json=body, headers=jobs.headers).status_code == 204

    shown = ran(
        jobs,
        node("send", "KafkaClient", connectionName="mrs_kafka", topic="t", text="#{Job.name}"),
        node("count", "MRSKafka", "send", connectionName="mrs_kafka", topic="t"),
        node("tell", "OBSManager", "count", action="CREATE_PATH", path='obs://counts/#{Job.getNodeOutput("count")}/'),
    )
    assert states(shown) == {"send": "success", "count": "success", "tell": "success"}
    assert jobs.server.services.store.folder_exists(ObsPath("counts", "1/"))


def test_rest__stopping_the_instance_ends_the_wait(jobs: Jobs) -> None:
    release = threading.Event()
    with web_service(lambda request: as_json(release.wait(20))) as slow:
        name = jobs.create("waits", node("ask", "RESTAPI", url=slow.url))
        number = jobs.run(name)
        jobs.until_running(name, number, "ask")
        began = time.monotonic()
        jobs.call("POST", f"/{name}/instances/{number}/stop")
        shown = jobs.ended(name, number)
        took = time.monotonic() - began
        release.set()
    assert (shown["status"], took < 10) == ("manual-stop", True)


def test_flink__a_job_runs_its_script_on_the_gateway(jobs: Jobs) -> None:
    gateway = Gateway(turns=["RUNNING", "FINISHED"])
    script = {"name": "enrich", "type": "FlinkSQL", "content": "INSERT INTO t SELECT '${topic}';\nSELECT 1;\n"}
    assert jobs.server.http.post("/v1/{p}/scripts", json=script, headers=jobs.headers).status_code == 204
    with web_service(gateway) as service:
        config = {"ip": "127.0.0.1", "port": service.url.rpartition(":")[2], "authentication": "NONE"}
        body = {"name": "mrs-stream-01", "type": "FLINK", "config": config}
        assert jobs.server.http.post("/v1/{p}/connections", json=body, headers=jobs.headers).status_code == 204
        named = {"clusterName": "mrs-stream-01", "jobName": "iot", "flinkJobProcessType": "batch"}
        flink = node("x", "MRSFlinkJob", scriptName="enrich", **named) | {"pollingInterval": 1}
        shown = ran(jobs, flink, params=[{"name": "topic", "value": "t1"}])
    assert states(shown) == {"x": "success"}
    assert gateway.statements[0] == "INSERT INTO t SELECT 't1'"


def test_spark__a_job_hands_its_program_to_spark_submit(jobs: Jobs) -> None:
    jobs.server.services.store.put(ObsPath("jars", "scan.jar"), b"the jar")
    shown = ran(jobs, node("x", "DLISpark", resourcePath="obs://jars/scan.jar", jarArgs="#{Job.name}"))
    assert states(shown) == {"x": "success"}
    assert "the jar of job_" in jobs.log(shown, "x")


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("CloudTableManager", {"action": "CREATE_TABLE"}, "which migrations here only read and write"),
        ("CDMJob", {"clusterName": "cdm-a", "jobName": "mig_pos"}, "cluster 'cdm-a'"),
        (
            "MRSFlinkJob",
            {"clusterName": "mrs-1", "sql": "SELECT 1"},
            "no connection 'mrs-1' with the address",
        ),
        ("KafkaClient", {"connectionName": "k", "topic": "t"}, "'k' is no connection with brokers"),
    ],
)
def test_types_without_a_system__fail_naming_what_is_missing(
    jobs: Jobs, kind: str, properties: dict[str, str], said: str
) -> None:
    shown = ran(jobs, node("x", kind, **properties))
    assert states(shown) == {"x": "fail"}
    assert said in shown["nodes"][0]["errorMessage"]
    assert said in jobs.log(shown, "x")
