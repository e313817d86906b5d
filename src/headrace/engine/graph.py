"""What may happen next in the graph of a job: pure decisions over states. Source: reference on scheduling §7."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from headrace.domain.instance import ENDED_NODE_STATES, JobState, NodeState
from headrace.domain.job import Condition, FailPolicy, JobDefinition, MultiIf, SkipPolicy


@dataclass(frozen=True, slots=True)
class View:
    """What a decision sees of a node.

    ``closed``: skipped, and nothing runs because of it. ``passed``: failed, and a person let the instance go on.
    """

    state: NodeState
    closed: bool = False
    passed: bool = False


class Step(Enum):
    """What is to be done with a waiting node."""

    WAIT = "wait"  # something before it has not ended
    BLOCKED = "blocked"  # something before it failed, and what comes after that is not run
    RUN = "run"
    SKIP = "skip"  # the nodes after it go on
    SKIP_ALL = "skip all"  # and what comes after it is skipped too


def next_step(
    job: JobDefinition,
    position: int,
    views: Callable[[int], View],
    holds: Callable[[Condition], bool],
    multi_if: MultiIf = MultiIf.OR,
) -> Step:
    """What to do with a waiting node; ``holds`` is asked only when everything before the node has ended."""
    before = job.before[position]
    for predecessor in before:
        view = views(predecessor)
        if view.state not in ENDED_NODE_STATES:
            return Step.WAIT
        if view.state is NodeState.MANUAL_STOP or (
            view.state is NodeState.FAIL
            and not view.passed
            and job.nodes[predecessor].fail_policy is not FailPolicy.IGNORE
        ):
            return Step.BLOCKED
    if before and all(views(predecessor).closed for predecessor in before):
        return Step.SKIP_ALL
    return _by_conditions(job, position, views, holds, multi_if)


def _by_conditions(
    job: JobDefinition,
    position: int,
    views: Callable[[int], View],
    holds: Callable[[Condition], bool],
    multi_if: MultiIf,
) -> Step:
    unmet = []
    conditions = job.nodes[position].conditions
    for condition in conditions:
        predecessor = job.positions[condition.pre_node_name]
        if views(predecessor).closed or not holds(condition):
            unmet.append(condition)
    allowed = len(conditions) - 1 if multi_if is MultiIf.OR and conditions else 0
    if len(unmet) <= allowed:
        return Step.RUN
    skips_all = any(condition.skip is SkipPolicy.ALL_SUBSEQUENT for condition in unmet)
    return Step.SKIP_ALL if skips_all else Step.SKIP


def failures(job: JobDefinition, views: Sequence[View]) -> list[int]:
    """The nodes that failed, and whose failure neither their policy nor a person ignored."""
    return [
        position
        for position, view in enumerate(views)
        if view.state is NodeState.FAIL and not view.passed and job.nodes[position].fail_policy is not FailPolicy.IGNORE
    ]


def verdict(job: JobDefinition, views: Sequence[View]) -> tuple[JobState, bool]:
    """What becomes of an instance when nothing of it runs or can run any more, and whether a failure was ignored.

    With a failed node that suspends its job it waits for a person, and with a paused node as well.
    """
    states = [view.state for view in views]
    failed = failures(job, views)
    if any(job.nodes[position].fail_policy is FailPolicy.SUSPEND for position in failed):
        return JobState.RUNNING_EXCEPTION, False
    if NodeState.PAUSE in states:
        return JobState.PAUSE, False
    if failed or NodeState.MANUAL_STOP in states:
        return JobState.FAIL, False
    return JobState.SUCCESS, NodeState.FAIL in states
