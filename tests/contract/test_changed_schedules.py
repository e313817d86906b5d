"""What waits for a job whose schedule changes waits for the plan times it has then; on each kind of database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import from_millis, to_millis
from headrace.factory import default_items, imports, instance_operations
from headrace.factory.imports import Wanted
from headrace.packages.archive import write_archive
from headrace.packages.layout import single_members
from headrace.packages.model import Kind, PackageObject
from headrace.scheduling.changed_waits import follow_changes
from headrace.scheduling.scheduler import LONGEST_SLEEP, Scheduler
from headrace.storage import waits
from headrace.wire.v1.default_items import DefaultItemsBody
from headrace.wire.v1.packages import ImportRequest

AT_ONE, AT_TWO, AT_THREE = "0 0 1 * * ?", "0 0 2 * * ?", "0 0 3 * * ?"


def started(factory: Factory, upstream: str, **members: object) -> tuple[str, str]:
    """A job, and one of 1:00 that depends on it; both have run until 8 May, 1:00."""
    late = factory.create(upstream, at=START)
    early = factory.create(AT_ONE, at=START, **depending(late, **members))
    for name in (late, early):
        factory.start(name, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    return late, early


def change(factory: Factory, name: str, expression: str, at: datetime, **cron: str) -> None:
    factory.change(name, expression, at=at, **cron)
    assert follow_changes(factory.services, to_millis(at)) >= 1  # also those that were started
    assert follow_changes(factory.services, to_millis(at)) == 0


def awaited(factory: Factory, name: str) -> list[str]:
    """The plan times that the newest instance of a job waits for."""
    number = factory.of(name)[-1].id
    with factory.services.db.reading() as connection:
        found = waits.of_instance(connection, number)
    times = sorted(each.plan_time for _, listed in found for each in listed)
    return [f"{from_millis(each).astimezone(START.tzinfo):%d %H:%M}" for each in times]


def test_a_later_plan_time_of_the_day_is_waited_for(factory: Factory) -> None:
    late, early = started(factory, AT_TWO)
    assert awaited(factory, early) == ["08 02:00"]
    change(factory, late, AT_THREE, moment("08 01:30"))
    assert awaited(factory, early) == ["08 03:00"]
    factory.tick(moment("08 02:00"))
    factory.run_all()
    assert factory.states(early) == ["waiting"]
    factory.tick(moment("08 03:00"))
    factory.run_all()
    assert factory.states(early) == ["success"]


def test_a_day_without_the_upstream_job_is_not_waited_for(factory: Factory) -> None:
    late, early = started(factory, AT_TWO)
    change(factory, late, "0 0 2 20 * ?", moment("08 01:30"))
    factory.run_all()
    assert factory.states(early) == ["success"]


def test_traditional_periods_cancel_what_nothing_counts_for(factory: Factory) -> None:
    caller = factory.caller(START)
    asked = DefaultItemsBody(dependency_periods="traditional")
    default_items.change(factory.services, caller, caller.workspace.id, asked)
    late = factory.create("0 45 0 * * ?", at=START)
    early = factory.create(AT_ONE, at=START, **depending(late))
    for name in (late, early):
        factory.start(name, moment("08 00:00"))
    factory.pause(late, moment("08 00:30"))
    factory.tick(moment("08 01:00"))
    assert awaited(factory, early) == ["08 00:45"]
    change(factory, late, "0 45 0 * * ?", moment("08 01:30"), startTime="2026-05-20T00:00:00+08")
    [record] = factory.of(early)
    assert record.status == "manual-stop"
    assert f"no instance of the job {late!r} counts for it" in record.error_message


def test_instances_that_were_made_before_the_change_count(factory: Factory) -> None:
    late, early = started(factory, "0 0 0,2,4 * * ?")
    factory.run_all()
    assert awaited(factory, early) == ["08 00:00", "08 02:00", "08 04:00"]
    change(factory, late, "0 0 0,4 * * ?", moment("08 01:30"))
    assert awaited(factory, early) == ["08 00:00", "08 04:00"]
    factory.tick(moment("08 04:00"))
    factory.run_all()
    assert factory.states(early) == ["success"]


def test_what_waits_only_for_instances_that_exist_waits_on(factory: Factory) -> None:
    late, early = started(factory, "0 30 0 * * ?")
    change(factory, late, AT_THREE, moment("08 01:30"))
    assert awaited(factory, early) == ["08 00:30"]


def test_an_upstream_job_without_a_cron_schedule_is_not_waited_for(factory: Factory) -> None:
    late, early = started(factory, AT_TWO)
    change(factory, late, "", moment("08 01:30"))
    factory.run_all()
    assert factory.states(early) == ["success"]


def test_a_paused_instance_waits_for_what_comes_when_the_job_is_started_again(factory: Factory) -> None:
    late, early = started(factory, AT_TWO)
    record = factory.of(early)[0]
    services, caller = factory.services, factory.caller(moment("08 01:10"))
    instance_operations.pause(services, caller, early, str(record.id))
    factory.stop(late, moment("08 01:20"))
    factory.change(late, AT_THREE, at=moment("08 01:30"))
    factory.start(late, moment("08 01:40"))
    follow_changes(services, to_millis(moment("08 01:40")))
    assert awaited(factory, early) == ["08 03:00"]
    instance_operations.resume(services, caller, early, str(record.id))
    factory.run_all()
    assert factory.states(early) == ["waiting"]
    factory.tick(moment("08 03:00"))
    factory.run_all()
    assert factory.states(early) == ["success"]


def test_several_upstream_jobs_are_kept_apart(factory: Factory) -> None:
    first, second = (factory.create(AT_TWO, at=START) for _ in range(2))
    early = factory.create(AT_ONE, at=START, dependJobs={"jobs": [first, second]})
    for name in (first, second, early):
        factory.start(name, moment("08 00:00"))
    factory.tick(moment("08 01:00"))
    change(factory, first, AT_THREE, moment("08 01:30"))
    assert awaited(factory, early) == ["08 02:00", "08 03:00"]
    change(factory, second, AT_THREE, moment("08 01:30"))
    assert awaited(factory, early) == ["08 03:00", "08 03:00"]


def test_the_scheduler_follows_changes_by_itself(factory: Factory) -> None:
    late, early = started(factory, AT_TWO)
    factory.change(late, AT_THREE, at=moment("08 01:30"))
    scheduler = Scheduler(replace(factory.services, now=lambda: to_millis(moment("08 01:30"))))
    assert scheduler.look() == LONGEST_SLEEP
    assert awaited(factory, early) == ["08 03:00"]


def test_an_import_that_changes_a_schedule_counts_from_then_on(factory: Factory) -> None:
    late, early = started(factory, AT_TWO)
    schedule = {"type": "CRON", "cron": {"expression": AT_THREE}}
    job = {"name": late, "processType": "BATCH", "nodes": [{"name": "n", "type": "Dummy"}], "schedule": schedule}
    item = PackageObject.made(Kind.JOB, late, json.dumps(job))
    services = replace(factory.services, now=lambda: to_millis(moment("08 01:30")))
    upload = imports.keep_upload(services, write_archive(single_members([item])))
    wanted = Wanted(path="package.zip", upload=upload, request=ImportRequest(same_name_policy="OVERWRITE"))
    imports.apply(services, factory.caller(moment("08 01:30")), wanted)
    follow_changes(services, services.now())
    assert awaited(factory, early) == ["08 03:00"]
