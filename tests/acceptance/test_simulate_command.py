"""``headrace simulate`` against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

DAY = ("--from", "2030-05-31", "--to", "2030-05-31")


class CommandLine:
    """Runs ``headrace simulate`` in a workspace of its own of a server of this process."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.workspace = server.workspace()
        self.environment = {**os.environ, "HEADRACE_SERVER": server.url, "HEADRACE_HOME": str(server.home)}

    def __call__(self, *arguments: str, status: int = 0) -> tuple[list[str], str]:
        command = [sys.executable, "-m", "headrace", "simulate", *arguments, "--workspace", self.workspace]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return [" ".join(line.split()) for line in done.stdout.splitlines()], done.stderr

    def job(self, name: str, expression: str, **cron: Any) -> None:
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy"}],
            "schedule": {"type": "CRON", "cron": {"expression": expression, **cron}},
        }
        headers = {"workspace": self.workspace}
        assert self._server.http.post("/v1/{p}/jobs", json=body, headers=headers).is_success
        assert self._server.http.post(f"/v1/{{p}}/jobs/{name}/start", json={}, headers=headers).is_success


@pytest.fixture
def simulate(server: Any) -> CommandLine:
    return CommandLine(server)


def test_what_runs_on_the_31st_and_what_it_waits_for(simulate: CommandLine) -> None:
    simulate.job("hours", "0 0 0/6 * * ?")
    simulate.job("month", "0 30 23 L * ?", dependJobs={"jobs": ["hours"]})
    told, _ = simulate("month", *DAY)
    assert told == [
        "plan time job starts ends waits for",
        "2030-05-31 23:30:00 month ? ? hours 2030-05-31 00:00:00, 2030-05-31 06:00:00, 2030-05-31 12:00:00 and 1 more "
        "(month on hour, same period: the natural day)",
        "1 instance; nothing was begun",
    ]
    told, _ = simulate(*DAY)
    assert told[1] == "2030-05-31 00:00:00 hours 2030-05-31 00:00:00 ?"
    assert told[-1] == "5 instances; nothing was begun"


def test_answers_for_scripts_are_those_of_the_operation(simulate: CommandLine) -> None:
    simulate.job("hours", "0 0 0/6 * * ?")
    told, _ = simulate("--from", "2030-05-31 06:00:00", "--to", "2030-05-31 12:00:00", "--json")
    found = json.loads("\n".join(told))
    assert [each["planTime"] for each in found["instances"]] == [1906408800000, 1906430400000]


def test_a_job_that_does_not_exist_is_an_error(simulate: CommandLine) -> None:
    told, error = simulate("gone", *DAY, status=1)
    assert (told, "there is no job 'gone'" in error) == ([], True)


def test_an_empty_interval_has_no_instances(simulate: CommandLine) -> None:
    assert simulate(*DAY)[0] == ["0 instances; nothing was begun"]
