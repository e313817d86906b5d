"""Pausing and restoring the schedule of a job. Source: reference on scheduling §3.3."""

from __future__ import annotations

import pytest
from scheduled_jobs import START, Factory, depending, moment

from headrace.errors import InvalidParameter, JobNotFound
from headrace.factory import runs


def status(factory: Factory, name: str) -> str:
    return runs.show_status(factory.services, factory.caller(START), name).status


def test_a_paused_job_gets_no_instances_and_goes_on_from_when_it_is_restored(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    factory.start(job, moment("05 00:30"))
    factory.tick(moment("05 01:00"))
    factory.pause(job, moment("05 01:30"))
    assert status(factory, job) == "PAUSED"
    factory.tick(moment("05 03:00"))
    factory.restore(job, moment("05 03:30"))
    factory.tick(moment("05 04:00"))
    assert factory.plan_times(job) == ["05 01:00", "05 04:00"]
    assert status(factory, job) == "SCHEDULING"


def test_a_new_version_does_not_wake_a_paused_job(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    factory.start(job, moment("05 00:30"))
    factory.pause(job, moment("05 00:40"))
    factory.change(job, "0 15 * * * ?", at=moment("05 00:50"))
    factory.tick(moment("05 02:00"))
    factory.restore(job, moment("05 02:00"))
    factory.tick(moment("05 03:00"))
    assert factory.plan_times(job) == ["05 02:15"]


def test_what_depends_on_a_paused_job_waits_on(factory: Factory) -> None:
    """Also what is made meanwhile; the instances that were missed keep nobody after the job was restored."""
    late = factory.create("0 0 3 * * ?", at=START)
    early = factory.create("0 0 2 * * ?", at=START, **depending(late))
    factory.start(late, START)
    factory.start(early, START)
    factory.tick(moment("04 02:00"))
    factory.pause(late, moment("04 02:30"))
    factory.tick(moment("05 04:00"))
    factory.run_all()
    assert factory.states(early) == ["waiting", "waiting"]
    factory.restore(late, moment("05 05:00"))
    factory.run_all()
    assert factory.states(early) == ["success", "success"]
    factory.tick(moment("06 02:00"))
    factory.run_all()
    assert factory.states(early) == ["success", "success", "waiting"]
    factory.tick(moment("06 03:00"))
    factory.run_all()
    assert (factory.states(early)[-1], factory.plan_times(late)) == ("success", ["06 03:00"])


def test_an_instance_still_waits_for_what_a_restored_job_makes_the_same_day(factory: Factory) -> None:
    hours = factory.create("0 0 0/6 * * ?", at=START)
    day = factory.create("0 0 1 * * ?", at=START, **depending(hours))
    factory.start(hours, START)
    factory.start(day, START)
    factory.tick(moment("04 01:00"))
    factory.pause(hours, moment("04 05:00"))
    factory.restore(hours, moment("04 13:00"))
    factory.run_all()
    assert factory.states(day) == ["waiting"]
    factory.tick(moment("04 18:00"))
    factory.run_all()
    assert (factory.states(day), factory.plan_times(hours)) == (["success"], ["04 00:00", "04 18:00"])


def test_a_paused_job_can_be_stopped_and_started_again(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    factory.start(job, moment("05 00:30"))
    factory.pause(job, moment("05 00:40"))
    with pytest.raises(InvalidParameter, match="is running"):
        factory.start(job, moment("05 00:50"))
    factory.stop(job, moment("05 02:30"))
    factory.start(job, moment("05 03:30"))
    factory.tick(moment("05 04:00"))
    assert factory.plan_times(job) == ["05 04:00"]


def test_only_what_is_scheduled_can_be_paused_and_only_what_is_paused_restored(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    with pytest.raises(InvalidParameter, match="it is STOPPED"):
        factory.pause(job, START)
    factory.start(job, START)
    with pytest.raises(InvalidParameter, match="it is SCHEDULING"):
        factory.restore(job, START)
    with pytest.raises(JobNotFound):
        factory.pause("nothing", START)


def test_a_job_may_be_started_while_its_upstream_job_is_paused(factory: Factory) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START)
    job = factory.create("0 0 2 * * ?", at=START, **depending(upstream))
    factory.start(upstream, START)
    factory.pause(upstream, START)
    factory.start(job, START)
    factory.tick(moment("04 02:00"))
    assert factory.states(job) == ["waiting"]
