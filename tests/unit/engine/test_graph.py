"""The rules of joins, conditions and fail policies. Source: reference on scheduling §7."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.domain.instance import JobState, NodeState
from headrace.domain.job import Condition, JobDefinition, MultiIf, NodeDefinition, SkipPolicy
from headrace.engine.graph import Step, View, next_step, verdict
from headrace.wire.v1.definition import read_definition

WAITING, RUNNING, SUCCESS, FAIL = NodeState.WAITING, NodeState.RUNNING, NodeState.SUCCESS, NodeState.FAIL
SKIP, STOPPED, PAUSED = NodeState.SKIP, NodeState.MANUAL_STOP, NodeState.PAUSE
PASSED = View(FAIL, passed=True)


def job(*nodes: dict[str, Any]) -> JobDefinition:
    return read_definition(json.dumps({"name": "j", "nodes": list(nodes)}))


def fan_in(fail_policy: str = "FAIL_CHILD") -> JobDefinition:
    return job(
        {"name": "a", "failPolicy": fail_policy},
        {"name": "b", "failPolicy": fail_policy},
        {"name": "c", "preNodeName": ["a", "b"]},
    )


def step(
    of: JobDefinition,
    views: list[NodeState | View],
    true: set[str] = frozenset(),
    **options: Any,  # type: ignore[assignment]
) -> Step:
    """What to do with the last node."""
    seen = [view if isinstance(view, View) else View(view) for view in views]
    return next_step(of, len(seen) - 1, seen.__getitem__, lambda c: c.expression in true, **options)


def test_a_node_without_predecessors_runs() -> None:
    assert step(job({"name": "a"}), [WAITING]) is Step.RUN


@pytest.mark.parametrize("other", [WAITING, RUNNING])
def test_a_node_waits_for_all_its_predecessors(other: NodeState) -> None:
    assert step(fan_in(), [SUCCESS, other, WAITING]) is Step.WAIT


@pytest.mark.parametrize("other", [SUCCESS, SKIP])
def test_a_node_runs_when_all_before_it_have_ended(other: NodeState) -> None:
    assert step(fan_in(), [SUCCESS, other, WAITING]) is Step.RUN


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("FAIL", Step.BLOCKED), ("FAIL_CHILD", Step.BLOCKED), ("SUSPEND", Step.BLOCKED), ("IGNORE", Step.RUN)],
)
def test_after_a_failure_the_policy_decides(policy: str, expected: Step) -> None:
    assert step(fan_in(policy), [SUCCESS, FAIL, WAITING]) is expected


def test_nothing_runs_after_a_stopped_node() -> None:
    assert step(fan_in("IGNORE"), [SUCCESS, STOPPED, WAITING]) is Step.BLOCKED


def test_what_follows_only_closed_nodes_is_skipped_too() -> None:
    assert step(fan_in(), [View(SKIP, closed=True), View(SKIP, closed=True), WAITING]) is Step.SKIP_ALL


def test_one_open_line_is_enough_beside_a_closed_one() -> None:
    assert step(fan_in(), [SUCCESS, View(SKIP, closed=True), WAITING]) is Step.RUN


def conditional() -> JobDefinition:
    conditions = [{"preNodeName": "a", "expression": "A"}, {"preNodeName": "b", "expression": "B"}]
    return job({"name": "a"}, {"name": "b"}, {"name": "c", "preNodeName": ["a", "b"], "conditions": conditions})


@pytest.mark.parametrize(
    ("true", "multi_if", "expected"),
    [
        (set(), MultiIf.OR, Step.SKIP_ALL),
        ({"A"}, MultiIf.OR, Step.RUN),
        ({"A", "B"}, MultiIf.OR, Step.RUN),
        ({"A"}, MultiIf.AND, Step.SKIP_ALL),
        ({"A", "B"}, MultiIf.AND, Step.RUN),
    ],
)
def test_several_conditions_are_joined_by_the_multi_if_policy(
    true: set[str], multi_if: MultiIf, expected: Step
) -> None:
    assert step(conditional(), [SUCCESS, SUCCESS, WAITING], true, multi_if=multi_if) is expected


def test_a_condition_on_a_closed_line_does_not_hold() -> None:
    assert step(conditional(), [SUCCESS, View(SKIP, closed=True), WAITING], {"B"}) is Step.SKIP_ALL


def test_skip_the_next_node__lets_its_successors_go_on() -> None:
    condition = Condition(pre_node_name="a", expression="A", skip=SkipPolicy.NEXT)
    nodes = (
        NodeDefinition(name="a", type="Dummy"),
        NodeDefinition(name="b", type="Dummy", predecessors=("a",), conditions=(condition,)),
    )
    assert step(JobDefinition(name="j", nodes=nodes), [SUCCESS, WAITING]) is Step.SKIP


@pytest.mark.parametrize(
    ("policy", "states", "expected"),
    [
        ("FAIL_CHILD", [SUCCESS, SUCCESS, SUCCESS], (JobState.SUCCESS, False)),
        ("FAIL_CHILD", [SUCCESS, SKIP, SKIP], (JobState.SUCCESS, False)),
        ("FAIL_CHILD", [SUCCESS, FAIL, WAITING], (JobState.FAIL, False)),
        ("IGNORE", [SUCCESS, FAIL, SUCCESS], (JobState.SUCCESS, True)),
        ("FAIL", [SUCCESS, FAIL, STOPPED], (JobState.FAIL, False)),
        ("FAIL", [SUCCESS, SUCCESS, PAUSED], (JobState.PAUSE, False)),
        ("FAIL_CHILD", [PAUSED, FAIL, WAITING], (JobState.PAUSE, False)),
        ("SUSPEND", [SUCCESS, FAIL, WAITING], (JobState.RUNNING_EXCEPTION, False)),
        ("SUSPEND", [PAUSED, FAIL, WAITING], (JobState.RUNNING_EXCEPTION, False)),
        ("SUSPEND", [SUCCESS, PASSED, SUCCESS], (JobState.SUCCESS, True)),
        ("SUSPEND", [FAIL, PASSED, WAITING], (JobState.RUNNING_EXCEPTION, False)),
    ],
)
def test_what_becomes_of_an_instance(
    policy: str, states: list[NodeState | View], expected: tuple[JobState, bool]
) -> None:
    views = [state if isinstance(state, View) else View(state) for state in states]
    assert verdict(fan_in(policy), views) == expected


def test_after_a_failure_that_a_person_passed_over_the_next_node_runs() -> None:
    assert step(fan_in("SUSPEND"), [SUCCESS, PASSED, WAITING]) is Step.RUN


def test_a_node_waits_for_a_paused_one() -> None:
    assert step(fan_in(), [SUCCESS, PAUSED, WAITING]) is Step.WAIT
