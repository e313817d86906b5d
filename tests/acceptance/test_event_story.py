"""The event jobs of the samples over HTTP, and a server that is killed while messages come.

Kafka is librdkafka's mock cluster in the test's process: it speaks the protocol on loopback, it is no real broker.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sample_jobs import CASES, members_of, preparing_job

from headrace.objectstore.path import ObsPath
from headrace.packages.archive import write_archive
from headrace.storage import event_triggers
from headrace.storage import jobs as stored_jobs

library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
CONNECTION = {"name": "streams", "type": "KAFKA", "config": {"authentication": "NONE"}}


class Cluster:
    """The mock cluster, and a producer to it."""

    def __init__(self) -> None:
        self._owner = library.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
        found = self._owner.list_topics(timeout=10).brokers.values()
        self.brokers = ",".join(f"{broker.host}:{broker.port}" for broker in found)
        self._producer = library.Producer({"bootstrap.servers": self.brokers, "log_level": 0})

    def send(self, topic: str, *texts: str) -> None:
        for text in texts:
            self._producer.produce(topic, text.encode(), partition=0)
        assert self._producer.flush(10) == 0


def until(met: Callable[[], bool], what: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


class Story:
    """A workspace with the sample package, used over HTTP."""

    def __init__(self, server: Any, samples: Path) -> None:
        self._server = server
        self._headers = {"workspace": server.workspace()}
        case = CASES["an event of Kafka"]
        members = members_of(samples, case.package, case.changed, "CloudTableManager")
        members["jobs/prepare.job"] = json.dumps(preparing_job(case)).encode()
        self._headers["content-type"] = "application/zip"
        task = self.post("/jobs/import?targetStatus=SUBMITTED", content=write_archive(members.items())).json()["taskId"]
        del self._headers["content-type"]
        until(lambda: self.get(f"/system-tasks/{task}")["status"] != "RUNNING", lambda: "the import goes on")
        assert self.get(f"/system-tasks/{task}")["status"] == "SUCCESSFUL"

    def post(self, path: str, **content: Any) -> httpx.Response:
        answer = self._server.http.post(f"/v1/{{p}}{path}", headers=self._headers, **content)
        assert answer.is_success, answer.text
        return answer  # type: ignore[no-any-return]

    def get(self, path: str) -> Any:
        answer = self._server.http.get(f"/v1/{{p}}{path}", headers=self._headers)
        assert answer.is_success, answer.text
        return answer.json()

    def start(self, job: str) -> None:
        """Start a job and wait until it has looked at its source: what comes then counts."""
        self.post(f"/jobs/{job}/start")
        services = self._server.services
        event = self.get(f"/jobs/{job}")["schedule"]["event"]
        source = event["channel"] if event["eventType"] == "OBS" else f"kafka:streams/{event['channel']}"

        def looked() -> bool:
            with services.db.reading() as connection:
                found = stored_jobs.by_name(connection, self._headers["workspace"], job)
                assert found is not None
                return event_triggers.position_at(connection, found.id, source, "") is not None

        until(looked, lambda: f"{job} does not listen")

    def states(self, job: str) -> list[str]:
        return [item["status"] for item in self.get(f"/jobs/instances/detail?jobName={job}&limit=100")["instances"]]

    def run_prepare(self) -> None:
        self.post("/jobs/prepare/run-immediate")
        until(lambda: self.states("prepare") == ["success"], lambda: self.states("prepare"))

    def rows(self, statement: str) -> list[list[str]]:
        body = {
            "name": "peek",
            "type": "DLISQL",
            "content": statement,
            "connectionName": "dli_events",
            "database": "events",
        }
        self.post("/scripts", json=body)
        number = self.post("/scripts/peek/execute", json={}).json()["instanceId"]
        path = f"/scripts/peek/instances/{number}"
        until(lambda: self.get(path)["status"] in ("FINISHED", "FAILED"), lambda: self.get(path))
        rows: list[list[str]] = self.get(path)["results"][0]["rows"]
        self._server.http.delete("/v1/{p}/scripts/peek", headers=self._headers)
        return rows


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def story(tmp_path: Path, start_server: Any, samples: Path, cluster: Cluster) -> Iterator[Story]:
    with start_server(tmp_path / "home", dis_connection="streams") as server:
        told = Story(server, samples)
        config = {**CONNECTION["config"], "ip": cluster.brokers}  # type: ignore[dict-item]
        told.post("/connections", json={**CONNECTION, "config": config})
        told.run_prepare()
        yield told


def test_kafka_sample__each_message_becomes_a_row(story: Story, cluster: Cluster) -> None:
    story.start("kafka_event_react")
    for number in (1, 2):
        message = {"header": {"id": f"m{number}"}, "body": {"items": [{"kind": "alarm"}]}}
        cluster.send("react.topic", json.dumps(message))
    until(lambda: story.states("kafka_event_react") == ["success"] * 2, lambda: story.states("kafka_event_react"))
    assert sorted(story.rows("SELECT id, kind FROM events.react")) == [["m1", '"alarm"'], ["m2", '"alarm"']]
    assert story.get("/jobs/kafka_event_react/status")["status"] == "SCHEDULING"
    story.post("/jobs/kafka_event_react/stop")
    cluster.send("react.topic", "{}")
    time.sleep(1)
    assert len(story.states("kafka_event_react")) == 2


def test_dis_sample__a_record_of_the_stream_becomes_a_row(story: Story, cluster: Cluster) -> None:
    story.start("dis_event_once")
    cluster.send("dis-raw", "r1")
    until(lambda: story.states("dis_event_once") == ["success"], lambda: story.states("dis_event_once"))
    assert story.rows("SELECT id, kind FROM events.react") == [["r1", "raw"]]


def test_obs_sample__a_new_file_is_staged(story: Story) -> None:
    store = story._server.services.store
    store.put(ObsPath.parse("obs://acme-drop/in/old.csv"), b"old\n")
    story.start("obs_event_ingest")
    store.put(ObsPath.parse("obs://acme-drop/in/new.csv"), b"new\n")
    until(lambda: story.states("obs_event_ingest") == ["success"], lambda: story.states("obs_event_ingest"), 40)
    staged = story.rows("SELECT file, line FROM events.stage")
    assert [line for _, line in staged] == ["new"]
    assert staged[0][0].endswith("in/new.csv")


class Killable:
    """A server in a process of its own."""

    def __init__(self, home: Path, port: int) -> None:
        command = [sys.executable, "-m", "headrace", "up", "--home", str(home), "--port", str(port), "--auth", "none"]
        environment = {**os.environ, "HEADRACE_DIS_CONNECTION": "streams"}
        with (home.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        base = f"http://127.0.0.1:{port}"
        with httpx.Client() as probe:
            until(lambda: self._answers(probe, f"{base}/healthz"), lambda: "the server does not answer")
        project = json.loads((home / "credentials.json").read_text("utf-8"))["project_id"]
        self.http = httpx.Client(base_url=f"{base}/v1/{project}", timeout=30)

    def _answers(self, probe: httpx.Client, url: str) -> bool:
        assert self.process.poll() is None, "the server left"
        try:
            return probe.get(url).is_success
        except httpx.TransportError:
            return False

    def total(self) -> int:
        return int(self.http.get("/jobs/instances/detail", params={"jobName": "j"}).json()["total"])

    def wait_for_more_than(self, instances: int) -> None:
        until(lambda: self.total() > instances, self.total)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.http.close()


@pytest.fixture
def unused_port() -> int:
    """A free port; the same one serves after each restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def events_of(home: Path) -> list[str]:
    """The messages that have an instance."""
    with closing(sqlite3.connect(home / "headrace.db")) as database:
        query = "SELECT e.data FROM instance_events e JOIN job_instances i ON i.id = e.instance_id"
        return [row[0] for row in database.execute(query)]


