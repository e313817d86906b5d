"""Task groups: how many nodes of a group run at once in a workspace."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances, node_instances, task_groups


class TaskGroupRecord(NamedTuple):
    """A row of ``task_groups``."""

    id: str
    workspace_id: str
    name: str
    max_nodes: int


_in_workspace = task_groups.c.workspace_id == bindparam("workspace_id")
_ALL = Statement(select(task_groups).where(_in_workspace).order_by(task_groups.c.name))
_BY_ID = Statement(select(task_groups).where(_in_workspace, task_groups.c.id == bindparam("id")))
_LIMIT = Statement(select(task_groups.c.max_nodes).where(_in_workspace, task_groups.c.id == bindparam("id")))
_LOCKED = Statement(
    select(task_groups.c.max_nodes).where(_in_workspace, task_groups.c.id == bindparam("id")).with_for_update()
)
_ELSEWHERE = Statement(
    select(func.count())
    .select_from(node_instances.join(job_instances, job_instances.c.id == node_instances.c.instance_id))
    .where(
        node_instances.c.task_group == bindparam("id"),
        node_instances.c.task_group != literal_column("''"),
        node_instances.c.status == literal_column("'running'"),
        job_instances.c.workspace_id == bindparam("workspace_id"),
        job_instances.c.owner != bindparam("owner"),
    )
)
_INSERT = Statement(insert(task_groups))
_UPDATE = Statement(
    update(task_groups)
    .where(task_groups.c.workspace_id == bindparam("workspace_key"), task_groups.c.id == bindparam("key"))
    .values(name=bindparam("name"), max_nodes=bindparam("max_nodes"))
)
_DELETE = Statement(delete(task_groups).where(_in_workspace, task_groups.c.id == bindparam("id")))


def all_of_workspace(connection: Connection, workspace_id: str) -> list[TaskGroupRecord]:
    """Every group, by name."""
    return [TaskGroupRecord(*row) for row in connection.all(_ALL, workspace_id=workspace_id)]


def by_id(connection: Connection, workspace_id: str, group_id: str) -> TaskGroupRecord | None:
    """One group."""
    row = connection.one(_BY_ID, workspace_id=workspace_id, id=group_id)
    return None if row is None else TaskGroupRecord(*row)


def limit(connection: Connection, workspace_id: str, group_id: str) -> int | None:
    """How many nodes of a group may run at once; None for one that does not exist, which limits nothing."""
    row = connection.one(_LIMIT, workspace_id=workspace_id, id=group_id)
    return None if row is None else int(row[0])


def running_elsewhere(connection: Connection, workspace_id: str, group_id: str, owner: str) -> int:
    """How many slots of a group nodes have that other engines run."""
    return int(connection.value(_ELSEWHERE, workspace_id=workspace_id, id=group_id, owner=owner))


def locked_limit(connection: Connection, workspace_id: str, group_id: str) -> int | None:
    """How many nodes of a group may run at once; other engines wait with theirs until the transaction ends."""
    row = connection.one(_LOCKED, workspace_id=workspace_id, id=group_id)
    return None if row is None else int(row[0])


def put(connection: Connection, group: TaskGroupRecord) -> None:
    """Add a group, or give the one of that id another name and limit. Raises Duplicate for a name that is taken."""
    changed = connection.run(
        _UPDATE, workspace_key=group.workspace_id, key=group.id, name=group.name, max_nodes=group.max_nodes
    )
    if not changed:
        connection.run(_INSERT, **group._asdict())


def delete_group(connection: Connection, workspace_id: str, group_id: str) -> None:
    """Forget a group."""
    connection.run(_DELETE, workspace_id=workspace_id, id=group_id)
