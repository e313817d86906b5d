"""Scheduled jobs: their instances, each exactly once, and what these wait for. The clock is an argument."""

from __future__ import annotations

import json

import msgspec
import pytest
from scheduled_jobs import START, Factory, depending, moment

from headrace.errors import InvalidParameter
from headrace.factory import instance_operations, jobs
from headrace.storage import schedules, waits
from headrace.wire.v1.jobs import JobInfo


def test_every_plan_time_gets_one_instance(factory: Factory) -> None:
    job = factory.create("0 0/10 * * * ?", at=START)
    factory.start(job, moment("05 01:59"))
    factory.tick(moment("05 02:25"))
    factory.tick(moment("05 02:25"))
    factory.tick(moment("05 02:30"))
    assert factory.plan_times(job) == ["05 02:00", "05 02:10", "05 02:20", "05 02:30"]
    factory.run_all()
    assert set(factory.states(job)) == {"success"}


def test_an_instance_is_not_made_twice_whatever_the_schedule_says(factory: Factory) -> None:
    job = factory.create("0 0 2 * * ?", at=START)
    factory.start(job, moment("05 01:00"))
    factory.tick(moment("05 02:00"))
    with factory.services.db.writing() as connection:
        record = factory.of(job)[0]
        schedules.advance(connection, record.job_id, record.plan_time)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        factory.tick(moment("05 02:00"))
    assert factory.plan_times(job) == ["05 02:00"]


def test_a_schedule_begins_and_ends_when_it_says(factory: Factory) -> None:
    limits = {"startTime": "2026-05-05T02:00:00+08", "endTime": "2026-05-05T04:00:00+08"}
    job = factory.create("0 0 * * * ?", at=START, **limits)
    factory.start(job, START)
    factory.tick(moment("06 00:00"))
    assert factory.plan_times(job) == ["05 02:00", "05 03:00", "05 04:00"]
    with factory.services.db.reading() as connection:
        assert schedules.earliest(connection) is None


