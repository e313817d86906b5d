"""The concurrency of a job holds for all engines of a database together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_engine_cluster import caller_of, running, shell, state, until

from headrace.app import Installation
from headrace.factory import instance_operations, jobs, runs
from headrace.wire.v1.jobs import JobInfo

pytestmark = pytest.mark.postgres


def create(installation: Installation, name: str, node: dict[str, Any], concurrent: int) -> None:
    cron = {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08", "concurrent": concurrent}
    job = {"name": name, "processType": "BATCH", "nodes": [node], "schedule": {"type": "CRON", "cron": cron}}
    text = json.dumps(job).encode()
    jobs.create(installation.services, caller_of(installation), msgspec.json.decode(text, type=JobInfo), text)


def most_at_once(marks: str) -> int:
    """The highest number of begun and not yet ended, in a file of + and -."""
    running, most = 0, 0
    for line in marks.split():
        running += 1 if line == "+" else -1
        most = max(most, running)
    return most


def test_two_engines_run_only_so_many_instances_of_a_job_at_once(tmp_path: Path, postgres_url: str) -> None:
    marks = tmp_path / "marks"
    with running(tmp_path / "one", postgres_url) as one, running(tmp_path / "two", postgres_url) as two:
        create(one, "narrow", shell("a", f"echo + >> {marks}; sleep 0.2; echo - >> {marks}"), 2)
        numbers = [runs.run_once(home.services, caller_of(home), "narrow", ()) for _ in range(6) for home in (one, two)]
        for number in numbers:
            until(lambda number=number: state(one, number) == "success")  # type: ignore[misc]
    text = marks.read_text()
    assert (text.count("+"), most_at_once(text)) == (12, 2)


def test_what_ends_in_one_engine_makes_room_in_the_other(tmp_path: Path, postgres_url: str) -> None:
    gate = tmp_path / "gate"
    with running(tmp_path / "one", postgres_url) as one, running(tmp_path / "two", postgres_url) as two:
        create(one, "single", shell("a", f"while [ ! -e {gate} ]; do sleep 0.02; done"), 1)
        first, second = (runs.run_once(home.services, caller_of(home), "single", ()) for home in (one, two))
        until(lambda: sorted((state(one, first), state(one, second))) == ["running", "waiting"])
        begun, waiting = (first, second) if state(one, first) == "running" else (second, first)
        instance_operations.stop(two.services, caller_of(two), "single", str(begun))
        until(lambda: state(one, waiting) == "running")
        gate.touch()
        until(lambda: state(one, waiting) == "success")
