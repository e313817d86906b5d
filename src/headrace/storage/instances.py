"""Job instances and their nodes: what ran, what runs, what is to run.

Use cases and the engine meet here: a use case changes an instance and leaves a wish, the engine sees the wish. Whoever
changes an instance first locks its row.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, column, delete, func, insert, literal_column, select, update

from headrace.domain.instance import ENDED_JOB_STATES, HELD_JOB_STATES, UNENDED_JOB_STATES
from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import engines, job_instances, node_attempts, node_instances

START, STOP, CHILD = "START", "STOP", "CHILD"  # CHILD: an instance that a node of this one runs has ended


class InstanceRecord(NamedTuple):
    """A row of ``job_instances``. ``parameters``: JSON of the values of the call. Times in milliseconds."""

    id: int
    workspace_id: str
    job_id: int
    job_name: str
    instance_name: str
    instance_type: int
    status: str
    wish: str
    version: int
    parameters: str
    run_as: str
    project_id: str
    log_root: str
    plan_time: int
    submit_time: int
    start_time: int | None = None
    end_time: int | None = None
    force_success: int = 0
    ignore_success: int = 0
    error_message: str = ""
    handed_down: str = "{}"
    parent_id: int | None = None
    parent_position: int | None = None
    parent_fence: int | None = None
    child_number: int | None = None
    owner: str = ""
    cancel_at: int | None = None
    dry_run: int = 0


class NodeRecord(NamedTuple):
    """A row of ``node_instances``. ``retry_times``: retries made. Times in milliseconds."""

    instance_id: int
    position: int
    name: str
    type: str
    status: str
    plan_time: int
    start_time: int | None = None
    end_time: int | None = None
    retry_times: int = 0
    fence: int = 0
    lease_until: int | None = None
    retry_at: int | None = None
    output: str | None = None
    error_message: str = ""
    log_path: str = ""
    input_row_count: int | None = None
    closed: int = 0
    running_data: str | None = None
    variables: str | None = None
    children: str | None = None
    attempt_time: int | None = None
    task_group: str = ""


class AttemptRecord(NamedTuple):
    """A row of ``node_attempts``: how an attempt ended. ``outcome``: success, fail, timeout, stopped or lost."""

    instance_id: int
    position: int
    fence: int
    name: str
    outcome: str
    start_time: int
    end_time: int
    message: str
    log_path: str


class ChildRecord(NamedTuple):
    """What a parent must know of an instance that one of its nodes runs."""

    id: int
    instance_name: str
    status: str
    wish: str
    start_time: int | None
    error_message: str


def attempt_ended(node: NodeRecord, outcome: str, now: int, message: str = "") -> AttemptRecord:
    """How the running attempt of a node ended."""
    begun = now if node.attempt_time is None else node.attempt_time
    return AttemptRecord(
        node.instance_id, node.position, node.fence, node.name, outcome, begun, now, message, node.log_path
    )


_INSERT = Statement(insert(job_instances))
_INSERT_NODE = Statement(insert(node_instances))
_LOCK = Statement(select(job_instances).where(job_instances.c.id == bindparam("id")).with_for_update())
_BY_ID = Statement(select(job_instances).where(job_instances.c.id == bindparam("id")))
_NODES = Statement(
    select(node_instances)
    .where(node_instances.c.instance_id == bindparam("instance_id"))
    .order_by(node_instances.c.position)
)
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
_too_long = job_instances.c.status.in_([literal_column("'waiting'"), literal_column("'waiting-confirm'")])
_FIRST_OVERDUE = Statement(
    select(func.min(job_instances.c.cancel_at)).where(_too_long, job_instances.c.cancel_at.is_not(None))
)
_OVERDUE = Statement(
    select(job_instances)
    .where(_too_long, job_instances.c.cancel_at <= bindparam("now"))
    .order_by(job_instances.c.cancel_at, job_instances.c.id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)
_INSERT_ATTEMPT = Statement(insert(node_attempts))
_ATTEMPTS = Statement(
    select(node_attempts)
    .where(node_attempts.c.instance_id == bindparam("instance_id"), node_attempts.c.position == bindparam("position"))
    .order_by(node_attempts.c.fence)
)
_DROP_NODES = Statement(delete(node_instances).where(node_instances.c.instance_id == bindparam("instance_id")))

# What the engine looks for when it starts, and when it is woken.
# written out, so that the database sees that its partial index serves
_unended = job_instances.c.status.in_(
    [literal_column(f"'{state}'") for state in ("waiting", "running", "running-exception")]
)
_unended_or_held = job_instances.c.status.in_(
    [literal_column(f"'{state}'") for state in sorted(UNENDED_JOB_STATES | HELD_JOB_STATES)]
)
_mine = job_instances.c.owner == bindparam("owner")
_nobodys = job_instances.c.owner == literal_column("''")
_OPEN = Statement(select(job_instances.c.id).where(_unended, _mine).order_by(job_instances.c.id))
_WISHING = Statement(
    select(job_instances.c.id, job_instances.c.wish)
    .where(job_instances.c.wish != literal_column("''"), _nobodys | _mine)
    .order_by(job_instances.c.id)
)
_begun = job_instances.c.status.in_([literal_column("'running'"), literal_column("'running-exception'")])
_orphaned = (job_instances.c.owner != literal_column("''")) & job_instances.c.owner.not_in(select(engines.c.id))
_ADOPT = Statement(update(job_instances).where(_orphaned).values(owner=bindparam("heir")))
_ADOPT_OWNERLESS = Statement(update(job_instances).where(_unended, _begun, _nobodys).values(owner=bindparam("heir")))
_UNENDED_OF_JOB = Statement(
    select(job_instances.c.id)
    .where(job_instances.c.job_id == bindparam("job_id"), _unended_or_held)
    .order_by(job_instances.c.id)
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

# What a node that runs instances of another job needs to know of them and do with them.
_of_parent = job_instances.c.parent_id == bindparam("parent_id")
_CHILDREN = Statement(
    select(*(job_instances.c[name] for name in ChildRecord._fields))
    .where(
        _of_parent,
        job_instances.c.parent_position == bindparam("position"),
        job_instances.c.parent_fence == bindparam("fence"),
    )
    .order_by(job_instances.c.child_number)
)
_OPEN_CHILDREN = Statement(
    select(job_instances.c.id, job_instances.c.parent_position, job_instances.c.wish, job_instances.c.status)
    .where(_of_parent, _unended_or_held)
    .order_by(job_instances.c.id)
)
_WISH = Statement(update(job_instances).where(job_instances.c.id == bindparam("key")).values(wish=bindparam("wish")))
_END_UNBEGUN = Statement(
    update(job_instances)
    .where(job_instances.c.id == bindparam("key"))
    .values(status=bindparam("status"), end_time=bindparam("end_time"), error_message=bindparam("error_message"))
)
_TELL = Statement(
    update(job_instances)
    .where(
        job_instances.c.id == bindparam("key"),
        job_instances.c.wish == literal_column("''"),
        job_instances.c.status.in_([literal_column("'running'"), literal_column("'running-exception'")]),
    )
    .values(wish=CHILD)
)

_UPDATE_COLUMNS = (
    "status",
    "wish",
    "version",
    "parameters",
    "start_time",
    "end_time",
    "force_success",
    "ignore_success",
    "error_message",
    "owner",
    "cancel_at",
    "dry_run",
)
_UPDATE = Statement(
    update(job_instances)
    .where(job_instances.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in _UPDATE_COLUMNS})
)
_NODE_UPDATE_COLUMNS = NodeRecord._fields[4:]
_UPDATE_NODE = Statement(
    update(node_instances)
    .where(node_instances.c.instance_id == bindparam("key"), node_instances.c.position == bindparam("key_position"))
    .values({name: bindparam(name) for name in _NODE_UPDATE_COLUMNS})
)


def insert_instance(connection: Connection, instance: InstanceRecord, nodes: Sequence[NodeRecord]) -> None:
    """Add an instance with its nodes."""
    connection.run(_INSERT, **instance._asdict())
    connection.run_many(_INSERT_NODE, [node._asdict() for node in nodes])


def lock(connection: Connection, instance_id: int) -> InstanceRecord | None:
    """One instance, which nobody else can change until the transaction ends."""
    row = connection.one(_LOCK, id=instance_id)
    return None if row is None else InstanceRecord(*row)


def by_id(connection: Connection, instance_id: int) -> InstanceRecord | None:
    """One instance."""
    row = connection.one(_BY_ID, id=instance_id)
    return None if row is None else InstanceRecord(*row)


def nodes_of(connection: Connection, instance_id: int) -> list[NodeRecord]:
    """The nodes of an instance in the order of the job."""
    return [NodeRecord(*row) for row in connection.all(_NODES, instance_id=instance_id)]


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


def open_ids(connection: Connection, owner: str) -> list[int]:
    """Instances of an engine that have not ended, oldest first."""
    return [row[0] for row in connection.all(_OPEN, owner=owner)]


def wishes(connection: Connection, owner: str) -> dict[int, str]:
    """What is wished of instances that an engine must look at: its own, and those of none; oldest first."""
    return {row[0]: row[1] for row in connection.all(_WISHING, owner=owner)}


def adopt(connection: Connection, heir: str) -> int:
    """Give what engines had that are gone, and what runs without one, to an engine; how many instances."""
    return connection.run(_ADOPT, heir=heir) + connection.run(_ADOPT_OWNERLESS, heir=heir)


def unended_of_job(connection: Connection, job_id: int) -> list[int]:
    """Instances of a job that have not ended or are held back, oldest first."""
    return [row[0] for row in connection.all(_UNENDED_OF_JOB, job_id=job_id)]


def update_instances(connection: Connection, changed: Iterable[InstanceRecord]) -> None:
    """Write what can change of instances; their rows are locked."""
    rows = [{name: getattr(item, name) for name in _UPDATE_COLUMNS} | {"key": item.id} for item in changed]
    connection.run_many(_UPDATE, rows)


def update_nodes(connection: Connection, changed: Iterable[NodeRecord]) -> None:
    """Write what can change of nodes; the rows of their instances are locked."""
    rows = [
        {
            **dict(zip(_NODE_UPDATE_COLUMNS, node[4:], strict=True)),
            "key": node.instance_id,
            "key_position": node.position,
        }
        for node in changed
    ]
    connection.run_many(_UPDATE_NODE, rows)


def add_attempts(connection: Connection, ended: Iterable[AttemptRecord]) -> None:
    """Record how attempts ended; each can be recorded once."""
    connection.run_many(_INSERT_ATTEMPT, [item._asdict() for item in ended])


def attempts_of(connection: Connection, instance_id: int, position: int) -> list[AttemptRecord]:
    """The attempts of a node that have ended, oldest first, also of earlier runs of the instance."""
    return [AttemptRecord(*row) for row in connection.all(_ATTEMPTS, instance_id=instance_id, position=position)]


def planned_times(connection: Connection, job_id: int, after: int, until: int) -> list[int]:
    """The plan times of the instances that a job's schedule made, ``after < t <= until``, ascending."""
    return [row[0] for row in connection.all(_PLANNED, job_id=job_id, after=after, until=until)]


