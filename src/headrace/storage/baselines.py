"""Baselines, and what was found of the promise of each day. See decision 27."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, literal_column, select, update

from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import baseline_instances, baselines, job_instances


class BaselineRecord(NamedTuple):
    """A row of ``baselines``. ``document``: the request as JSON. Times in milliseconds."""

    id: int
    workspace_id: str
    project_id: str
    name: str
    version: int
    document: str
    create_time: int
    modify_time: int
    promised: int
    next_look: int | None


class PromiseRecord(NamedTuple):
    """A row of ``baseline_instances``: a promise about what is planned in ``begins <= t < ends``.

    ``alarmed``: standings told of, joined by commas.
    """

    id: int
    baseline_id: int
    promised: int
    warned: int
    begins: int
    ends: int
    standing: str
    finished: int
    finish: int | None
    reason: str
    alarmed: str
    first_alarm: int | None
    last_alarm: int | None


_in_workspace = baselines.c.workspace_id == bindparam("workspace_id")
_PUT = InsertStatement(
    baselines,
    BaselineRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("id",), set_={name: new.excluded[name] for name in BaselineRecord._fields[3:]}
    ),
)
_ALL = Statement(select(baselines).where(_in_workspace).order_by(baselines.c.name))
_BY_ID = Statement(select(baselines).where(_in_workspace, baselines.c.id == bindparam("id")))
_DELETE = Statement(delete(baselines).where(_in_workspace, baselines.c.id == bindparam("id")))
_DELETE_PROMISES = Statement(delete(baseline_instances).where(baseline_instances.c.baseline_id == bindparam("id")))
_EARLIEST = Statement(select(func.min(baselines.c.next_look)))
_DUE = Statement(
    select(baselines)
    .where(baselines.c.next_look <= bindparam("now"))
    .order_by(baselines.c.next_look, baselines.c.id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)
_ADVANCE = Statement(
    update(baselines)
    .where(baselines.c.id == bindparam("key"))
    .values(promised=bindparam("promised"), next_look=bindparam("next_look"))
)
_PROMISE = Statement(
    select(baseline_instances).where(
        baseline_instances.c.baseline_id == bindparam("baseline_id"),
        baseline_instances.c.promised == bindparam("promised"),
        baseline_instances.c.begins == bindparam("begins"),
    )
)
_BROKEN = Statement(
    select(baseline_instances)
    .where(
        baseline_instances.c.baseline_id == bindparam("baseline_id"),
        baseline_instances.c.promised >= bindparam("since"),
        baseline_instances.c.standing == literal_column("'OVER'"),
        baseline_instances.c.finished == literal_column("0"),
    )
    .order_by(baseline_instances.c.promised, baseline_instances.c.begins)
)
_PUT_PROMISE = InsertStatement(
    baseline_instances,
    PromiseRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("baseline_id", "promised", "begins"),
        set_={name: new.excluded[name] for name in PromiseRecord._fields[3:]},
    ),
)
_FORGET = Statement(delete(baseline_instances).where(baseline_instances.c.promised < bindparam("before")))
_PROMISES = Statement(
    select(baseline_instances, *(baselines.c[name].label(f"of_{name}") for name in BaselineRecord._fields))
    .select_from(baseline_instances.join(baselines, baselines.c.id == baseline_instances.c.baseline_id))
    .where(
        _in_workspace,
        baseline_instances.c.promised >= bindparam("first"),
        baseline_instances.c.promised <= bindparam("last"),
    )
    .order_by(baseline_instances.c.promised, baseline_instances.c.id)
)
_RUNS = Statement(
    select(job_instances)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.instance_type == literal_column("0"),
        job_instances.c.plan_time >= bindparam("first"),
        job_instances.c.plan_time < bindparam("until"),
    )
    .order_by(job_instances.c.plan_time)
)


def put(connection: Connection, baseline: BaselineRecord) -> None:
    """Add a baseline, or change the one of that id. Raises Duplicate for a name that another one has."""
    connection.run(_PUT, **baseline._asdict())


def all_of_workspace(connection: Connection, workspace_id: str) -> list[BaselineRecord]:
    """Every baseline, by name."""
    return [BaselineRecord(*row) for row in connection.all(_ALL, workspace_id=workspace_id)]


def by_id(connection: Connection, workspace_id: str, baseline_id: int) -> BaselineRecord | None:
    """One baseline."""
    row = connection.one(_BY_ID, workspace_id=workspace_id, id=baseline_id)
    return None if row is None else BaselineRecord(*row)


def delete_baseline(connection: Connection, workspace_id: str, baseline_id: int) -> bool:
    """Forget a baseline with its promises; whether there was one."""
    if not connection.run(_DELETE, workspace_id=workspace_id, id=baseline_id):
        return False
    connection.run(_DELETE_PROMISES, id=baseline_id)
    return True


def earliest(connection: Connection) -> int | None:
    """When to look at a baseline next."""
    found: int | None = connection.value(_EARLIEST)
    return found


def due(connection: Connection, now: int, rows: int) -> list[BaselineRecord]:
    """Baselines to look at, which nobody else looks at until the transaction ends."""
    return [BaselineRecord(*row) for row in connection.all(_DUE, now=now, rows=rows)]


def advance(connection: Connection, baseline_id: int, promised: int, next_look: int) -> None:
    """Say which promise is the first that is open, and when to look again."""
    connection.run(_ADVANCE, key=baseline_id, promised=promised, next_look=next_look)


def promise(connection: Connection, baseline_id: int, promised: int, begins: int) -> PromiseRecord | None:
    """What was found of one promise."""
    row = connection.one(_PROMISE, baseline_id=baseline_id, promised=promised, begins=begins)
    return None if row is None else PromiseRecord(*row)


def broken(connection: Connection, baseline_id: int, since: int) -> list[PromiseRecord]:
    """The promises since a time that were broken, and of which something has not ended yet."""
    return [PromiseRecord(*row) for row in connection.all(_BROKEN, baseline_id=baseline_id, since=since)]


def put_promise(connection: Connection, found: PromiseRecord) -> None:
    """Write what is found of a promise."""
    connection.run(_PUT_PROMISE, **found._asdict())


def forget(connection: Connection, before: int) -> None:
    """Forget the promises of before a time."""
    connection.run(_FORGET, before=before)


def promises(
    connection: Connection, workspace_id: str, first: int, last: int
) -> list[tuple[PromiseRecord, BaselineRecord]]:
    """What was promised from one time to another, with the baselines as they are now, in that order."""
    rows = connection.all(_PROMISES, workspace_id=workspace_id, first=first, last=last)
    cut = len(PromiseRecord._fields)
    return [(PromiseRecord(*row[:cut]), BaselineRecord(*row[cut:])) for row in rows]


def runs(connection: Connection, job_id: int, first: int, until: int) -> list[InstanceRecord]:
    """The instances that a job's schedule made for ``first <= plan time < until``."""
    return [InstanceRecord(*row) for row in connection.all(_RUNS, job_id=job_id, first=first, until=until)]
