"""Asynchronous system tasks."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import TaskNotFound, WorkspaceNotFound
from headrace.factory import tasks
from headrace.wire.v1.tasks import TaskView


@operation(
    "GET",
    "/v1/{project_id}/system-tasks/{task_id}",
    aliases=("/v1/{project_id}/systemTasks/{task_id}",),
    errors=(TaskNotFound, WorkspaceNotFound),
    tag="task",
)
def list_system_tasks(call: Call) -> TaskView:
    """The state of one asynchronous task, with its subtasks.

    The published example spells the path segment ``systemTasks``; both are served. Source: API reference, "Querying a
    System Task".
    """
    return tasks.show(call.services, call.caller, call.path["task_id"])
