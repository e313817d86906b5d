"""A cron job that is started gets its instances while the server runs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from running_jobs import Jobs, code, dummy

from headrace.storage import jobs as stored_jobs
from headrace.storage import schedules


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def cron(expression: str, **members: Any) -> dict[str, Any]:
    return {"schedule": {"type": "CRON", "cron": {"expression": expression, **members}}}


def make_due(jobs: Jobs, name: str) -> int:
    """Move the next plan time of a job to now; that time."""
    services, workspace = jobs.server.services, jobs.headers["workspace"]
    with services.db.writing() as connection:
        record = stored_jobs.by_name(connection, workspace, name)
        assert record is not None
        moment = services.now() // 60_000 * 60_000
        schedules.advance(connection, record.id, moment)
    services.wake_engine()
    return int(moment)


def scheduled(jobs: Jobs, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = jobs.call(
        "GET", "/instances/detail", jobName=name, preciseQuery="true", instanceType=0
    ).json()["instances"]
    return found


def until_ended(jobs: Jobs, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (found := scheduled(jobs, name)) and found[0]["status"] == "success":
            return found[0]
        time.sleep(0.02)
    raise AssertionError(scheduled(jobs, name))


def test_start_job__a_cron_job_runs_at_its_plan_times(jobs: Jobs) -> None:
    name = jobs.create("each_minute", dummy("a"), **cron("0 * * * * ?"))
    body = {"jobParams": [{"name": "x", "value": "1", "paramType": "variable"}]}
    assert jobs.call("POST", f"/{name}/start", body).status_code == 204
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "SCHEDULING"
    moment = make_due(jobs, name)
    shown = until_ended(jobs, name)
    assert (shown["planTime"], shown["instanceType"]) == (moment, 0)
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "SCHEDULING"
    assert jobs.call("POST", f"/{name}/stop").status_code == 204
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "STOPPED"


def test_start_job__one_whose_upstream_job_is_not_started_is_refused(jobs: Jobs) -> None:
    jobs.create("upstream", dummy("a"), **cron("0 0 1 * * ?"))
    name = jobs.create("downstream", dummy("a"), **cron("0 0 2 * * ?", dependJobs={"jobs": "upstream"}))
    answer = jobs.call("POST", f"/{name}/start")
    assert code(answer) == (400, "DLF.3051")
    assert "depend job [upstream] is not running or pause" in answer.json()["error_msg"]
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "STOPPED"


def test_delete_job__a_scheduled_job_gets_no_more_instances(jobs: Jobs) -> None:
    name = jobs.create("short_lived", dummy("a"), **cron("0 * * * * ?"))
    assert jobs.call("POST", f"/{name}/start").status_code == 204
    assert jobs.call("DELETE", f"/{name}").status_code == 204
    with jobs.server.services.db.reading() as connection:
        assert schedules.earliest(connection) is None


def test_pause_and_restore__of_a_schedule(jobs: Jobs) -> None:
    name = jobs.create("held", dummy("a"), **cron("0 0 1 * * ?"))
    assert code(jobs.call("POST", f"/{name}/pause")) == (400, "DLF.3051")
    assert jobs.call("POST", f"/{name}/start").status_code == 204
    assert code(jobs.call("POST", f"/{name}/restore")) == (400, "DLF.3051")
    assert jobs.call("POST", f"/{name}/pause").status_code == 204
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "PAUSED"
    assert jobs.call("POST", f"/{name}/restore").status_code == 204
    assert jobs.call("GET", f"/{name}/status").json()["status"] == "SCHEDULING"
    for path in ("/nothing/pause", "/nothing/restore"):
        assert code(jobs.call("POST", path)) == (400, "DLF.0100")
        unknown = {"workspace": "unknown"}
        answer = jobs.server.http.post(f"/v1/{{p}}/jobs{path}", headers=unknown)
        assert code(answer) == (400, "DLF.0819")
