"""Several engines on one PostgreSQL database: each instance is run by one of them, and outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from headrace.app import Installation, open_installation
from headrace.domain.identity import Caller
from headrace.engine.walk import LOST
from headrace.factory import instance_operations, jobs, runs, workspaces
from headrace.settings import Settings
from headrace.storage import engines, identity, instances, task_groups
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances
from headrace.storage.task_groups import TaskGroupRecord
from headrace.wire.v1.jobs import JobInfo

pytestmark = pytest.mark.postgres

STARTER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_engine_cluster import caller_of, opened
from headrace.factory import runs
home, url = Path(sys.argv[2]), sys.argv[3]
installation = opened(home, url)
print(runs.run_once(installation.services, caller_of(installation), sys.argv[4], ()), flush=True)
sys.stdin.read()
"""


def opened(home: Path, url: str) -> Installation:
    """A started installation on a database that others use as well."""
    values = {"home": home, "local_execution": True, "database_url": url, "engine_lease_seconds": 1}
    installation = open_installation(Settings.load(values, {"HEADRACE_SECRET_KEY": ""}), {})
    installation.start()
    return installation


def caller_of(installation: Installation) -> Caller:
    services = installation.services
    with services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    return Caller(user=user, workspace=workspaces.find(services, user.project_id, ""), now=services.now())


@contextmanager
def running(home: Path, url: str) -> Iterator[Installation]:
    installation = opened(home, url)
    try:
        yield installation
    finally:
        installation.stop()


def create(installation: Installation, name: str, *nodes: dict[str, Any]) -> None:
    text = json.dumps({"name": name, "processType": "BATCH", "nodes": list(nodes)}).encode()
    jobs.create(installation.services, caller_of(installation), msgspec.json.decode(text, type=JobInfo), text)


def shell(name: str, statement: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "Shell", "properties": [{"name": "statement", "value": statement}], **members}


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def started_elsewhere(home: Path, url: str, job: str) -> tuple[subprocess.Popen[str], int]:
    """A process that runs a job; the number of the instance."""
    command = [sys.executable, "-c", STARTER, str(Path(__file__).parent), str(home), url, job]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_two_engines_run_each_instance_once(tmp_path: Path, postgres_url: str) -> None:
    marks = tmp_path / "marks"
    with running(tmp_path / "one", postgres_url) as one, running(tmp_path / "two", postgres_url) as two:
        create(one, "mark", shell("say", f"echo $HEADRACE_INSTANCE_ID >> {marks}"))
        numbers = [runs.run_once(home.services, caller_of(home), "mark", ()) for _ in range(20) for home in (one, two)]
        for number in numbers:
            until(lambda number=number: state(one, number) == "success")  # type: ignore[misc]
    assert Counter(marks.read_text().split()) == Counter(str(number) for number in numbers)


def state(installation: Installation, number: int) -> str:
    with installation.services.db.reading() as connection:
        record = instances.by_id(connection, number)
    return "" if record is None else record.status


def test_engines_share_the_slots_of_a_task_group(tmp_path: Path, postgres_url: str) -> None:
    marks = tmp_path / "marks"
    with running(tmp_path / "one", postgres_url) as one, running(tmp_path / "two", postgres_url) as two:
        create(
            one, "grouped", shell("say", f"echo in >> {marks}; sleep 0.05; echo out >> {marks}", taskWorkGroupId="g")
        )
        group = TaskGroupRecord("g", caller_of(one).workspace.id, "narrow", 1)
        with one.services.db.writing() as connection:
            task_groups.put(connection, group)
        numbers = [
            runs.run_once(home.services, caller_of(home), "grouped", ()) for _ in range(8) for home in (one, two)
        ]
        for number in numbers:
            until(lambda number=number: state(one, number) == "success")  # type: ignore[misc]
    assert marks.read_text().split() == ["in", "out"] * len(numbers)


def test_an_instance_is_stopped_from_another_process(tmp_path: Path, postgres_url: str) -> None:
    pid = tmp_path / "pid"
    with running(tmp_path / "one", postgres_url) as one:
        create(one, "long", shell("sleep", f"echo $$ > {pid}; sleep 600"))
    process, number = started_elsewhere(tmp_path / "two", postgres_url, "long")
    until(lambda: pid.exists() and pid.read_text() != "")
    with running(tmp_path / "one", postgres_url) as one:
        instance_operations.stop(one.services, caller_of(one), "long", str(number))
        until(lambda: not alive(int(pid.read_text())))
        process.kill()
        process.communicate()
        assert state(one, number) == "manual-stop"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def test_what_a_killed_process_ran_goes_on_in_another(tmp_path: Path, postgres_url: str) -> None:
    marks = tmp_path / "marks"
    nodes = [
        shell("again", f"echo x >> {marks}; test $(wc -l < {marks}) -gt 1 || sleep 600", retryTimes=1),
        shell("never", "sleep 600", failPolicy="IGNORE"),
        {"name": "join", "type": "Dummy", "preNodeName": ["again", "never"]},
    ]
    with running(tmp_path / "one", postgres_url) as one:
        create(one, "hard", *nodes)
    process, number = started_elsewhere(tmp_path / "two", postgres_url, "hard")
    until(lambda: marks.exists() and marks.read_text() != "")
    with running(tmp_path / "one", postgres_url) as one:
        until(lambda: node_states(one, number)[:2] == ["running", "running"])
        process.send_signal(signal.SIGKILL)
        process.communicate()
        until(lambda: state(one, number) == "success")
        with one.services.db.reading() as connection:
            shown = instances.nodes_of(connection, number)
            outcomes = [item.outcome for item in instances.attempts_of(connection, number, 0)]
    seen = [(node.status, node.retry_times, node.error_message) for node in shown]
    assert seen == [("success", 1, ""), ("fail", 0, LOST), ("success", 0, "")]
    assert (outcomes, marks.read_text()) == (["lost", "success"], "x\nx\n")


def test_an_engine_that_was_silent_too_long_ends_what_others_have_taken_over(tmp_path: Path, postgres_url: str) -> None:
    pids = tmp_path / "pids"
    with running(tmp_path / "one", postgres_url) as one:
        create(one, "slow", shell("sleep", f"echo $$ >> {pids}; sleep 600", retryTimes=1))
        number = runs.run_once(one.services, caller_of(one), "slow", ())
        until(lambda: pids.exists() and len(pids.read_text().split()) == 1)
        with running(tmp_path / "two", postgres_url) as two:
            with one.services.db.writing() as connection:
                row = connection.one(Statement(select(job_instances.c.owner).where(job_instances.c.id == number)))
                assert row is not None
                engines.remove(connection, [row[0]])
            until(lambda: len(pids.read_text().split()) == 2)
            first, second = map(int, pids.read_text().split())
            until(lambda: not alive(first))
            assert alive(second)
            with two.services.db.reading() as connection:
                assert [item.outcome for item in instances.attempts_of(connection, number, 0)] == ["lost"]


def node_states(installation: Installation, number: int) -> list[str]:
    with installation.services.db.reading() as connection:
        return [node.status for node in instances.nodes_of(connection, number)]