def test_a_stopped_job_gets_no_more_instances(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    factory.start(job, moment("05 01:30"))
    factory.tick(moment("05 02:00"))
    factory.stop(job, moment("05 02:30"))
    factory.tick(moment("05 06:00"))
    assert factory.plan_times(job) == ["05 02:00"]
    factory.start(job, moment("05 06:30"))
    factory.tick(moment("05 07:00"))
    assert factory.plan_times(job) == ["05 02:00", "05 07:00"]


@pytest.mark.parametrize(
    ("misfire", "made"),
    [("all", ["05 02:00", "05 03:00", "05 04:00"]), ("last", ["05 04:00"]), ("none", [])],
)
def test_what_was_missed_is_made_as_the_setting_says(factory: Factory, misfire: str, made: list[str]) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    factory.start(job, moment("05 01:30"))
    factory.tick(moment("05 04:30"), misfire=misfire)
    assert factory.plan_times(job) == made
    factory.tick(moment("05 05:00"), misfire=misfire)
    assert factory.plan_times(job) == [*made, "05 05:00"]


@pytest.mark.parametrize("misfire", ["last", "none"])
def test_nobody_waits_for_what_was_missed_and_is_not_made(factory: Factory, misfire: str) -> None:
    """The daily job was due on two days while no server ran; what waits for the first of them goes on."""
    late = factory.create("0 0 3 * * ?", at=START)
    early = factory.create("0 0 2 * * ?", at=START, **depending(late))
    factory.start(late, START)
    factory.start(early, START)
    factory.tick(moment("04 02:00"))
    factory.tick(moment("05 23:00"), misfire=misfire)
    factory.run_all()
    made = ["05 03:00"] if misfire == "last" else []
    assert factory.plan_times(late) == made
    assert set(factory.states(early)) == {"success"}


def test_a_scheduled_job_follows_its_newest_version(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START)
    factory.start(job, moment("05 01:30"))
    factory.tick(moment("05 02:00"))
    factory.change(job, "0 15 * * * ?", at=moment("05 02:05"))
    factory.tick(moment("05 04:00"))
    assert factory.plan_times(job) == ["05 02:00", "05 02:15", "05 03:15"]
    assert [item.version for item in factory.of(job)] == [1, 2, 2]


def test_an_instance_waits_for_the_one_of_its_day(factory: Factory) -> None:
    """Day on day, natural period: today's, even if it is planned later."""
    late = factory.create("0 0 3 * * ?", at=START)
    early = factory.create("0 0 2 * * ?", at=START, **depending(late))
    factory.start(late, START)
    factory.start(early, START)
    factory.tick(moment("04 02:00"))
    assert (factory.states(early), factory.states(late)) == (["waiting"], [])
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert (factory.states(early), factory.states(late)) == (["success"], ["success"])
    with factory.services.db.reading() as connection:
        ((wait, awaited),) = waits.of_instance(connection, factory.of(early)[0].id)
    assert (wait.upstream_job_name, [each.status for each in awaited]) == (late, ["success"])


def test_an_instance_runs_at_once_where_its_upstream_has_none_that_day(factory: Factory) -> None:
    weekly = factory.create("0 0 12 ? * 4", at=START)  # Wednesdays
    daily = factory.create("0 0 2 * * ?", at=START, **depending(weekly))
    factory.start(weekly, START)
    factory.start(daily, START)
    factory.tick(moment("06 03:00"))  # Monday to Wednesday
    factory.run_all()
    assert factory.states(daily) == ["success", "success", "waiting"]


@pytest.mark.parametrize(
    ("policy", "state"), [("FAIL", "manual-stop"), ("SUSPEND", "waiting"), ("IGNORE", "success"), (None, "manual-stop")]
)
def test_a_failed_upstream_instance(factory: Factory, policy: str | None, state: str) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START, statement="exit 1")
    members = {} if policy is None else {"dependFailPolicy": policy}
    job = factory.create("0 0 2 * * ?", at=START, **depending(upstream, **members))
    factory.start(upstream, START)
    factory.start(job, START)
    factory.tick(moment("04 02:00"))
    factory.run_all()
    assert (factory.states(upstream), factory.states(job)) == (["fail"], [state])
    if state == "manual-stop":
        number = factory.of(upstream)[0].id
        assert factory.of(job)[0].error_message == (
            f"Cancelled: the upstream instance {number} is fail of job {upstream!r}."
        )


def test_a_suspended_instance_goes_on_when_its_upstream_is_declared_successful(factory: Factory) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START, statement="exit 1")
    job = factory.create("0 0 2 * * ?", at=START, **depending(upstream, dependFailPolicy="SUSPEND"))
    factory.start(upstream, START)
    factory.start(job, START)
    factory.tick(moment("04 02:00"))
    factory.run_all()
    number = factory.of(upstream)[0].id
    instance_operations.force_success(factory.services, factory.caller(START), upstream, str(number))
    factory.installation.engine.wait(factory.of(job)[0].id, 30)
    assert factory.states(job) == ["success"]


def test_a_cancelled_instance_cancels_those_that_wait_for_it(factory: Factory) -> None:
    first = factory.create("0 0 1 * * ?", at=START, statement="exit 1")
    second = factory.create("0 0 2 * * ?", at=START, **depending(first))
    third = factory.create("0 0 3 * * ?", at=START, **depending(second))
    for job in (first, second, third):
        factory.start(job, START)
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert [factory.states(job) for job in (first, second, third)] == [["fail"], ["manual-stop"], ["manual-stop"]]


def test_an_instance_of_a_job_that_depends_on_itself_waits_for_success(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START, statement="exit 1", dependPrePeriod=True)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert factory.states(job) == ["fail", "waiting", "waiting"]
    number = factory.of(job)[0].id
    instance_operations.force_success(factory.services, factory.caller(START), job, str(number))
    factory.installation.engine.wait(factory.of(job)[1].id, 30)
    assert factory.states(job) == ["success", "fail", "waiting"]


