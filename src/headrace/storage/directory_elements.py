"""What lies in the directories: the jobs, scripts and resources of a workspace without their texts."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, bindparam, literal_column, select

from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import jobs, resources, scripts


class Element(NamedTuple):
    """An object in a directory (``/a/b``). ``process_type`` and ``single_node`` (1 or 0) are those of jobs."""

    id: int | str
    name: str
    directory: str
    owner: str
    process_type: str
    single_node: int


def _elements(
    table: Table,
    owner: ColumnElement[str],
    process_type: ColumnElement[str],
    single_node: ColumnElement[int],
    *only: ColumnElement[bool],
) -> Statement:
    return Statement(
        select(table.c.id, table.c.name, table.c.directory, owner, process_type, single_node)
        .where(
            table.c.workspace_id == bindparam("workspace_id"),
            table.c.name.like(bindparam("pattern"), escape="\\"),
            *only,
        )
        .order_by(table.c.directory, table.c.name)
    )


_nothing: ColumnElement[str] = literal_column("''")
_zero: ColumnElement[int] = literal_column("0")
_BY_KIND = {
    "job": _elements(jobs, jobs.c.owner, jobs.c.process_type, jobs.c.single_node, jobs.c.parent_id.is_(None)),
    "script": _elements(scripts, scripts.c.create_user, _nothing, _zero),
    "resource": _elements(resources, resources.c.create_user, _nothing, _zero),
}


def elements(connection: Connection, workspace_id: str, kind: str, name: str) -> list[Element]:
    """The objects of a kind (job, script, resource) by directory and name. ``name``: part of the name."""
    rows = connection.all(_BY_KIND[kind], workspace_id=workspace_id, pattern=contains(name))
    return [Element(*row) for row in rows]
