"""Operations on nodes arrive while the engine moves the same instance: nothing is lost and nothing runs twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from test_engine_restart import caller_of, opened, shell

from headrace.domain.instance import NodeOperation
from headrace.errors import InvalidParameter
from headrace.factory import jobs, node_operations, runs
from headrace.storage import instances
from headrace.wire.v1.jobs import JobInfo

WIDTH, DEPTH = 4, 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nodes_are_paused_and_resumed_all_the_time(tmp_path: Path, seed: int) -> None:
    chance, marks = random.Random(seed), tmp_path / "marks"  # noqa: S311 - not for secrets
    nodes = [
        shell(f"n{row}_{at}", f"echo n{row}_{at} >> {marks}", preNodeName=[f"n{row - 1}_{at}"] if row else [])
        for row in range(DEPTH)
        for at in range(WIDTH)
    ]
    names = [node["name"] for node in nodes]
    text = json.dumps({"name": "busy", "processType": "BATCH", "nodes": nodes}).encode()
    home = opened(tmp_path / "home")
    try:
        services, caller = home.services, caller_of(home)
        jobs.create(services, caller, msgspec.json.decode(text, type=JobInfo), text)
        number = str(runs.run_once(services, caller, "busy", ()))
        done: Counter[NodeOperation] = Counter()
        deadline = time.monotonic() + 30
        while home.engine.wait(int(number), 0).status != "success":
            assert time.monotonic() < deadline
            operation = chance.choice((NodeOperation.PAUSE, NodeOperation.RESUME))
            with suppress(InvalidParameter):  # it runs, has ended, or is not paused
                node_operations.operate(services, caller, "busy", number, chance.choice(names), operation)
                done[operation] += 1
        with services.db.reading() as connection:
            found = instances.nodes_of(connection, int(number))
    finally:
        home.stop()
    assert min(done[NodeOperation.PAUSE], done[NodeOperation.RESUME]) > 5
    assert {node.status for node in found} == {"success"}
    assert Counter(marks.read_text().split()) == Counter(names)
