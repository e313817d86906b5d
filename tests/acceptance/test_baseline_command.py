"""``headrace baseline`` against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest


class CommandLine:
    """Runs ``headrace baseline`` in a workspace of its own, with a job that is not started."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.workspace = server.workspace()
        self.environment = {**os.environ, "HEADRACE_SERVER": server.url, "HEADRACE_HOME": str(server.home)}
        body = {
            "name": "load",
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy"}],
            "schedule": {"type": "CRON", "cron": {"expression": "0 0 * * * ?"}},
        }
        answer = server.http.post("/v1/{p}/jobs", json=body, headers={"workspace": self.workspace})
        assert answer.status_code == 204, answer.text

    def __call__(self, *arguments: object, status: int = 0) -> tuple[list[str], str]:
        given = (*map(str, arguments), "--workspace", self.workspace)
        command = [sys.executable, "-m", "headrace", "baseline", *given]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=60, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return [" ".join(line.split()) for line in done.stdout.splitlines()], done.stderr

    def json(self, *arguments: object) -> Any:
        return json.loads("\n".join(self(*arguments, "--json")[0]))

    def file(self, **members: Any) -> Path:
        path = self.folder / "baseline.json"
        day = {"type": "DAY", "sla_hour": "06", "sla_min": "30", "buffer": 3_600_000, "priority": 3, "name": "morning"}
        path.write_text(json.dumps({**day, **members}), encoding="utf-8")
        return path


@pytest.fixture
def baseline(server: Any, tmp_path: Path) -> CommandLine:
    return CommandLine(server, tmp_path)


def test_a_baseline_is_promised_listed_shown_and_deleted(baseline: CommandLine) -> None:
    assert baseline("create", baseline.file(), "--job", "load")[0] == ["morning: promised"]
    assert baseline("list")[0][1:] == ["morning 3 1 06:30 05:30 yes"]
    [listed] = baseline.json("list")
    deadline = time.monotonic() + 30
    while not (found := baseline.json("show", "morning")["baseline_instances"]):
        assert time.monotonic() < deadline
    assert found[0]["baseline_id"] == listed["id"]
    shown = next(line for line in baseline("show", "morning")[0] if "Not scheduled: load (STOPPED)." in line)
    assert any(status in shown for status in ("ERROR", "OVER"))
    assert baseline("delete", "morning")[0] == ["morning: deleted"]
    assert baseline.json("list") == []


def test_promises_of_hours_are_listed_in_the_order_of_the_day(baseline: CommandLine) -> None:
    period = [{"period_num": 24, "period_time": "25:30"}, {"period_num": 8, "period_time": "08:20"}]
    made = baseline.json("create", baseline.file(type="HOUR", period=period, enable=False), "-j", "load")
    assert (made["type"], len(made["sla_task_ids"])) == ("HOUR", 1)
    told = "morning 3 1 hour 8: 08:20, hour 24: 25:30 hour 8: 07:20, hour 24: 24:30 no"
    assert baseline("list")[0][1:] == [told]


def test_wrong_usage_is_told(baseline: CommandLine) -> None:
    assert "there is no baseline 'gone'" in baseline("show", "gone", status=2)[1]
    assert "there is no baseline 'gone'" in baseline("delete", "gone", status=2)[1]
    assert "there is no such file" in baseline("create", baseline.folder / "none.json", status=2)[1]
    assert "DLF.3051" in baseline("create", baseline.file(priority=9), "--job", "load", status=1)[1]
    assert "DLF.0100" in baseline("create", baseline.file(), "--job", "gone", status=1)[1]
    for text, words in (("{", "cannot be read as JSON"), ("[]", "holds no JSON object")):
        path = baseline.file()
        path.write_text(text, encoding="utf-8")
        assert words in baseline("create", path, status=2)[1]
