"""Backfills: tasks that run past plan times of jobs, and their dates. What becomes of them is ``backfill_progress``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, func, insert, literal_column, select, update

from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import backfill_dates, backfill_jobs, backfill_waits, backfills, job_instances


class TaskState(StrEnum):
    """States of a task, in the words of the API; CANCLE is what the service writes."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    CANCLE = "CANCLE"
    FAIL = "FAIL"


class DateState(StrEnum):
    """States of a date of a task."""

    WAITING = "waiting"  # for other dates of the task
    READY = "ready"  # for a slot
    BEGUN = "begun"
    SUCCESS = "success"
    FAIL = "fail"
    MANUAL_STOP = "manual-stop"
    DROPPED = "dropped"  # it has no instance and gets none


class BackfillRecord(NamedTuple):
    """A row of ``backfills``. ``run_time``: JSON of the window of execution. Times in milliseconds."""

    id: int
    workspace_id: str
    project_id: str
    name: str
    job_name: str
    status: str
    document: str
    parallel: int
    by_day: int
    stops_on_failure: int
    run_time: str
    user_name: str
    start_time: int
    end_time: int
    create_time: int
    finish_time: int | None = None
    next_time: int | None = None


class BackfillJob(NamedTuple):
    """A row of ``backfill_jobs``. ``nodes``: JSON of ``[name, type]``.

    ``listening``: JSON of ``[path, interval, longest]`` (milliseconds), empty where its instances do not listen.
    """

    backfill_id: int
    number: int
    job_id: int
    job_name: str
    workspace_id: str
    version: int
    run_as: str
    log_root: str
    confirm: int
    nodes: str
    listening: str = ""


class BackfillDate(NamedTuple):
    """A row of ``backfill_dates``."""

    backfill_id: int
    position: int
    job_number: int
    plan_time: int
    day: int
    state: str
    instance_id: int | None = None


class BackfillWait(NamedTuple):
    """A row of ``backfill_waits``."""

    backfill_id: int
    position: int
    number: int
    upstream: int
    any_suffices: int
    fail_policy: str


class DateShown(NamedTuple):
    """A date with its instance as it is now."""

    job_name: str
    plan_time: int
    state: str
    instance_id: int | None
    status: str | None


