"""A hundred thousand scheduled jobs: what a look costs when nothing is due, and when 5,000 are due at one second."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.measure import Table, headrace, median_of, serving
from headrace.app import Installation, open_installation
from headrace.domain.identity import Caller
from headrace.factory import workspaces
from headrace.scheduling.generation import generate
from headrace.settings import Settings
from headrace.storage import identity, jobs, schedules
from headrace.storage.jobs import JobRecord, Names
from headrace.storage.schedules import ScheduleRecord

JOBS = 100_000
DUE = 5_000
HOUR = 3_600_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = Settings.load({"home": home, "max_jobs_per_workspace": 2 * JOBS}, {})
        installation = open_installation(settings, {})
        due_at = installation.services.now() + 24 * HOUR
        _fill(installation, due_at)
        look = median_of(lambda: _look(installation, due_at - HOUR))
        began = time.perf_counter()
        made = _generate_all(installation, due_at)
        seconds = time.perf_counter() - began
        installation.services.db.close()
        idle, memory = _idle(home)
    table = Table(f"{JOBS:,} scheduled jobs on SQLite", ["what", "measured", "bar"])
    table.add("a look when nothing is due, ms", f"{look * 1000:.2f}", "")
    table.add(f"{made:,} due at one second, all made, s", f"{seconds:.2f}", "≤ 2")
    table.add("idle CPU of the server, %", f"{idle * 100:.2f}", "≤ 0.2")
    table.add("idle memory, MB (PSS)", f"{memory:.0f}", "≤ 90")
    table.print()


def _fill(installation: Installation, due_at: int) -> None:
    """Jobs of which 5,000 are due at one moment and the others later."""
    services = installation.services
    with services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    caller = Caller(user=user, workspace=workspaces.find(services, user.project_id, ""), now=services.now())
    cron = {"expression": "0 0 2 * * ?", "expressionTimeZone": "GMT+8"}
    with services.db.writing() as connection:
        for number in range(JOBS):
            name = f"job_{number}"
            body = {
                "name": name,
                "processType": "BATCH",
                "nodes": [{"name": "a", "type": "Dummy"}, {"name": "b", "type": "Dummy", "preNodeName": ["a"]}],
                "schedule": {"type": "CRON", "cron": cron},
            }
            job = JobRecord(
                id=number + 1,
                workspace_id=caller.workspace.id,
                name=name,
                process_type="BATCH",
                directory="/",
                owner="",
                priority=0,
                single_node=0,
                draft=None,
                version=1,
                status="SCHEDULING",
                create_user=user.name,
                create_time=caller.now,
                update_user=user.name,
                update_time=caller.now,
            )
            jobs.insert_job(connection, job, Names())
            jobs.add_version(connection, job.id, 1, json.dumps(body), user.name, caller.now)
            moment = due_at if number < DUE else due_at + HOUR + number
            schedules.put(
                connection, ScheduleRecord(job.id, job.workspace_id, caller.project_id, user.name, "{}", moment)
            )


def _look(installation: Installation, now: int) -> float:
    began = time.perf_counter()
    for _ in range(100):
        with installation.services.db.reading() as connection:
            earliest = schedules.earliest(connection)
        assert earliest is not None
        assert earliest > now
    return (time.perf_counter() - began) / 100


def _generate_all(installation: Installation, now: int) -> int:
    services = replace(installation.services, now=lambda: now)
    made = 0
    while True:
        due, _ = generate(services, now)
        if not due:
            return made
        made += due


def _idle(home: Path) -> tuple[float, float]:
    """What the server takes while nothing is due for hours."""
    with serving(headrace("up", "--home", str(home), "--port", "{port}"), home) as target:
        time.sleep(3)
        before, began = target.cpu_seconds(), time.monotonic()
        time.sleep(15)
        return (target.cpu_seconds() - before) / (time.monotonic() - began), target.memory_mb()


if __name__ == "__main__":
    main()
