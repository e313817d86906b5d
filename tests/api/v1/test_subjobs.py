"""Subjob and For Each nodes: jobs that run other jobs, as a client sees them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from running_jobs import Jobs, dummy, shell, states


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def subjob(name: str, job: str, *before: str, parameters: str = "", **members: Any) -> dict[str, Any]:
    properties = [{"name": "jobName", "value": job}, {"name": "jobParams", "value": parameters}]
    return {"name": name, "type": "DLFSubJob", "preNodeName": list(before), "properties": properties, **members}


def for_each(name: str, job: str, dataset: str, parameters: str, *before: str, **properties: str) -> dict[str, Any]:
    values = {"jobName": job, "dataset": dataset, "jobParams": parameters, **properties}
    listed = [{"name": key, "value": value} for key, value in values.items()]
    return {"name": name, "type": "ForEachJob", "preNodeName": list(before), "properties": listed}


def children(jobs: Jobs, name: str) -> list[dict[str, Any]]:
    """The instances of a job that nodes ran, oldest first, with their nodes."""
    answer = jobs.call("GET", "/instances/detail", jobName=name, preciseQuery="true", instanceType=6, limit=100)
    assert answer.status_code == 200, answer.text
    listed = sorted(answer.json()["instances"], key=lambda item: item["instanceId"])
    return [jobs.show(name, item["instanceId"]) for item in listed]


def said(jobs: Jobs, shown: dict[str, Any], node: str) -> str:
    """What a Shell node printed."""
    return jobs.log(shown, node).split("\n")[1]


def unique(name: str) -> str:
    return f"{name}_{time.time_ns()}"


def test_a_subjob_runs_with_values_of_its_parent_and_its_own(jobs: Jobs) -> None:
    child = jobs.create(
        unique("child"),
        shell("say", "echo ${a}-${b}-${c}"),
        params=[{"name": "a", "value": "own"}, {"name": "b", "value": "own"}, {"name": "c", "value": "own"}],
    )
    node = subjob("run", child, parameters="a=#{Job.name}\nb=${x}\nc=")
    parent = jobs.create(unique("parent"), node, dummy("after", "run"), params=[{"name": "x", "value": "from parent"}])
    shown = jobs.ended(parent, jobs.run(parent))
    (instance,) = children(jobs, child)
    assert (shown["status"], states(shown)) == ("success", {"run": "success", "after": "success"})
    assert said(jobs, instance, "say") == f"{parent}-from parent-own"
    assert (instance["planTime"], instance["instanceType"]) == (shown["planTime"], 6)


def test_a_failed_subjob_fails_its_node_with_the_reason(jobs: Jobs) -> None:
    child = jobs.create(unique("child"), shell("bad", "exit 3"))
    parent = jobs.create(unique("parent"), subjob("run", child), dummy("after", "run"))
    shown = jobs.ended(parent, jobs.run(parent))
    (instance,) = children(jobs, child)
    assert (shown["status"], states(shown)) == ("fail", {"run": "fail", "after": "waiting"})
    assert shown["errorMessage"].startswith(
        f"Node 'run': The subjob did not succeed, instance {instance['instanceId']}"
    )
    assert "return code 3" in shown["errorMessage"]


def test_a_retried_subjob_node_runs_a_new_instance(jobs: Jobs, tmp_path: Any) -> None:
    mark = tmp_path / "mark"
    child = jobs.create(unique("child"), shell("once", f"test -e {mark} || {{ touch {mark}; exit 1; }}"))
    node = subjob("run", child, retryTimes=1, retryInterval=5)
    parent = jobs.create(unique("parent"), node)
    shown = jobs.ended(parent, jobs.run(parent))
    assert shown["status"] == "success"
    assert [item["status"] for item in children(jobs, child)] == ["fail", "success"]


def test_jobs_that_run_each_other_are_refused(jobs: Jobs) -> None:
    one, two = unique("one"), unique("two")
    jobs.create(one, subjob("run", two))
    jobs.create(two, subjob("run", one))
    shown = jobs.ended(one, jobs.run(one))
    assert shown["status"] == "fail"
    (instance,) = children(jobs, two)
    assert f"for ever: {one} → {two} → {one}" in instance["errorMessage"]


@pytest.mark.parametrize(
    ("job", "reason"),
    [("nobody", "there is no job 'nobody'"), ("", "names no subjob")],
)
def test_a_subjob_that_cannot_run_fails_with_the_reason(jobs: Jobs, job: str, reason: str) -> None:
    parent = jobs.create(unique("parent"), subjob("run", job))
    shown = jobs.ended(parent, jobs.run(parent))
    assert (shown["status"], reason in shown["errorMessage"]) == ("fail", True), shown


def test_for_each_runs_an_instance_per_row_with_its_cells(jobs: Jobs) -> None:
    child = jobs.create(unique("child"), shell("say", "echo ${source}-${destination}-${row}-${first}"))
    dataset = """[['a_new',"a"],[b_2,'b'],["c_3",7]]"""
    parameters = (
        "source=#{Loop.current[0]}\ndestination=#{Loop.current[1]}\nrow=#{Loop.offset}\nfirst=#{Loop.dataArray[0][0]}"
    )
    node = for_each("each", child, dataset, parameters, concurrent="2", instanceNameSuffix="#{Loop.current[0]}")
    parent = jobs.create(unique("parent"), node, dummy("after", "each"))
    shown = jobs.ended(parent, jobs.run(parent))
    ran = children(jobs, child)
    assert (shown["status"], states(shown)) == ("success", {"each": "success", "after": "success"})
    lines = [said(jobs, item, "say") for item in ran]
    assert lines == ["a_new-a-0-a_new", "b_2-b-1-a_new", "c_3-7-2-a_new"]
    assert [item["jobInstanceName"] for item in ran] == ["each_a_new", "each_b_2", "each_c_3"]


def test_for_each_reads_the_output_of_a_node_and_compares_numbers(jobs: Jobs) -> None:
    child = jobs.create(
        unique("child"),
        dummy("start"),
        dummy("big", "start", conditions=[{"preNodeName": "start", "expression": "#{${n} > 5 ? 'true' : 'false'}"}]),
    )
    node = for_each("each", child, "#{Job.getNodeOutput('rows')}", "n=#{Loop.current[0]}", "rows")
    parent = jobs.create(unique("parent"), shell("rows", "echo '[[4],[6]]'"), node)
    assert jobs.ended(parent, jobs.run(parent))["status"] == "success"
    assert [states(item)["big"] for item in children(jobs, child)] == ["skip", "success"]


def test_for_each_begins_no_more_after_a_failed_row(jobs: Jobs) -> None:
    child = jobs.create(unique("child"), shell("odd", "test ${n} != 2"))
    node = for_each("each", child, "[[1],[2],[3],[4]]", "n=#{Loop.current[0]}")
    parent = jobs.create(unique("parent"), node)
    shown = jobs.ended(parent, jobs.run(parent))
    ran = children(jobs, child)
    assert [item["status"] for item in ran] == ["success", "fail", "manual-stop", "manual-stop"]
    assert "1 of 2 instances that ran did not succeed" in shown["errorMessage"]


@pytest.mark.parametrize("dataset", ["[]", "null", "#{Job.getNodeOutput('nobody')}"])
def test_for_each_without_rows_succeeds(jobs: Jobs, dataset: str) -> None:
    child = jobs.create(unique("child"), dummy("a"))
    parent = jobs.create(unique("parent"), for_each("each", child, dataset, ""))
    assert jobs.ended(parent, jobs.run(parent))["status"] == "success"
    assert children(jobs, child) == []


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        ("[['a'", "expected `,` or `]` at character 6"),
        ("[1,2]", "not an array of arrays"),
        (str([[1]] * 1001), "1001 rows"),
    ],
)
def test_for_each_of_a_wrong_dataset_fails(jobs: Jobs, dataset: str, reason: str) -> None:
    child = jobs.create(unique("child"), dummy("a"))
    parent = jobs.create(unique("parent"), for_each("each", child, dataset, ""))
    shown = jobs.ended(parent, jobs.run(parent))
    assert (shown["status"], reason in shown["errorMessage"]) == ("fail", True), shown


def test_stopping_a_job_stops_what_its_nodes_run_at_every_depth(jobs: Jobs) -> None:
    leaf = jobs.create(unique("leaf"), shell("long", "sleep 60"))
    middle = jobs.create(unique("middle"), for_each("each", leaf, "[[1],[2],[3]]", "", concurrent="2"))
    top = jobs.create(unique("top"), subjob("run", middle))
    number = jobs.run(top)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and sum(item["status"] == "running" for item in children(jobs, leaf)) < 2:
        time.sleep(0.02)
    assert jobs.call("POST", f"/{top}/instances/{number}/stop").status_code == 204
    while time.monotonic() < deadline and any(
        item["status"] != "manual-stop" for item in (*children(jobs, leaf), *children(jobs, middle))
    ):
        time.sleep(0.02)
    assert jobs.show(top, number)["status"] == "manual-stop"
    assert [item["status"] for item in children(jobs, middle)] == ["manual-stop"]
    assert [states(item)["long"] for item in children(jobs, leaf)] == ["manual-stop", "manual-stop", "waiting"]


def test_a_hundred_levels_of_subjobs_need_no_more_threads_than_one(jobs: Jobs) -> None:
    below = jobs.create(unique("level"), dummy("a"))
    for _ in range(100):
        below = jobs.create(unique("level"), subjob("run", below))
    assert jobs.ended(below, jobs.run(below))["status"] == "success"


def until_running(jobs: Jobs, name: str, count: int) -> list[dict[str, Any]]:
    """The instances of a job, when so many of them run."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = children(jobs, name)
        if sum(item["status"] == "running" for item in found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name} never ran {count} times")


