"""Connections: how to reach a database, a cluster or a host. The secrets in a document are sealed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import connections


class ConnectionRecord(NamedTuple):
    """A row of ``connections``; times in milliseconds."""

    id: str
    workspace_id: str
    name: str
    type: str
    document: str
    create_user: str
    create_time: int
    update_user: str
    modify_time: int


_in_workspace = connections.c.workspace_id == bindparam("workspace_id")
_part_of_name = connections.c.name.like(bindparam("pattern"), escape="\\")

_BY_NAME = Statement(select(connections).where(_in_workspace, connections.c.name == bindparam("name")))
_ALL = Statement(select(connections.c.name, connections.c.document).where(_in_workspace).order_by(connections.c.name))
_COUNT = Statement(select(func.count()).select_from(connections).where(_in_workspace, _part_of_name))
_COUNT_OF_USER = Statement(
    select(func.count())
    .select_from(connections)
    .where(
        _in_workspace,
        func.lower(connections.c.type) == bindparam("lower_type"),
        connections.c.create_user == bindparam("user"),
    )
)
_PAGE = Statement(
    select(connections)
    .where(_in_workspace, _part_of_name)
    .order_by(connections.c.create_time, connections.c.id)
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
_INSERT = Statement(insert(connections))
_CHANGED = ("name", "type", "document", "update_user", "modify_time")
_REPLACE = Statement(
    update(connections)
    .where(connections.c.id == bindparam("connection_id"))
    .values({name: bindparam(name) for name in _CHANGED})
)
_DELETE = Statement(delete(connections).where(_in_workspace, connections.c.name == bindparam("name")))


def by_name(connection: Connection, workspace_id: str, name: str) -> ConnectionRecord | None:
    """One connection of a workspace."""
    row = connection.one(_BY_NAME, workspace_id=workspace_id, name=name)
    return None if row is None else ConnectionRecord(*row)


def all_documents(connection: Connection, workspace_id: str) -> Iterator[tuple[str, str]]:
    """Name and text (secrets sealed) of every connection, by name."""
    for row in connection.stream(_ALL, workspace_id=workspace_id):
        yield row[0], row[1]


def count_of_user(connection: Connection, workspace_id: str, lower_type: str, user: str) -> int:
    """How many connections of a type (in small letters) a user made."""
    return int(connection.value(_COUNT_OF_USER, workspace_id=workspace_id, lower_type=lower_type, user=user))


def page(
    connection: Connection, workspace_id: str, *, name: str, skip: int, rows: int
) -> tuple[int, list[ConnectionRecord]]:
    """How many connections match, and one page of them, oldest first. ``name``: part of the name."""
    values: dict[str, Any] = {"workspace_id": workspace_id, "pattern": contains(name)}
    total = int(connection.value(_COUNT, **values))
    return total, [ConnectionRecord(*row) for row in connection.all(_PAGE, **values, skip=skip, rows=rows)]


def insert_connection(connection: Connection, added: ConnectionRecord) -> None:
    """Add a connection. Raises Duplicate when the name is taken."""
    connection.run(_INSERT, **added._asdict())


def replace_connection(connection: Connection, changed: ConnectionRecord) -> None:
    """Write what an update may change, the name included. Raises Duplicate when the new name is taken."""
    values = changed._asdict()
    connection.run(_REPLACE, connection_id=changed.id, **{name: values[name] for name in _CHANGED})


def put(connection: Connection, record: ConnectionRecord) -> None:
    """Add a connection, or replace the one of that name, whose id, creator and time of creation stay."""
    found = by_name(connection, record.workspace_id, record.name)
    if found is None:
        insert_connection(connection, record)
    else:
        replace_connection(connection, record._replace(id=found.id))


def delete_connection(connection: Connection, workspace_id: str, name: str) -> bool:
    """Whether there was such a connection."""
    return connection.run(_DELETE, workspace_id=workspace_id, name=name) > 0