def first_overdue(connection: Connection) -> int | None:
    """When the next waiting instance will have waited too long."""
    found: int | None = connection.value(_FIRST_OVERDUE)
    return found


def overdue(connection: Connection, now: int, rows: int) -> list[InstanceRecord]:
    """Instances that have waited too long, locked; those that somebody else looks at are left out."""
    return [InstanceRecord(*row) for row in connection.all(_OVERDUE, now=now, rows=rows)]


def average_run(connection: Connection, job_id: int, last: int) -> int | None:
    """How long the ``last`` successful scheduled instances of a job ran on average (milliseconds)."""
    found = connection.value(_AVERAGE, job_id=job_id, rows=last)
    return None if found is None else int(found)


def children_of(connection: Connection, parent_id: int, position: int, fence: int) -> list[ChildRecord]:
    """The instances that an attempt of a node runs, in their order."""
    rows = connection.all(_CHILDREN, parent_id=parent_id, position=position, fence=fence)
    return [ChildRecord(*row) for row in rows]


def begin_children(connection: Connection, ids: Iterable[int]) -> None:
    """Have the engine begin instances that their parent held back."""
    connection.run_many(_WISH, [{"key": key, "wish": START} for key in ids])


def end_children(connection: Connection, parent_id: int, positions: Container[int], now: int) -> list[int]:
    """Have the engine stop what nodes of an instance run; what had not begun is stopped at once. The ids of the first.

    Messages are for people who look at those instances.
    """
    rows = connection.all(_OPEN_CHILDREN, parent_id=parent_id)
    found = [(key, wish == "" and status == "waiting") for key, at, wish, status in rows if at in positions]
    stopped = {"status": "manual-stop", "end_time": now, "error_message": "Not begun: the node that runs it has ended."}
    connection.run_many(_END_UNBEGUN, [{"key": key, **stopped} for key, unbegun in found if unbegun])
    begun = [key for key, unbegun in found if not unbegun]
    connection.run_many(_WISH, [{"key": key, "wish": STOP} for key in begun])
    return begun


def tell_parent(connection: Connection, ended: InstanceRecord) -> int | None:
    """An instance has ended: let the engine look at the one that runs it, whose id is given."""
    if ended.parent_id is not None:
        connection.run(_TELL, key=ended.parent_id)
    return ended.parent_id


def replace_nodes(connection: Connection, instance_id: int, nodes: Sequence[NodeRecord]) -> None:
    """Give an instance other nodes: it is run again with another version of its job."""
    connection.run(_DROP_NODES, instance_id=instance_id)
    connection.run_many(_INSERT_NODE, [node._asdict() for node in nodes])


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
