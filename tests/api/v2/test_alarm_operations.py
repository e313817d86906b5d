"""Alarms over HTTP: rules, the documented lists, and a web hook that hears of what happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.domain.job import JobDefinition
from node_surroundings import Request, WebService, load_apprise, web_service

load_apprise()
RULES, RECORDS = "/v2/{p}/factory/alarm/rules", "/v2/{p}/factory/alarm-info"


def taken(request: Request) -> tuple[int, bytes, dict[str, str]]:
    return 200, b"", {}


class Alarms:
    """A workspace of its own, and the web hook that stands for the topic ``ops``."""

    def __init__(self, server: Any, hook: WebService) -> None:
        self.server, self.hook = server, hook
        self.workspace = server.workspace()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        headers = {"workspace": self.workspace}
        return self.server.http.request(method, path, json=body, params=query, headers=headers)

    def rule(self, name: str, **members: Any) -> Any:
        return self.call("PUT", f"{RULES}/{name}", {"topics": ["ops"], **members})

    def run(self, statement: str, name: str = "") -> str:
        name = name or f"job_{time.time_ns()}"
        properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
        node = {"name": "a", "type": "Shell", "properties": properties}
        body = {"name": name, "processType": "BATCH", "nodes": [node], "basicConfig": {"instanceTimeout": 5}}
        assert self.call("POST", "/v1/{p}/jobs", body).status_code == 204
        assert self.call("POST", f"/v1/{{p}}/jobs/{name}/run-immediate", {}).status_code == 200
        return name

    def records(self, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 30
        while True:
            answer = self.call("GET", RECORDS).json()
            if answer["total"] >= count:
                found: list[dict[str, Any]] = answer["alarm_info"]
                return found
            assert time.monotonic() < deadline, answer
            time.sleep(0.02)

    def heard(self, job: str) -> list[str]:
        bodies = [json.loads(request.body) for request in self.hook.requests]
        return [body["title"] for body in bodies if f" job {job}," in body["message"]]


@pytest.fixture(scope="module")
def installed(start_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, WebService]]:
    with web_service(taken) as hook:
        topics = {"ops": [hook.url.replace("http://", "json://") + "/hook"]}
        home = tmp_path_factory.mktemp("alarms") / "home"
        with start_server(home, topics=topics) as server:
            yield server, hook


@pytest.fixture
def alarms(installed: tuple[Any, WebService]) -> Alarms:
    return Alarms(*installed)


def test_failure__the_web_hook_hears_of_it_and_the_record_is_as_documented(alarms: Alarms) -> None:
    assert alarms.rule("failures", remind_type=1).status_code == 200
    before = int(time.time() * 1000)
    job = alarms.run("exit 3")
    [record] = alarms.records(1)
    assert alarms.heard(job) == [f"Job {job} failed"]
    documented = {"alarm_time", "job_name", "schedule_type", "send_msg", "plan_time", "remind_type", "send_status"}
    assert set(record) == documented | {"job_id", "instance_id", "rule_name", "send_error"}
    assert (record["job_name"], record["schedule_type"], record["remind_type"], record["send_status"]) == (job, 2, 1, 0)
    assert before <= record["alarm_time"] <= int(time.time() * 1000)
    assert f" of job {job}, planned at " in record["send_msg"]
    assert alarms.call("GET", RECORDS, start_time=0, end_time=before - 1).json() == {"alarm_info": [], "total": 0}
    assert alarms.call("GET", RECORDS, offset=1).json() == {"alarm_info": [], "total": 1}


def test_success__is_told_only_where_it_was_asked_for(alarms: Alarms) -> None:
    alarms.rule("failures", remind_type=1)
    alarms.run("true")
    job = alarms.run("false")
    assert [record["job_name"] for record in alarms.records(1)] == [job]
    alarms.rule("successes", remind_type=0)
    job = alarms.run("true")
    assert (alarms.records(2)[0]["job_name"], alarms.records(2)[0]["remind_type"]) == (job, 0)


def test_cancelled__a_stopped_instance_is_told_of(alarms: Alarms, tmp_path: Path) -> None:
    alarms.rule("cancelled", remind_type=13)
    job = alarms.run("sleep 60")
    [instance] = alarms.call("GET", "/v1/{p}/jobs/instances/detail", jobName=job).json()["instances"]
    stop = f"/v1/{{p}}/jobs/{job}/instances/{instance['instanceId']}/stop"
    assert alarms.call("POST", stop).is_success
    assert [(record["job_name"], record["remind_type"]) for record in alarms.records(1)] == [(job, 13)]


def test_timeout__is_told_once_while_the_instance_goes_on(alarms: Alarms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobDefinition, "overdue_at", lambda _, submit, start: None if start is None else start + 100)
    alarms.rule("timeouts", remind_type=101)
    job = alarms.run("sleep 1")
    [record] = alarms.records(1)
    assert alarms.heard(job) == [f"Job {job} takes longer than its timeout; it goes on"]
    assert (record["remind_type"], record["send_status"]) == (101, 0)


def test_records__one_topic_that_is_not_set_makes_it_a_failure_and_no_address_is_shown(alarms: Alarms) -> None:
    alarms.rule("failures", remind_type=1, topics=["ops", "nowhere"])
    alarms.run("exit 3")
    [record] = alarms.records(1)
    assert record["send_status"] == 1
    assert "'nowhere'" in record["send_error"]
    assert "127.0.0.1" not in json.dumps(record)


def test_rules__are_listed_with_counts(alarms: Alarms) -> None:
    job = alarms.run("true")
    made = alarms.rule("on_time", remind_type=3, complete_time="07:30", job_name=job).json()
    alarms.rule("failed", remind_type=1, max_send_times=3, send_interval=10, topics=["urn:smn:eu:0:ops", "ops"])
    listed = alarms.call("GET", RULES).json()
    assert (listed["total"], listed["total_all"]) == (2, 2)
    assert (listed["exception_count"], listed["unfinished_count"], listed["success_count"]) == (1, 1, 0)
    failed, on_time = listed["alarm_rules_items_details"]
    assert on_time == made
    assert (on_time["name"], on_time["node_name_list"], on_time["complete_time"]) == (job, [job], "07:30")
    assert (failed["topic_name"], failed["urn"], failed["notify_method"]) == ("ops", "urn:smn:eu:0:ops", "SUBJECT")
    assert (failed["max_send_times"], failed["send_interval"], failed["node_id"]) == (3, 10, 0)
    assert alarms.call("GET", RULES, remind_type=3).json()["total"] == 1
    assert alarms.call("GET", RULES, name=job[4:]).json()["alarm_rules_items_details"] == [on_time]
    assert alarms.call("GET", RULES, limit=1, offset=1).json()["alarm_rules_items_details"] == [on_time]
    assert alarms.call("GET", RULES, ding_name="robot").json()["total"] == 0


def test_rules__on_several_periods_are_listed_as_documented(alarms: Alarms) -> None:
    periods = [{"complete_time": "08:20", "period": 8}, {"complete_time": "25:30", "period": 24}]
    made = alarms.rule("hours", remind_type=12, alarm_periods=periods)
    assert made.status_code == 200
    listed = alarms.call("GET", RULES, remind_type=12).json()
    assert (listed["multi_period_unfinished_count"], listed["total"]) == (1, 1)
    [shown] = listed["alarm_rules_items_details"]
    assert (shown["alarm_periods"], shown["complete_time"]) == (periods, "")


def test_rules__one_that_is_replaced_keeps_its_id_and_one_that_is_off_says_nothing(alarms: Alarms) -> None:
    first = alarms.rule("failures", remind_type=1).json()
    second = alarms.rule("failures", remind_type=1, use_flag=0).json()
    assert (second["id"], second["create_time"]) == (first["id"], first["create_time"])
    alarms.rule("ended", remind_type=0)
    alarms.run("exit 3")
    job = alarms.run("true")
    assert [record["job_name"] for record in alarms.records(1)] == [job]
    assert alarms.call("DELETE", f"{RULES}/failures").status_code == 204
    answer = alarms.call("DELETE", f"{RULES}/failures")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.3051")


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"remind_type": 4}, "remind_type: 4"),
        ({}, "remind_type: None"),
        ({"remind_type": 1, "topics": []}, "topics"),
        ({"remind_type": 3}, "complete_time"),
        ({"remind_type": 1, "complete_time": "07:30"}, "complete_time"),
        ({"remind_type": 3, "complete_time": "7:30"}, "complete_time: '7:30'"),
        ({"remind_type": 12}, "alarm_periods"),
        ({"remind_type": 12, "alarm_periods": [{"period": 8, "complete_time": "07:00"}]}, "alarm_periods: '07:00'"),
        ({"remind_type": 3, "complete_time": "07:30", "alarm_periods": [{"period": 1}]}, "alarm_periods"),
        ({"remind_type": 102}, "minutes"),
        ({"remind_type": 102, "minutes": 0}, "minutes: 0"),
        ({"remind_type": 1, "max_send_times": 51}, "max_send_times: 51"),
        ({"remind_type": 0, "max_send_times": 2}, "max_send_times"),
        ({"remind_type": 1, "send_interval": 4}, "send_interval: 4"),
        ({"remind_type": 1, "use_flag": 2}, "use_flag: 2"),
    ],
)
def test_rules__what_cannot_be_is_refused(alarms: Alarms, members: dict[str, Any], named: str) -> None:
    answer = alarms.rule("r", **members)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.3051")
    assert named in answer.json()["error_msg"]


def test_rules__a_job_that_does_not_exist_is_refused(alarms: Alarms) -> None:
    answer = alarms.rule("r", remind_type=1, job_name="absent")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.0100")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"offset": -1}, {"start_time": 2, "end_time": 1}])
def test_records__bounds_that_cannot_be_are_refused(alarms: Alarms, query: dict[str, int]) -> None:
    answer = alarms.call("GET", RECORDS, **query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.3051")
