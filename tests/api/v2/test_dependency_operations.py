"""Why instances wait, over HTTP: the documented operations of v2, and ours of v1 that take dependencies away."""

from __future__ import annotations

import time
from typing import Any

import pytest

from headrace.storage import jobs as stored_jobs
from headrace.storage import schedules

JOBS = "/v1/{p}/jobs"
DAY = 86_400_000  # milliseconds


class Scheduled:
    """Day jobs of a workspace of their own that get today's instance when a test says so."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.workspace = server.workspace()

    def call(self, method: str, path: str, body: Any = None, workspace: str = "", **query: Any) -> Any:
        headers = {"workspace": workspace or self.workspace}
        return self.server.http.request(method, path, json=body, params=query, headers=headers)

    def create(self, statement: str = "true", **cron: Any) -> str:
        name = f"job_{time.time_ns()}"
        properties = [
            {"name": "statementOrScript", "value": "STATEMENT"},
            {"name": "statement", "value": statement},
        ]
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "a", "type": "Shell", "properties": properties}],
            "schedule": {"type": "CRON", "cron": {"expression": "0 0 0 * * ?", **cron}},
        }
        assert self.call("POST", JOBS, body).status_code == 204
        assert self.call("POST", f"{JOBS}/{name}/start").status_code == 204
        return name

    def make(self, name: str) -> int:
        """Have a job get the instance of today's midnight; its id."""
        services = self.server.services
        with services.db.writing() as connection:
            record = stored_jobs.by_name(connection, self.workspace, name)
            assert record is not None
            schedule = schedules.by_job(connection, record.id)
            assert schedule is not None
            assert schedule.next_time is not None
            schedules.advance(connection, record.id, schedule.next_time - DAY)
        services.wake_engine()
        return self.until(name)["instanceId"]  # type: ignore[no-any-return]

    def until(self, name: str, *states: str) -> dict[str, Any]:
        """The instance of a job, when it is in one of these states."""
        query = {"jobName": name, "preciseQuery": "true"}
        deadline = time.monotonic() + 20
        while True:
            found = self.call("GET", f"{JOBS}/instances/detail", **query).json()["instances"]
            if found and (not states or found[0]["status"] in states):
                shown: dict[str, Any] = found[0]
                return shown
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    def waiting(self) -> tuple[str, int, str, int]:
        """A job whose instance failed, and one whose instance waits for that; each with its instance."""
        upstream = self.create("exit 1")
        job = self.create(dependJobs={"jobs": upstream, "dependFailPolicy": "SUSPEND"})
        first = self.make(upstream)
        self.until(upstream, "fail")
        return upstream, first, job, self.make(job)


@pytest.fixture(scope="module")
def scheduled(server: Any) -> Scheduled:
    return Scheduled(server)