def test_a_failed_instance_does_not_keep_the_next_one_from_running(factory: Factory) -> None:
    """Source: reference on scheduling §7: in every case later periodic instances are still scheduled."""
    job = factory.create("0 0 * * * ?", at=START, statement="exit 1")
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 01:00"))
    factory.run_all()
    factory.tick(moment("04 02:00"))
    factory.run_all()
    assert factory.states(job) == ["fail", "fail"]


def test_the_first_instance_after_a_start_can_go_without_the_one_before(factory: Factory) -> None:
    job = factory.create("0 0 * * * ?", at=START, statement="exit 1", dependPrePeriod=True)
    factory.start(job, moment("04 00:30"))
    factory.tick(moment("04 01:00"))
    factory.run_all()
    factory.stop(job, moment("04 01:30"))
    factory.start(job, moment("04 01:30"), first_alone=True)
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert factory.states(job) == ["fail", "fail", "waiting"]


def test_a_schedule_can_begin_on_a_later_day(factory: Factory) -> None:
    job = factory.create("0 0 12 * * ?", at=START)
    factory.start(job, START, 20260506)
    factory.tick(moment("07 00:00"))
    assert factory.plan_times(job) == ["06 12:00"]
    with pytest.raises(InvalidParameter, match="start_date: 20261301"):
        factory.start(factory.create("0 0 12 * * ?", at=START), START, 20261301)


def test_stopping_a_job_cancels_what_waits_for_it(factory: Factory) -> None:
    late = factory.create("0 0 3 * * ?", at=START)
    early = factory.create("0 0 2 * * ?", at=START, **depending(late))
    factory.start(late, START)
    factory.start(early, START)
    factory.tick(moment("04 02:00"))
    factory.stop(late, moment("04 02:30"))
    assert factory.states(early) == ["manual-stop"]
    assert factory.of(early)[0].error_message == f"Cancelled: the upstream job {late!r} was stopped."


def test_a_job_is_not_started_before_those_it_depends_on(factory: Factory) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START)
    job = factory.create("0 0 2 * * ?", at=START, **depending(upstream))
    with pytest.raises(InvalidParameter, match=rf"depend job \[{upstream}\] is not running or pause"):
        factory.start(job, START)


def test_an_instance_let_go_by_a_person_still_waits_for_its_upstream(factory: Factory) -> None:
    late = factory.create("0 0 3 * * ?", at=START)
    early = factory.create("0 0 2 * * ?", at=START, **depending(late))
    factory.start(late, START)
    factory.start(early, START)
    factory.tick(moment("04 02:00"))
    number, caller = str(factory.of(early)[0].id), factory.caller(START)
    instance_operations.freeze(factory.services, caller, early, number)
    instance_operations.unfreeze(factory.services, caller, early, number)
    factory.run_all()
    assert factory.states(early) == ["waiting"]
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert factory.states(early) == ["success"]


def test_confirmation_comes_after_what_an_instance_waits_for(factory: Factory) -> None:
    late = factory.create("0 0 3 * * ?", at=START)
    factory.start(late, START)
    name = "confirmed"
    body = {
        "name": name,
        "processType": "BATCH",
        "nodes": [{"name": "n", "type": "Dummy"}],
        "schedule": {
            "type": "CRON",
            "cron": {"expression": "0 0 2 * * ?", **depending(late)},
            "requireManualConfirmBeforeExecute": True,
        },
    }
    text = json.dumps(body).encode()
    jobs.create(factory.services, factory.caller(START), msgspec.json.decode(text, type=JobInfo), text)
    factory.start(name, START)
    factory.tick(moment("04 02:00"))
    assert factory.states(name) == ["waiting"]
    factory.tick(moment("04 03:00"))
    factory.run_all()
    assert factory.states(name) == ["waiting-confirm"]
    instance_operations.confirm(factory.services, factory.caller(START), name, str(factory.of(name)[0].id))
    factory.installation.engine.wait(factory.of(name)[0].id, 30)
    assert factory.states(name) == ["success"]
