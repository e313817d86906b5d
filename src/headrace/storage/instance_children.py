"""The instances that a node of another instance runs: how they stand, and how they begin and end."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select, update

from headrace.storage.database import Connection
from headrace.storage.instances import CHILD, START, STOP, InstanceRecord
from headrace.storage.open_instances import unended_or_held
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances


class ChildRecord(NamedTuple):
    """What a parent must know of an instance that one of its nodes runs."""

    id: int
    instance_name: str
    status: str
    wish: str
    start_time: int | None
    error_message: str


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
    .where(_of_parent, unended_or_held)
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


def children_of(connection: Connection, parent_id: int, position: int, fence: int) -> list[ChildRecord]:
    """The instances that an attempt of a node runs, in their order."""
    rows = connection.all(_CHILDREN, parent_id=parent_id, position=position, fence=fence)
    return [ChildRecord(*row) for row in rows]


def open_of(connection: Connection, parent_id: int) -> list[int]:
    """The instances that an instance runs and that have not ended."""
    return [row[0] for row in connection.all(_OPEN_CHILDREN, parent_id=parent_id)]


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
