"""How job instances, node instances and script instances move from state to state: one table each.

Every change of a status asks these tables. Source: reference on scheduling §6; factory-v1-notes §11.3 and §12.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any, TypeVar


class JobState(StrEnum):
    """States of a job instance, in the words of the API."""

    WAITING = "waiting"
    WAITING_CONFIRM = "waiting-confirm"
    RUNNING = "running"
    SUCCESS = "success"
    FAIL = "fail"
    RUNNING_EXCEPTION = "running-exception"  # a node failed under "suspend the job"; a person decides
    PAUSE = "pause"
    MANUAL_STOP = "manual-stop"
    FREEZE = "freeze"
    SKIP_BY_DEPEND = "skip-by-depend"


class NodeState(StrEnum):
    """States of a node instance, in the words of the API."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESS = "success"
    FAIL = "fail"
    SKIP = "skip"
    PAUSE = "pause"
    MANUAL_STOP = "manual-stop"


class ScriptState(StrEnum):
    """States of a script instance. A cancelled one is FAILED with a message."""

    LAUNCHING = "LAUNCHING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


class InstanceType(IntEnum):
    """Why a job instance exists."""

    SCHEDULED = 0
    MANUAL = 2
    PATCH_DATA = 5
    SUBJOB = 6
    RUN_ONCE = 7


State = TypeVar("State", JobState, NodeState, ScriptState)

JOB_MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset(
        {
            JobState.RUNNING,
            JobState.MANUAL_STOP,
            JobState.PAUSE,
            JobState.FREEZE,
            JobState.SKIP_BY_DEPEND,
            JobState.WAITING_CONFIRM,
        }
    ),
    JobState.WAITING_CONFIRM: frozenset({JobState.WAITING, JobState.MANUAL_STOP}),
    # it goes on as it was: before its start, or with nodes that have run
    JobState.PAUSE: frozenset({JobState.WAITING, JobState.RUNNING, JobState.MANUAL_STOP}),
    # stopped only with its job
    JobState.FREEZE: frozenset({JobState.WAITING, JobState.MANUAL_STOP}),
    JobState.SKIP_BY_DEPEND: frozenset(),
    JobState.RUNNING: frozenset(
        {JobState.SUCCESS, JobState.FAIL, JobState.RUNNING_EXCEPTION, JobState.PAUSE, JobState.MANUAL_STOP}
    ),
    JobState.RUNNING_EXCEPTION: frozenset({JobState.RUNNING, JobState.SUCCESS, JobState.FAIL, JobState.MANUAL_STOP}),
    # an ended instance is run again (waiting, or waiting for its confirmation) or declared successful by hand
    JobState.SUCCESS: frozenset({JobState.WAITING, JobState.WAITING_CONFIRM}),
    JobState.FAIL: frozenset({JobState.WAITING, JobState.WAITING_CONFIRM, JobState.SUCCESS}),
    JobState.MANUAL_STOP: frozenset({JobState.WAITING, JobState.WAITING_CONFIRM, JobState.SUCCESS}),
}

NODE_MOVES: Mapping[NodeState, frozenset[NodeState]] = {
    # a node may fail before it starts: its condition or its properties cannot be evaluated
    NodeState.WAITING: frozenset({NodeState.RUNNING, NodeState.SKIP, NodeState.FAIL, NodeState.PAUSE}),
    NodeState.PAUSE: frozenset({NodeState.WAITING, NodeState.SKIP}),
    # back to waiting: the attempt failed and another one is due
    NodeState.RUNNING: frozenset({NodeState.SUCCESS, NodeState.FAIL, NodeState.MANUAL_STOP, NodeState.WAITING}),
    # back to waiting: the instance is run again from here
    NodeState.SUCCESS: frozenset({NodeState.WAITING}),
    NodeState.FAIL: frozenset({NodeState.WAITING, NodeState.SUCCESS}),
    NodeState.SKIP: frozenset({NodeState.WAITING}),
    NodeState.MANUAL_STOP: frozenset({NodeState.WAITING}),
}

SCRIPT_MOVES: Mapping[ScriptState, frozenset[ScriptState]] = {
    ScriptState.LAUNCHING: frozenset({ScriptState.RUNNING, ScriptState.FAILED}),
    ScriptState.RUNNING: frozenset({ScriptState.FINISHED, ScriptState.FAILED}),
    ScriptState.FINISHED: frozenset(),
    ScriptState.FAILED: frozenset(),
}

