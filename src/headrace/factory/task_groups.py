"""Task groups: make, change, list and delete them. Source: reference on scheduling §8."""

from __future__ import annotations

import re

from headrace.domain.identity import Caller
from headrace.domain.names import JOB_NAME
from headrace.errors import InvalidParameter
from headrace.services import Services
from headrace.storage import jobs, task_groups
from headrace.storage.database import Connection, Duplicate
from headrace.storage.task_groups import TaskGroupRecord
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.task_groups import TaskGroup, TaskGroupList, TaskGroupRequest

MAX_NODES = 1000
_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")


def list_all(services: Services, caller: Caller) -> TaskGroupList:
    """The groups of the workspace, by name."""
    with services.db.reading() as connection:
        found = task_groups.all_of_workspace(connection, caller.workspace.id)
    return TaskGroupList(total=len(found), task_groups=[_shown(record) for record in found])


def show(services: Services, caller: Caller, group_id: str) -> TaskGroup:
    """One group. Raises InvalidParameter for an unknown one."""
    with services.db.reading() as connection:
        return _shown(_found(connection, caller, group_id))


def create(services: Services, caller: Caller, request: TaskGroupRequest) -> TaskGroup:
    """Make a group with an id of its own. Raises InvalidParameter."""
    return put(services, caller, services.next_id(), request)


def put(services: Services, caller: Caller, group_id: str, request: TaskGroupRequest) -> TaskGroup:
    """Make a group with this id, which jobs from elsewhere may name already, or change it; it counts at once.

    Raises InvalidParameter, also for a name that another group has.
    """
    record = _record(caller, group_id, request)
    try:
        with services.db.writing() as connection:
            task_groups.put(connection, record)
    except Duplicate as error:
        raise InvalidParameter(f"name: another task group is called {record.name!r}.") from error
    services.wake_engine()
    return _shown(record)


def delete(services: Services, caller: Caller, group_id: str) -> None:
    """Delete a group that no job uses. Raises InvalidParameter."""
    with services.db.writing() as connection:
        record = _found(connection, caller, group_id)
        users = _users(connection, caller, group_id)
        if users:
            raise InvalidParameter(f"The task group {record.name!r} is used by the job {users[0]!r}; change it first.")
        task_groups.delete_group(connection, caller.workspace.id, group_id)


def _users(connection: Connection, caller: Caller, group_id: str) -> list[str]:
    """The jobs whose draft or newest version names a group."""
    return [
        name
        for name, *texts in jobs.texts_holding(connection, caller.workspace.id, group_id)
        if any(text is not None and group_id in read_definition(text).task_groups for text in texts)
    ]


def _found(connection: Connection, caller: Caller, group_id: str) -> TaskGroupRecord:
    record = task_groups.by_id(connection, caller.workspace.id, group_id)
    if record is None:
        raise InvalidParameter(f"task_group_id: there is no task group {group_id!r} in the workspace.")
    return record


def _record(caller: Caller, group_id: str, request: TaskGroupRequest) -> TaskGroupRecord:
    if not _ID.fullmatch(group_id) or group_id == "-1":
        raise InvalidParameter(f"task_group_id: {group_id!r} is not 1 to 64 letters, digits, '-' or '_', or is -1.")
    if request.name is None or not JOB_NAME.fullmatch(request.name):
        raise InvalidParameter(f"name: {request.name!r} is not 1 to 128 letters, digits, Chinese, '-', '_' or '.'.")
    if request.max_nodes is None or not 1 <= request.max_nodes <= MAX_NODES:
        raise InvalidParameter(f"maxNodes: {request.max_nodes} is not between 1 and {MAX_NODES}.")
    return TaskGroupRecord(group_id, caller.workspace.id, request.name, request.max_nodes)


def _shown(record: TaskGroupRecord) -> TaskGroup:
    return TaskGroup(id=record.id, name=record.name, max_nodes=record.max_nodes)
