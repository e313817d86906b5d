"""What a new instance of a scheduled job waits for, from the schedules of the jobs it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from functools import partial
from typing import NamedTuple

import structlog

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.dependencies import Upstream, own_upstream, upstream_plan_times
from headrace.domain.dependency_rules import Mode
from headrace.domain.dependency_words import DependFailPolicy, UpstreamJob
from headrace.domain.job import JobDefinition
from headrace.domain.periods import Period, period_of
from headrace.domain.plan_times import schedule_times
from headrace.errors import HeadraceError
from headrace.storage import default_items, instance_lists, jobs, schedules
from headrace.storage.database import Connection
from headrace.storage.jobs import JobRecord
from headrace.wire.v1.definition import read_definition

log = structlog.get_logger("headrace.scheduling")


class Dependency(NamedTuple):
    """What an instance waits for in one job."""

    job: JobRecord
    upstream: Upstream
    policy: DependFailPolicy


def dependencies_of(
    connection: Connection,
    job: JobRecord,
    definition: JobDefinition,
    planned: datetime,
    zone: tzinfo,
    *,
    alone: bool = False,
) -> list[Dependency]:
    """What the instance of a job planned at a moment waits for; jobs with nothing to wait for are left out.

    ``alone``: it does not wait for the instance before.
    """
    schedule = definition.schedule
    if not (schedule.upstream or schedule.depends_on_itself):
        return []
    period = period_of(schedule, zone)
    mode = default_items.of_workspace(connection, job.workspace_id).periods if schedule.upstream else Mode.NATURAL
    found = [
        _on(connection, job, period, planned, each, schedule.upstream_fail_policy, zone, mode)
        for each in schedule.upstream
    ]
    if schedule.depends_on_itself and not alone:
        upstream = own_upstream(planned, partial(_made, connection, job))
        found.append(Dependency(job, upstream, DependFailPolicy.SUSPEND))
    return [each for each in found if each is not None and (each.upstream.plan_times or not each.upstream.runs_without)]


def _on(
    connection: Connection,
    job: JobRecord,
    period: Period,
    planned: datetime,
    asked: UpstreamJob,
    policy: DependFailPolicy,
    zone: tzinfo,
    mode: Mode,
) -> Dependency | None:
    """None where nothing can be waited for: the job is gone, or has no cron schedule to compare with."""
    found = jobs.upstream(connection, job.workspace_id, asked.workspace_id, asked.job)
    text = None if found is None else jobs.version_document(connection, found.id, found.version)
    if found is None or text is None:
        log.warning("an upstream job does not exist or was never submitted", job=job.name, upstream=asked.job)
        return None
    try:
        definition = read_definition(text)
        upstream = upstream_plan_times(
            period,
            planned,
            period_of(definition.schedule, zone),
            partial(_plan_times, connection, found, definition, zone),
            period=asked.period,
            previous=asked.previous,
            depend_type=asked.type,
            mode=mode,
        )
    except HeadraceError as error:
        log.warning("a dependency has no effect", job=job.name, upstream=asked.job, reason=error.message)
        return None
    return Dependency(found, upstream, policy)


def _plan_times(
    connection: Connection, job: JobRecord, definition: JobDefinition, zone: tzinfo, after: datetime, until: datetime
) -> list[datetime]:
    """The plan times that a job really has: of its instances, and of those that are to come, also when it is paused.

    The schedule is read before the instances: what it gives away meanwhile is among those then.
    """
    schedule = schedules.by_job(connection, job.id)
    times = set(_made(connection, job, after, until))
    if schedule is not None and schedule.coming is not None:
        first = from_millis(schedule.coming)
        coming = schedule_times(definition.schedule, after, until, zone)
        times |= {moment for moment in coming if moment >= first}
    return sorted(times)


def _made(connection: Connection, job: JobRecord, after: datetime, until: datetime) -> Iterator[datetime]:
    for moment in instance_lists.planned_times(connection, job.id, to_millis(after), to_millis(until)):
        yield from_millis(moment)
