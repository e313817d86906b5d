"""Workspaces: found for every request, listed, made.

Source: factory-v1-notes §3 (the header) and §14.6, factory-v2-notes §6.
"""

from __future__ import annotations

import weakref

from headrace.domain.identity import Caller, Workspace
from headrace.errors import InvalidParameter, MissingParameter, WorkspaceNotFound
from headrace.objectstore.path import ObsPath
from headrace.services import Services
from headrace.storage import identity, workspaces
from headrace.storage.database import Connection, Database, Duplicate
from headrace.storage.workspaces import WorkspaceRecord
from headrace.wire.v1.workspaces import (
    CreateWorkspaceRequest,
    UserWorkspaceQuery,
    WorkspaceBody,
    WorkspacePage,
    WorkspaceQuery,
)

DEFAULT = "default"
MAX_NAME = 128  # characters
MAX_LIMIT = 1000  # rows of a page

_Found = dict[tuple[str, str], Workspace]
_cache: weakref.WeakKeyDictionary[Database, _Found] = weakref.WeakKeyDictionary()


def find(services: Services, project_id: str, header: str) -> Workspace:
    """The workspace that a ``workspace`` header names; the default one for an absent or empty header.

    Hyphens and capitals of the id do not count. What was found is remembered. Raises WorkspaceNotFound.
    """
    found = _cache.get(services.db)
    if found is None:
        found = _cache.setdefault(services.db, {})
    workspace_id = header.strip().replace("-", "").lower()
    known = found.get((project_id, workspace_id))
    if known is not None:
        return known
    with services.db.reading() as connection:
        record = (
            workspaces.by_id(connection, project_id, workspace_id)
            if workspace_id
            else workspaces.default_of(connection, project_id)
        )
    if record is None:
        raise WorkspaceNotFound(f"workspace: {header!r}." if workspace_id else "workspace: there is no default one.")
    made = found[project_id, workspace_id] = _workspace(record)
    return made


def forget(services: Services) -> None:
    """Forget what was found, after a workspace was changed."""
    _cache.pop(services.db, None)


def named(services: Services, project_id: str, name_or_id: str | None) -> Workspace | None:
    """A workspace by id or name, the default one for None; None where there is none."""
    try:
        return find(services, project_id, name_or_id or "")
    except WorkspaceNotFound:
        if not name_or_id:
            return None
    with services.db.reading() as connection:
        record = workspaces.by_name(connection, project_id, name_or_id)
    return None if record is None else _workspace(record)


def _workspace(record: WorkspaceRecord) -> Workspace:
    return Workspace(id=record.id, project_id=record.project_id, name=record.name, is_default=bool(record.is_default))


def new_default(project_id: str, user: str, workspace_id: str, now: int) -> WorkspaceRecord:
    """The workspace that every project starts with."""
    return WorkspaceRecord(workspace_id, project_id, DEFAULT, 1, "", "0", "", "", user, now, user, now)


def add(connection: Connection, workspace: WorkspaceRecord) -> None:
    """Add a workspace. Raises InvalidParameter when the name is taken."""
    try:
        workspaces.insert_workspace(connection, workspace)
    except Duplicate as error:
        raise InvalidParameter(f"name: a workspace {workspace.name!r} exists.") from error


def create(services: Services, caller: Caller, *, name: str, description: str = "") -> str:
    """Make a workspace; its id. Raises MissingParameter, InvalidParameter."""
    return create_as_asked(services, caller, CreateWorkspaceRequest(name=name, description=description))


def create_as_asked(services: Services, caller: Caller, request: CreateWorkspaceRequest) -> str:
    """Make a workspace with everything a request can say; its id.

    Raises MissingParameter, InvalidParameter (also for a name that is taken), InvalidObsPath.
    """
    name = _checked_name(request.name)
    job_log = _checked_location(request.job_log_location_name, "job_log_location_name")
    bad_records = _checked_location(request.bad_record_location_name, "bad_record_location_name")
    user, now = caller.user.name, caller.now
    record = WorkspaceRecord(
        id=services.next_id(),
        project_id=caller.project_id,
        name=name,
        is_default=0,
        description=request.description or "",
        eps_id=request.eps_id or "0",
        job_log_location=job_log,
        bad_record_location=bad_records,
        create_user=user,
        create_time=now,
        update_user=user,
        update_time=now,
    )
    with services.db.writing() as connection:
        add(connection, record)
    forget(services)
    return record.id


