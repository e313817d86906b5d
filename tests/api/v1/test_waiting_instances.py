"""Instances that wait: for a person, for others of their job, for a slot of their group. And those that take too long.

Source: reference on scheduling §2, §3.1, §6.2, §7 and §8.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from operating import do, done, passing_second, unique, until
from running_jobs import Jobs, code, dummy, shell, states

from headrace.domain.job import JobDefinition


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


# ---- confirmation, dry run, execution user


def confirmed_job(jobs: Jobs, **schedule: Any) -> str:
    return jobs.create(
        unique("confirmed"), dummy("a"), schedule={"requireManualConfirmBeforeExecute": True, **schedule}
    )


def test_confirm__an_instance_waits_for_it_each_time_it_is_to_run(jobs: Jobs) -> None:
    name = confirmed_job(jobs, type="EXECUTE_ONCE")
    number = jobs.run(name)
    shown = jobs.show(name, number)
    assert (shown["status"], states(shown), "startTime" in shown) == ("waiting-confirm", {"a": "waiting"}, False)
    done(jobs, name, number, "confirm")
    assert jobs.ended(name, number)["status"] == "success"
    done(jobs, name, number, "restart")
    assert jobs.show(name, number)["status"] == "waiting-confirm"
    done(jobs, name, number, "confirm")
    assert jobs.ended(name, number)["status"] == "success"


def test_confirm__also_before_a_job_that_is_started_once(jobs: Jobs) -> None:
    name = confirmed_job(jobs, type="EXECUTE_ONCE")
    assert jobs.call("POST", f"/{name}/start").status_code == 204
    (row,) = jobs.call("GET", "/instances/detail", jobName=name, status="waiting-confirm").json()["instances"]
    done(jobs, name, row["instanceId"], "confirm")
    assert jobs.ended(name, row["instanceId"])["status"] == "success"


def test_confirm__an_instance_that_waits_for_it_can_be_stopped(jobs: Jobs) -> None:
    name = confirmed_job(jobs)
    number = jobs.run(name)
    done(jobs, name, number, "stop")
    assert jobs.show(name, number)["status"] == "manual-stop"
    assert code(do(jobs, name, number, "confirm")) == (400, "DLF.3051")


def test_dry_run__of_the_whole_job_runs_nothing_and_the_instance_says_so(jobs: Jobs) -> None:
    name = jobs.create(unique("dry"), shell("a", "exit 1"), shell("b", "exit 1", "a"), emptyRunningJob="1")
    shown = jobs.ended(name, jobs.run(name))
    assert (shown["status"], shown["emptyRunningJob"]) == ("success", True)
    assert states(shown) == {"a": "success", "b": "success"}


def test_execution_user__is_who_the_run_asks_for(jobs: Jobs) -> None:
    name = jobs.create(unique("runs_as"), dummy("a"), basicConfig={"executeUser": "etl"})
    caller = jobs.show(name, jobs.run(name))["executeUser"]
    asked = jobs.show(name, jobs.run(name, {"useExecutionUser": "true"}))["executeUser"]
    assert (asked, caller) == ("etl", jobs.call("GET", f"/{name}/status").json()["createUser"])
    assert jobs.call("POST", f"/{name}/start").status_code == 204
    (row,) = jobs.call("GET", "/instances/detail", jobName=name, instanceType=7).json()["instances"]
    assert jobs.show(name, row["instanceId"])["executeUser"] == "etl"


# ---- instances that wait for their turn

CRON = {"type": "CRON", "cron": {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08", "concurrent": 1}}


def queue(jobs: Jobs, gate: Path, count: int, concurrent: int = 1) -> tuple[str, list[int]]:
    """Instances of a job that runs so many at once; each runs until the file is there."""
    schedule = {**CRON, "cron": {**CRON["cron"], "concurrent": concurrent}}  # type: ignore[dict-item]
    node = shell("a", f"while [ ! -e {gate} ]; do sleep 0.02; done")
    name = jobs.create(unique("queue"), node, schedule=schedule)
    numbers = [jobs.run(name) for _ in range(count)]
    for number in numbers[:concurrent]:
        jobs.until_running(name, number, "a")
    return name, numbers


def all_states(jobs: Jobs, name: str, numbers: list[int]) -> list[str]:
    return [jobs.show(name, number)["status"] for number in numbers]


def test_concurrency__further_instances_wait_and_run_in_their_order(jobs: Jobs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name, numbers = queue(jobs, gate, 5, concurrent=2)
    assert all_states(jobs, name, numbers) == ["running", "running", "waiting", "waiting", "waiting"]
    gate.touch()
    shown = [jobs.ended(name, number) for number in numbers]
    assert [item["status"] for item in shown] == ["success"] * 5
    starts = [item["startTime"] for item in shown]
    assert starts == sorted(starts)
    ends = sorted(item["endTime"] for item in shown)
    assert all(start >= end for start, end in zip(starts[2:], ends, strict=False))


@pytest.mark.parametrize("operation", ["stop", "force-success"])
def test_concurrency__what_a_person_ends_makes_room(jobs: Jobs, tmp_path: Path, operation: str) -> None:
    name, (first, second) = queue(jobs, tmp_path / "gate", 2)
    if operation == "force-success":
        done(jobs, name, first, "stop")
        jobs.until_running(name, second, "a")
        done(jobs, name, first, "force-success")
    else:
        done(jobs, name, first, operation)
    jobs.until_running(name, second, "a")
    done(jobs, name, second, "stop")


def test_concurrency__an_abnormal_instance_keeps_its_place(jobs: Jobs, tmp_path: Path) -> None:
    node = shell("a", passing_second(tmp_path / "flag"), failPolicy="SUSPEND")
    name = jobs.create(unique("place"), node, schedule=CRON)
    first, second = jobs.run(name), jobs.run(name)
    until(jobs, name, first, "running-exception")
    assert jobs.show(name, second)["status"] == "waiting"
    done(jobs, name, first, "retry")
    assert [jobs.ended(name, number)["status"] for number in (first, second)] == ["success", "success"]


@pytest.mark.parametrize(("hold", "state", "let_go"), [("freeze", "freeze", "unfreeze"), ("pause", "pause", "resume")])
def test_a_waiting_instance_is_held_back_and_others_pass_it(
    jobs: Jobs, tmp_path: Path, hold: str, state: str, let_go: str
) -> None:
    gate = tmp_path / "gate"
    name, (first, second, third) = queue(jobs, gate, 3)
    done(jobs, name, second, hold)
    assert jobs.show(name, second)["status"] == state
    gate.touch()
    assert [jobs.ended(name, number)["status"] for number in (first, third)] == ["success", "success"]
    assert jobs.show(name, second)["status"] == state
    done(jobs, name, second, let_go)
    assert jobs.ended(name, second)["status"] == "success"


def test_a_running_instance_cannot_be_frozen(jobs: Jobs, tmp_path: Path) -> None:
    name, (number,) = queue(jobs, tmp_path / "gate", 1)
    answer = do(jobs, name, number, "freeze")
    assert code(answer) == (400, "DLF.3051")
    expected = f"The instance {number} is running; freeze is possible when it is waiting."
    assert expected in answer.json()["error_msg"]
    done(jobs, name, number, "stop")


def test_a_waiting_instance_that_is_stopped_never_runs(jobs: Jobs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name, (first, second) = queue(jobs, gate, 2)
    done(jobs, name, second, "stop")
    gate.touch()
    assert jobs.ended(name, first)["status"] == "success"
    shown = jobs.show(name, second)
    assert (shown["status"], "startTime" in shown) == ("manual-stop", False)


@pytest.mark.parametrize("hold", ["freeze", "pause", "stop"])
def test_deleting_a_job__ends_what_waits_or_is_held(jobs: Jobs, tmp_path: Path, hold: str) -> None:
    name, (first, second) = queue(jobs, tmp_path / "gate", 2)
    done(jobs, name, second, hold)
    assert jobs.call("DELETE", f"/{name}").status_code == 204
    assert all_states(jobs, name, [first, second]) == ["manual-stop", "manual-stop"]


# ---- task groups


def in_group(jobs: Jobs, most: int) -> str:
    answer = jobs.server.http.post(
        "/v1/{p}/task-groups", json={"name": unique("group"), "maxNodes": most}, headers=jobs.headers
    )
    number: str = answer.json()["id"]
    return number


def test_task_group__only_so_many_nodes_run_at_once(jobs: Jobs, tmp_path: Path) -> None:
    gate, group = tmp_path / "gate", in_group(jobs, 2)
    wait = f"while [ ! -e {gate} ]; do sleep 0.02; done"
    nodes = [shell(f"n{at}", wait) for at in range(4)] + [shell("free", "true", taskWorkGroupId="-1")]
    name = jobs.create(unique("grouped"), *nodes, taskWorkGroupId=group)
    number = jobs.run(name)
    deadline = time.monotonic() + 20
    expected = {"free": "success", "n0": "running", "n1": "running", "n2": "waiting", "n3": "waiting"}
    while states(jobs.show(name, number)) != expected:
        assert time.monotonic() < deadline, jobs.show(name, number)
        time.sleep(0.02)
    body = {"name": unique("wider"), "maxNodes": 3}
    url = f"/v1/{{p}}/task-groups/{group}"
    assert jobs.server.http.put(url, json=body, headers=jobs.headers).status_code == 200
    jobs.until_running(name, number, "n2")
    assert states(jobs.show(name, number))["n3"] == "waiting"
    gate.touch()
    assert jobs.ended(name, number)["status"] == "success"


# ---- instances that take too long


def test_instance_timeout__is_told_and_the_instance_goes_on(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[dict[str, Any]] = []
    monkeypatch.setattr("headrace.engine.timeouts.log.warning", lambda text, **values: warned.append(values))
    monkeypatch.setattr(JobDefinition, "overdue_at", lambda _, submit, start: None if start is None else start + 200)
    gate = tmp_path / "gate"
    node = shell("a", f"while [ ! -e {gate} ]; do sleep 0.02; done")
    name = jobs.create(unique("slow"), node, basicConfig={"instanceTimeout": 5})
    number = jobs.run(name)
    deadline = time.monotonic() + 20
    while not warned:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    shown = jobs.show(name, number)
    assert (shown["status"], shown["timedOut"]) == ("running", True)
    gate.touch()
    assert jobs.ended(name, number)["status"] == "success"
    assert [(item["instance"], item["job"]) for item in warned] == [(number, name)]
