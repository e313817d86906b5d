"""Nodes of a task group share its slots, whichever instance they belong to."""

from __future__ import annotations

import json
from typing import Any

from headrace.engine.group_slots import Group, GroupSlots
from headrace.engine.walk import Walk
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.wire.v1.definition import read_definition


def walk(states: str, workspace: str = "w", **members: Any) -> Walk:
    """A walk with a node per letter: r runs, s could start. Nodes name the group "g" unless members say otherwise."""
    own = members.pop("own", {})
    nodes = [{"name": f"n{at}", "type": "Shell", **own.get(at, {})} for at in range(len(states))]
    job = read_definition(json.dumps({"name": "j", "nodes": nodes, "taskWorkGroupId": "g", **members}))
    record = InstanceRecord(1, workspace, 2, "j", "j", 2, "running", "", 1, "{}", "u", "p", "", 0, 0)
    status = {"r": "running", "s": "waiting"}
    rows = [NodeRecord(1, at, f"n{at}", "Shell", status[state], 0) for at, state in enumerate(states)]
    made = Walk(record, rows, job)
    made.startable = [at for at, state in enumerate(states) if state == "s"]
    return made


class Known:
    """Limits of groups, each asked for once; what other engines run."""

    def __init__(self, limits: dict[Group, int], others: int = 0) -> None:
        self._limits, self._others = limits, others
        self.asked: list[Group] = []

    def limit(self, group: Group) -> int | None:
        self.asked.append(group)
        return self._limits.get(group)

    def elsewhere(self, group: Group) -> int:
        return self._others


def taken(walks: list[Walk], limits: dict[Group, int], others: int = 0) -> list[int | None]:
    """What each walk may start, one after another."""
    known = Known(limits, others)
    slots = GroupSlots(walks, known)
    found = [slots.take(each) for each in walks]
    assert len(known.asked) == len(set(known.asked))
    return found


def test_two_of_five_run() -> None:
    one = walk("sssss")
    slots = GroupSlots([one], Known({("w", "g"): 2}))
    found = []
    while (position := slots.take(one)) is not None:
        one.startable.remove(position)
        found.append(position)
    assert found == [0, 1]


def test_what_other_engines_run_counts() -> None:
    assert taken([walk("ss")], {("w", "g"): 2}, others=1) == [0]
    assert taken([walk("rs")], {("w", "g"): 2}, others=1) == [None]


def test_what_runs_in_other_instances_counts() -> None:
    assert taken([walk("rs"), walk("s"), walk("s")], {("w", "g"): 2}) == [1, None, None]


def test_a_group_of_another_workspace_is_another_group() -> None:
    walks = [walk("rs"), walk("s", "other")]
    assert taken(walks, {("w", "g"): 1, ("other", "g"): 1}) == [None, 0]


def test_a_node_without_a_group_passes_one_that_must_wait() -> None:
    assert taken([walk("rss", own={2: {"taskWorkGroupId": "-1"}})], {("w", "g"): 1}) == [2]


def test_a_group_that_does_not_exist_limits_nothing() -> None:
    assert taken([walk("rrrs")], {}) == [3]
