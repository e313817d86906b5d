"""A process that dies at any write of its engine loses nothing and runs nothing twice unnoticed."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_crashes import Death, crashed, new_home
from engine_invariants import Job, marking

POLICIES = ("FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND")
BODIES = ("sleep 0.02", "sleep 0.02", "sleep 0.02", "test $n -gt 1 || exit 3", "exit 3")
SEEDS = (1, 2, 3, 4, 5, 6)
MOST_WRITES = 150
LEAF = {"name": "leaf", "nodes": [marking("work", retryTimes=2, retryInterval=5)]}


def random_job(seed: int) -> list[Job]:
    """A job of a random shape, first, and the jobs that its nodes run."""
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    nodes: list[dict[str, Any]] = []
    for at in range(chance.randint(4, 6)):
        before = chance.sample([node["name"] for node in nodes], min(len(nodes), chance.randint(0, 2)))
        members: dict[str, Any] = {"preNodeName": before, "failPolicy": chance.choice(POLICIES)}
        if chance.random() < 0.8:
            members |= {"retryTimes": chance.randint(1, 2), "retryInterval": 5}
        if before and chance.random() < 0.3:
            expression = chance.choice(["#{true}", "#{false}"])
            policy = chance.choice(["NEXT", "ALL"])
            members["conditions"] = [{"preNodeName": before[0], "expression": expression, "skipPolicy": policy}]
        nodes.append(_node(chance, f"n{at}", members))
    middle = {"name": "middle", "nodes": [sub("down", "leaf", retryTimes=1, retryInterval=5)]}
    return [{"name": "top", "nodes": nodes}, middle, LEAF]


def _node(chance: random.Random, name: str, members: dict[str, Any]) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.15:
        return {"name": name, "type": "Dummy", **members}
    if kind < 0.3:
        return each(name, "leaf", 3, **members)
    if kind < 0.4:
        return sub(name, "middle", **members)
    return marking(name, chance.choice(BODIES), **members)


def sub(name: str, job: str, **members: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "DLFSubJob",
        "properties": [{"name": "jobName", "value": job}],
        "rows": 1,
        **members,
    }


def each(name: str, job: str, rows: int, **members: Any) -> dict[str, Any]:
    values = {"jobName": job, "dataset": json.dumps([[row] for row in range(rows)]), "concurrent": "2"}
    properties = [{"name": key, "value": value} for key, value in values.items()]
    return {"name": name, "type": "ForEachJob", "properties": properties, "rows": rows, **members}


def broken_at_any_write(folder: Path, described: list[Job], deaths: list[Death]) -> tuple[int, list[str]]:
    """Let a process die at each of these writes: how many did, and what was broken afterwards."""
    template = new_home(folder / "template", described[::-1])

    def die(death: Death) -> tuple[bool, list[str]]:
        home = folder / f"{death.number}{'ab'[death.committed]}"
        died, broken = crashed(template, home, death, described)
        return died, [f"{death}: {rule}" for rule in broken]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(die, deaths))
    return sum(died for died, _ in results), [rule for _, broken in results for rule in broken]


@pytest.mark.parametrize("seed", SEEDS)
def test_crash__at_some_writes_of_a_random_job(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    deaths = [Death(number, chance.random() < 0.5) for number in sorted(chance.sample(range(3, 20), 5))]
    died, broken = broken_at_any_write(tmp_path, random_job(seed), deaths)
    assert (broken, died > 0) == ([], True), f"seed {seed}"
