"""What operators do with instances and their nodes, as a client sees it. Source: reference on scheduling §6.2."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import huaweicloudsdkdgc.v1 as sdk
import pytest
from running_jobs import Jobs, code, dummy, shell, states

from headrace.domain.job import JobDefinition


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def do(jobs: Jobs, name: str, number: int, operation: str, node: str = "") -> Any:
    below = f"/nodes/{node}" if node else ""
    return jobs.call("POST", f"/{name}/instances/{number}{below}/{operation}")


def done(jobs: Jobs, name: str, number: int, operation: str, node: str = "") -> None:
    answer = do(jobs, name, number, operation, node)
    assert answer.status_code == 204, answer.text


def unique(prefix: str) -> str:
    return f"{prefix}_{time.time_ns()}"


def passing_second(flag: Path) -> str:
    """Fails the first time."""
    return f"echo x >> {flag}.runs; test -e {flag} || {{ touch {flag}; exit 1; }}"


def abnormal(jobs: Jobs, *nodes: dict[str, Any]) -> tuple[str, int]:
    """An instance that a failed node has suspended."""
    name = jobs.create(unique("abnormal"), *nodes)
    number = jobs.run(name)
    shown = jobs.ended(name, number)
    assert shown["status"] == "running-exception", shown
    return name, number


def suspended(jobs: Jobs, flag: Path) -> tuple[str, int]:
    """An instance with a node that will not fail again, and one after it."""
    return abnormal(
        jobs,
        shell("first", f"echo x >> {flag}.first"),
        shell("bad", passing_second(flag), "first", failPolicy="SUSPEND"),
        shell("after", f"echo x >> {flag}.after", "bad"),
    )


def until(jobs: Jobs, name: str, number: int, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (shown := jobs.show(name, number))["status"] != status:
        assert time.monotonic() < deadline, shown
        time.sleep(0.01)
    return shown


# ---- abnormal instances


def test_an_abnormal_instance_says_which_node_failed_and_why(jobs: Jobs, tmp_path: Path) -> None:
    name, number = suspended(jobs, tmp_path / "flag")
    shown = jobs.show(name, number)
    assert shown["errorMessage"] == "Node 'bad': Shell exit code is not 0: return code 1."


def test_the_official_sdk_reads_which_node_failed_and_why(jobs: Jobs) -> None:
    """Its nodes have no member for an error, and neither has its detail: the list has."""
    name = jobs.create(unique("told"), shell("good", "true"), shell("bad", "exit 4", "good"))
    number = jobs.run(name)
    jobs.ended(name, number)
    request = sdk.ListJobInstancesRequest(workspace=jobs.headers["workspace"], job_name=name)
    (found,) = jobs.server.sdk_dgc().list_job_instances(request).instances
    assert (found.instance_id, found.status) == (number, "fail")
    assert found.error_message == "Node 'bad': Shell exit code is not 0: return code 4."


def test_retry__runs_the_failed_node_again_and_nothing_before_it(jobs: Jobs, tmp_path: Path) -> None:
    name, number = suspended(jobs, tmp_path / "flag")
    done(jobs, name, number, "retry")
    shown = jobs.ended(name, number)
    assert (shown["status"], states(shown)) == ("success", {"first": "success", "bad": "success", "after": "success"})
    assert (shown["forceSuccess"], shown["ignoreSuccess"], shown.get("errorMessage")) == (False, False, None)
    runs = {suffix: (tmp_path / f"flag.{suffix}").read_text().count("x") for suffix in ("first", "runs", "after")}
    assert runs == {"first": 1, "runs": 2, "after": 1}


def test_retry__leaves_alone_what_another_branch_does_meanwhile(jobs: Jobs, tmp_path: Path) -> None:
    marker = tmp_path / "flag"
    name, number = abnormal(
        jobs,
        shell("bad", passing_second(marker), failPolicy="SUSPEND"),
        shell("slow", f"echo x >> {marker}.slow; while [ ! -e {marker}.go ]; do sleep 0.05; done"),
    )
    done(jobs, name, number, "retry")
    (tmp_path / "flag.go").touch()
    shown = jobs.ended(name, number)
    assert (shown["status"], states(shown)) == ("success", {"bad": "success", "slow": "success"})
    assert (tmp_path / "flag.slow").read_text().count("x") == 1


def test_continue__runs_what_follows_and_counts_the_failure_as_ignored(jobs: Jobs, tmp_path: Path) -> None:
    name, number = suspended(jobs, tmp_path / "flag")
    done(jobs, name, number, "continue")
    shown = jobs.ended(name, number)
    assert (shown["status"], shown["ignoreSuccess"]) == ("success", True)
    assert states(shown) == {"first": "success", "bad": "fail", "after": "success"}
    assert shown["nodes"][1]["errorMessage"]


def test_force_success__ends_an_abnormal_instance_and_kills_what_runs(jobs: Jobs, tmp_path: Path) -> None:
    marker = tmp_path / "alive"
    name, number = abnormal(
        jobs,
        shell("bad", "sleep 0.3; exit 1", failPolicy="SUSPEND"),
        shell("slow", f"(sleep 2; touch {marker}) & sleep 60"),
    )
    done(jobs, name, number, "force-success")
    shown = jobs.show(name, number)
    assert (shown["status"], shown["forceSuccess"]) == ("success", True)
    assert states(shown) == {"bad": "fail", "slow": "manual-stop"}
    listed = jobs.call("GET", "", jobName=name).json()["jobs"]
    assert [job["lastInstanceStatus"] for job in listed] == ["success"]
    time.sleep(2.2)
    assert not marker.exists()
    assert jobs.show(name, number)["status"] == "success"


@pytest.mark.parametrize("policy", ["FAIL", "FAIL_CHILD"])
def test_force_success__of_a_failed_instance(jobs: Jobs, policy: str) -> None:
    name = jobs.create(unique("failed"), shell("bad", "exit 1", failPolicy=policy))
    number = jobs.run(name)
    ended = jobs.ended(name, number)["endTime"]
    done(jobs, name, number, "force-success")
    shown = jobs.show(name, number)
    assert (shown["status"], shown["forceSuccess"], shown["endTime"]) == ("success", True, ended)
    row = jobs.call("GET", "/instances/detail", jobName=name, status="success").json()["instances"][0]
    assert (row["instanceId"], row["forceSuccess"]) == (number, True)


def test_force_success__of_a_stopped_instance_which_can_then_be_run_again(jobs: Jobs) -> None:
    name = jobs.create(unique("stopped"), shell("long", "sleep 60"))
    number = jobs.run(name)
    jobs.until_running(name, number, "long")
    done(jobs, name, number, "stop")
    done(jobs, name, number, "force-success")
    assert jobs.show(name, number)["forceSuccess"] is True
    done(jobs, name, number, "restart")
    jobs.until_running(name, number, "long")
    assert jobs.show(name, number)["forceSuccess"] is False
    done(jobs, name, number, "stop")


def test_force_success__a_run_once_job_that_was_suspended_is_stopped(jobs: Jobs) -> None:
    name = jobs.create(unique("once"), shell("bad", "exit 1", failPolicy="SUSPEND"), schedule={"type": "EXECUTE_ONCE"})
    assert jobs.call("POST", f"/{name}/start").status_code == 204
    (row,) = jobs.call("GET", "/instances/detail", jobName=name).json()["instances"]
    until(jobs, name, row["instanceId"], "running-exception")
    done(jobs, name, row["instanceId"], "force-success")
    deadline = time.monotonic() + 10
    while jobs.call("GET", f"/{name}/status").json()["status"] != "STOPPED":
        assert time.monotonic() < deadline
        time.sleep(0.01)


# ---- nodes


def test_node_retry__one_of_two_failed_nodes_leaves_the_instance_abnormal(jobs: Jobs, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    name, number = abnormal(
        jobs,
        shell("one", passing_second(one), failPolicy="SUSPEND"),
        shell("two", passing_second(two), failPolicy="SUSPEND"),
        dummy("after", "one", "two"),
    )
    deadline = time.monotonic() + 20
    while states(jobs.show(name, number)) != {"one": "fail", "two": "fail", "after": "waiting"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    done(jobs, name, number, "retry", "one")
    shown = until(jobs, name, number, "running-exception")
    assert states(shown) == {"one": "success", "two": "fail", "after": "waiting"}
    assert shown["errorMessage"].startswith("Node 'two'")
    done(jobs, name, number, "retry", "two")
    assert states(jobs.ended(name, number)) == {"one": "success", "two": "success", "after": "success"}


def test_node_succeed__the_nodes_after_it_run_and_nothing_is_marked(jobs: Jobs, tmp_path: Path) -> None:
    name, number = suspended(jobs, tmp_path / "flag")
    done(jobs, name, number, "succeed", "bad")
    shown = jobs.ended(name, number)
    assert (shown["status"], shown["ignoreSuccess"]) == ("success", False)
    assert states(shown) == {"first": "success", "bad": "success", "after": "success"}
    assert (tmp_path / "flag.runs").read_text().count("x") == 1


def held(jobs: Jobs, tmp_path: Path) -> tuple[str, int, Path]:
    """An instance whose first node runs until the file is there."""
    gate = tmp_path / "gate"
    name = jobs.create(
        unique("held"),
        shell("first", f"while [ ! -e {gate} ]; do sleep 0.02; done"),
        shell("second", f"echo x >> {gate}.second", "first"),
        dummy("third", "second"),
    )
    number = jobs.run(name)
    jobs.until_running(name, number, "first")
    return name, number, gate


def test_node_skip__the_nodes_after_it_run(jobs: Jobs, tmp_path: Path) -> None:
    name, number, gate = held(jobs, tmp_path)
    done(jobs, name, number, "skip", "second")
    gate.touch()
    shown = jobs.ended(name, number)
    assert (shown["status"], states(shown)) == ("success", {"first": "success", "second": "skip", "third": "success"})
    assert not (tmp_path / "gate.second").exists()


def test_node_skip__the_only_node_of_an_instance_is_refused(jobs: Jobs) -> None:
    name = jobs.create(unique("only"), shell("a", "exit 1", retryTimes=1, retryInterval=60))
    number = jobs.run(name)
    deadline = time.monotonic() + 20
    while jobs.show(name, number)["nodes"][0]["retryTimes"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    answer = do(jobs, name, number, "skip", "a")
    assert code(answer) == (400, "DLF.3051")
    assert "is the only node" in answer.json()["error_msg"]
    done(jobs, name, number, "stop")


def test_node_pause_and_resume__the_instance_is_paused_until_the_node_goes_on(jobs: Jobs, tmp_path: Path) -> None:
    name, number, gate = held(jobs, tmp_path)
    done(jobs, name, number, "pause", "second")
    assert jobs.show(name, number)["status"] == "running"
    gate.touch()
    shown = until(jobs, name, number, "pause")
    assert states(shown) == {"first": "success", "second": "pause", "third": "waiting"}
    assert "endTime" not in shown
    done(jobs, name, number, "resume", "second")
    assert states(jobs.ended(name, number)) == {"first": "success", "second": "success", "third": "success"}


def test_resume__a_paused_instance_goes_on_with_all_its_nodes(jobs: Jobs, tmp_path: Path) -> None:
    name, number, gate = held(jobs, tmp_path)
    done(jobs, name, number, "pause", "second")
    done(jobs, name, number, "pause", "third")
    gate.touch()
    until(jobs, name, number, "pause")
    done(jobs, name, number, "resume")
    assert jobs.ended(name, number)["status"] == "success"


def test_node_skip__a_paused_node_lets_its_instance_go_on(jobs: Jobs, tmp_path: Path) -> None:
    name, number, gate = held(jobs, tmp_path)
    done(jobs, name, number, "pause", "second")
    gate.touch()
    until(jobs, name, number, "pause")
    done(jobs, name, number, "skip", "second")
    assert states(jobs.ended(name, number)) == {"first": "success", "second": "skip", "third": "success"}


def test_stop__a_paused_instance_is_stopped_and_can_be_run_again(jobs: Jobs, tmp_path: Path) -> None:
    name, number, gate = held(jobs, tmp_path)
    done(jobs, name, number, "pause", "second")
    gate.touch()
    until(jobs, name, number, "pause")
    done(jobs, name, number, "stop")
    assert jobs.show(name, number)["status"] == "manual-stop"
    done(jobs, name, number, "restart")
    assert states(jobs.ended(name, number)) == {"first": "success", "second": "success", "third": "success"}


# ---- attempts


def outcomes(jobs: Jobs, name: str, number: int, node: str) -> list[tuple[int, str]]:
    answer = jobs.call("GET", f"/{name}/instances/{number}/nodes/{node}/attempts")
    assert answer.status_code == 200, answer.text
    listed = answer.json()
    assert (listed["nodeName"], listed["total"]) == (node, len(listed["attempts"]))
    return [(item["number"], item["outcome"]) for item in listed["attempts"]]


def test_attempts__are_kept_when_the_node_and_the_instance_are_run_again(jobs: Jobs, tmp_path: Path) -> None:
    name, number = suspended(jobs, tmp_path / "flag")
    done(jobs, name, number, "retry")
    jobs.ended(name, number)
    assert outcomes(jobs, name, number, "bad") == [(1, "fail"), (2, "success")]
    done(jobs, name, number, "restart")
    jobs.ended(name, number)
    assert outcomes(jobs, name, number, "bad") == [(1, "fail"), (2, "success"), (3, "success")]
    (failed, *_) = jobs.call("GET", f"/{name}/instances/{number}/nodes/bad/attempts").json()["attempts"]
    assert failed["errorMessage"] == "Shell exit code is not 0: return code 1."
    assert failed["logPath"].endswith("/bad/bad.job")
    assert failed["executeTime"] == failed["endTime"] - failed["startTime"]


@pytest.mark.parametrize("operation", ["stop", "force-success"])
def test_attempts__one_that_a_person_ended_is_stopped(jobs: Jobs, operation: str) -> None:
    name, number = abnormal(jobs, shell("bad", "sleep 0.2; exit 1", failPolicy="SUSPEND"), shell("slow", "sleep 60"))
    assert outcomes(jobs, name, number, "slow") == []
    done(jobs, name, number, operation)
    assert outcomes(jobs, name, number, "slow") == [(1, "stopped")]


def test_attempts__of_an_unknown_node_or_instance_are_refused(jobs: Jobs) -> None:
    name = jobs.create(unique("known"), dummy("a"))
    number = jobs.run(name)
    assert code(jobs.call("GET", f"/{name}/instances/{number}/nodes/nil/attempts")) == (400, "DLF.3051")
    assert code(jobs.call("GET", f"/{name}/instances/1/nodes/a/attempts")) == (400, "DLF.0137")
    nowhere = {"workspace": "nowhere"}
    path = f"/v1/{{p}}/jobs/{name}/instances/{number}/nodes/a/attempts"
    assert code(jobs.server.http.get(path, headers=nowhere)) == (400, "DLF.0819")


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


# ---- instances that a node of another one runs


def with_child(jobs: Jobs, *nodes: dict[str, Any]) -> tuple[str, int, str, int]:
    """An instance whose only node runs a job of these nodes: both jobs, and both instances."""
    child = jobs.create(unique("child"), *nodes)
    properties = [{"name": "jobName", "value": child}]
    parent = jobs.create(unique("parent"), {"name": "run", "type": "DLFSubJob", "properties": properties})
    number = jobs.run(parent)
    deadline = time.monotonic() + 20
    while not (found := jobs.call("GET", "/instances/detail", jobName=child, instanceType=6).json()["instances"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return parent, number, child, found[0]["instanceId"]


@pytest.mark.parametrize("operation", ["retry", "continue", "force-success"])
def test_an_abnormal_subjob__its_parent_goes_on_when_it_does(jobs: Jobs, tmp_path: Path, operation: str) -> None:
    node = shell("bad", passing_second(tmp_path / "flag"), failPolicy="SUSPEND")
    parent, number, child, below = with_child(jobs, node)
    until(jobs, child, below, "running-exception")
    assert jobs.show(parent, number)["status"] == "running"
    done(jobs, child, below, operation)
    shown = jobs.ended(parent, number)
    assert (shown["status"], states(shown)) == ("success", {"run": "success"})


def test_a_paused_subjob__is_stopped_with_its_parent(jobs: Jobs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = shell("first", f"while [ ! -e {gate} ]; do sleep 0.02; done")
    parent, number, child, below = with_child(jobs, first, dummy("second", "first"))
    jobs.until_running(child, below, "first")
    done(jobs, child, below, "pause", "second")
    gate.touch()
    until(jobs, child, below, "pause")
    done(jobs, parent, number, "stop")
    assert jobs.show(parent, number)["status"] == "manual-stop"
    until(jobs, child, below, "manual-stop")


def test_force_success__of_a_parent_ends_what_it_runs(jobs: Jobs) -> None:
    child = jobs.create(unique("child"), shell("long", "sleep 60"))
    run = {"name": "run", "type": "DLFSubJob", "properties": [{"name": "jobName", "value": child}]}
    name, number = abnormal(jobs, run, shell("bad", "sleep 0.5; exit 1", failPolicy="SUSPEND"))
    (row,) = jobs.call("GET", "/instances/detail", jobName=child, instanceType=6).json()["instances"]
    done(jobs, name, number, "force-success")
    until(jobs, child, row["instanceId"], "manual-stop")
    assert states(jobs.show(name, number)) == {"run": "manual-stop", "bad": "fail"}


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


# ---- what is refused

INSTANCE_OPERATIONS = ("retry", "continue", "force-success", "confirm", "freeze", "unfreeze", "pause", "resume")
NODE_OPERATIONS = ("retry", "succeed", "skip", "pause", "resume")


@pytest.mark.parametrize("operation", INSTANCE_OPERATIONS)
def test_operation__a_successful_instance_refuses_it_and_says_when_it_is_possible(jobs: Jobs, operation: str) -> None:
    name = jobs.create(unique("good"), dummy("a"))
    number = jobs.run(name)
    jobs.ended(name, number)
    answer = do(jobs, name, number, operation)
    assert code(answer) == (400, "DLF.3051")
    assert f"The instance {number} is success; " in answer.json()["error_msg"]
    assert "is possible when it is " in answer.json()["error_msg"]


@pytest.mark.parametrize("operation", NODE_OPERATIONS)
def test_node_operation__of_a_successful_instance_is_refused(jobs: Jobs, operation: str) -> None:
    name = jobs.create(unique("good"), dummy("a"), dummy("b", "a"))
    number = jobs.run(name)
    jobs.ended(name, number)
    answer = do(jobs, name, number, operation, "a")
    assert code(answer) == (400, "DLF.3051")
    assert f"The node 'a' is success and its instance {number} is success" in answer.json()["error_msg"]
    unknown = do(jobs, name, number, operation, "nil")
    assert code(unknown) == (400, "DLF.3051")
    assert "has no node 'nil'" in unknown.json()["error_msg"]


@pytest.mark.parametrize("operation", [*INSTANCE_OPERATIONS, *(f"nodes/a/{name}" for name in NODE_OPERATIONS)])
def test_operation__unknown_instance_answers_dlf_0137(jobs: Jobs, operation: str) -> None:
    assert code(do(jobs, "nobody", 1, operation)) == (400, "DLF.0137")


@pytest.mark.parametrize("operation", [*INSTANCE_OPERATIONS, *(f"nodes/a/{name}" for name in NODE_OPERATIONS)])
def test_operation__unknown_workspace_answers_dlf_0819(jobs: Jobs, operation: str) -> None:
    path = f"/v1/{{p}}/jobs/nobody/instances/1/{operation}"
    assert code(jobs.server.http.post(path, headers={"workspace": "nowhere"})) == (400, "DLF.0819")
