"""Jobs with a cron schedule: begun, changed and ended. Source: reference on scheduling §3.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.identity import Caller
from headrace.domain.instance import JobState
from headrace.domain.job import JobDefinition
from headrace.domain.plan_times import next_plan_times
from headrace.errors import InvalidParameter, InvalidSchedule
from headrace.services import Services
from headrace.storage import instances, jobs, schedules, waits
from headrace.storage.database import Connection
from headrace.storage.jobs import JobRecord
from headrace.storage.schedules import ScheduleRecord
from headrace.wire.v1.definition import read_definition


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """How a schedule begins: not before a moment (milliseconds), and whether its first instance waits for no other."""

    not_before: int = 0
    first_alone: bool = False


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
    next_time = _next_time(services, definition, max(caller.now, beginning.not_before))
    _check_upstream(connection, caller, job, definition)
    schedule = ScheduleRecord(
        job_id=job.id,
        workspace_id=job.workspace_id,
        project_id=caller.project_id,
        run_as=caller.user.name,
        parameters=msgspec.json.encode(values).decode(),
        next_time=next_time,
        alone_at=next_time if beginning.first_alone else None,
    )
    schedules.put(connection, schedule)


def change(services: Services, connection: Connection, job_id: int, text: str) -> bool:
    """A job has another version: when it is due next by that; whether it is scheduled. Raises InvalidSchedule."""
    if schedules.by_job(connection, job_id) is None:
        return False
    definition = read_definition(text)
    cron = definition.schedule.kind == "CRON" and bool(definition.schedule.expression)
    schedules.advance(connection, job_id, _next_time(services, definition, services.now()) if cron else None)
    return True


def end(connection: Connection, job: JobRecord, now: int) -> None:
    """No more instances of a job come; instances of other jobs that wait for one of it are cancelled."""
    schedules.remove(connection, job.id)
    for number in waits.waiting_for_job(connection, job.id):
        waiting = instances.lock(connection, number)
        if waiting is not None and waiting.status == JobState.WAITING and not waiting.wish:
            reason = f"Cancelled: the upstream job {job.name!r} was stopped."
            waits.release(connection, waits.cancel(connection, waiting, reason, now), now)


def _check_upstream(connection: Connection, caller: Caller, job: JobRecord, definition: JobDefinition) -> None:
    """The jobs that a job depends on are scheduled, or paused. Raises InvalidParameter naming the first that is not."""
    for upstream in definition.schedule.upstream:
        found = jobs.by_name(connection, upstream.workspace_id or caller.workspace.id, upstream.job)
        if found is None or (found.status not in _GOING and found.id != job.id):
            raise InvalidParameter(f"depend job [{upstream.job}] is not running or pause; start it first.")


def _next_time(services: Services, definition: JobDefinition, now: int) -> int | None:
    """The first plan time from now on. Raises InvalidSchedule."""
    after = from_millis(now) - timedelta(milliseconds=1)
    times = next_plan_times(definition.schedule, after, 1, ZoneInfo(services.settings.time_zone))
    return to_millis(times[0]) if times else None
