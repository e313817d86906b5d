"""What is stopped really ends: processes with all that they started, statements; what they say then is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_crashes import new_home, opened
from engine_invariants import Job, processes_of
from engine_plays import begun, caller_of

from headrace.app import Installation
from headrace.factory import instance_operations
from headrace.nodes import process
from headrace.objectstore.path import ObsPath
from headrace.storage import instances
from headrace.storage.instances import NodeRecord

# Four processes that do not hear SIGTERM; two of them leave the process group.
STUBBORN = """
trap '' TERM
sleep 600 &
(sleep 600 & sleep 600) &
setsid sh -c 'sleep 600 & sleep 600' &
touch "$HEADRACE_OBS_ROOT.begun"
wait
"""
DIGITS = " union all ".join(f"select {digit} as d" for digit in range(10))
TABLES = ", ".join(f"t t{number}" for number in range(12))
SUM = " + ".join(f"t{number}.d * {number + 3}" for number in range(12))
ENDLESS = f"create table t as {DIGITS}; select count(*) from {TABLES} where {SUM} = 11"
TIMEOUT = {"maxExecutionTime": 5}


def node(name: str, kind: str, statement: str, **members: Any) -> dict[str, Any]:
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    return {"name": name, "type": kind, "properties": properties, **members}


@contextmanager
def running(home: Path, *nodes: dict[str, Any]) -> Iterator[Installation]:
    installation = opened(new_home(home, [Job(name="top", nodes=list(nodes))]))
    installation.start()
    try:
        yield installation
    finally:
        installation.stop()


def until(holds: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def nodes_of(installation: Installation, number: str) -> list[NodeRecord]:
    with installation.services.db.reading() as connection:
        return instances.nodes_of(connection, int(number))


def outcomes(installation: Installation, number: str, position: int) -> list[str]:
    with installation.services.db.reading() as connection:
        return [item.outcome for item in instances.attempts_of(connection, int(number), position)]


def log_of(installation: Installation, number: str, position: int) -> str:
    path = nodes_of(installation, number)[position].log_path
    return installation.services.store.get(ObsPath.parse(path)).decode() if path else ""


def stop(installation: Installation, number: str) -> None:
    instance_operations.stop(installation.services, caller_of(installation), "top", number)


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes have a moment only to end when they are asked."""
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)


WAYS = {
    "stop": ([node("long", "Shell", STUBBORN)], "manual-stop", "stopped"),
    "timeout": ([node("long", "Shell", STUBBORN, **TIMEOUT)], "fail", "timeout"),
    "failure of another": (
        [
            node("long", "Shell", STUBBORN),
            node("bad", "Shell", 'until test -e "$HEADRACE_OBS_ROOT.begun"; do sleep 0.02; done; exit 1'),
        ],
        "manual-stop",
        "stopped",
    ),
}


@pytest.mark.usefixtures("little_patience")
@pytest.mark.parametrize("way", WAYS)
def test_cancelled__no_process_of_the_attempt_is_left(tmp_path: Path, way: str) -> None:
    nodes, state, outcome = WAYS[way]
    home = tmp_path / "home"
    with running(home, *nodes) as installation:
        number = begun(installation)
        if way == "stop":
            until(lambda: (home / "obs.begun").exists())
            until(lambda: len(processes_of(home)) >= 6)
            stop(installation, number)
        installation.engine.wait(int(number), 20)
        until(lambda: processes_of(home) == [], 5)
        assert nodes_of(installation, number)[0].status == state
        assert outcomes(installation, number, 0) == [outcome]


def test_cancelled__the_success_that_an_attempt_claims_afterwards_is_refused(tmp_path: Path) -> None:
    pretends = "trap 'echo in time; exit 0' TERM; touch $HEADRACE_OBS_ROOT.begun; sleep 600 & wait"
    after = {"name": "after", "type": "Dummy", "preNodeName": ["long"]}
    home = tmp_path / "home"
    with running(home, node("long", "Shell", pretends), after) as installation:
        number = begun(installation)
        until(lambda: (home / "obs.begun").exists())
        stop(installation, number)
        until(lambda: "Ended: success" in log_of(installation, number, 0))
        other = begun(installation)  # the engine takes what is told to it in its order
        until(lambda: nodes_of(installation, other)[0].status == "running")
        assert [item.status for item in nodes_of(installation, number)] == ["manual-stop", "waiting"]
        assert outcomes(installation, number, 0) == ["stopped"]


def test_a_daemon_of_a_program_that_succeeded_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home, node("long", "Shell", "setsid sleep 600 > /dev/null 2>&1 &\nsleep 0.1")) as installation:
        number = begun(installation)
        assert installation.engine.wait(int(number), 20).status == "success"
        assert len(processes_of(home)) == 1
        assert process.end_leftovers(homes=[str(home)]) == 1


@pytest.mark.parametrize("way", ["stop", "timeout"])
@pytest.mark.parametrize("kind", ["HiveSQL", "DWSSQL"])
def test_cancelled__a_long_statement_ends_within_two_seconds(tmp_path: Path, kind: str, way: str) -> None:
    members = TIMEOUT if way == "timeout" else {}
    with running(tmp_path / "home", node("long", kind, ENDLESS, **members)) as installation:
        number = begun(installation)
        until(lambda: nodes_of(installation, number)[0].status == "running")
        if way == "stop":
            time.sleep(0.3)  # it is in the middle of it
            stop(installation, number)
        installation.engine.wait(int(number), 20)
        until(lambda: "Ended: failed. Stopped." in log_of(installation, number, 0), 2)
        assert outcomes(installation, number, 0) == ["stopped" if way == "stop" else "timeout"]
