"""What operators do with instances and their nodes, as a client sees it. Source: reference on scheduling §6.2."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import huaweicloudsdkdgc.v1 as sdk
import pytest
from operating import abnormal, do, done, passing_second, suspended, unique, until
from running_jobs import Jobs, code, dummy, shell, states


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


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
