"""Job instances and their nodes: what ran, what runs, what is to run.

Use cases and the engine meet here: a use case changes an instance and leaves a wish, the engine sees the wish. Whoever
changes an instance first locks its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances, node_attempts, node_instances

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
_INSERT_ATTEMPT = Statement(insert(node_attempts))
_ATTEMPTS = Statement(
    select(node_attempts)
    .where(node_attempts.c.instance_id == bindparam("instance_id"), node_attempts.c.position == bindparam("position"))
    .order_by(node_attempts.c.fence)
)
_DROP_NODES = Statement(delete(node_instances).where(node_instances.c.instance_id == bindparam("instance_id")))

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


def replace_nodes(connection: Connection, instance_id: int, nodes: Sequence[NodeRecord]) -> None:
    """Give an instance other nodes: it is run again with another version of its job."""
    connection.run(_DROP_NODES, instance_id=instance_id)
    connection.run_many(_INSERT_NODE, [node._asdict() for node in nodes])
