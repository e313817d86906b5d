"""Directories of jobs, scripts and resources. One is created with the first object in it and stays."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import directories

_ADD = InsertStatement(directories, ("id", "workspace_id", "kind", "path"), lambda new: new.on_conflict_do_nothing())
_ALL = Statement(
    select(directories.c.id, directories.c.path)
    .where(directories.c.workspace_id == bindparam("workspace_id"), directories.c.kind == bindparam("kind"))
    .order_by(directories.c.path)
)


def ensure(connection: Connection, workspace_id: str, kind: str, path: str, new_id: str) -> None:
    """Create a directory (``/a/b``, no slash at the end) unless it is there. ``kind``: job, script or resource."""
    if path != "/":
        connection.run(_ADD, id=new_id, workspace_id=workspace_id, kind=kind, path=path)


def paths(connection: Connection, workspace_id: str, kind: str) -> list[tuple[str, str]]:
    """Id and path of every directory, by path."""
    return [(row[0], row[1]) for row in connection.all(_ALL, workspace_id=workspace_id, kind=kind)]