def failed(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_depend_instances__shows_what_an_instance_waits_for(scheduled: Scheduled) -> None:
    upstream, first, job, second = scheduled.waiting()
    answer = scheduled.call("GET", f"/v2/{{p}}/factory/instances/{second}/depend-instances")
    assert answer.status_code == 200, answer.text
    (shown,) = answer.json()["depend_instances_info"]
    assert answer.json()["total"] == 1
    assert (shown["id"], shown["job_name"], shown["status"], shown["parent_instance_ids"]) == (
        first,
        upstream,
        "fail",
        [],
    )
    path = f"/v2/{{p}}/factory/instances/{first}/depend-instances"
    (below,) = scheduled.call("GET", path, relation="child").json()["depend_instances_info"]
    assert (below["id"], below["job_name"], below["parent_instance_ids"]) == (second, job, [first])
    assert failed(scheduled.call("GET", path, depth=51)) == (400, "DLF.3051")
    assert failed(scheduled.call("GET", path, workspace="unknown")) == (400, "DLF.0819")
    unknown = scheduled.call("GET", "/v2/{p}/factory/instances/12345/depend-instances")
    assert failed(unknown) == (400, "DLF.0137")


def test_job_depend__is_a_bare_array_of_neighbours(scheduled: Scheduled) -> None:
    upstream = scheduled.create()
    job = scheduled.create(dependJobs={"jobs": upstream})
    path = "/v2/{p}/factory/jobs/{}/depend"
    told = scheduled.call("GET", path.replace("{}", job)).json()
    assert [(item["depend_layer"], item["job_name"], item["job_path"]) for item in told] == [("parent", upstream, "/")]
    (child,) = scheduled.call("GET", path.replace("{}", upstream), relation="child").json()
    assert sorted(child) == ["depend_layer", "job_name", "job_path", "owner", "workspace_name"]
    assert (child["job_name"], child["depend_layer"]) == (job, "child")
    assert scheduled.call("GET", path.replace("{}", upstream), relation="parent").json() == []
    assert failed(scheduled.call("GET", path.replace("{}", job), relation="x")) == (400, "DLF.3051")
    assert failed(scheduled.call("GET", path.replace("{}", "nothing"))) == (400, "DLF.0100")
    assert failed(scheduled.call("GET", path.replace("{}", job), workspace="unknown")) == (400, "DLF.0819")


def test_job_depend__across_workspaces(scheduled: Scheduled) -> None:
    upstream = scheduled.create()
    elsewhere = Scheduled(scheduled.server)
    depends = {"otherWorkSpaceJobs": [{"jobName": upstream, "workSpaceId": scheduled.workspace}]}
    job = elsewhere.create(dependJobs=depends)
    (child,) = scheduled.call("GET", f"/v2/{{p}}/factory/jobs/{upstream}/depend").json()
    (parent,) = elsewhere.call("GET", f"/v2/{{p}}/factory/jobs/{job}/depend").json()
    assert (child["job_name"], parent["job_name"]) == (job, upstream)
    assert child["workspace_name"] != parent["workspace_name"]


def test_waiting_reasons__are_sentences(scheduled: Scheduled) -> None:
    upstream, first, job, second = scheduled.waiting()
    path = f"{JOBS}/{job}/instances"
    told = scheduled.call("GET", f"{path}/{second}/waiting-reasons").json()
    rule = "day on day, same period: the natural day"
    expected = f"It waits for 1 instance of the job {upstream!r} ({rule}): 1 failed, stopped or frozen."
    assert (told["status"], told["reasons"]) == ("waiting", [expected])
    ((awaited,),) = [item["instances"] for item in told["dependencies"]]
    assert (awaited["instanceId"], awaited["status"], awaited["blocking"]) == (first, "fail", True)
    assert failed(scheduled.call("GET", f"{path}/12345/waiting-reasons")) == (400, "DLF.0137")
    unknown = scheduled.call("GET", f"{path}/{second}/waiting-reasons", workspace="unknown")
    assert failed(unknown) == (400, "DLF.0819")


def test_remove_dependency__lets_the_instance_run(scheduled: Scheduled) -> None:
    upstream, _, job, second = scheduled.waiting()
    path = f"{JOBS}/{job}/instances/{second}/remove-dependency"
    assert failed(scheduled.call("POST", path, {"jobName": "other"})) == (400, "DLF.3051")
    assert failed(scheduled.call("POST", path, {}, workspace="unknown")) == (400, "DLF.0819")
    unknown = f"{JOBS}/{job}/instances/12345/remove-dependency"
    assert failed(scheduled.call("POST", unknown, {"jobName": upstream})) == (400, "DLF.0137")
    assert scheduled.call("POST", path, {"jobName": upstream}).status_code == 204
    assert scheduled.until(job, "success")["instanceId"] == second


def test_run_without_dependencies__lets_the_instance_run(scheduled: Scheduled) -> None:
    _, _, job, second = scheduled.waiting()
    path = f"{JOBS}/{job}/instances/{second}/run-without-dependencies"
    assert failed(scheduled.call("POST", path, workspace="unknown")) == (400, "DLF.0819")
    unknown = f"{JOBS}/{job}/instances/12345/run-without-dependencies"
    assert failed(scheduled.call("POST", unknown)) == (400, "DLF.0137")
    assert scheduled.call("POST", path).status_code == 204
    assert scheduled.until(job, "success")["instanceId"] == second
    assert failed(scheduled.call("POST", path)) == (400, "DLF.3051")
