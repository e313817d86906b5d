"""Real-time jobs: how their nodes are triggered, and what a job and its nodes are as a whole. See decision 25."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from headrace.domain.instance import JobState

MOST_EVENTS_OF_NODE = 10  # at once. Source: reference on scheduling §1.1
CONCURRENT = 10  # instances that a cron trigger runs at once, unless it says more or less


class Trigger(StrEnum):
    """What makes instances of a node."""

    NONE = "EXECUTE_ONCE"  # one, at the start of the job
    CRON = "CRON"
    EVENT = "EVENT"


class RunStatus(StrEnum):
    """What a real-time job is, or a node of one. Source: factory-v1-notes §11.3."""

    STARTING = "STARTING"
    NORMAL = "NORMAL"
    EXCEPTION = "EXCEPTION"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


_TROUBLE = frozenset({JobState.FAIL, JobState.RUNNING_EXCEPTION})
_NOT_BEGUN = frozenset({JobState.WAITING, JobState.WAITING_CONFIRM})


def node_status(trigger: Trigger, *, last: str | None, going: Collection[str], failed: bool) -> RunStatus:
    """What a node of a started job is.

    ``last``: the state of its newest instance since the start; ``going``: the states of those that have not ended;
    ``failed``: whether the last one that ended has failed, or one whose failure holds back the events after it.
    """
    if trigger is not Trigger.NONE:
        return RunStatus.EXCEPTION if failed or JobState.RUNNING_EXCEPTION in going else RunStatus.NORMAL
    if last is None or last in _NOT_BEGUN:
        return RunStatus.STARTING
    if last == JobState.MANUAL_STOP:
        return RunStatus.STOPPED
    return RunStatus.EXCEPTION if last in _TROUBLE else RunStatus.NORMAL


def job_status(nodes: Iterable[str]) -> RunStatus:
    """What a started job is, by its nodes: the worst of them."""
    found = set(nodes)
    worst = (each for each in (RunStatus.EXCEPTION, RunStatus.STARTING) if each in found)
    return next(worst, RunStatus.NORMAL)


def ending_status(*, going: bool) -> RunStatus:
    """What a job that is not started is, or a node of one. ``going``: an instance has not ended yet."""
    return RunStatus.STOPPING if going else RunStatus.STOPPED
