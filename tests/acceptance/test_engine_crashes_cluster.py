"""Of several engines on one PostgreSQL database some die at writes: the one that lives goes on with what they had."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from engine_crashes import Death, in_process, live_and_die, new_home, opened
from engine_invariants import AT_REST, Job, broken_rules, marking
from engine_plays import Play, run

pytestmark = pytest.mark.postgres

AGAIN = {"retryTimes": 2, "retryInterval": 5}
LEAF = Job(name="leaf", nodes=[marking("work", **AGAIN)])
ROWS = [
    {"name": "jobName", "value": "leaf"},
    {"name": "dataset", "value": "[[1],[2],[3]]"},
    {"name": "concurrent", "value": "2"},
]
TOP = Job(
    name="top",
    nodes=[
        marking("a", "sleep 0.1", **AGAIN),
        marking("b", "test $n -gt 1 || exit 3", failPolicy="FAIL_CHILD", **AGAIN),
        {"name": "each", "type": "ForEachJob", "properties": ROWS, "rows": 3, "preNodeName": ["a"]},
        marking("c", failPolicy="IGNORE", preNodeName=["b"]),
        {"name": "join", "type": "Dummy", "preNodeName": ["each", "c"]},
    ],
)
DEATHS = [Death(number, committed) for number in (2, 4, 6, 9, 12) for committed in (False, True)]


def test_crash__the_survivor_goes_on_with_what_the_dead_had(
    tmp_path: Path, new_postgres_url: Callable[[], str]
) -> None:
    store = tmp_path / "obs"
    store.mkdir()
    settings: dict[str, Any] = {
        "database_url": new_postgres_url(),
        "object_store_url": store.as_uri(),
        "engine_lease_seconds": 1,
    }
    play = Play(run, [TOP, LEAF], AT_REST, "")
    new_home(tmp_path / "survivor", [LEAF, TOP], **settings)
    homes = [tmp_path / f"{number}" for number in range(len(DEATHS))]
    survivor = opened(tmp_path / "survivor", **settings)
    survivor.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda home, death: in_process(live_and_die, home, death, play, settings), homes, DEATHS))
        broken = broken_rules(survivor, [TOP, LEAF], 20, 2 * 3, homes)
    finally:
        survivor.stop()
    outcomes = [(home / "outcome").read_text() for home in homes]
    assert (broken, outcomes.count("died") > len(DEATHS) // 2) == ([], True), outcomes