_INSERT = InsertStatement(
    backfills,
    BackfillRecord._fields,
    lambda new: new.on_conflict_do_nothing(index_elements=("workspace_id", "name")),
)
_INSERT_JOB = Statement(insert(backfill_jobs))
_INSERT_DATE = Statement(insert(backfill_dates))
_INSERT_WAIT = Statement(insert(backfill_waits))
_of_task = backfills.c.id == bindparam("id")
_LOCK = Statement(select(backfills).where(_of_task).with_for_update())
_BY_NAME = Statement(
    select(backfills).where(
        backfills.c.workspace_id == bindparam("workspace_id"), backfills.c.name == bindparam("name")
    )
)
_RUNNING_OF_JOB = Statement(
    select(backfills.c.name)
    .select_from(backfills.join(backfill_jobs, backfill_jobs.c.backfill_id == backfills.c.id))
    .where(
        backfill_jobs.c.job_id == bindparam("job_id"), backfills.c.status == literal_column(f"'{TaskState.RUNNING}'")
    )
    .order_by(backfills.c.id)
    .limit(1)
)
_JOBS = Statement(
    select(backfill_jobs)
    .where(backfill_jobs.c.backfill_id == bindparam("backfill_id"))
    .order_by(backfill_jobs.c.number)
)
_DATES = Statement(
    select(
        backfill_jobs.c.job_name,
        backfill_dates.c.plan_time,
        backfill_dates.c.state,
        backfill_dates.c.instance_id,
        job_instances.c.status,
    )
    .select_from(
        backfill_dates.join(
            backfill_jobs,
            and_(
                backfill_jobs.c.backfill_id == backfill_dates.c.backfill_id,
                backfill_jobs.c.number == backfill_dates.c.job_number,
            ),
        ).join(job_instances, job_instances.c.id == backfill_dates.c.instance_id, isouter=True)
    )
    .where(backfill_dates.c.backfill_id == bindparam("backfill_id"))
    .order_by(backfill_dates.c.position)
)
_COUNTS = Statement(
    select(backfill_dates.c.state, func.count())
    .where(backfill_dates.c.backfill_id == bindparam("backfill_id"))
    .group_by(backfill_dates.c.state)
)
_UPDATE = Statement(
    update(backfills)
    .where(backfills.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("status", "finish_time", "next_time")})
)
_EARLIEST = Statement(select(func.min(backfills.c.next_time)))
_DUE = Statement(
    select(backfills.c.id)
    .where(backfills.c.next_time <= bindparam("now"))
    .order_by(backfills.c.id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)


def add(
    connection: Connection,
    task: BackfillRecord,
    jobs: Iterable[BackfillJob],
    dates: Iterable[BackfillDate],
    waits: Iterable[BackfillWait],
) -> bool:
    """Write down a task with all its dates; False where there is one of its name."""
    if not connection.run(_INSERT, **task._asdict()):
        return False
    connection.run_many(_INSERT_JOB, [item._asdict() for item in jobs])
    connection.run_many(_INSERT_DATE, [item._asdict() for item in dates])
    connection.run_many(_INSERT_WAIT, [item._asdict() for item in waits])
    return True


def lock(connection: Connection, backfill_id: int) -> BackfillRecord | None:
    """One task, whose dates nobody else moves until the transaction ends."""
    row = connection.one(_LOCK, id=backfill_id)
    return None if row is None else BackfillRecord(*row)


def by_name(connection: Connection, workspace_id: str, name: str) -> BackfillRecord | None:
    """The task of a name."""
    row = connection.one(_BY_NAME, workspace_id=workspace_id, name=name)
    return None if row is None else BackfillRecord(*row)


def running_of_job(connection: Connection, job_id: int) -> str | None:
    """The name of a running task that a job is part of."""
    row = connection.one(_RUNNING_OF_JOB, job_id=job_id)
    return None if row is None else str(row[0])


def jobs_of(connection: Connection, backfill_id: int) -> list[BackfillJob]:
    """The jobs of a task."""
    return [BackfillJob(*row) for row in connection.all(_JOBS, backfill_id=backfill_id)]


def dates_of(connection: Connection, backfill_id: int) -> list[DateShown]:
    """The dates of a task, in their order, with their instances as they are now."""
    return [DateShown(*row) for row in connection.all(_DATES, backfill_id=backfill_id)]


def counts(connection: Connection, backfill_id: int) -> dict[str, int]:
    """How many dates of a task are in which state."""
    return {row[0]: row[1] for row in connection.all(_COUNTS, backfill_id=backfill_id)}


def change(connection: Connection, task: BackfillRecord) -> None:
    """Write what can change of a task, which is locked."""
    connection.run(_UPDATE, key=task.id, status=task.status, finish_time=task.finish_time, next_time=task.next_time)


def earliest(connection: Connection) -> int | None:
    """When the next window of a task opens."""
    found: int | None = connection.value(_EARLIEST)
    return found


def due(connection: Connection, now: int, rows: int) -> list[int]:
    """Tasks whose window has opened, which no other scheduler takes until the transaction ends."""
    return [row[0] for row in connection.all(_DUE, now=now, rows=rows)]


@cache
def _listed(filters: frozenset[str], *, descending: bool) -> tuple[Statement, Statement]:
    columns = backfills.c
    choices: dict[str, Any] = {
        "pattern": columns.name.like(bindparam("pattern"), escape="\\"),
        "user_name": columns.user_name == bindparam("user_name"),
        "status": columns.status == bindparam("status"),
        "first": columns.start_time >= bindparam("first"),
        "last": columns.end_time <= bindparam("last"),
    }
    where = and_(columns.workspace_id == bindparam("workspace_id"), *(choices[name] for name in sorted(filters)))
    order = (columns.create_time.desc(), columns.id.desc()) if descending else (columns.create_time, columns.id)
    page_of = select(backfills).where(where).order_by(*order).limit(bindparam("rows")).offset(bindparam("skip"))
    return Statement(select(func.count()).select_from(backfills).where(where)), Statement(page_of)


def page(
    connection: Connection,
    workspace_id: str,
    *,
    name: str = "",
    user_name: str = "",
    status: str = "",
    first: int | None = None,
    last: int | None = None,
    descending: bool = True,
    skip: int,
    rows: int,
) -> tuple[int, list[BackfillRecord]]:
    """How many tasks match, and one page of them by the time of creation. ``name``: a part of it."""
    asked: dict[str, Any] = {
        "pattern": contains(name) if name else None,
        "user_name": user_name or None,
        "status": status or None,
        "first": first,
        "last": last,
    }
    filters = {key: value for key, value in asked.items() if value is not None}
    count, found = _listed(frozenset(filters), descending=descending)
    values = {**filters, "workspace_id": workspace_id}
    total = int(connection.value(count, **values))
    return total, [BackfillRecord(*row) for row in connection.all(found, **values, rows=rows, skip=skip)]
