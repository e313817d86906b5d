"""Scheduled jobs, and when each is due next."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import job_schedules


class ScheduleRecord(NamedTuple):
    """A row of ``job_schedules``. ``parameters``: JSON of values; ``next_time`` in milliseconds."""

    job_id: int
    workspace_id: str
    project_id: str
    run_as: str
    parameters: str
    next_time: int | None
    alone_at: int | None = None
    held_time: int | None = None
    skips_waiting: int = 0

    @property
    def coming(self) -> int | None:
        """The first plan time that has no instance yet; of a paused job, the one it had when it was paused."""
        return self.held_time if self.next_time is None else self.next_time


_of_job = job_schedules.c.job_id == bindparam("job_id")
_PUT = InsertStatement(
    job_schedules,
    ScheduleRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("job_id",), set_={name: new.excluded[name] for name in ScheduleRecord._fields[1:]}
    ),
)
_BY_JOB = Statement(select(job_schedules).where(_of_job))
_DELETE = Statement(delete(job_schedules).where(_of_job))
_ADVANCE = Statement(
    update(job_schedules).where(job_schedules.c.job_id == bindparam("key")).values(next_time=bindparam("next_time"))
)
_LOCKED = Statement(select(job_schedules).where(_of_job).with_for_update())
_EARLIEST = Statement(select(func.min(job_schedules.c.next_time)))
_DUE = Statement(
    select(job_schedules)
    .where(job_schedules.c.next_time <= bindparam("now"))
    .order_by(job_schedules.c.next_time, job_schedules.c.job_id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)


def put(connection: Connection, schedule: ScheduleRecord) -> None:
    """Schedule a job, or change its schedule."""
    connection.run(_PUT, **schedule._asdict())


def by_job(connection: Connection, job_id: int) -> ScheduleRecord | None:
    """The schedule of a job that is scheduled."""
    row = connection.one(_BY_JOB, job_id=job_id)
    return None if row is None else ScheduleRecord(*row)


def lock(connection: Connection, job_id: int) -> ScheduleRecord | None:
    """The schedule of a job, which no scheduler takes until the transaction ends."""
    row = connection.one(_LOCKED, job_id=job_id)
    return None if row is None else ScheduleRecord(*row)


def remove(connection: Connection, job_id: int) -> None:
    """The job is not scheduled any more."""
    connection.run(_DELETE, job_id=job_id)


def advance(connection: Connection, job_id: int, next_time: int | None) -> None:
    """Say when a job is due next."""
    connection.run(_ADVANCE, key=job_id, next_time=next_time)


def earliest(connection: Connection) -> int | None:
    """When the next job is due."""
    found: int | None = connection.value(_EARLIEST)
    return found


def due(connection: Connection, now: int, rows: int) -> list[ScheduleRecord]:
    """Jobs that are due, which no other scheduler takes until the transaction ends."""
    return [ScheduleRecord(*row) for row in connection.all(_DUE, now=now, rows=rows)]
