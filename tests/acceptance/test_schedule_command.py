"""``headrace schedule`` against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest


class CommandLine:
    """Runs ``headrace schedule`` in a workspace of its own of a server of this process."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.workspace = server.workspace()
        self.environment = {**os.environ, "HEADRACE_SERVER": server.url, "HEADRACE_HOME": str(server.home)}

    def __call__(self, *arguments: str, status: int = 0) -> tuple[list[str], str]:
        command = [sys.executable, "-m", "headrace", "schedule", *arguments, "--workspace", self.workspace]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return [" ".join(line.split()) for line in done.stdout.splitlines()], done.stderr

    def job(self, name: str, **cron: Any) -> None:
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy"}],
            "schedule": {"type": "CRON", "cron": {"expression": "0 0 2 1 * ?", **cron}},
        }
        answer = self._server.http.post("/v1/{p}/jobs", json=body, headers={"workspace": self.workspace})
        assert answer.status_code == 204, answer.text

    def status(self, name: str) -> str:
        return json.loads("\n".join(self("status", name, "--json")[0]))[0]["status"]  # type: ignore[no-any-return]


@pytest.fixture
def schedule(server: Any) -> CommandLine:
    return CommandLine(server)


def test_a_schedule_is_started_paused_resumed_and_stopped(schedule: CommandLine) -> None:
    schedule.job("month")
    steps = [("start", "started", "SCHEDULING"), ("pause", "paused", "PAUSED"), ("resume", "goes on", "SCHEDULING")]
    for command, done, status in [*steps, ("stop", "stopped", "STOPPED")]:
        told, _ = schedule(command, "month")
        assert (told, schedule.status("month")) == ([f"month: {done}"], status)


def test_a_job_that_refuses_does_not_keep_the_others_from_it(schedule: CommandLine) -> None:
    schedule.job("month")
    told, error = schedule("start", "gone", "month", status=1)
    assert told == ["month: started"]
    assert error.startswith("gone: DLF.0100: ")
    told, error = schedule("pause", "month", "month", "--json", status=1)
    first, second = json.loads("\n".join(told))
    assert (first, second["job"]) == ({"job": "month", "error": None}, "month")
    assert "DLF.3051" in second["error"]


def test_status__tells_a_table(schedule: CommandLine) -> None:
    schedule.job("month")
    told, _ = schedule("status", "month")
    assert told == ["job status started last instance", "month STOPPED"]


def test_next__tells_the_plan_times_to_come(schedule: CommandLine) -> None:
    schedule.job("leap", expression="0 30 2 29 * ?", startTime="2040-02-01T00:00:00+00")
    assert "is not started" in schedule("next", "leap", status=1)[1]
    schedule.job("month", expression="0 0 2 1 * ?", endTime="2020-01-01T00:00:00+00")
    told, error = schedule("next", "month", "--as-if-started")
    assert (told, error.strip()) == ([], "month has no more plan times in the next ten years")
    schedule.job("year", expression="0 0 2 1 * ?")
    told, _ = schedule("next", "year", "--as-if-started", "-n", "3")
    assert len(told) == 3
    assert told == sorted(told)
    assert all(line.endswith("-01 02:00:00") for line in told)


def test_start__takes_parameters_and_a_first_day(schedule: CommandLine) -> None:
    schedule.job("month")
    later = f"{datetime.now(UTC).year + 12}-01-31"
    schedule("start", "month", "--param", "city=Oslo", "--from", later, "--first-alone")
    told, _ = schedule("next", "month", "-n", "1", "--json")
    assert json.loads("\n".join(told)) == [], "ten years hold none of it"
    assert schedule.status("month") == "SCHEDULING"


@pytest.mark.parametrize(("option", "value"), [("--param", "city"), ("--from", "31.12.2039")])
def test_start__what_cannot_be_read_is_wrong_usage(schedule: CommandLine, option: str, value: str) -> None:
    schedule.job("month")
    assert value in schedule("start", "month", option, value, status=2)[1]
    assert schedule.status("month") == "STOPPED"
