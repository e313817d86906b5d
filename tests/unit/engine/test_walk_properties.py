"""A walk whose attempts end in any order, in any way, always ends as a slow reading of the rules says it must."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.domain.instance import Passage
from headrace.domain.job import Condition
from headrace.engine.walk import Walk
from headrace.errors import InvalidParameter
from headrace.nodes.base import NodeResult
from headrace.storage.default_items import DefaultItems
from headrace.storage.instances import AttemptRecord, InstanceRecord, NodeRecord
from headrace.wire.v1.definition import read_definition

POLICIES = ("FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND")
MILD = ("FAIL_CHILD", "IGNORE")
Job = dict[str, Any]


@st.composite
def jobs(draw: st.DrawFn, policies: tuple[str, ...] = POLICIES) -> Job:
    """A job of up to seven nodes, each after some of those before it."""
    nodes: list[dict[str, Any]] = []
    for at in range(draw(st.integers(1, 7))):
        names = [node["name"] for node in nodes]
        before = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
        conditional = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
        node = {
            "name": f"n{at}",
            "type": draw(st.sampled_from(["Dummy", "Shell", "Shell", "Shell"])),
            "preNodeName": before,
            "failPolicy": draw(st.sampled_from(policies)),
            "retryTimes": draw(st.integers(0, 2)),
            "execTimeOutRetry": draw(st.sampled_from(["true", "false"])),
            "conditions": [
                {
                    "preNodeName": name,
                    "expression": draw(st.sampled_from(["true", "true", "false", "false", "unreadable"])),
                    "skipPolicy": draw(st.sampled_from(["NEXT", "ALL"])),
                }
                for name in conditional
            ],
        }
        nodes.append(node)
    return {"name": "j", "nodes": nodes, "all_conditions": draw(st.booleans())}


def walk_of(job: Job) -> Walk:
    definition = read_definition(json.dumps(job))
    record = InstanceRecord(1, "w", 2, "j", "j", 2, "waiting", "START", 1, "{}", "u", "p", "", 0, 0)
    rows = [NodeRecord(1, at, node.name, node.type, "waiting", 0) for at, node in enumerate(definition.nodes)]
    walk = Walk(record, rows, definition, DefaultItems(all_conditions=job["all_conditions"]))
    walk.begin(0, "me")
    return walk


def holds(position: int, condition: Condition) -> bool:
    if condition.expression == "unreadable":
        raise InvalidParameter("unreadable")
    return condition.expression == "true"


@dataclass
class Drive:
    """Does with a walk what the coordinator does, and keeps what was written."""

    walk: Walk
    now: int = 0
    outcomes: list[AttemptRecord] = field(default_factory=list)
    claims: list[tuple[int, int]] = field(default_factory=list)

    def follow(self) -> None:
        """Decide, claim, settle and write, until nothing follows."""
        self.now += 1
        while True:
            self.walk.decide(self.now, holds)
            startable, self.walk.startable = self.walk.startable, []
            for position in startable:
                self.claims.append((position, self.walk.claim(position, self.now, "").fence))
            self.walk.settle(self.now)
            self.outcomes += self.walk.outcomes
            self.walk.written()
            if not self.walk.candidates:
                return

    def read_again(self) -> None:
        """What is in memory is forgotten; nothing but what was written is known."""
        items = DefaultItems(all_conditions=self.walk._multi_if.value == "AND")
        self.walk = Walk(self.walk.record, self.walk.nodes, self.walk.job, items)

    def step(self, event: str, position: int) -> None:
        fence = self.walk.nodes[position].fence
        if event == "lost":
            self.walk.lost(self.now)
            assert self.walk.running() == []
        elif event == "late":
            assert not self.walk.ended(position, fence - 1, NodeResult(success=True), self.now)
        elif event == "timeout":
            assert self.walk.timed_out(position, fence, self.now)
        elif event == "read again":
            self.read_again()
        else:
            result = NodeResult(success=event == "success", message="no", retry=event != "hopeless")
            assert self.walk.ended(position, fence, result, self.now)
        self.follow()


EVENTS = st.sampled_from(
    ["success", "success", "success", "fail", "fail", "hopeless", "timeout", "lost", "late", "read again"]
)


def driven(job: Job, data: st.DataObject) -> tuple[Drive, set[int]]:
    """Let attempts end in any order and way until nothing runs and nothing is due; which nodes cannot be retried."""
    drive, hopeless = Drive(walk_of(job)), set()
    drive.follow()
    while True:
        running, due = drive.walk.running(), drive.walk.retrying()
        if drive.walk.state.value != "running":
            due = []
        if not running and not due:
            return drive, hopeless
        position = data.draw(st.sampled_from([*running, *due]))
        if position in due:
            drive.walk.retry_due(position)
            drive.follow()
            continue
        event = data.draw(EVENTS)
        if event == "hopeless":
            hopeless.add(position)
        drive.step(event, position)


# ---- the rules, read slowly


def result_of(node: dict[str, Any], outcomes: list[str], hopeless: bool) -> str:
    """What the attempts of a node come to: success, fail, or open where its policy wants another one."""
    for number, outcome in enumerate(outcomes):
        again = number < node["retryTimes"] and (outcome != "timeout" or node["execTimeOutRetry"] == "true")
        last = number == len(outcomes) - 1
        if outcome == "success":
            assert last, "it ran after it had succeeded"
            return "success"
        if outcome == "stopped":
            assert last
            return "open"
        if last and (not again or hopeless):
            return "fail"
        assert again, "it ran more often than its policy says"
    return "open"


def expected(job: Job, results: dict[str, str]) -> dict[str, tuple[str, bool]]:
    """The state of each node when all have run that may, and whether it closes the way after it."""
    found: dict[str, tuple[str, bool]] = {}
    policies = {node["name"]: node["failPolicy"] for node in job["nodes"]}

    def blocks(name: str) -> bool:
        state = found[name][0]
        return state in ("waiting", "open") or (state == "fail" and policies[name] != "IGNORE")

    for node in job["nodes"]:
        before = node["preNodeName"]
        asked = [item for item in node["conditions"] if not found[item["preNodeName"]][1]]
        met = [item for item in asked if item["expression"] == "true"]
        unmet = [item for item in node["conditions"] if item not in met]
        enough = not unmet if job["all_conditions"] or not node["conditions"] else bool(met)
        if any(blocks(name) for name in before):
            found[node["name"]] = ("waiting", False)
        elif before and all(found[name][1] for name in before):
            found[node["name"]] = ("skip", True)
        elif any(item["expression"] == "unreadable" for item in asked):
            found[node["name"]] = ("fail", False)
        elif not enough:
            found[node["name"]] = ("skip", any(item["skipPolicy"] == "ALL" for item in unmet))
        else:
            found[node["name"]] = ("success" if node["type"] == "Dummy" else results[node["name"]], False)
    return found


def seen(drive: Drive) -> dict[str, tuple[str, bool]]:
    return {node.name: (node.status, node.closed == Passage.CLOSED) for node in drive.walk.nodes}


def results_of(job: Job, drive: Drive, hopeless: set[int]) -> dict[str, str]:
    by_node: dict[int, list[str]] = {}
    for item in drive.outcomes:
        by_node.setdefault(item.position, []).append(item.outcome)
    return {node["name"]: result_of(node, by_node.get(at, []), at in hopeless) for at, node in enumerate(job["nodes"])}


def check_attempts(drive: Drive) -> None:
    """Each claim has one outcome, and nothing else has one."""
    ended = Counter((item.position, item.fence) for item in drive.outcomes)
    assert ended == Counter(drive.claims)


@settings(max_examples=150, deadline=None)
@given(jobs(MILD), st.data())
def test_where_no_failure_ends_the_job_every_node_comes_to_the_state_the_rules_say(
    job: Job, data: st.DataObject
) -> None:
    drive, hopeless = driven(job, data)
    assert seen(drive) == expected(job, results_of(job, drive, hopeless))
    failed = [node["failPolicy"] for node in job["nodes"] if seen(drive)[node["name"]][0] == "fail"]
    assert drive.walk.state.value == ("fail" if "FAIL_CHILD" in failed else "success")
    assert drive.walk.record.ignore_success == int(failed != [] and "FAIL_CHILD" not in failed)
    check_attempts(drive)


@settings(max_examples=150, deadline=None)
@given(jobs(), st.data())
def test_any_job_comes_to_rest_in_a_state_that_its_policies_allow(job: Job, data: st.DataObject) -> None:
    drive, hopeless = driven(job, data)
    states = {name: state for name, (state, _) in seen(drive).items()}
    failed = {node["failPolicy"] for node in job["nodes"] if states[node["name"]] == "fail"}
    if "FAIL" in failed:
        wanted = "fail"
    elif "SUSPEND" in failed:
        wanted = "running-exception"
    else:
        wanted = "fail" if "FAIL_CHILD" in failed else "success"
    assert drive.walk.state.value == wanted
    for name, state in full(job, drive, hopeless).items():
        legal = {state, "waiting"} if wanted in ("fail", "running-exception") else {state}
        assert states[name] in legal | ({"manual-stop"} if "FAIL" in failed and state == "open" else set())
    check_attempts(drive)


def full(job: Job, drive: Drive, hopeless: set[int]) -> dict[str, str]:
    return {name: state for name, (state, _) in expected(job, results_of(job, drive, hopeless)).items()}


@settings(max_examples=60, deadline=None)
@given(jobs(), st.data())
def test_a_job_that_is_stopped_in_the_middle_stops_at_once_and_refuses_what_comes_later(
    job: Job, data: st.DataObject
) -> None:
    drive = Drive(walk_of(job))
    drive.follow()
    for _ in range(data.draw(st.integers(0, 4))):
        if running := drive.walk.running():
            drive.step(data.draw(EVENTS), data.draw(st.sampled_from(running)))
    before, claims = drive.walk.state.value, list(drive.claims)
    drive.walk.stop(drive.now)
    drive.follow()
    ended = before not in ("running", "running-exception")
    assert drive.walk.state.value == (before if ended else "manual-stop")
    assert (drive.walk.running(), drive.walk.retrying() if not ended else []) == ([], [])
    assert not any(drive.walk.ended(at, fence, NodeResult(success=True), drive.now) for at, fence in claims)
    check_attempts(drive)