UNENDED_JOB_STATES = frozenset({JobState.WAITING, JobState.RUNNING, JobState.RUNNING_EXCEPTION})
HELD_JOB_STATES = frozenset({JobState.WAITING_CONFIRM, JobState.PAUSE, JobState.FREEZE})  # a person lets them go on
ENDED_JOB_STATES = frozenset({JobState.SUCCESS, JobState.FAIL, JobState.MANUAL_STOP})
ENDED_NODE_STATES = frozenset({NodeState.SUCCESS, NodeState.FAIL, NodeState.SKIP, NodeState.MANUAL_STOP})
OPEN_SCRIPT_STATES = frozenset({ScriptState.LAUNCHING, ScriptState.RUNNING})


class JobOperation(StrEnum):
    """What a person does with a job instance."""

    STOP = "stop"
    RERUN = "rerun"
    RETRY = "retry"
    CONTINUE = "continue"
    FORCE_SUCCESS = "force success"
    CONFIRM = "confirm"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    PAUSE = "pause"
    RESUME = "resume"


class NodeOperation(StrEnum):
    """What a person does with one node of a job instance."""

    RETRY = "retry"
    SUCCEED = "succeed"
    SKIP = "skip"
    PAUSE = "pause"
    RESUME = "resume"


# The states from which each operation is possible. Source: reference on scheduling §6.2.
JOB_OPERATIONS: Mapping[JobOperation, frozenset[JobState]] = {
    JobOperation.STOP: UNENDED_JOB_STATES | {JobState.WAITING_CONFIRM, JobState.PAUSE},
    JobOperation.RERUN: ENDED_JOB_STATES,
    JobOperation.RETRY: frozenset({JobState.RUNNING_EXCEPTION}),
    JobOperation.CONTINUE: frozenset({JobState.RUNNING_EXCEPTION}),
    JobOperation.FORCE_SUCCESS: frozenset({JobState.RUNNING_EXCEPTION, JobState.MANUAL_STOP, JobState.FAIL}),
    JobOperation.CONFIRM: frozenset({JobState.WAITING_CONFIRM}),
    JobOperation.FREEZE: frozenset({JobState.WAITING}),
    JobOperation.UNFREEZE: frozenset({JobState.FREEZE}),
    JobOperation.PAUSE: frozenset({JobState.WAITING}),
    JobOperation.RESUME: frozenset({JobState.PAUSE}),
}

# The states of the instance and of the node from which each operation on a node is possible.
_GOING = frozenset({JobState.RUNNING, JobState.RUNNING_EXCEPTION, JobState.PAUSE})
NODE_OPERATIONS: Mapping[NodeOperation, tuple[frozenset[JobState], frozenset[NodeState]]] = {
    NodeOperation.RETRY: (frozenset({JobState.RUNNING_EXCEPTION}), frozenset({NodeState.FAIL})),
    NodeOperation.SUCCEED: (frozenset({JobState.RUNNING_EXCEPTION}), frozenset({NodeState.FAIL})),
    NodeOperation.SKIP: (_GOING, frozenset({NodeState.WAITING, NodeState.PAUSE})),
    NodeOperation.PAUSE: (_GOING, frozenset({NodeState.WAITING})),
    NodeOperation.RESUME: (_GOING, frozenset({NodeState.PAUSE})),
}


class Passage(IntEnum):
    """What a node that did not succeed does to those after it (the column ``closed``)."""

    BY_POLICY = 0
    CLOSED = 1  # skipped, and everything after it is skipped too
    PASSED = 2  # failed, and a person let the instance go on after it


class IllegalMove(RuntimeError):
    """A move that the table does not know: a bug of the caller, never a mistake of a user."""


_TABLES: Mapping[type[StrEnum], Mapping[Any, frozenset[Any]]] = {
    JobState: JOB_MOVES,
    NodeState: NODE_MOVES,
    ScriptState: SCRIPT_MOVES,
}


def moved(before: State, after: State) -> State:
    """``after``, if the table knows the move. Raises IllegalMove."""
    if after not in _TABLES[type(before)][before]:
        raise IllegalMove(f"{type(before).__name__} cannot go from {before} to {after}")
    return after
