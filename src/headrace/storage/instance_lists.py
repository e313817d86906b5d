"""The instances of a workspace and of a job as people ask for them: a page, those of a time, how long they ran."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, column, func, literal_column, select

from headrace.domain.instance import ENDED_JOB_STATES
from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.instances import InstanceRecord
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances

_PLANNED = Statement(
    select(job_instances.c.plan_time)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.instance_type == literal_column("0"),
        job_instances.c.plan_time > bindparam("after"),
        job_instances.c.plan_time <= bindparam("until"),
    )
    .order_by(job_instances.c.plan_time)
)
_AVERAGE = Statement(
    select(func.avg(column("took"))).select_from(
        select((job_instances.c.end_time - job_instances.c.start_time).label("took"))
        .where(
            job_instances.c.job_id == bindparam("job_id"),
            job_instances.c.instance_type == literal_column("0"),
            job_instances.c.status == literal_column("'success'"),
            job_instances.c.start_time.is_not(None),
        )
        .order_by(job_instances.c.plan_time.desc())
        .limit(bindparam("rows"))
        .subquery()
    )
)
_PLANNED_AT = Statement(
    select(job_instances)
    .where(
        job_instances.c.workspace_id == bindparam("workspace_id"),
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.plan_time == bindparam("plan_time"),
        job_instances.c.submit_time == bindparam("submit_time"),
    )
    .order_by(job_instances.c.id.desc())
    .limit(1)
)
_ENDED_BETWEEN = Statement(
    select(job_instances.c.id)
    .where(
        job_instances.c.workspace_id == bindparam("workspace_id"),
        job_instances.c.job_name == bindparam("job_name"),
        job_instances.c.plan_time >= bindparam("first"),
        job_instances.c.plan_time <= bindparam("last"),
        job_instances.c.status.in_([literal_column(f"'{state}'") for state in sorted(ENDED_JOB_STATES)]),
    )
    .order_by(job_instances.c.plan_time, job_instances.c.id)
)


def planned_at(
    connection: Connection, workspace_id: str, job_id: int, plan_time: int, submit_time: int
) -> InstanceRecord | None:
    """The instance of a job that was planned for one time and made at another, the newest if there are several."""
    row = connection.one(
        _PLANNED_AT, workspace_id=workspace_id, job_id=job_id, plan_time=plan_time, submit_time=submit_time
    )
    return None if row is None else InstanceRecord(*row)


def ended_between(connection: Connection, workspace_id: str, job_name: str, first: int, last: int) -> list[int]:
    """The instances of a job that have ended, planned from ``first`` to ``last`` (milliseconds), in that order."""
    rows = connection.all(_ENDED_BETWEEN, workspace_id=workspace_id, job_name=job_name, first=first, last=last)
    return [row[0] for row in rows]


def planned_times(connection: Connection, job_id: int, after: int, until: int) -> list[int]:
    """The plan times of the instances that a job's schedule made, ``after < t <= until``, ascending."""
    return [row[0] for row in connection.all(_PLANNED, job_id=job_id, after=after, until=until)]


def average_run(connection: Connection, job_id: int, last: int) -> int | None:
    """How long the ``last`` successful scheduled instances of a job ran on average (milliseconds)."""
    found = connection.value(_AVERAGE, job_id=job_id, rows=last)
    return None if found is None else int(found)


# One page of the list, newest plan time first; a statement per set of filters, so that each can use its index.


@cache
def _listed(filters: frozenset[str]) -> tuple[Statement, Statement]:
    columns = job_instances.c
    choices: dict[str, Any] = {
        "job_name": columns.job_name == bindparam("job_name"),
        "pattern": columns.job_name.like(bindparam("pattern"), escape="\\"),
        "status": columns.status == bindparam("status"),
        "instance_type": columns.instance_type == bindparam("instance_type"),
        "force_success": columns.force_success == bindparam("force_success"),
        "ignore_success": columns.ignore_success == bindparam("ignore_success"),
    }
    where = and_(
        columns.workspace_id == bindparam("workspace_id"),
        columns.plan_time > bindparam("after"),
        columns.plan_time <= bindparam("until"),
        *(choices[name] for name in sorted(filters)),
    )
    count = select(func.count()).select_from(job_instances).where(where)
    page = (
        select(job_instances)
        .where(where)
        .order_by(columns.plan_time.desc(), columns.id.desc())
        .limit(bindparam("rows"))
        .offset(bindparam("skip"))
    )
    return Statement(count), Statement(page)


def page(
    connection: Connection,
    workspace_id: str,
    *,
    after: int,
    until: int,
    job_name: str,
    precise: bool,
    status: str,
    instance_type: int | None,
    skip: int,
    rows: int,
    flags: Iterable[str] = (),
) -> tuple[int, list[InstanceRecord]]:
    """How many instances match, and one page of them. ``after`` is excluded, ``until`` included (milliseconds).

    ``flags``: force_success or ignore_success, for only those that have them.
    """
    filters: dict[str, Any] = {}
    if job_name:
        filters |= {"job_name": job_name} if precise else {"pattern": contains(job_name)}
    if status:
        filters["status"] = status
    if instance_type is not None:
        filters["instance_type"] = instance_type
    filters |= dict.fromkeys(flags, 1)
    count, found = _listed(frozenset(filters))
    values = {**filters, "workspace_id": workspace_id, "after": after, "until": until}
    total = int(connection.value(count, **values))
    listed = connection.all(found, **values, rows=rows, skip=skip)
    return total, [InstanceRecord(*row) for row in listed]
