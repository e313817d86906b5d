"""Resources: named files (and what they need) that jobs use. A name is unique in its directory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from headrace.domain.names import directory_key
from headrace.storage.database import Connection, Row
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import job_references, jobs, resources


class ResourceRecord(NamedTuple):
    """A row of ``resources``. ``directory`` as directories compare (``/a/b``); times in milliseconds."""

    id: str
    workspace_id: str
    name: str
    type: str
    directory: str
    document: str
    create_user: str
    create_time: int
    update_user: str
    modify_time: int


class UsingJob(NamedTuple):
    """A job whose nodes name a resource."""

    resource_name: str
    id: int
    name: str
    version: int
    owner: str


_in_workspace = resources.c.workspace_id == bindparam("workspace_id")
_named = resources.c.name == bindparam("name")
_part_of_name = resources.c.name.like(bindparam("pattern"), escape="\\")

_BY_ID = Statement(select(resources).where(_in_workspace, resources.c.id == bindparam("id")))
_BY_NAME = Statement(select(resources).where(_in_workspace, _named).order_by(resources.c.directory))
_BY_NAME_AND_DIRECTORY = Statement(
    select(resources).where(_in_workspace, _named, resources.c.directory == bindparam("directory"))
)
_ALL = Statement(
    select(resources.c.name, resources.c.document)
    .where(_in_workspace)
    .order_by(resources.c.directory, resources.c.name)
)
_COUNT = Statement(select(func.count()).select_from(resources).where(_in_workspace, _part_of_name))
_one_page = (
    select(resources)
    .where(_in_workspace, _part_of_name)
    .order_by(resources.c.create_time, resources.c.id)
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
_PAGE = Statement(_one_page)

# The jobs whose drafts name the resources of a page, or one resource.
_using = (
    select(job_references.c.name, jobs.c.id, jobs.c.name, jobs.c.version, jobs.c.owner)
    .join(jobs, jobs.c.id == job_references.c.job_id)
    .where(job_references.c.workspace_id == bindparam("workspace_id"), job_references.c.kind == "RESOURCE")
    .order_by(jobs.c.name)
)
_USERS_OF_PAGE = Statement(
    _using.where(job_references.c.name.in_(select(_one_page.subquery("one_page").c.name)))  # a page, not a list of ids
)
_USERS = Statement(_using.where(job_references.c.name == bindparam("name")))

_INSERT = Statement(insert(resources))
_CHANGED = ("name", "type", "document", "update_user", "modify_time")
_REPLACE = Statement(
    update(resources)
    .where(resources.c.id == bindparam("resource_id"))
    .values({name: bindparam(name) for name in _CHANGED})
)
_DELETE = Statement(delete(resources).where(_in_workspace, resources.c.id == bindparam("id")))


def _record(row: Row | None) -> ResourceRecord | None:
    return None if row is None else ResourceRecord(*row)


def by_id(connection: Connection, workspace_id: str, resource_id: str) -> ResourceRecord | None:
    """One resource of a workspace."""
    return _record(connection.one(_BY_ID, workspace_id=workspace_id, id=resource_id))


def by_name(connection: Connection, workspace_id: str, name: str) -> list[ResourceRecord]:
    """The resources of a name, one per directory, by directory."""
    return [ResourceRecord(*row) for row in connection.all(_BY_NAME, workspace_id=workspace_id, name=name)]


def by_name_and_directory(
    connection: Connection, workspace_id: str, name: str, directory: str
) -> ResourceRecord | None:
    """One resource; the directory in any spelling."""
    return _record(
        connection.one(_BY_NAME_AND_DIRECTORY, workspace_id=workspace_id, name=name, directory=directory_key(directory))
    )


def all_documents(connection: Connection, workspace_id: str) -> Iterator[tuple[str, str]]:
    """Name and text of every resource, by name and directory."""
    for row in connection.stream(_ALL, workspace_id=workspace_id):
        yield row[0], row[1]


def page(
    connection: Connection, workspace_id: str, *, name: str, skip: int, rows: int
) -> tuple[int, list[ResourceRecord], list[UsingJob]]:
    """How many resources match, one page of them, oldest first, and the jobs that use those.

    ``name``: part of the name.
    """
    values: dict[str, Any] = {"workspace_id": workspace_id, "pattern": contains(name)}
    total = int(connection.value(_COUNT, **values))
    values |= {"skip": skip, "rows": rows}
    found = [ResourceRecord(*row) for row in connection.all(_PAGE, **values)]
    users = connection.all(_USERS_OF_PAGE, **values) if found else []
    return total, found, [UsingJob(*row) for row in users]


def users(connection: Connection, workspace_id: str, name: str) -> list[UsingJob]:
    """The jobs that use the resources of a name, by name."""
    return [UsingJob(*row) for row in connection.all(_USERS, workspace_id=workspace_id, name=name)]


def insert_resource(connection: Connection, resource: ResourceRecord) -> None:
    """Add a resource. Raises Duplicate when the name is taken in the directory."""
    connection.run(_INSERT, **resource._asdict())


def insert_many(connection: Connection, rows: Sequence[ResourceRecord]) -> None:
    """Add many resources at once. Raises Duplicate."""
    connection.run_many(_INSERT, [resource._asdict() for resource in rows])


def replace_resource(connection: Connection, resource: ResourceRecord) -> None:
    """Write what an update may change; the directory is not. Raises Duplicate when the new name is taken there."""
    values = resource._asdict()
    connection.run(_REPLACE, resource_id=resource.id, **{name: values[name] for name in _CHANGED})


def delete_resource(connection: Connection, workspace_id: str, resource_id: str) -> bool:
    """Whether there was such a resource."""
    return connection.run(_DELETE, workspace_id=workspace_id, id=resource_id) > 0
