"""Instances that have waited too long are cancelled. Source: reference on scheduling §3.2."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import to_millis
from headrace.factory import instance_operations
from headrace.storage import instances, open_instances, schedules


def waiting(factory: Factory, members: dict[str, Any] | None = None, **cron: Any) -> str:
    """A job whose instance of 4 May waits for one that failed."""
    upstream = factory.create("0 0 1 * * ?", at=START, statement="exit 1")
    depends = depending(upstream, dependFailPolicy="SUSPEND")
    job = factory.create("0 0 2 * * ?", at=START, members=members, **depends, **cron)
    factory.start(upstream, START)
    factory.start(job, START)
    factory.tick(moment("04 02:00"))
    factory.run_all()
    assert factory.states(job) == ["waiting"]
    return job


@pytest.mark.parametrize(
    ("members", "days"),
    [
        ({}, 60),
        ({"cleanWaitingJob": "cleanup", "cleanOverdueDays": 5}, 5),
        ({"cleanWaitingJob": "cleanup", "cleanOverdueDays": 1}, 2),
        ({"cleanWaitingJob": "", "cleanOverdueDays": 5}, 60),
    ],
)
def test_an_instance_is_cancelled_when_it_has_waited_so_many_days(
    factory: Factory, members: dict[str, Any], days: int
) -> None:
    job = waiting(factory, members)
    due = moment("04 02:00") + timedelta(days=days)
    with factory.services.db.reading() as connection:
        assert open_instances.first_overdue(connection) == to_millis(due)
    assert factory.clean(due - timedelta(seconds=1)) == 0
    assert factory.clean(due) == 1
    assert factory.clean(due) == 0
    (record,) = factory.of(job)
    assert (record.status, record.end_time) == ("manual-stop", to_millis(due))
    assert record.error_message == f"Cancelled: it has waited for {days} days."


def test_what_depends_on_a_cancelled_instance_is_told(factory: Factory) -> None:
    job = waiting(factory, {"cleanWaitingJob": "cleanup", "cleanOverdueDays": 5})
    after = factory.create("0 0 3 * * ?", at=START, **depending(job))
    factory.start(after, moment("04 02:30"))
    factory.tick(moment("04 03:00"))
    assert factory.clean(moment("09 02:00")) == 1
    assert (factory.states(job), factory.states(after)) == (["manual-stop"], ["manual-stop"])


def test_an_instance_that_waits_for_its_turn_is_cancelled_too(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START, statement="sleep 300", concurrent=1)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 02:00"))
    factory.installation.engine.wake()
    deadline = time.monotonic() + 20
    while factory.states(job) != ["running", "waiting"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert factory.clean(moment("04 02:00") + timedelta(days=60)) == 1
    instance_operations.stop(factory.services, factory.caller(START), job, str(factory.of(job)[0].id))
    factory.run_all()
    assert factory.states(job) == ["manual-stop", "manual-stop"]
    assert factory.of(job)[1].error_message == "Cancelled: it has waited for 60 days."


def test_an_instance_that_a_person_let_go_on_waits_as_long_as_it_likes(factory: Factory) -> None:
    job = waiting(factory)
    number, caller = str(factory.of(job)[0].id), factory.caller(START)
    instance_operations.freeze(factory.services, caller, job, number)
    assert factory.clean(moment("04 02:00") + timedelta(days=90)) == 0
    instance_operations.unfreeze(factory.services, caller, job, number)
    assert factory.clean(moment("04 02:00") + timedelta(days=90)) == 0
    assert factory.states(job) == ["waiting"]


def test_the_scheduler_cancels_by_itself(factory: Factory) -> None:
    job = waiting(factory)
    with factory.services.db.writing() as connection:
        record = factory.of(job)[0]
        instances.update_instances(connection, [record._replace(cancel_at=factory.services.now() + 100)])
        for each in (factory.of("job_1")[0], record):
            schedules.remove(connection, each.job_id)  # so that nothing else is due
    factory.installation.scheduler.start()
    deadline = time.monotonic() + 20
    while factory.states(job) != ["manual-stop"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
