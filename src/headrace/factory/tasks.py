"""Reading system tasks, and forgetting old ones."""

from __future__ import annotations

from datetime import timedelta

from headrace.domain.identity import Caller
from headrace.errors import TaskNotFound
from headrace.services import Services
from headrace.storage import tasks
from headrace.wire.v1.tasks import SubtaskView, TaskView


def show(services: Services, caller: Caller, task_id: str) -> TaskView:
    """A task of the project with its subtasks. Raises TaskNotFound.

    The service asks for the same workspace header as the call that began the task; one project is enough here.
    """
    with services.db.reading() as connection:
        found = tasks.by_id(connection, caller.project_id, task_id)
    if found is None:
        raise TaskNotFound(task_id)
    task, rows = found
    parts = [
        SubtaskView(
            id=row.id,
            name=row.name,
            status=row.status,
            last_update=row.last_update,
            task_id=task.id,
            message=row.message,
        )
        for row in rows
    ]
    return TaskView(
        id=task.id,
        name=task.name,
        status=task.status,
        start_time=task.start_time,
        end_time=task.end_time,
        last_update=task.last_update,
        project_id=task.project_id,
        message=task.message,
        subtasks=parts,
        sub_tasks=parts,
    )


def forget_old(services: Services) -> None:
    """Remove tasks that ended longer ago than the setting ``task_retention_days`` says."""
    age = timedelta(days=services.settings.task_retention_days) // timedelta(milliseconds=1)
    with services.db.writing() as connection:
        tasks.forget_before(connection, services.now() - age)
