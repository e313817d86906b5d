"""A backfill goes on after its server was killed, and is shared by the engines of a database; each date runs once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_engine_cluster import caller_of, running, shell, until
from test_kill import port, serving

from headrace.factory import backfill, jobs
from headrace.wire.v1.jobs import JobInfo
from headrace.wire.v2.supplement_data import CreateSupplementData

__all__ = ["port"]  # a fixture

DATES, KILLS = 28 * 24, 6
BACKFILLS = "/factory/supplement-data"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def job(node: dict[str, Any]) -> dict[str, Any]:
    cron = {"expression": "0 0 * * * ?", "expressionTimeZone": "UTC"}
    return {"name": "j", "processType": "BATCH", "nodes": [node], "schedule": {"type": "CRON", "cron": cron}}


def asked(dates: int, **members: Any) -> dict[str, Any]:
    return {
        "name": "task",
        "job_name": "j",
        "start_date": "2026-01-01T00:00:00 +00",
        "end_date": f"2026-01-{1 + (dates - 1) // 24:02}T{(dates - 1) % 24:02}:00:00 +00",
        "parallel": 5,
        **members,
    }


def test_each_date_has_one_instance_whenever_the_server_is_killed(tmp_path: Path, port: int) -> None:
    home = tmp_path / "home"
    ended = 0
    for kill in range(KILLS + 1):
        with serving(home, port) as server:
            root = str(server.http.base_url).replace("/v1/", "/v2/").rstrip("/") + BACKFILLS
            if kill == 0:
                assert server.http.post("/jobs", json=job({"name": "n", "type": "Dummy"})).status_code == 204
                assert server.http.post(root, json=asked(DATES)).status_code == 200
            until(lambda: _ended(server.http.get(f"{root}/task").json()) > min(ended, DATES - 1))  # noqa: B023
            ended = _ended(server.http.get(f"{root}/task").json())
            if kill == KILLS:
                until(lambda: server.http.get(f"{root}/task").json()["status"] != "RUNNING")  # noqa: B023
                told = server.http.get(f"{root}/task").json()
                made = _instances(server.http)
    assert len(told["dates"]) == DATES
    assert _ended(told) == DATES
    assert sorted(made) == sorted(each["instance_id"] for each in told["dates"])
    assert Counter(made.values()) == dict.fromkeys((each["plan_time"] for each in told["dates"]), 1)


def _ended(told: dict[str, Any]) -> int:
    """Attempts that a killed server took with it are failures, as without a backfill."""
    return sum(told["counts"].get(state, 0) for state in ("success", "fail"))


def _instances(http: Any) -> dict[int, int]:
    """The plan times of all instances of the job by their numbers, as the list of instances tells."""
    found: dict[int, int] = {}
    first = int(FIRST.timestamp() * 1000) - 1
    for day in range(0, 28, 7):
        window = {"minPlanTime": first + day * 86_400_000, "maxPlanTime": first + (day + 7) * 86_400_000}
        page = http.get("/jobs/instances/detail", params={**window, "jobName": "j", "limit": 1000}).json()
        assert page["total"] == len(page["instances"])
        found |= {each["instanceId"]: each["planTime"] for each in page["instances"]}
    return found


@pytest.mark.postgres
def test_two_engines_share_a_backfill_and_its_slots(tmp_path: Path, postgres_url: str) -> None:
    marks = tmp_path / "marks"
    statement = f'echo "+ #{{Job.planTime}}" >> {marks}; sleep 0.05; echo - >> {marks}'
    with running(tmp_path / "one", postgres_url) as one, running(tmp_path / "two", postgres_url) as two:
        text = json.dumps(job(shell("a", statement))).encode()
        jobs.create(one.services, caller_of(one), msgspec.json.decode(text, type=JobInfo), text)
        body = json.dumps(asked(40, parallel=3)).encode()
        request = msgspec.json.decode(body, type=CreateSupplementData)
        backfill.create(one.services, caller_of(one), request, body)
        until(lambda: backfill.progress(two.services, caller_of(two), "task").status == "SUCCESS")
    lines = marks.read_text().splitlines()
    begun = [line for line in lines if line.startswith("+")]
    assert len(begun) == len(set(begun)) == 40
    open_now, most = 0, 0
    for line in lines:
        open_now += 1 if line.startswith("+") else -1
        most = max(most, open_now)
    assert most <= 3
