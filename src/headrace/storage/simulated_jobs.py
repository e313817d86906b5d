"""What a simulation of schedules has to know of jobs: their definition, since when they run, and for how long."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, func, literal_column, select

from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances, job_schedules, job_versions, jobs


class SimulatedJobRecord(NamedTuple):
    """A job in its newest submitted version. Times in milliseconds.

    ``schedule_of``: its own id where it is scheduled; ``first_made``: the earliest plan time of its instances.
    """

    id: int
    process_type: str
    document: str | None
    schedule_of: int | None
    next_time: int | None
    held_time: int | None
    alone_at: int | None
    first_made: int | None


_scheduled = job_instances.c.instance_type == literal_column("0")
_JOB = Statement(
    select(
        jobs.c.id,
        jobs.c.process_type,
        job_versions.c.document,
        job_schedules.c.job_id,
        job_schedules.c.next_time,
        job_schedules.c.held_time,
        job_schedules.c.alone_at,
        select(func.min(job_instances.c.plan_time))
        .where(job_instances.c.job_id == jobs.c.id, _scheduled)
        .scalar_subquery(),
    )
    .select_from(
        jobs.outerjoin(
            job_versions, and_(job_versions.c.job_id == jobs.c.id, job_versions.c.version == jobs.c.version)
        ).outerjoin(job_schedules, job_schedules.c.job_id == jobs.c.id)
    )
    .where(jobs.c.workspace_id == bindparam("workspace_id"), jobs.c.name == bindparam("name"))
)
_STARTED = Statement(
    select(jobs.c.name)
    .select_from(job_schedules.join(jobs, jobs.c.id == job_schedules.c.job_id))
    .where(job_schedules.c.workspace_id == bindparam("workspace_id"))
    .order_by(jobs.c.name)
)
_DURATIONS = Statement(
    select(job_instances.c.end_time - job_instances.c.start_time)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        _scheduled,
        job_instances.c.status == literal_column("'success'"),
        job_instances.c.dry_run == literal_column("0"),
        job_instances.c.force_success == literal_column("0"),
        job_instances.c.start_time.is_not(None),
        job_instances.c.end_time.is_not(None),
    )
    .order_by(job_instances.c.plan_time.desc())
    .limit(bindparam("rows"))
)


def by_name(connection: Connection, workspace_id: str, name: str) -> SimulatedJobRecord | None:
    """A job of a workspace, or a node of a real-time job under the name that is kept for it."""
    row = connection.one(_JOB, workspace_id=workspace_id, name=name)
    return None if row is None else SimulatedJobRecord(*row)


def started_names(connection: Connection, workspace_id: str) -> list[str]:
    """The jobs of a workspace that are scheduled, also those that are paused."""
    return [row[0] for row in connection.all(_STARTED, workspace_id=workspace_id)]


def durations(connection: Connection, job_id: int, last: int) -> list[int]:
    """How long the last scheduled instances of a job took that did their work and succeeded, the newest first."""
    return [row[0] for row in connection.all(_DURATIONS, job_id=job_id, rows=last)]
