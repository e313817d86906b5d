"""Real-time jobs over HTTP, as clients see them. Kafka is librdkafka's mock cluster, no real broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from running_jobs import Jobs, code, dummy, shell

from headrace.objectstore.path import ObsPath
from headrace.storage import event_triggers, schedules
from headrace.storage import jobs as stored_jobs
from headrace.storage.jobs import JobRecord

CRON = {"expression": "0 0 1 * * ?", "expressionTimeZone": "GMT+8", "startTime": "2024-06-01T00:00:00+08"}


def until(met: Callable[[], bool], what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def create(jobs: Jobs, name: str, *nodes: dict[str, Any], **members: Any) -> str:
    return jobs.create(name, *nodes, processType="REAL_TIME", **members)


def start(jobs: Jobs, name: str, body: Any = None) -> None:
    answer = jobs.call("POST", f"/{name}/start", body)
    assert answer.status_code == 204, answer.text


def stop(jobs: Jobs, name: str) -> None:
    answer = jobs.call("POST", f"/{name}/stop")
    assert answer.status_code == 204, answer.text
    until_status(jobs, name, "STOPPED")


def status(jobs: Jobs, name: str) -> dict[str, Any]:
    answer = jobs.call("GET", f"/{name}/status")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until_status(jobs: Jobs, name: str, wanted: str) -> None:
    until(lambda: status(jobs, name)["status"] == wanted, lambda: status(jobs, name))


def instances(jobs: Jobs, name: str) -> list[dict[str, Any]]:
    answer = jobs.call("GET", "/instances/detail", jobName=name, preciseQuery="true")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["instances"]
    return found


def states(jobs: Jobs, name: str) -> list[str]:
    return [each["status"] for each in instances(jobs, name)]


def node_of(jobs: Jobs, name: str, node: str) -> JobRecord:
    with jobs.server.services.db.reading() as connection:
        parent = stored_jobs.by_name(connection, jobs.headers["workspace"], name)
        assert parent is not None
        return next(each for each in stored_jobs.nodes_of(connection, parent.id) if each.name.partition("/")[2] == node)


def until_looked(jobs: Jobs, name: str, node: str, source: str) -> None:
    """Wait until a node has looked at its source: what comes then counts."""
    number = node_of(jobs, name, node).id

    def looked() -> bool:
        with jobs.server.services.db.reading() as connection:
            return event_triggers.position_at(connection, number, source, "") is not None

    until(looked, lambda: f"{node} does not listen")


def test_start_job__nodes_run_by_themselves_and_stop_with_the_job(jobs: Jobs) -> None:
    name = create(
        jobs,
        "stream",
        shell("endless", "echo ${word}; sleep 1000"),
        dummy("nightly", "endless", cronTrigger=CRON),
        schedule={"type": "EXECUTE_ONCE"},
    )
    assert status(jobs, name)["status"] == "STOPPED"
    start(jobs, name, {"jobParams": [{"name": "word", "value": "hello"}]})
    until_status(jobs, name, "NORMAL")
    until(lambda: states(jobs, "stream_endless") == ["running"], lambda: instances(jobs, "stream_endless"))
    shown = instances(jobs, "stream_endless")[0]
    listed = jobs.call("GET", "", jobType="REAL_TIME", jobName=name).json()["jobs"]
    assert [(job["name"], job["jobType"], job["status"]) for job in listed] == [(name, "REAL_TIME", "NORMAL")]
    told = status(jobs, name)
    assert told["startTime"] == told["starttime"]
    endless, nightly = told["nodes"]
    assert (endless["name"], endless["status"], endless["nodeType"]) == ("endless", "NORMAL", "Shell")
    assert (endless["jobInstanceId"], endless["lastInstanceStatus"]) == (shown["instanceId"], "running")
    assert (nightly["name"], nightly["status"]) == ("nightly", "NORMAL")
    assert "jobInstanceId" not in nightly

    detail = jobs.show("stream_endless", shown["instanceId"])
    assert [(node["nodeName"], node["status"]) for node in detail["nodes"]] == [("endless", "running")]
    assert "/stream_endless/" in detail["nodes"][0]["logPath"]
    assert instances(jobs, name) == []
    stop(jobs, name)
    assert states(jobs, "stream_endless") == ["manual-stop"]
    assert "hello" in jobs.log(jobs.show("stream_endless", shown["instanceId"]), "endless")
    assert [node["status"] for node in status(jobs, name)["nodes"]] == ["STOPPED", "STOPPED"]


def test_start_job__a_node_with_a_cron_trigger_runs_when_it_is_due(jobs: Jobs) -> None:
    name = create(jobs, "timed", dummy("a", cronTrigger={**CRON, "expression": "0 * * * * ?"}), dummy("b"))
    start(jobs, name)
    node = node_of(jobs, name, "a")
    first = (node.start_time or 0) // 60_000 * 60_000 + 60_000
    with jobs.server.services.db.writing() as connection:
        schedule = schedules.lock(connection, node.id)
        if schedule is not None and schedule.next_time == first:  # else it was due by itself
            schedules.advance(connection, node.id, first - 60_000)
    jobs.server.services.wake_engine()
    until(lambda: states(jobs, "timed_a")[-1:] == ["success"], lambda: instances(jobs, "timed_a"))
    shown = instances(jobs, "timed_a")[-1]
    assert shown["planTime"] in (first - 60_000, first)
    assert (shown["instanceType"], shown["jobName"]) == (0, "timed_a")
    until_status(jobs, name, "NORMAL")
    stop(jobs, name)


def test_start_job__a_failed_node_is_an_exception(jobs: Jobs) -> None:
    name = create(jobs, "broken", shell("a", "exit 3"), dummy("b"))
    start(jobs, name)
    until_status(jobs, name, "EXCEPTION")
    until(lambda: states(jobs, "broken_b") == ["success"], lambda: instances(jobs, "broken_b"))
    assert [node["status"] for node in status(jobs, name)["nodes"]] == ["EXCEPTION", "NORMAL"]
    assert code(jobs.call("POST", f"/{name}/start")) == (400, "DLF.3051")
    stop(jobs, name)


def test_start_job__a_node_with_an_event_trigger_runs_for_each_object(jobs: Jobs) -> None:
    event = {"eventType": "OBS", "channel": "obs://real-time/in/", "interval": 1}
    name = create(jobs, "files", shell("a", "echo '#{Job.eventData}'", eventTrigger=event))
    start(jobs, name)
    until_looked(jobs, name, "a", "obs://real-time/in/")
    jobs.server.services.store.put(ObsPath.parse("obs://real-time/in/one.csv"), b"1")
    until(lambda: states(jobs, "files_a") == ["success"], lambda: instances(jobs, "files_a"))
    number = instances(jobs, "files_a")[0]["instanceId"]
    assert "obs://real-time/in/one.csv" in jobs.log(jobs.show("files_a", number), "a")
    stop(jobs, name)


def test_start_job__a_node_with_an_event_trigger_runs_for_each_message(jobs: Jobs) -> None:
    library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
    owner = library.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    brokers = ",".join(f"{each.host}:{each.port}" for each in owner.list_topics(timeout=30).brokers.values())
    producer = library.Producer({"bootstrap.servers": brokers, "log_level": 0})

    def send(text: bytes) -> None:
        producer.produce("alarms", text, partition=0)
        assert producer.flush(30) == 0

    send(b"before")
    connection = {"name": "rt_kafka", "type": "KAFKA", "config": {"ip": brokers, "authentication": "NONE"}}
    answer = jobs.server.http.post("/v1/{p}/connections", json=connection, headers=jobs.headers)
    assert answer.is_success, answer.text
    event = {"eventType": "KAFKA", "channel": "alarms", "connectionName": "rt_kafka", "failPolicy": "IGNORE"}
    name = create(jobs, "messages", shell("a", "echo '#{Job.eventData}'", eventTrigger=event))
    start(jobs, name)
    until_looked(jobs, name, "a", "kafka:rt_kafka/alarms")
    send(b"one")
    send(b"two")
    until(lambda: states(jobs, "messages_a") == ["success"] * 2, lambda: instances(jobs, "messages_a"))
    shown = [jobs.log(jobs.show("messages_a", each["instanceId"]), "a") for each in instances(jobs, "messages_a")]
    assert ["two" in shown[0], "one" in shown[1]] == [True, True]
    stop(jobs, name)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"cronTrigger": CRON, "eventTrigger": {"eventType": "KAFKA"}}, "nodes[0].eventTrigger: the node 'a' has a"),
        ({"cronTrigger": {"expression": "5 * * * * ?"}}, "nodes[0].cronTrigger.expression: "),
        ({"cronTrigger": {**CRON, "endTime": "soon"}}, "nodes[0].cronTrigger.endTime: 'soon'"),
    ],
)
def test_create_job__a_trigger_that_cannot_be_is_dlf_3025(jobs: Jobs, members: dict[str, Any], told: str) -> None:
    body = {"name": f"wrong_{time.time_ns()}", "processType": "REAL_TIME", "nodes": [dummy("a", **members)]}
    answer = jobs.call("POST", "", body)
    assert code(answer) == (400, "DLF.3025")
    assert told in answer.json()["error_msg"]


def test_create_job__an_empty_trigger_is_none(jobs: Jobs) -> None:
    name = create(jobs, "empty", dummy("a", cronTrigger=CRON, eventTrigger={}), dummy("b", cronTrigger={}))
    start(jobs, name)
    until(lambda: states(jobs, "empty_b") == ["success"], lambda: instances(jobs, "empty_b"))
    assert instances(jobs, "empty_a") == []
    stop(jobs, name)


def test_start_job__a_trigger_without_what_it_needs_is_dlf_3025(jobs: Jobs) -> None:
    name = create(jobs, "needy", dummy("a"), dummy("b", eventTrigger={"eventType": "KAFKA"}))
    answer = jobs.call("POST", f"/{name}/start")
    assert code(answer) == (400, "DLF.3025")
    assert "nodes[1].eventTrigger.channel" in answer.json()["error_msg"]
    assert (status(jobs, name)["status"], instances(jobs, "needy_a")) == ("STOPPED", [])


def test_batch_job__keeps_triggers_of_nodes_and_does_not_use_them(jobs: Jobs) -> None:
    event = {"eventType": "KAFKA"}
    name = jobs.create("batch", dummy("a", cronTrigger=CRON, eventTrigger=event))
    start(jobs, name)
    until(lambda: states(jobs, name) == ["success"], lambda: instances(jobs, name))


def test_delete_job__a_started_real_time_job_ends(jobs: Jobs) -> None:
    name = create(jobs, "deleted", shell("a", "sleep 1000"))
    start(jobs, name)
    until(lambda: states(jobs, "deleted_a") == ["running"], lambda: instances(jobs, "deleted_a"))
    assert jobs.call("DELETE", f"/{name}").status_code == 204
    assert states(jobs, "deleted_a") == ["manual-stop"]
    assert code(jobs.call("GET", f"/{name}/status")) == (400, "DLF.0100")


def test_export__holds_the_job_and_not_its_nodes(jobs: Jobs) -> None:
    name = create(jobs, "exported", dummy("a", cronTrigger=CRON))
    start(jobs, name)
    for path in ("/exported%2Fa", "/exported_a", "/exported%2Fa/status"):
        assert jobs.call("GET", path).status_code in (400, 404)
    listed = jobs.call("GET", "", jobType="REAL_TIME", jobName="exported").json()
    assert (listed["total"], [job["name"] for job in listed["jobs"]]) == (1, ["exported"])
    assert jobs.call("GET", "", jobType="NODE").status_code == 400
    stop(jobs, name)
