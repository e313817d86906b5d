"""Jobs with Rest Client, SMN and OBS nodes, through the API, against services on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.objectstore.path import ObsPath
from node_surroundings import WebService, as_json, load_apprise, web_service


class Jobs:
    """Runs jobs in a workspace of their own."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.headers = {"workspace": server.workspace()}

    def run(self, *nodes: dict[str, Any], **members: Any) -> dict[str, Any]:
        """Create a job, run it once; the instance when it has ended."""
        name = f"job_{time.time_ns()}"
        body = {"name": name, "processType": "BATCH", "nodes": list(nodes), **members}
        call, path = self.server.http.request, "/v1/{p}/jobs"
        answer = call("POST", path, json=body, headers=self.headers)
        assert answer.status_code == 204, answer.text
        number = call("POST", f"{path}/{name}/run-immediate", headers=self.headers).json()["instanceId"]
        self.server.installation.engine.wait(number, 30)
        shown: dict[str, Any] = call("GET", f"{path}/{name}/instances/{number}", headers=self.headers).json()
        return shown

    def log(self, shown: dict[str, Any], node: str) -> str:
        path = next(item for item in shown["nodes"] if item["nodeName"] == node)["logPath"]
        return self.server.services.store.get(ObsPath.parse(path)).decode()


@pytest.fixture(scope="module")
def service() -> Iterator[WebService]:
    with web_service(lambda request: as_json({"items": [{"name": "gw1"}], "path": request.path})) as running:
        yield running


@pytest.fixture(scope="module")
def jobs(start_server: Any, service: WebService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    home: Path = tmp_path_factory.mktemp("services")
    topics = {"ops-oncall": [service.url.replace("http://", "json://") + "/hook"]}
    with start_server(home, topics=topics) as server:
        yield Jobs(server)


def node(name: str, kind: str, *before: str, **properties: str) -> dict[str, Any]:
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": listed}


def states(shown: dict[str, Any]) -> dict[str, str]:
    return {item["nodeName"]: item["status"] for item in shown["nodes"]}


def test_rest__a_later_node_sends_what_an_earlier_one_was_answered(jobs: Jobs, service: WebService) -> None:
    host = '#{JSONUtil.path(Job.getNodeOutput("ask"),"items[0].name")}'
    shown = jobs.run(
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
    shown = jobs.run(node("tell", "SMN", **told), params=[{"name": "host", "value": "h1"}])
    assert states(shown) == {"tell": "success"}
    assert json.loads(service.requests[-1].body)["title"] == "Disk of h1"

    refused = jobs.run(node("tell", "SMN", **(told | {"topic": f"{urn}other"})))
    assert states(refused) == {"tell": "fail"}
    assert "Add it to the table [topics] of headrace.toml" in jobs.log(refused, "tell")


def test_obs__a_job_makes_and_removes_a_directory_of_the_plan_time(jobs: Jobs) -> None:
    path = 'obs://acme-ops/probe/#{DateUtil.format(Job.planTime,"yyyy")}/'
    shown = jobs.run(
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

    shown = jobs.run(node("remove", "DeleteOBS", path=path))
    assert (states(shown), jobs.server.services.store.folder_exists(folder)) == ({"remove": "success"}, False)


def test_rest__variables_of_an_answer_reach_later_nodes(jobs: Jobs, service: WebService) -> None:
    shown = jobs.run(
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

    shown = jobs.run(node("find", "CSS", connectionName="search", method="GET", path="/logs/_search"))
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

    shown = jobs.run(
        node("send", "KafkaClient", connectionName="mrs_kafka", topic="t", text="#{Job.name}"),
        node("count", "MRSKafka", "send", connectionName="mrs_kafka", topic="t"),
        node("tell", "OBSManager", "count", action="CREATE_PATH", path='obs://counts/#{Job.getNodeOutput("count")}/'),
    )
    assert states(shown) == {"send": "success", "count": "success", "tell": "success"}
    assert jobs.server.services.store.folder_exists(ObsPath("counts", "1/"))


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("CloudTableManager", {"action": "CREATE_TABLE"}, "there is no HBase client in this release"),
        ("CDMJob", {"clusterName": "cdm-a", "jobName": "mig_pos"}, "job 'mig_pos' of cluster 'cdm-a' was not run"),
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
    shown = jobs.run(node("x", kind, **properties))
    assert states(shown) == {"x": "fail"}
    assert said in shown["nodes"][0]["errorMessage"]
    assert said in jobs.log(shown, "x")
