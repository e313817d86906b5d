"""What waits for its turn, or is held back by a person, still does after the next start."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from test_engine_restart import caller_of, opened, shell

from headrace.app import Installation
from headrace.domain.instance import NodeOperation
from headrace.factory import instance_operations, jobs, node_operations, runs
from headrace.storage import instances
from headrace.wire.v1.jobs import JobInfo


def create(installation: Installation, name: str, *nodes: dict[str, Any], **schedule: Any) -> None:
    job = {"name": name, "processType": "BATCH", "nodes": list(nodes), "schedule": schedule}
    text = json.dumps(job).encode()
    jobs.create(installation.services, caller_of(installation), msgspec.json.decode(text, type=JobInfo), text)


def state(installation: Installation, number: int) -> str:
    with installation.services.db.reading() as connection:
        record = instances.by_id(connection, number)
    return "" if record is None else record.status


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def test_instances_that_waited_for_their_turn_run_after_the_next_start(tmp_path: Path) -> None:
    home, gate = tmp_path / "home", tmp_path / "gate"
    cron = {"expression": "0 0 1 * * ?", "startTime": "2024-01-01T00:00:00+08", "concurrent": 1}
    first = opened(home)
    node = shell("a", f"while [ ! -e {gate} ]; do sleep 0.02; done", retryTimes=1)
    create(first, "queue", node, type="CRON", cron=cron)
    numbers = [runs.run_once(first.services, caller_of(first), "queue", ()) for _ in range(4)]
    until(lambda: state(first, numbers[0]) == "running")
    instance_operations.freeze(first.services, caller_of(first), "queue", str(numbers[2]))
    first.stop()

    second = opened(home)
    until(lambda: state(second, numbers[0]) == "running")
    assert [state(second, number) for number in numbers[1:]] == ["waiting", "freeze", "waiting"]
    gate.touch()
    assert second.engine.wait(numbers[3], 30).status == "success"
    assert [state(second, number) for number in numbers] == ["success", "success", "freeze", "success"]
    instance_operations.unfreeze(second.services, caller_of(second), "queue", str(numbers[2]))
    until(lambda: state(second, numbers[2]) == "success")
    second.stop()


def test_a_paused_instance_goes_on_after_the_next_start_when_it_is_resumed(tmp_path: Path) -> None:
    home, gate = tmp_path / "home", tmp_path / "gate"
    first = opened(home)
    nodes = [shell("a", f"while [ ! -e {gate} ]; do sleep 0.02; done"), shell("b", "true", preNodeName=["a"])]
    create(first, "two", *nodes)
    number = runs.run_once(first.services, caller_of(first), "two", ())
    until(lambda: state(first, number) == "running")
    node_operations.operate(first.services, caller_of(first), "two", str(number), "b", NodeOperation.PAUSE)
    gate.touch()
    until(lambda: state(first, number) == "pause")
    first.stop()

    second = opened(home)
    assert state(second, number) == "pause"
    instance_operations.resume(second.services, caller_of(second), "two", str(number))
    until(lambda: state(second, number) == "success")
    second.stop()


def test_an_abnormal_instance_goes_on_after_the_next_start_when_a_person_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = opened(home)
    nodes = [shell("a", "exit 1", failPolicy="SUSPEND"), shell("b", "true", preNodeName=["a"])]
    create(first, "halting", *nodes)
    number = runs.run_once(first.services, caller_of(first), "halting", ())
    until(lambda: state(first, number) == "running-exception")
    first.stop()

    second = opened(home)
    assert state(second, number) == "running-exception"
    instance_operations.go_on_after_failure(second.services, caller_of(second), "halting", str(number))
    until(lambda: state(second, number) == "success")
    second.stop()
