"""A process that dies at any write of its engine loses nothing and runs nothing twice unnoticed."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_crashes import Death, broken_at_any_write, broken_at_writes, new_home
from engine_invariants import AT_REST, Job, marking
from engine_plays import PLAYS, Play, run
from engine_trouble import stumbled

POLICIES = ("FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND")
BODIES = ("sleep 0.02", "sleep 0.02", "sleep 0.02", "test $n -gt 1 || exit 3", "exit 3")
SEEDS = (1, 4, 5, 6, 7, 10)
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


def random_play(seed: int) -> Play:
    """A random job is run; how it ends, the rules on its nodes say."""
    return Play(run, random_job(seed), AT_REST, "")


@pytest.mark.parametrize("seed", SEEDS)
def test_crash__at_some_writes_of_a_random_job(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    deaths = [Death(number, chance.random() < 0.5) for number in sorted(chance.sample(range(1, 16), 5))]
    died, broken = broken_at_writes(tmp_path / "homes", random_play(seed), deaths)
    assert (broken, died > 0) == ([], True), f"seed {seed}"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [5])
def test_crash__at_any_write_of_a_random_job(tmp_path: Path, seed: int) -> None:
    died, broken = broken_at_any_write(tmp_path, random_play(seed))
    assert (broken, died > 12) == ([], True), f"seed {seed}"


@pytest.mark.parametrize("name", PLAYS)
def test_crash__at_any_write_of_what_a_person_does(tmp_path: Path, name: str) -> None:
    died, broken = broken_at_any_write(tmp_path, PLAYS[name])
    assert (broken, died >= 2) == ([], True)


@pytest.mark.parametrize("seed", [5])
def test_a_write_that_fails_is_made_good_while_the_process_goes_on(tmp_path: Path, seed: int) -> None:
    play = random_play(seed)
    template = new_home(tmp_path / "template", play.jobs[::-1])
    failures = [Death(number, committed) for number in range(1, 8) for committed in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda item: stumbled(template, tmp_path / f"{item}", item, play), failures))
    assert [rule for _, broken in results for rule in broken] == [], f"seed {seed}"
    assert sum(failed for failed, _ in results) > len(failures) // 2
