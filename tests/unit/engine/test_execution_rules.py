"""Sentences of the rules on the execution of nodes that no other test reads. Source: reference on scheduling §7."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.domain.instance import JobState
from headrace.domain.job import Condition
from headrace.engine.walk import Walk
from headrace.nodes.base import NodeResult
from headrace.storage.default_items import DefaultItems
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.wire.v1.definition import read_definition

BAD, GOOD = NodeResult(success=False, message="no luck"), NodeResult(success=True)


def begun(nodes: list[dict[str, Any]], items: DefaultItems) -> Walk:
    job = read_definition(json.dumps({"name": "j", "nodes": nodes}))
    record = InstanceRecord(1, "w", 2, "j", "j", 2, "waiting", "START", 1, "{}", "u", "p", "", 0, 0)
    rows = [NodeRecord(1, at, node.name, node.type, "waiting", 0) for at, node in enumerate(job.nodes)]
    walk = Walk(record, rows, job, items)
    walk.begin(0, "me")
    return walk


def holds(position: int, condition: Condition) -> bool:
    return condition.expression == "yes"


def carried_on(walk: Walk, *bad: str) -> dict[str, str]:
    """Let every attempt end at once, those of the named nodes badly, until nothing follows; the states of nodes."""
    while walk.state is JobState.RUNNING:
        walk.decide(0, holds)
        for position in walk.retrying():
            walk.retry_due(position)
        startable, walk.startable = walk.startable, []
        for position in startable:
            fence = walk.claim(position, 0, "").fence
            walk.ended(position, fence, BAD if walk.nodes[position].name in bad else GOOD, 0)
        walk.settle(0)
    return {node.name: node.status for node in walk.nodes}


def shell(name: str, *before: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "Shell", "preNodeName": list(before), **members}


def asks(before: str, expression: str) -> dict[str, str]:
    return {"preNodeName": before, "expression": expression}


def test_more_retries_than_the_console_offers_are_made_as_an_imported_job_says() -> None:
    walk = begun([shell("a", retryTimes=12, retryInterval=5)], DefaultItems())
    assert carried_on(walk, "a") == {"a": "fail"}
    assert (walk.nodes[0].retry_times, len(walk.outcomes)) == (12, 13)


def test_with_and__one_false_condition_skips_the_node_and_the_job_still_succeeds() -> None:
    nodes = [shell("a"), shell("b"), shell("c", "a", "b", conditions=[asks("a", "yes"), asks("b", "no")])]
    walk = begun(nodes, DefaultItems(all_conditions=1))
    assert carried_on(walk) == {"a": "success", "b": "success", "c": "skip"}
    assert (walk.state, walk.record.ignore_success) == (JobState.SUCCESS, 0)


@pytest.mark.parametrize(
    ("policy", "states", "state"),
    [
        ("IGNORE", {"a": "fail", "repair": "success", "go on": "skip"}, JobState.SUCCESS),
        ("FAIL_CHILD", {"a": "fail", "repair": "waiting", "go on": "waiting"}, JobState.FAIL),
        ("FAIL", {"a": "fail", "repair": "waiting", "go on": "waiting"}, JobState.FAIL),
        ("SUSPEND", {"a": "fail", "repair": "waiting", "go on": "waiting"}, JobState.RUNNING_EXCEPTION),
    ],
)
def test_a_branch_on_failure_needs_a_failure_that_is_ignored(
    policy: str, states: dict[str, str], state: JobState
) -> None:
    nodes = [
        shell("a", failPolicy=policy),
        shell("repair", "a", conditions=[asks("a", "yes")]),
        shell("go on", "a", conditions=[asks("a", "no")]),
    ]
    walk = begun(nodes, DefaultItems())
    assert (carried_on(walk, "a"), walk.state) == (states, state)


def test_a_dry_run_node_beside_others_succeeds_without_an_attempt() -> None:
    dry = shell("dry", "a", properties=[{"name": "emptyRunningJob", "value": "1"}])
    walk = begun([shell("a"), dry, shell("b", "dry")], DefaultItems())
    assert carried_on(walk, "dry") == {"a": "success", "dry": "success", "b": "success"}
    assert [item.name for item in walk.outcomes] == ["a", "b"]


def test_a_node_that_fails_for_a_reason_that_is_not_to_be_retried_fails_at_once() -> None:
    walk = begun([shell("a", retryTimes=3)], DefaultItems())
    walk.decide(0, holds)
    walk.claim(0, 0, "")
    walk.ended(0, 1, NodeResult(success=False, message="exit code 7 is not one of the listed", retry=False), 0)
    assert (walk.nodes[0].status, walk.nodes[0].retry_times) == ("fail", 0)