def _checked_name(name: str | None) -> str:
    if not name or not name.strip():
        raise MissingParameter("name: missing.")
    if len(name) > MAX_NAME:
        raise InvalidParameter(f"name: {len(name)} characters are more than {MAX_NAME}.")
    return name


def _checked_location(path: str | None, member: str) -> str:
    if path:
        ObsPath.parse(path, member)
    return path or ""


def list_page(services: Services, caller: Caller, instance_id: str, query: WorkspaceQuery) -> WorkspacePage:
    """One page of the project's workspaces, oldest first; ``offset`` counts records. Raises InvalidParameter."""
    if not 1 <= query.limit <= MAX_LIMIT:
        raise InvalidParameter(f"limit: {query.limit} is not between 1 and {MAX_LIMIT}.")
    if not 0 <= query.offset <= 2**31 - 1:
        raise InvalidParameter(f"offset: {query.offset} is not a number of records from 0.")
    return _page(services, caller, instance_id, skip=query.offset, rows=query.limit)


def list_of_user(
    services: Services, caller: Caller, instance_id: str, user_id: str, query: UserWorkspaceQuery
) -> WorkspacePage:
    """The workspaces a user may use: all of the project for its users, none for others. Raises InvalidParameter."""
    size = MAX_LIMIT if query.page_size is None else query.page_size
    if not 1 <= size <= MAX_LIMIT:
        raise InvalidParameter(f"page-size: {size} is not between 1 and {MAX_LIMIT}.")
    if not 1 <= query.page_number <= 2**31 - 1:
        raise InvalidParameter(f"page-number: {query.page_number} is not a page number from 1.")
    with services.db.reading() as connection:
        user = identity.user_by_id(connection, user_id)
    if user is None or user.project_id != caller.project_id:
        return WorkspacePage(count=0, total_page=0, data=[])
    return _page(services, caller, instance_id, skip=(query.page_number - 1) * size, rows=size)


def _page(services: Services, caller: Caller, instance_id: str, *, skip: int, rows: int) -> WorkspacePage:
    with services.db.reading() as connection:
        total, found = workspaces.page(connection, caller.project_id, skip=skip, rows=rows)
        members = _member_count(connection, caller.project_id)
    data = [_body(record, instance_id, caller.user.domain_id, members) for record in found]
    return WorkspacePage(count=total, total_page=-(-total // rows), data=data)


def show(services: Services, caller: Caller, instance_id: str, workspace_id: str) -> WorkspaceBody:
    """One workspace of the project. Raises WorkspaceNotFound."""
    with services.db.reading() as connection:
        record = workspaces.by_id(connection, caller.project_id, workspace_id.replace("-", "").lower())
        members = _member_count(connection, caller.project_id)
    if record is None:
        raise WorkspaceNotFound(f"workspace_id: {workspace_id!r}.")
    return _body(record, instance_id, caller.user.domain_id, members)


def _member_count(connection: Connection, project_id: str) -> int:
    """Every user of a project is a member of all its workspaces."""
    return sum(user.project_id == project_id for user in identity.all_users(connection))


def _body(record: WorkspaceRecord, instance_id: str, domain_id: str, members: int) -> WorkspaceBody:
    return WorkspaceBody(
        id=record.id,
        name=record.name,
        description=record.description,
        is_default=record.is_default,
        instance_id=instance_id,
        project_id=record.project_id,
        domain_id=domain_id,
        eps_id=record.eps_id,
        owner_name=record.create_user,
        job_log_location_name=record.job_log_location,
        bad_record_location_name=record.bad_record_location,
        member_num=members,
        create_user=record.create_user,
        create_time=record.create_time,
        update_user=record.update_user,
        update_time=record.update_time,
    )
