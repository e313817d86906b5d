"""The simulation of an interval is what the scheduler really makes of it, on every kind of database."""

from __future__ import annotations

import random
import statistics
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET
from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import to_millis
from headrace.errors import InvalidParameter, InvalidSchedule, JobNotFound
from headrace.scheduling.simulated_workspace import simulate
from headrace.storage import calendars, waits
from headrace.storage.calendars import CalendarRecord
from headrace.storage.instances import InstanceRecord
from headrace.wire.v1.simulation import SimulatedInstance, SimulationAnswer, SimulationRequest

EXPRESSIONS = (
    "0 0/20 * * * ?",
    "0 5 0/1 * * ?",
    "0 0 0/6 * * ?",
    "0 10 1,5,14 * * ?",
    "0 30 2 * * ?",
    "0 0 23 * * ?",
    "0 0 4 ? * 2,5",
    "0 0 6 L * ?",
)


def ask(
    factory: Factory, since: datetime, until: datetime, *jobs: str, as_if_started: bool = False
) -> SimulationAnswer:
    request = SimulationRequest(
        min_plan_time=to_millis(since),
        max_plan_time=to_millis(until),
        jobs=list(jobs) or None,
        as_if_started=as_if_started,
    )
    return simulate(factory.services, factory.caller(START), request)


def told(instance: SimulatedInstance) -> tuple[Any, ...]:
    waiting = sorted(
        (each.job_name, each.fail_policy, each.any_suffices, each.plan_times) for each in instance.waits_for
    )
    return instance.job_name, instance.plan_time, instance.dry_run, waiting


def made(factory: Factory, record: InstanceRecord) -> tuple[Any, ...]:
    with factory.services.db.reading() as connection:
        found = waits.of_instance(connection, record.id)
    waiting = sorted(
        (wait.upstream_job_name, wait.fail_policy, bool(wait.any_suffices), [each.plan_time for each in awaited])
        for wait, awaited in found
    )
    return record.job_name, record.plan_time, bool(record.dry_run), waiting


def random_jobs(factory: Factory, chance: random.Random, count: int) -> list[str]:
    """Started jobs that depend on earlier ones in every way that their periods allow."""
    names: list[str] = []
    while len(names) < count:
        members: dict[str, Any] = {"dependPrePeriod": True} if chance.random() < 0.3 else {}
        if names and chance.random() < 0.8:
            policy = chance.choice(("FAIL", "SUSPEND", "IGNORE"))
            period = chance.choice(("SAME_PERIOD", "PRE_PERIOD"))
            upstream = chance.sample(names, k=min(len(names), 2))
            choice = chance.choice(("", "all", "any", "last", "nearest"))
            entry = {"jobName": upstream[0], "dependType": choice, "dependOnLastNPeriodValue": chance.randint(1, 3)}
            detailed = {"sameWorkSpaceJobs": [entry]}
            members |= {
                "dependJobs": {"jobs": upstream, "dependPeriod": period, "dependFailPolicy": policy, **detailed}
            }
        if chance.random() < 0.3:
            members["calendarScheduling"] = "office"
        name = factory.create(chance.choice(EXPRESSIONS), at=START, **members)
        try:
            factory.start(name, START)
        except InvalidSchedule:  # a pair of periods that is not allowed
            continue
        names.append(name)
    return names


@pytest.mark.parametrize("seed", range(2))
def test_a_simulation_is_what_the_scheduler_makes(factory: Factory, seed: int) -> None:
    with factory.services.db.writing() as connection:
        workspace = factory.caller(START).workspace.id
        calendars.put(connection, CalendarRecord(workspace, "office", '{"weekdays":["MON","TUE","WED"]}'))
    names = random_jobs(factory, random.Random(seed), 14)  # noqa: S311 - the same jobs each time
    until = START + timedelta(days=5)
    before = ask(factory, START, until)
    moment_of_clock = START
    while moment_of_clock < until:
        moment_of_clock = min(moment_of_clock + timedelta(hours=7), until)
        factory.tick(moment_of_clock)
    real = [made(factory, record) for name in names for record in factory.of(name)]
    assert sorted(map(told, before.instances)) == sorted(real)
    assert len(real) > 200, "the jobs are too rare to show anything"
    assert list(map(told, ask(factory, START, until).instances)) == list(map(told, before.instances))


def test_estimates_come_from_the_last_instances_that_succeeded(factory: Factory) -> None:
    first = factory.create("0 0 1 * * ?", at=START)
    second = factory.create("0 30 0 * * ?", at=START, **depending(first))
    for name in (first, second):
        factory.start(name, START)
    assert [
        (each.estimated_start_time, each.estimated_end_time)
        for each in ask(factory, START, moment("04 23:59"), first).instances
    ] == [(to_millis(moment("04 01:00")), UNSET)]
    factory.tick(moment("06 23:59"))
    factory.run_all()
    took = {}
    for name in (first, second):
        listed = [(each.end_time or 0) - (each.start_time or 0) for each in factory.of(name)]
        took[name] = statistics.median(listed)
    found = ask(factory, moment("31 00:00"), moment("31 23:59")).instances
    first_end = to_millis(moment("31 01:00")) + took[first]
    assert [(each.job_name, each.estimated_start_time, each.estimated_end_time) for each in found] == [
        (second, first_end, first_end + took[second]),
        (first, to_millis(moment("31 01:00")), first_end),
    ]


def test_jobs_that_are_not_started_are_simulated_only_where_that_is_asked_for(factory: Factory) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START)
    job = factory.create("0 0 2 * * ?", at=START, **depending(upstream))
    day = moment("31 00:00"), moment("31 23:59")
    assert ask(factory, *day).instances == []
    with pytest.raises(InvalidParameter, match=f"jobs: '{job}' is not started; set asIfStarted"):
        ask(factory, *day, job)
    with pytest.raises(JobNotFound, match="there is no job 'gone'"):
        ask(factory, *day, "gone")
    (found,) = ask(factory, *day, job, as_if_started=True).instances
    assert [(each.job_name, each.plan_times) for each in found.waits_for] == [
        (upstream, [to_millis(moment("31 01:00"))])
    ]
    assert [each.job_name for each in ask(factory, *day, as_if_started=True).instances] == [upstream, job]


def test_a_paused_job_has_no_instances_and_is_told(factory: Factory) -> None:
    upstream = factory.create("0 0 1 * * ?", at=START)
    job = factory.create("0 0 2 * * ?", at=START, **depending(upstream))
    factory.start(upstream, START)
    factory.start(job, START)
    factory.pause(upstream, START)
    answer = ask(factory, moment("31 00:00"), moment("31 23:59"))
    assert [(each.job_name, len(each.waits_for)) for each in answer.instances] == [(job, 1)]
    assert answer.warnings == [f"The job {upstream!r} is paused: what waits for its next instances waits on."]
