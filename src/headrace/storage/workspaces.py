"""Workspaces of the projects."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, func, insert, select

from headrace.storage.database import Connection, Row
from headrace.storage.statement import Statement
from headrace.storage.tables import workspaces


class WorkspaceRecord(NamedTuple):
    """A row of ``workspaces``; times in milliseconds. ``is_default``: 1 for the one that a missing header means."""

    id: str
    project_id: str
    name: str
    is_default: int
    description: str
    eps_id: str
    job_log_location: str
    bad_record_location: str
    create_user: str
    create_time: int
    update_user: str
    update_time: int


_in_project = workspaces.c.project_id == bindparam("project_id")
_in_order = select(workspaces).where(_in_project).order_by(workspaces.c.create_time, workspaces.c.id)

_BY_ID = Statement(select(workspaces).where(_in_project, workspaces.c.id == bindparam("id")))
_BY_NAME = Statement(select(workspaces).where(_in_project, workspaces.c.name == bindparam("name")))
_DEFAULT = Statement(select(workspaces).where(_in_project, workspaces.c.is_default == 1))
_ALL = Statement(_in_order)
_PAGE = Statement(_in_order.limit(bindparam("rows")).offset(bindparam("skip")))
_COUNT = Statement(select(func.count()).select_from(workspaces).where(_in_project))
_INSERT = Statement(insert(workspaces))


def _record(row: Row | None) -> WorkspaceRecord | None:
    return None if row is None else WorkspaceRecord(*row)


def by_id(connection: Connection, project_id: str, workspace_id: str) -> WorkspaceRecord | None:
    """One workspace of a project."""
    return _record(connection.one(_BY_ID, project_id=project_id, id=workspace_id))


def log_location(connection: Connection, project_id: str, workspace_id: str) -> str:
    """The obs:// folder for the logs of jobs that name none; empty for the project's own bucket."""
    found = by_id(connection, project_id, workspace_id)
    return "" if found is None else found.job_log_location


def by_name(connection: Connection, project_id: str, name: str) -> WorkspaceRecord | None:
    """One workspace of a project."""
    return _record(connection.one(_BY_NAME, project_id=project_id, name=name))


def default_of(connection: Connection, project_id: str) -> WorkspaceRecord | None:
    """The workspace that a missing header means."""
    return _record(connection.one(_DEFAULT, project_id=project_id))


def all_of_project(connection: Connection, project_id: str) -> list[WorkspaceRecord]:
    """Every workspace of a project, oldest first."""
    return [WorkspaceRecord(*row) for row in connection.all(_ALL, project_id=project_id)]


def page(connection: Connection, project_id: str, *, skip: int, rows: int) -> tuple[int, list[WorkspaceRecord]]:
    """How many workspaces a project has, and one page of them, oldest first."""
    total = int(connection.value(_COUNT, project_id=project_id))
    return total, [WorkspaceRecord(*row) for row in connection.all(_PAGE, project_id=project_id, skip=skip, rows=rows)]


def insert_workspace(connection: Connection, workspace: WorkspaceRecord) -> None:
    """Add a workspace. Raises Duplicate when the name is taken in the project."""
    connection.run(_INSERT, **workspace._asdict())
