"""Supplement data over HTTP: the documented operations, and ours that show and repeat dates."""

from __future__ import annotations

import time
from typing import Any

import pytest

ROOT = "/v2/{p}/factory/supplement-data"
FAILS_ON_6 = 'test "#{DateUtil.format(Job.planTime, "dd")}" != "06"'


class Backfills:
    """Day jobs of a workspace of their own."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.workspace = server.workspace()

    def call(self, method: str, path: str, body: Any = None, workspace: str = "", **query: Any) -> Any:
        headers = {"workspace": workspace or self.workspace}
        return self.server.http.request(method, path, json=body, params=query, headers=headers)

    def job(self, statement: str = "true", workspace: str = "", **cron: Any) -> str:
        name = f"job_{time.time_ns()}"
        properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "a", "type": "Shell", "properties": properties}],
            "schedule": {"type": "CRON", "cron": {"expression": "0 0 2 * * ?", **cron}},
        }
        assert self.call("POST", "/v1/{p}/jobs", body, workspace).status_code == 204
        return name

    def finish(self, name: str) -> Any:
        deadline = time.monotonic() + 30
        while True:
            (row,) = self.call("GET", ROOT, name=name).json()["rows"]
            if row["status"] != "RUNNING":
                return row
            assert time.monotonic() < deadline, row
            time.sleep(0.02)


@pytest.fixture
def backfills(server: Any) -> Backfills:
    return Backfills(server)


def asked(job: str, **members: Any) -> dict[str, Any]:
    return {
        "name": f"P_{job}",
        "job_name": job,
        "start_date": "2026-05-05T00:00:00 +08",
        "end_date": "2026-05-07T23:59:59 +08",
        "parallel": 2,
        **members,
    }


def test_supplement_data_is_created_listed_and_runs(backfills: Backfills) -> None:
    job = backfills.job()
    window = {"time_of_day": "00:00-00:00"}
    answer = backfills.call("POST", ROOT, asked(job, supplement_data_run_time=window))
    assert (answer.status_code, answer.content) == (200, b"")
    row = backfills.finish(f"P_{job}")
    assert row.pop("submitted_date") > 1_700_000_000_000
    assert row == {
        "name": f"P_{job}",
        "job_list": [job],
        "status": "SUCCESS",
        "start_date": 1777910400000,
        "end_date": 1778169599000,
        "parallel": 2,
        "type": 0,
        "user_name": "admin",
        "supplement_data_instance_time": {"days": [], "time_of_day": ""},
        "supplement_data_run_time": {"time_of_day": "00:00-00:00", "day_of_week": "", "day_of_month": ""},
    }
    listed = backfills.call("GET", ROOT, page="0", size="10", sort="desc").json()
    assert (listed["msg"], listed["success"], listed["total"], len(listed["rows"])) == ("success", True, 1, 1)
    found = backfills.call(
        "GET",
        f"/v2/{{p}}/factory/jobs/{job}/instances/detail",
        min_plan_time=1777910400000,
        max_plan_time=1778169599000,
    ).json()
    assert [each["instance_type"] for each in found["instances"]] == [5, 5, 5]
    assert {each["job_instance_name"] for each in found["instances"]} == {f"P_{job}"}


def test_supplement_data_runs_jobs_of_other_workspaces_too(backfills: Backfills) -> None:
    other = backfills.server.workspace()
    upstream = backfills.job(workspace=other)
    job = backfills.job()
    depend = [{"job_name": upstream, "workspace_id": other}]
    assert backfills.call("POST", ROOT, asked(job, depend_jobs=depend)).status_code == 200
    assert backfills.finish(f"P_{job}")["job_list"] == [job, upstream]
    wrong = [{"job_name": upstream, "workspace_id": "0" * 32}]
    refused = backfills.call("POST", ROOT, asked(job, depend_jobs=wrong))
    assert refused.json()["error_code"] == "DLF.0819"


def test_a_preview_begins_nothing(backfills: Backfills) -> None:
    upstream = backfills.job()
    job = backfills.job(dependJobs={"jobs": upstream})
    body = asked(job, depend_jobs=[{"job_name": upstream}], reverse_order=1)
    told = backfills.call("POST", ROOT + "/preview", body).json()
    assert (told["total"], told["parallel"]) == (6, 2)
    assert [each["job_name"] for each in told["dates"]] == [upstream, job] * 3
    assert [each["day"] for each in told["dates"]] == [0, 0, 1, 1, 2, 2]
    assert told["dates"][1]["waits_for"] == [{"job_name": upstream, "plan_time": told["dates"][0]["plan_time"]}]
    assert told["dates"][0]["plan_time"] > told["dates"][2]["plan_time"]
    assert backfills.call("GET", ROOT).json()["total"] == 0


def test_running_supplement_data_can_be_stopped_once(backfills: Backfills) -> None:
    job = backfills.job("sleep 60")
    backfills.call("POST", ROOT, asked(job))
    answer = backfills.call("POST", f"{ROOT}/P_{job}/stop")
    assert (answer.status_code, answer.content) == (200, b"")
    assert backfills.finish(f"P_{job}")["status"] == "CANCLE"
    assert backfills.call("GET", ROOT, status="CANCEL").json()["total"] == 1
    assert backfills.call("POST", f"{ROOT}/P_{job}/stop", {}).json()["error_code"] == "DLF.3051"
    unknown = backfills.call("POST", f"{ROOT}/none/stop").json()
    assert (unknown["error_code"], unknown["error_msg"]) == ("DLF.0113", "The supplement [none] does not exist.")


def test_failed_dates_are_shown_and_run_again(backfills: Backfills) -> None:
    job = backfills.job(FAILS_ON_6)
    backfills.call("POST", ROOT, asked(job, parallel=1, is_stop_when_fail=True))
    assert backfills.finish(f"P_{job}")["status"] == "FAIL"
    told = backfills.call("GET", f"{ROOT}/P_{job}").json()
    assert [each["state"] for each in told["dates"]] == ["success", "fail", "dropped"]
    assert told["counts"] == {"success": 1, "fail": 1, "dropped": 1}
    assert told["dates"][1]["instance_status"] == "fail"
    assert "instance_id" not in told["dates"][2]
    assert backfills.call("POST", f"{ROOT}/P_{job}/retry").status_code == 200
    assert backfills.finish(f"P_{job}")["status"] == "FAIL"
    assert backfills.call("GET", f"{ROOT}/P_{job}").json()["dates"][1]["instance_id"] == told["dates"][1]["instance_id"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"name": "a/b"}, "DLF.30120"),
        ({"start_date": "2026-05-05"}, "DLF.30121"),
        ({"end_date": "2026-05-05T00:00:01 +08"}, "DLF.30121"),
        ({"job_name": "none"}, "DLF.0100"),
        ({"parallel": 9}, "DLF.3051"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_code(backfills: Backfills, members: dict[str, Any], code: str) -> None:
    answer = backfills.call("POST", ROOT, asked(backfills.job()) | members)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


def test_refusals_that_depend_on_what_is_there(backfills: Backfills) -> None:
    job = backfills.job("sleep 60")
    backfills.call("POST", ROOT, asked(job))
    assert backfills.call("POST", ROOT, asked(job)).json()["error_code"] == "DLF.30110"
    beside = asked(job) | {"name": "beside"}
    assert backfills.call("POST", ROOT, beside).json()["error_code"] == "DLF.30116"
    assert backfills.call("POST", ROOT, beside | {"force": "true"}).status_code == 200
    for name in (f"P_{job}", "beside"):
        assert backfills.call("POST", f"{ROOT}/{name}/stop").status_code == 200
    plain = {"name": f"once_{job}", "processType": "BATCH", "nodes": [{"name": "a", "type": "Dummy"}]}
    assert backfills.call("POST", "/v1/{p}/jobs", plain).status_code == 204
    told = backfills.call("POST", ROOT, asked(plain["name"])).json()  # type: ignore[arg-type]
    assert told["error_code"] == "DLF.30111"
