"""Task groups, which cap how many nodes run at once. Extensions of ours: the cloud service has them in its console."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, WorkspaceNotFound
from headrace.factory import task_groups
from headrace.wire.v1.task_groups import TaskGroup, TaskGroupList, TaskGroupRequest

_PATH = "/v1/{project_id}/task-groups"
_ONE = _PATH + "/{task_group_id}"
_ERRORS = (InvalidParameter, WorkspaceNotFound)


@operation("GET", _PATH, errors=(WorkspaceNotFound,), tag="task group", extension=True)
def list_task_groups(call: Call) -> TaskGroupList:
    """List the task groups of the workspace, by name."""
    return task_groups.list_all(call.services, call.caller)


@operation("POST", _PATH, errors=_ERRORS, tag="task group", extension=True)
def create_task_group(call: Call, body: TaskGroupRequest) -> TaskGroup:
    """Make a task group with an id of its own."""
    return task_groups.create(call.services, call.caller, body)


@operation("GET", _ONE, errors=_ERRORS, tag="task group", extension=True)
def show_task_group(call: Call) -> TaskGroup:
    """One task group."""
    return task_groups.show(call.services, call.caller, call.path["task_group_id"])


@operation("PUT", _ONE, errors=_ERRORS, tag="task group", extension=True)
def put_task_group(call: Call, body: TaskGroupRequest) -> TaskGroup:
    """Change a task group, at once also for what runs; or make one with an id that jobs from elsewhere name."""
    return task_groups.put(call.services, call.caller, call.path["task_group_id"], body)


@operation("DELETE", _ONE, answers=204, errors=_ERRORS, tag="task group", extension=True)
def delete_task_group(call: Call) -> None:
    """Delete a task group that no job uses."""
    task_groups.delete(call.services, call.caller, call.path["task_group_id"])
