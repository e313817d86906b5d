"""Makes the instances that are due, each exactly once, with what they wait for. Source: reference on scheduling §2, §3.

A job that was due while no scheduler ran is late, not lost: its instances keep their plan times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.instance import InstanceType
from headrace.domain.job import JobDefinition
from headrace.domain.plan_times import next_plan_times
from headrace.errors import HeadraceError
from headrace.scheduling.upstream import Dependency, dependencies_of
from headrace.services import Services
from headrace.storage import alarms, calendars, instances, jobs, listenings, schedules, waits, workspaces
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.storage.jobs import JobRecord
from headrace.storage.new_instances import Origin, new_instance
from headrace.storage.schedules import ScheduleRecord
from headrace.storage.waits import WaitRecord
from headrace.wire.v1.definition import read_definition

log = structlog.get_logger("headrace.scheduling")

JOBS_AT_ONCE = 500  # in one transaction
TIMES_AT_ONCE = 100  # of one job in one transaction
LATE = timedelta(minutes=1)  # an instance made later than this after its plan time was missed
_MOMENT = timedelta(microseconds=1)


def generate(services: Services, now: int) -> tuple[int, list[int]]:
    """Make what is due, or a first part of it: how many jobs were due, and the instances to be looked at again."""
    waiting: list[int] = []
    with services.db.writing(durable=False) as connection:
        due = schedules.due(connection, now, JOBS_AT_ONCE)
        for schedule in due:
            waiting += _generate(services, connection, schedule, now)
    return len(due), waiting


def _generate(services: Services, connection: Connection, schedule: ScheduleRecord, now: int) -> list[int]:
    """The instances of one job, and when it is due next."""
    job = jobs.by_id(connection, schedule.job_id)
    definition = None if job is None else _definition(connection, job)
    if job is None or definition is None:
        schedules.advance(connection, schedule.job_id, None)
        return []
    zone = ZoneInfo(services.settings.time_zone)
    assert schedule.next_time is not None  # noqa: S101 - it is due
    try:
        first = from_millis(schedule.next_time) - _MOMENT
        times = next_plan_times(definition.schedule, first, TIMES_AT_ONCE + 1, zone)
    except HeadraceError as error:
        log.error("a job cannot be scheduled any more", job=job.name, reason=error.message)
        schedules.advance(connection, job.id, None)
        return []
    moment = from_millis(now)
    due = [each for each in times[:TIMES_AT_ONCE] if each <= moment]
    waiting = []
    wanted = _wanted(services.settings.misfire, due, moment)
    for planned in wanted:
        waiting += _make(services, connection, schedule, job, definition, planned, now)
    rest = times[len(due) :]
    schedules.advance(connection, job.id, to_millis(rest[0]) if rest else None)
    if len(wanted) < len(due):  # nobody waits for what was missed and is not made
        waits.ignore_unmade(connection, job.id, schedule.next_time, to_millis(due[-1]) + 1, now)
    return waiting


def _wanted(misfire: str, due: Sequence[datetime], now: datetime) -> list[datetime]:
    """The plan times that get an instance: those that were missed only where the setting says so."""
    if misfire == "all":
        return list(due)
    missed = [planned for planned in due if now - planned > LATE]
    in_time = [planned for planned in due if now - planned <= LATE]
    return [*(missed[-1:] if misfire == "last" and not in_time else ()), *in_time]


def _make(
    services: Services,
    connection: Connection,
    schedule: ScheduleRecord,
    job: JobRecord,
    definition: JobDefinition,
    planned: datetime,
    now: int,
) -> list[int]:
    """One instance; its id if it waits for others, or others may be skipped for it."""
    origin = Origin(
        kind=InstanceType.SCHEDULED,
        project_id=schedule.project_id,
        run_as=definition.execution_user or schedule.run_as,
        log_root=definition.log_path or workspaces.log_location(connection, schedule.project_id, job.workspace_id),
        plan_time=to_millis(planned),
        submit_time=now,
    )
    parameters: dict[str, str] = msgspec.json.decode(schedule.parameters)
    instance, nodes = new_instance(job, definition, services.next_number(), origin, parameters)
    zone = ZoneInfo(services.settings.time_zone)
    longest = definition.waits_at_most or timedelta(days=services.settings.waiting_days)
    instance = instance._replace(
        cancel_at=now + longest // timedelta(milliseconds=1),
        dry_run=int(not calendars.is_working_time(connection, job.workspace_id, definition.schedule, planned, zone)),
    )
    alarms.watch(connection, instance, zone)
    alone = schedule.alone_at == origin.plan_time
    dependencies = dependencies_of(connection, job, definition, planned, zone, alone=alone)
    return _insert(connection, schedule, definition, (instance, nodes), dependencies)


def _insert(
    connection: Connection,
    schedule: ScheduleRecord,
    definition: JobDefinition,
    made: tuple[InstanceRecord, list[NodeRecord]],
    dependencies: Sequence[Dependency],
) -> list[int]:
    """Write an instance with what it waits for; its id if it is to be looked at again."""
    (instance, nodes), now, confirm = made, made[0].submit_time, definition.schedule.confirm
    listening = None if instance.dry_run or definition.dry_run else definition.schedule.listening
    if not dependencies and listening is None and not (schedule.skips_waiting and instance.wish):
        instances.insert_instance(connection, instance, nodes)
        return []
    waiting = instance._replace(status="waiting", wish="")
    instances.insert_instance(connection, waiting, nodes)
    unmet = next((each for each in dependencies if not each.upstream.plan_times), None)
    if unmet is not None:
        reason = f"Cancelled: no instance of the job {unmet.job.name!r} counts for it ({unmet.upstream.rule})."
        waits.release(connection, waits.cancel(connection, waiting, reason, now), now)
        return []
    if listening is not None:
        since = min(instance.plan_time, now)
        listenings.begin(connection, instance.id, listening, since, now, confirm=confirm)
    for number, dependency in enumerate(dependencies):
        _wait(connection, instance, number, dependency, confirm=confirm)
    return [instance.id]


def _wait(connection: Connection, instance: InstanceRecord, number: int, on: Dependency, *, confirm: bool) -> None:
    wait = WaitRecord(
        instance_id=instance.id,
        number=number,
        upstream_job_id=on.job.id,
        upstream_job_name=on.job.instance_name,
        any_suffices=int(on.upstream.any_suffices),
        fail_policy=on.policy.value,
        rule=on.upstream.rule,
        confirm=int(confirm),
    )
    waits.add(connection, wait, map(to_millis, on.upstream.plan_times))


def _definition(connection: Connection, job: JobRecord) -> JobDefinition | None:
    """The newest submitted version; None where it cannot be read, or is not scheduled by cron."""
    text = jobs.version_document(connection, job.id, job.version)
    try:
        definition = None if text is None else read_definition(text)
    except HeadraceError as error:
        log.error("a scheduled job cannot be read", job=job.name, reason=error.message)
        return None
    return definition if definition is not None and definition.schedule.kind == "CRON" else None
