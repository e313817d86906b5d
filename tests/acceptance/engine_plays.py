"""What persons do with instances in the processes that die: each play is one function, called with ``arm``.

Writes count from the call of ``arm`` on, and what a play acknowledges afterwards must hold whatever happens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from engine_invariants import AT_REST, Job, marking, marks_of

from headrace.app import Installation
from headrace.domain.identity import Caller
from headrace.domain.instance import NodeOperation
from headrace.factory import instance_operations, instance_reruns, node_operations, runs, workspaces
from headrace.storage import identity
from headrace.wire.v1.instances import RestoreRequest

SECONDS = 20.0
Arm = Callable[[], None]


def caller_of(installation: Installation) -> Caller:
    services = installation.services
    with services.db.reading() as connection:
        user = identity.all_users(connection)[0]
    return Caller(user=user, workspace=workspaces.find(services, user.project_id, ""), now=services.now())


def begun(installation: Installation) -> str:
    """The id of a new instance of the job ``top``."""
    return str(runs.run_once(installation.services, caller_of(installation), "top", ()))


def at_rest(installation: Installation, number: str) -> str:
    """Wait for an instance; its state."""
    return installation.engine.wait(int(number), SECONDS).status


def until_marked(installation: Installation, count: int) -> None:
    """Wait until so many programs have begun."""
    deadline = time.monotonic() + SECONDS
    while sum(mark.what == "b" for mark in marks_of(installation)) < count:
        assert time.monotonic() < deadline, "the programs never began"
        time.sleep(0.01)


# ---- the plays


def run(installation: Installation, arm: Arm) -> None:
    arm()
    begun(installation)


def stop(installation: Installation, arm: Arm) -> None:
    number = begun(installation)
    until_marked(installation, 2)
    arm()
    instance_operations.stop(installation.services, caller_of(installation), "top", number)


def rerun(installation: Installation, arm: Arm) -> None:
    number = begun(installation)
    assert at_rest(installation, number) == "fail"
    arm()
    request = RestoreRequest(retry_location="error_node")
    instance_reruns.restore(installation.services, caller_of(installation), "top", number, request)


def force_success(installation: Installation, arm: Arm) -> None:
    number = _abnormal(installation)
    until_marked(installation, 2)
    arm()
    instance_operations.force_success(installation.services, caller_of(installation), "top", number)


def retry(installation: Installation, arm: Arm) -> None:
    number = _abnormal(installation)
    arm()
    instance_operations.retry(installation.services, caller_of(installation), "top", number)


def go_on(installation: Installation, arm: Arm) -> None:
    number = _abnormal(installation)
    arm()
    instance_operations.go_on_after_failure(installation.services, caller_of(installation), "top", number)


def pause(installation: Installation, arm: Arm) -> None:
    number = begun(installation)
    until_marked(installation, 1)
    arm()
    _node(installation, number, NodeOperation.PAUSE)


def pause_and_resume(installation: Installation, arm: Arm) -> None:
    number = begun(installation)
    until_marked(installation, 1)
    _node(installation, number, NodeOperation.PAUSE)
    arm()
    _node(installation, number, NodeOperation.RESUME)


def _node(installation: Installation, number: str, operation: NodeOperation) -> None:
    node_operations.operate(installation.services, caller_of(installation), "top", number, "last", operation)


def _abnormal(installation: Installation) -> str:
    number = begun(installation)
    assert at_rest(installation, number) == "running-exception"
    return number


# ---- and the jobs they need


class Play(NamedTuple):
    """``possible``: the states of the instance afterwards.

    ``acknowledged``: its state once the person was answered, where no attempt was lost.
    """

    act: Callable[[Installation, Arm], None]
    jobs: list[Job]
    possible: tuple[str, ...]
    acknowledged: str


_LONG = "test $n -gt 1 || sleep 60"
_ONCE = "test $n -gt 1 || exit 3"
_AGAIN = {"retryTimes": 1, "retryInterval": 5}
_SUB = {
    "name": "down",
    "type": "DLFSubJob",
    "properties": [{"name": "jobName", "value": "leaf"}],
    "rows": 1,
}
_LEAF = {"name": "leaf", "nodes": [marking("work", _LONG, **_AGAIN)]}
_STOPPED = {"name": "top", "nodes": [marking("long", _LONG, **_AGAIN), _SUB]}
_FAILING = {
    "name": "top",
    "nodes": [
        marking("first"),
        marking("odd", _ONCE, preNodeName=["first"], failPolicy="FAIL_CHILD"),
        marking("last", preNodeName=["odd"]),
    ],
}
_SUSPENDED = {
    "name": "top",
    "nodes": [
        marking("odd", f"sleep 0.1; {_ONCE}", failPolicy="SUSPEND"),
        marking("long", _LONG, retryTimes=5, retryInterval=5),
        marking("last", preNodeName=["odd"]),
    ],
}
_SHORT = {
    "name": "top",
    "nodes": [
        marking("odd", _ONCE, failPolicy="SUSPEND"),
        marking("other", **_AGAIN),
        marking("last", preNodeName=["odd"], **_AGAIN),
    ],
}
_PAUSED = {"name": "top", "nodes": [marking("first", "sleep 0.3", **_AGAIN), marking("last", preNodeName=["first"])]}

PLAYS = {
    "stop": Play(stop, [_STOPPED, _LEAF], ("success", "manual-stop"), "manual-stop"),
    "rerun": Play(rerun, [_FAILING], ("success", "fail"), "success"),
    "force_success": Play(force_success, [_SUSPENDED], ("running-exception", "success"), "success"),
    "retry": Play(retry, [_SHORT], ("running-exception", "success"), "success"),
    "go_on": Play(go_on, [_SHORT], ("running-exception", "success"), "success"),
    "pause": Play(pause, [_PAUSED], ("pause", "success"), "pause"),
    "pause_and_resume": Play(pause_and_resume, [_PAUSED], ("pause", "success", "fail"), "success"),
}
assert all(set(play.possible) <= set(AT_REST) for play in PLAYS.values())
