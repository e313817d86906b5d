"""``headrace backfill`` and ``headrace backfills`` against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

FAILS_ON_6 = 'test "#{DateUtil.format(Job.planTime, "dd")}" != "06"'
ZONE = ZoneInfo("Asia/Shanghai")  # of the settings
RANGE = ("--from", "2026-05-05", "--to", "2026-05-07")


class CommandLine:
    """Runs ``headrace`` against a server of this process."""

    def __init__(self, server: Any) -> None:
        self.environment = {**os.environ, "HEADRACE_SERVER": server.url, "HEADRACE_HOME": str(server.home)}

    def __call__(self, *arguments: object, status: int = 0) -> tuple[str, str]:
        command = [sys.executable, "-m", "headrace", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout, done.stderr

    def json(self, *arguments: object, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status)[0])


@pytest.fixture(scope="module")
def headrace(server: Any) -> CommandLine:
    return CommandLine(server)


def make(server: Any, statement: str = "true", workspace: str = "", **cron: Any) -> str:
    name = f"job_{time.time_ns()}"
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    body = {
        "name": name,
        "processType": "BATCH",
        "nodes": [{"name": "a", "type": "Shell", "properties": properties}],
        "schedule": {"type": "CRON", "cron": {"expression": "0 0 2 * * ?", **cron}},
    }
    headers = {"workspace": workspace} if workspace else {}
    assert server.http.post("/v1/{p}/jobs", json=body, headers=headers).status_code == 204
    return name


def test_a_dry_run_shows_what_would_run_and_begins_nothing(server: Any, headrace: CommandLine) -> None:
    upstream = make(server)
    job = make(server, dependJobs={"jobs": upstream})
    told, _ = headrace("backfill", job, *RANGE, "--with", upstream, "--reverse", "--parallel", 2, "--dry-run")
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[1:3] == [
        f"{upstream} 2026-05-07 02:00:00",
        f"{job} 2026-05-07 02:00:00 {upstream} 2026-05-07 02:00:00",
    ]
    assert lines[-1] == "6 would run, 2 at once; nothing was begun"
    found = headrace.json("backfills")
    assert not any(job in row["job_list"] for row in found)


def test_a_backfill_runs_to_its_end_and_is_listed(server: Any, headrace: CommandLine) -> None:
    job = make(server)
    told = headrace.json("backfill", job, *RANGE, "--parallel", 3)
    assert (told["status"], told["counts"]) == ("SUCCESS", {"success": 3})
    assert told["name"].startswith(f"P_{job}_")
    (row,) = (row for row in headrace.json("backfills") if row["job_list"] == [job])
    assert (row["name"], row["status"]) == (told["name"], "SUCCESS")
    listed, _ = headrace("backfills")
    assert told["name"] in listed


def test_a_backfill_takes_every_other_day(server: Any, headrace: CommandLine) -> None:
    job = make(server)
    told, _ = headrace("backfill", job, *RANGE, "--every", "2d", "--dry-run")
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert lines[1:3] == [f"{job} 2026-05-05 02:00:00", f"{job} 2026-05-07 02:00:00"]
    assert lines[-1] == "2 would run, 1 at once; nothing was begun"
    assert headrace.json("backfill", job, *RANGE, "--every", "2d")["counts"] == {"success": 2}


def test_days_in_place_of_a_range_and_jobs_of_other_workspaces(server: Any, headrace: CommandLine) -> None:
    job, other = make(server, expression="0 0 0/6 * * ?"), server.workspace()
    elsewhere = make(server, workspace=other, expression="0 0 0/6 * * ?")
    days = ("--day", "2026-05-05", "--day", "2026-05-07/2026-05-08", "--time-of-day", "06:00-12:00")
    told = headrace.json("backfill", job, *days, "--with", f"{other}/{elsewhere}", "--reverse", "--dry-run")
    found = [f"{datetime.fromtimestamp(each['plan_time'] / 1000, ZONE):%d %H}" for each in told["dates"]]
    assert found == [f"{day:02} {hour:02}" for day in (8, 7, 5) for hour in (6, 6, 12, 12)]
    assert {each["job_name"] for each in told["dates"]} == {job, elsewhere}


def test_dates_begin_on_some_days_only(server: Any, headrace: CommandLine) -> None:
    job = make(server)
    month = str(datetime.now(ZONE).day % 27 + 2)  # neither today nor tomorrow
    begun = headrace.json("backfill", job, *RANGE, "--name", f"b_{job}", "--window-month-days", month, "--no-wait")
    assert (begun["status"], begun["counts"]) == ("RUNNING", {"ready": 3})
    window = next(row for row in headrace.json("backfills") if row["name"] == f"b_{job}")["supplement_data_run_time"]
    assert window == {"time_of_day": "00:00-00:00", "day_of_week": "", "day_of_month": month}
    assert headrace.json("backfills", f"b_{job}", "--stop")["status"] == "CANCLE"


def test_a_failed_backfill_ends_with_status_1_and_runs_again(server: Any, headrace: CommandLine) -> None:
    job = make(server, FAILS_ON_6)
    told, _ = headrace("backfill", job, *RANGE, "--name", f"b_{job}", "--stop-on-failure", status=1)
    assert told.splitlines()[-1] == f"b_{job}: FAIL (1 dropped, 1 fail, 1 success)"
    again = headrace.json("backfills", f"b_{job}", "--retry", status=1)
    assert again["counts"] == {"dropped": 1, "fail": 1, "success": 1}
    assert headrace.json("backfills", f"b_{job}")["status"] == "FAIL"


def test_a_running_backfill_is_stopped(server: Any, headrace: CommandLine) -> None:
    job = make(server, "sleep 60")
    begun = headrace.json("backfill", job, *RANGE, "--name", f"b_{job}", "--no-wait")
    assert begun["status"] == "RUNNING"
    _, complained = headrace("backfill", job, *RANGE, status=1)
    assert "DLF.30116" in complained
    assert headrace.json("backfills", f"b_{job}", "--stop")["status"] == "CANCLE"


def test_wrong_usage_is_told(server: Any, headrace: CommandLine) -> None:
    job = make(server)
    assert "--from" in headrace("backfill", job, "--from", "yesterday", "--to", "2026-05-07", status=2)[1]
    assert "--every" in headrace("backfill", job, *RANGE, "--every", "2h", status=2)[1]
    assert "--day '5 May'" in headrace("backfill", job, "--day", "5 May", status=2)[1]
    assert "or --day" in headrace("backfill", job, "--from", "2026-05-07", status=2)[1]
    assert "there is no workspace 'gone'" in headrace("backfill", job, *RANGE, "--with", "gone/x", status=2)[1]
    assert "day_of_week" in headrace("backfill", job, *RANGE, "--window-weekdays", "8", status=1)[1]
    assert "DLF.30121" in headrace("backfill", job, "--from", "2026-05-08", "--to", "2026-05-07", status=1)[1]
    assert "DLF.0100" in headrace("backfill", "none", *RANGE, status=1)[1]
    assert "name of a backfill" in headrace("backfills", "--stop", status=2)[1]
    assert "exclude" in headrace("backfills", "x", "--stop", "--retry", status=2)[1]
