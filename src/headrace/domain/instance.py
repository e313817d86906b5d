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


# Those of which only so many run at once, where their job says so; a node or a patch that runs others has its own rule.
LIMITED_TYPES = frozenset({InstanceType.SCHEDULED, InstanceType.MANUAL, InstanceType.RUN_ONCE})

State = TypeVar("State", JobState, NodeState, ScriptState)

# Each move and what brings it about; the page "States of instances" of the documentation is drawn from these.
JOB_MOVES: Mapping[JobState, Mapping[JobState, str]] = {
    JobState.WAITING: {
        JobState.RUNNING: "It is its turn.",
        JobState.MANUAL_STOP: "A person stops it, its job is deleted, or what it depends on cannot succeed.",
        JobState.PAUSE: "A person pauses it.",
        JobState.FREEZE: "A person freezes it.",
        JobState.SKIP_BY_DEPEND: "A newer instance of the job runs instead of it.",
        JobState.WAITING_CONFIRM: "All else is there, and its job asks for a person's confirmation.",
        JobState.FAIL: "The file for which it listens did not come in time.",
    },
    JobState.WAITING_CONFIRM: {
        JobState.WAITING: "A person confirms it.",
        JobState.MANUAL_STOP: "A person stops it, or its job is deleted.",
    },
    JobState.PAUSE: {
        JobState.WAITING: "A person resumes it; it had not begun.",
        JobState.RUNNING: "A person resumes it or one of its paused nodes, or skips such a node.",
        JobState.MANUAL_STOP: "A person stops it, or its job is deleted.",
    },
    JobState.FREEZE: {
        JobState.WAITING: "A person unfreezes it.",
        JobState.MANUAL_STOP: "Its job is deleted.",
    },
    JobState.SKIP_BY_DEPEND: {},
    JobState.RUNNING: {
        JobState.SUCCESS: "All its nodes have ended, and none failed but those whose failure is ignored.",
        JobState.FAIL: "A node failed that ends the job; or one whose successors do not run, and the rest has ended.",
        JobState.RUNNING_EXCEPTION: "A node failed that suspends the job: a person decides what follows.",
        JobState.PAUSE: "Nothing of it can run but nodes that a person paused.",
        JobState.MANUAL_STOP: "A person stops it, its job is deleted, or the node that runs it has ended.",
    },
    JobState.RUNNING_EXCEPTION: {
        JobState.RUNNING: "A person retries or passes over what failed.",
        JobState.SUCCESS: "A person declares it successful.",
        JobState.FAIL: "Another of its nodes failed, one that ends the job.",
        JobState.MANUAL_STOP: "A person stops it, its job is deleted, or the node that runs it has ended.",
    },
    JobState.SUCCESS: {
        JobState.WAITING: "A person runs it again.",
        JobState.WAITING_CONFIRM: "A person runs it again, and its job asks for a confirmation.",
    },
    JobState.FAIL: {
        JobState.WAITING: "A person runs it again.",
        JobState.WAITING_CONFIRM: "A person runs it again, and its job asks for a confirmation.",
        JobState.SUCCESS: "A person declares it successful.",
    },
    JobState.MANUAL_STOP: {
        JobState.WAITING: "A person runs it again.",
        JobState.WAITING_CONFIRM: "A person runs it again, and its job asks for a confirmation.",
        JobState.SUCCESS: "A person declares it successful.",
    },
}

NODE_MOVES: Mapping[NodeState, Mapping[NodeState, str]] = {
    NodeState.WAITING: {
        NodeState.RUNNING: "All before it has ended, its conditions hold, and a slot is free.",
        NodeState.SKIP: "A condition does not hold, all before it was skipped with what follows, or a person skips it.",
        NodeState.FAIL: "Its condition or its properties cannot be evaluated.",
        NodeState.PAUSE: "A person pauses it.",
    },
    NodeState.PAUSE: {
        NodeState.WAITING: "A person resumes it, or runs the instance again.",
        NodeState.SKIP: "A person skips it.",
    },
    NodeState.RUNNING: {
        NodeState.SUCCESS: "Its attempt succeeded, or it is a dry run.",
        NodeState.FAIL: "Its attempt failed or ran too long, and no retry is left.",
        NodeState.MANUAL_STOP: "Its instance was stopped or failed, or was declared successful.",
        NodeState.WAITING: "Its attempt failed, and another one is due.",
    },
    NodeState.SUCCESS: {NodeState.WAITING: "A person runs the instance again from here or from before."},
    NodeState.FAIL: {
        NodeState.WAITING: "A person retries it, or runs the instance again.",
        NodeState.SUCCESS: "A person declares it successful.",
    },
    NodeState.SKIP: {NodeState.WAITING: "A person runs the instance again from here or from before."},
    NodeState.MANUAL_STOP: {NodeState.WAITING: "A person runs the instance again."},
}

SCRIPT_MOVES: Mapping[ScriptState, Mapping[ScriptState, str]] = {
    ScriptState.LAUNCHING: {
        ScriptState.RUNNING: "A slot is free.",
        ScriptState.FAILED: "A person cancels it, or it cannot be begun.",
    },
    ScriptState.RUNNING: {
        ScriptState.FINISHED: "It succeeded.",
        ScriptState.FAILED: "It failed, a person cancels it, or its server ended.",
    },
    ScriptState.FINISHED: {},
    ScriptState.FAILED: {},
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
    REMOVE_DEPENDENCY = "remove dependency"
    RUN_WITHOUT_DEPENDENCIES = "run without dependencies"


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
    JobOperation.REMOVE_DEPENDENCY: frozenset({JobState.WAITING}),
    JobOperation.RUN_WITHOUT_DEPENDENCIES: frozenset({JobState.WAITING}),
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


_TABLES: Mapping[type[StrEnum], Mapping[Any, Mapping[Any, str]]] = {
    JobState: JOB_MOVES,
    NodeState: NODE_MOVES,
    ScriptState: SCRIPT_MOVES,
}


def moved(before: State, after: State) -> State:
    """``after``, if the table knows the move. Raises IllegalMove."""
    if after not in _TABLES[type(before)][before]:
        raise IllegalMove(f"{type(before).__name__} cannot go from {before} to {after}")
    return after