def test_a_stopped_child_fails_the_node_that_runs_it(jobs: Jobs) -> None:
    child = jobs.create(unique("child"), shell("long", "sleep 60"))
    parent = jobs.create(unique("parent"), subjob("run", child))
    number = jobs.run(parent)
    (instance,) = until_running(jobs, child, 1)
    assert jobs.call("POST", f"/{child}/instances/{instance['instanceId']}/stop").status_code == 204
    shown = jobs.ended(parent, number)
    assert (shown["status"], "manual-stop. Stopped." in shown["errorMessage"]) == ("fail", True), shown


def test_a_child_that_is_declared_successful_counts_as_that(jobs: Jobs) -> None:
    child = jobs.create(unique("child"), shell("bad", "exit 1", failPolicy="SUSPEND"))
    parent = jobs.create(unique("parent"), for_each("each", child, "[[1],[2]]", "", concurrent="2"))
    number = jobs.run(parent)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(
        item["status"] != "running-exception" for item in children(jobs, child) or [{"status": ""}]
    ):
        time.sleep(0.02)
    for item in children(jobs, child):
        path = f"/{child}/instances/{item['instanceId']}/force-success"
        assert jobs.call("POST", path).status_code in (200, 204)
    assert jobs.ended(parent, number)["status"] == "success"
