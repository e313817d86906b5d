"""What will run and what it will wait for, over HTTP: an operation of ours."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

Json = dict[str, Any]

DAY = 24 * 3600 * 1000
FIRST = int(datetime(2030, 5, 31, tzinfo=timezone(timedelta(hours=8))).timestamp() * 1000)


class Workspace:
    """A workspace of its own with daily jobs."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.id = server.workspace()

    def post(self, path: str, body: Json) -> Any:
        return self._server.http.post(f"/v1/{{p}}/{path}", json=body, headers={"workspace": self.id})

    def job(self, name: str, expression: str, *, start: bool = True, **cron: Any) -> None:
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy"}],
            "schedule": {"type": "CRON", "cron": {"expression": expression, **cron}},
        }
        assert self.post("jobs", body).is_success
        if start:
            assert self.post(f"jobs/{name}/start", {}).is_success


@pytest.fixture
def workspace(server: Any) -> Workspace:
    return Workspace(server)


def test_simulate_schedules__what_runs_on_the_31st_and_what_it_waits_for(workspace: Workspace) -> None:
    workspace.job("hours", "0 0 0/12 * * ?")
    workspace.job("month", "0 30 2 L * ?", dependJobs={"jobs": ["hours"], "dependFailPolicy": "IGNORE"})
    workspace.job("draft", "0 0 1 * * ?", start=False)
    answer = workspace.post("simulation", {"minPlanTime": FIRST, "maxPlanTime": FIRST + DAY - 1})
    assert answer.status_code == 200, answer.text
    noon, night = FIRST + DAY // 2, FIRST + 5 * DAY // 48
    waits = {
        "jobName": "hours",
        "rule": "month on hour, same period: the natural day",
        "failPolicy": "IGNORE",
        "anySuffices": False,
        "planTimes": [FIRST, noon],
    }
    assert answer.json() == {
        "total": 3,
        "instances": [
            {
                "jobName": "hours",
                "planTime": FIRST,
                "dryRun": False,
                "waitsFor": [],
                "estimatedStartTime": FIRST,
            },
            {"jobName": "month", "planTime": night, "dryRun": False, "waitsFor": [waits]},
            {"jobName": "hours", "planTime": noon, "dryRun": False, "waitsFor": [], "estimatedStartTime": noon},
        ],
        "warnings": [],
    }


def test_simulate_schedules__past_days_of_jobs_taken_to_be_started(workspace: Workspace) -> None:
    workspace.job("draft", "0 0 1 * * ?", start=False)
    past = {"minPlanTime": 0, "maxPlanTime": 3 * DAY, "jobs": ["draft"], "asIfStarted": True}
    told = workspace.post("simulation", past).json()
    assert [each["planTime"] for each in told["instances"]] == [17 * DAY // 24 + day * DAY for day in range(3)]


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"maxPlanTime": 1}, "minPlanTime: None"),
        ({"minPlanTime": 0, "maxPlanTime": 10**18}, f"maxPlanTime: {10**18}"),
        ({"minPlanTime": 2, "maxPlanTime": 1}, "maxPlanTime: it is before minPlanTime"),
        ({"minPlanTime": 0, "maxPlanTime": 1, "jobs": ["draft"]}, "jobs: 'draft' is not started"),
    ],
)
def test_simulate_schedules__wrong_members_are_named(workspace: Workspace, body: Json, member: str) -> None:
    workspace.job("draft", "0 0 1 * * ?", start=False)
    answer = workspace.post("simulation", body)
    assert answer.status_code == 400
    assert member in answer.json()["error_msg"]


def test_simulate_schedules__unknown_job_answers_dlf_0100(workspace: Workspace) -> None:
    answer = workspace.post("simulation", {"minPlanTime": 0, "maxPlanTime": 1, "jobs": ["gone"]})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLF.0100")


def test_simulate_schedules__too_many_instances_are_refused_at_once(workspace: Workspace) -> None:
    workspace.job("minutes", "0 * * * * ?")
    began = time.monotonic()
    answer = workspace.post("simulation", {"minPlanTime": FIRST, "maxPlanTime": FIRST + 365_000 * DAY})
    assert answer.status_code == 400
    assert "More than 100,000 instances" in answer.json()["error_msg"]
    assert time.monotonic() - began < 10