def test_kill__no_message_is_lost_and_none_runs_twice(tmp_path: Path, cluster: Cluster, unused_port: int) -> None:
    """Servers after each other, three of them killed in the middle."""
    home = tmp_path / "home"
    event = {"eventType": "KAFKA", "channel": "killed", "concurrent": 128, "failPolicy": "IGNORE"}
    schedule = {"type": "EVENT", "event": event}
    cluster.send("killed", "before")
    server = Killable(home, unused_port)
    try:
        config = {"ip": cluster.brokers, "authentication": "NONE"}
        assert server.http.post("/connections", json={**CONNECTION, "config": config}).is_success
        job = {"name": "j", "processType": "BATCH", "nodes": [{"name": "n", "type": "Dummy"}], "schedule": schedule}
        assert server.http.post("/jobs", json=job).is_success
        assert server.http.post("/jobs/j/start").is_success
        time.sleep(2)  # the listener looks
        expected = 0
        for number in range(4):
            cluster.send("killed", *(f"{number}-{each}" for each in range(150)))
            expected += 150
            if number < 3:
                server.wait_for_more_than(expected - 150)
                server.kill()
                server = Killable(home, unused_port)
        until(lambda: server.total() == expected, server.total)
        time.sleep(1)
        assert server.total() == expected
    finally:
        server.kill()
    assert Counter(events_of(home)) == Counter({f"{number}-{each}": 1 for number in range(4) for each in range(150)})
