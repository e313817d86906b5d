"""Jobs of whose waiting instances only the newest runs (isSkipSelfDepJob). Source: reference on scheduling §3.1."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from scheduled_jobs import START, Factory, depending, moment

from headrace.factory import instance_operations

SKIPPING: dict[str, Any] = {"isSkipSelfDepJob": "true"}
SKIP = "skip-by-depend"


def gated(gate: Path) -> str:
    return f"while [ ! -e {gate} ]; do sleep 0.02; done"


def until(factory: Factory, job: str, *states: str) -> None:
    factory.installation.engine.wake()
    deadline = time.monotonic() + 20
    while factory.states(job) != list(states):
        assert time.monotonic() < deadline, factory.states(job)
        time.sleep(0.02)


def test_of_those_that_wait_for_the_instance_before_the_newest_runs(factory: Factory, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = factory.create("0 0 * * * ?", at=START, statement=gated(gate), dependPrePeriod=True, **SKIPPING)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 01:00"))
    until(factory, job, "running")
    factory.tick(moment("04 04:00"))
    assert factory.states(job) == ["running", "waiting", "waiting", "waiting"]
    gate.touch()
    factory.run_all()
    assert factory.states(job) == ["success", SKIP, SKIP, "success"]
    newest = factory.of(job)[-1].id
    assert factory.of(job)[1].error_message == f"Skipped: the instance {newest}, which was planned later, runs instead."
    factory.tick(moment("04 05:00"))
    factory.run_all()
    assert factory.states(job)[-1] == "success"


def test_one_that_waits_for_its_turn_gives_way_to_a_newer_one(factory: Factory, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = factory.create("0 0 * * * ?", at=START, statement=gated(gate), concurrent=1, **SKIPPING)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 01:00"))
    until(factory, job, "running")
    factory.tick(moment("04 02:00"))
    until(factory, job, "running", "waiting")
    factory.tick(moment("04 03:00"))
    factory.tick(moment("04 04:00"))
    until(factory, job, "running", SKIP, SKIP, "waiting")
    gate.touch()
    factory.run_all()
    assert factory.states(job) == ["success", SKIP, SKIP, "success"]


def test_one_that_waits_for_its_upstream_is_skipped_when_a_newer_one_may_run(factory: Factory) -> None:
    upstream = factory.create("0 0 * * * ?", at=START, statement="exit 1")
    after = depending(upstream, dependFailPolicy="SUSPEND")
    job = factory.create("0 10 * * * ?", at=START, **after, **SKIPPING)
    factory.start(upstream, START)
    factory.start(job, START)
    factory.tick(moment("04 02:10"))
    factory.run_all()
    assert factory.states(job) == ["waiting", "waiting", "waiting"]
    second = str(factory.of(upstream)[1].id)
    instance_operations.force_success(factory.services, factory.caller(START), upstream, second)
    factory.run_all()
    assert factory.states(job) == [SKIP, "success", "waiting"]


def test_a_job_without_that_option_runs_every_instance(factory: Factory, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = factory.create("0 0 * * * ?", at=START, statement=gated(gate), dependPrePeriod=True)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 03:00"))
    gate.touch()
    factory.run_all()
    assert factory.states(job) == ["success"] * 3


def test_a_day_job_skips_nothing(factory: Factory) -> None:
    job = factory.create("0 0 1 * * ?", at=START, dependPrePeriod=True, **SKIPPING)
    factory.start(job, START)
    factory.tick(moment("06 01:00"))
    factory.run_all()
    assert factory.states(job) == ["success"] * 3


def test_a_skipped_instance_keeps_no_one_waiting(factory: Factory, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = factory.create("0 0 * * * ?", at=START, statement=gated(gate), dependPrePeriod=True, **SKIPPING)
    after = factory.create("0 5 * * * ?", at=START, **depending(job))
    factory.start(job, moment("04 00:30"))
    factory.start(after, moment("04 00:30"))
    factory.tick(moment("04 01:05"))
    until(factory, job, "running")
    factory.tick(moment("04 03:05"))
    gate.touch()
    factory.run_all()
    assert factory.states(job) == ["success", SKIP, "success"]
    assert factory.states(after) == ["success"] * 3


def test_of_many_that_may_run_at_the_same_moment_one_does(factory: Factory) -> None:
    upstream = factory.create("0 0 * * * ?", at=START, statement="exit 1")
    after = depending(upstream, dependFailPolicy="SUSPEND")
    job = factory.create("0 10 * * * ?", at=START, **after, **SKIPPING)
    factory.start(upstream, START)
    factory.start(job, START)
    factory.tick(moment("04 07:10"))
    factory.run_all()
    caller, numbers = factory.caller(START), [str(item.id) for item in factory.of(upstream)]
    with ThreadPoolExecutor(8) as pool:
        declare = partial(instance_operations.force_success, factory.services, caller, upstream)
        list(pool.map(declare, numbers))
    factory.run_all()
    states = factory.states(job)
    assert (states[-1], set(states)) == ("success", {SKIP, "success"})


def test_a_new_version_can_ask_for_it(factory: Factory, tmp_path: Path) -> None:
    job = factory.create("0 0 * * * ?", at=START, dependPrePeriod=True)
    factory.start(job, moment("04 00:30"))
    factory.change(job, "0 0 * * * ?", at=moment("04 00:40"), dependPrePeriod=True, **SKIPPING)
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert factory.states(job) == [SKIP, SKIP, "success"]
