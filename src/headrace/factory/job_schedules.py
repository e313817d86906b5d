"""Jobs with a cron schedule: begun, changed and ended. Source: reference on scheduling §3.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.dependencies import check_dependency
from headrace.domain.identity import Caller
from headrace.domain.instance import JobState
from headrace.domain.job import JobDefinition
from headrace.domain.periods import Unit, period_of
from headrace.domain.plan_times import next_plan_times
from headrace.errors import InvalidParameter, InvalidSchedule, JobNotFound
from headrace.factory import event_jobs
from headrace.services import Services
from headrace.storage import changed_schedules, default_items, event_triggers, instances, jobs, schedules, waits
from headrace.storage.database import Connection
from headrace.storage.jobs import JobRecord
from headrace.storage.lock_order import lock_jobs, lock_with_others
from headrace.storage.schedules import ScheduleRecord
from headrace.wire.v1.definition import read_definition


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """How a schedule begins: not before a moment (milliseconds), and whether its first instance waits for no other."""

    not_before: int = 0
    first_alone: bool = False


_NEVER = 2**53  # milliseconds
_SHORT = frozenset({Unit.MINUTE, Unit.HOUR, Unit.DISCRETE_HOURS})
_GOING = ("SCHEDULING", "PAUSED")


def begin(
    services: Services,
    connection: Connection,
    caller: Caller,
    job: JobRecord,
    definition: JobDefinition,
    values: Mapping[str, str],
    beginning: Beginning,
) -> None:
    """Have instances of a job made from now on. Raises InvalidSchedule, InvalidParameter."""
    if not definition.schedule.expression:
        raise InvalidSchedule("schedule.cron.expression: a CRON job cannot be started without it.")
    listening = definition.schedule.listening
    if listening is not None and not listening.path:
        raise InvalidSchedule("schedule.cron.monitorObsPath: true names no path; write the path here, or false.")
    next_time = _next_time(services, definition, max(caller.now, beginning.not_before))
    _check_upstream(services, connection, caller, job, definition)
    schedule = ScheduleRecord(
        job_id=job.id,
        workspace_id=job.workspace_id,
        project_id=caller.project_id,
        run_as=caller.user.name,
        parameters=msgspec.json.encode(values).decode(),
        next_time=next_time,
        alone_at=next_time if beginning.first_alone else None,
        skips_waiting=int(_skips_waiting(services, definition)),
    )
    schedules.put(connection, schedule)
    changed_schedules.add(connection, job.id)


def change(services: Services, connection: Connection, job_id: int, text: str) -> bool:
    """A job has another version: when it is due next by that; whether it is scheduled. Raises InvalidSchedule."""
    schedule = schedules.lock(connection, job_id)
    if schedule is None:
        return False
    definition = read_definition(text)
    cron = definition.schedule.kind == "CRON" and bool(definition.schedule.expression)
    next_time = _next_time(services, definition, services.now()) if cron else None
    if schedule.held_time is None:
        schedule = schedule._replace(next_time=next_time)
    if cron:
        schedule = schedule._replace(skips_waiting=int(_skips_waiting(services, definition)))
    schedules.put(connection, schedule)
    changed_schedules.add(connection, job_id)
    return True


def pause(services: Services, caller: Caller, name: str) -> None:
    """Have no more instances of a job made until it is restored; what waits for it waits on.

    Raises JobNotFound, InvalidParameter for a job that is not scheduled. Source: reference on scheduling §3.3.
    """
    with services.db.writing() as connection:
        job, schedule = _scheduled(connection, caller, name, "SCHEDULING")
        if schedule is None:
            event_jobs.pause(connection, job)
        else:
            held = caller.now if schedule.next_time is None else schedule.next_time
            schedules.put(connection, schedule._replace(next_time=None, held_time=held))
        jobs.set_status(connection, job.id, "PAUSED")


def restore(services: Services, caller: Caller, name: str) -> None:
    """Have instances of a paused job made again, from now on; nobody waits for those that it missed any more.

    Raises JobNotFound, InvalidSchedule, InvalidParameter for a job that is not paused.
    """
    with services.db.writing() as connection:
        job, schedule = _scheduled(connection, caller, name, "PAUSED")
        jobs.set_status(connection, job.id, "SCHEDULING")
        if schedule is None:
            event_jobs.restore(connection, job, caller.now)
        else:
            _restore(services, connection, caller, job, schedule)
    services.wake_engine()


def _restore(
    services: Services, connection: Connection, caller: Caller, job: JobRecord, schedule: ScheduleRecord
) -> None:
    text = jobs.version_document(connection, job.id, job.version)
    definition = None if text is None else read_definition(text)
    cron = definition is not None and definition.schedule.kind == "CRON" and definition.schedule.expression
    next_time = _next_time(services, definition, caller.now) if definition is not None and cron else None
    schedules.put(connection, schedule._replace(next_time=next_time, held_time=None))
    first = caller.now if schedule.held_time is None else schedule.held_time
    waits.ignore_unmade(connection, job.id, first, _NEVER if next_time is None else next_time, caller.now)


def _scheduled(
    connection: Connection, caller: Caller, name: str, status: str
) -> tuple[JobRecord, ScheduleRecord | None]:
    """A job in a status with its cron schedule, None where events trigger it. Raises JobNotFound, InvalidParameter."""
    job = jobs.by_name(connection, caller.workspace.id, name)
    if job is None:
        raise JobNotFound(f"name: {name!r}.")
    lock_jobs(connection, [job.id])
    schedule = schedules.lock(connection, job.id)
    if job.status != status or (schedule is None and event_triggers.lock(connection, job.id) is None):
        raise InvalidParameter(f"The job {name!r} has no schedule or trigger that is {status}; it is {job.status}.")
    return job, schedule


def end(connection: Connection, job: JobRecord, now: int) -> None:
    """No more instances of a job come; instances of other jobs that wait for one of it are cancelled."""
    schedules.remove(connection, job.id)
    event_triggers.remove(connection, job.id)
    numbers = waits.waiting_for_job(connection, job.id)
    lock_with_others(connection, numbers)
    for number in numbers:
        waiting = instances.lock(connection, number)
        if waiting is not None and waiting.status == JobState.WAITING and not waiting.wish:
            reason = f"Cancelled: the upstream job {job.name!r} was stopped."
            waits.release(connection, waits.cancel(connection, waiting, reason, now), now)


def _check_upstream(
    services: Services, connection: Connection, caller: Caller, job: JobRecord, definition: JobDefinition
) -> None:
    """The jobs that a job depends on are scheduled, or paused, and its period fits to theirs.

    Raises InvalidParameter naming the first that is not, InvalidSchedule for periods that do not fit. Source: reference
    on scheduling §3.3, §4 and §5; decision 26.
    """
    zone = ZoneInfo(services.settings.time_zone)
    for upstream in definition.schedule.upstream:
        found = jobs.upstream(connection, caller.workspace.id, upstream.workspace_id, upstream.job)
        if found is None or (found.status not in _GOING and found.id != job.id):
            raise InvalidParameter(f"depend job [{upstream.job}] is not running or pause; start it first.")
        text = None if found.id == job.id else jobs.version_document(connection, found.id, found.version)
        schedule = None if text is None else read_definition(text).schedule
        if schedule is not None and schedule.kind == "CRON" and schedule.expression:
            periods = default_items.of_workspace(connection, job.workspace_id).periods
            member = f"schedule.cron.dependJobs: {upstream.job!r}"
            check_dependency(period_of(definition.schedule, zone), period_of(schedule, zone), periods, member)


def _skips_waiting(services: Services, definition: JobDefinition) -> bool:
    """Whether older waiting instances are skipped; minute and hour jobs only. Source: reference on scheduling §3.1."""
    schedule = definition.schedule
    return schedule.skips_waiting and period_of(schedule, ZoneInfo(services.settings.time_zone)).unit in _SHORT


def _next_time(services: Services, definition: JobDefinition, now: int) -> int | None:
    """The first plan time from now on. Raises InvalidSchedule."""
    after = from_millis(now) - timedelta(milliseconds=1)
    times = next_plan_times(definition.schedule, after, 1, ZoneInfo(services.settings.time_zone))
    return to_millis(times[0]) if times else None
