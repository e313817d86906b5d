"""System tasks and their subtasks: what an import did, object by object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import subtasks, tasks

RUNNING, SUCCESSFUL, FAILED = "RUNNING", "SUCCESSFUL", "FAILED"


class Task(NamedTuple):
    """A task; times in milliseconds, ``end_time`` None while it runs; ``request``: what it was asked to do, as JSON."""

    id: str
    project_id: str
    workspace_id: str
    name: str
    status: str
    message: str
    start_time: int
    end_time: int | None
    last_update: int
    request: str


class Subtask(NamedTuple):
    """One object of a task."""

    task_id: str
    position: int
    id: str
    name: str
    status: str
    message: str
    last_update: int


_ADD = Statement(insert(tasks))
_ADD_SUBTASK = Statement(insert(subtasks))
_BY_ID = Statement(select(tasks).where(tasks.c.project_id == bindparam("project"), tasks.c.id == bindparam("id")))
_SUBTASKS = Statement(select(subtasks).where(subtasks.c.task_id == bindparam("id")).order_by(subtasks.c.position))
_END = Statement(
    update(tasks)
    .where(tasks.c.id == bindparam("task_id"), tasks.c.status == RUNNING)
    .values(
        status=bindparam("status"),
        message=bindparam("message"),
        end_time=bindparam("now"),
        last_update=bindparam("now"),
    )
)
_ALL_RUNNING = Statement(select(tasks).where(tasks.c.status == RUNNING).order_by(tasks.c.start_time))
_OLD = select(tasks.c.id).where(tasks.c.end_time < bindparam("before"))
_DROP_OLD_SUBTASKS = Statement(delete(subtasks).where(subtasks.c.task_id.in_(_OLD)))
_DROP_OLD = Statement(delete(tasks).where(tasks.c.end_time < bindparam("before")))


def add(connection: Connection, task: Task) -> None:
    """Add a task that has begun."""
    connection.run(_ADD, **task._asdict())


def add_subtasks(connection: Connection, rows: Sequence[Subtask]) -> None:
    """Add what happened to some objects."""
    connection.run_many(_ADD_SUBTASK, [row._asdict() for row in rows])


def end(connection: Connection, task_id: str, status: str, message: str, now: int) -> None:
    """A task ends once: SUCCESSFUL or FAILED."""
    connection.run(_END, task_id=task_id, status=status, message=message, now=now)


def all_running(connection: Connection) -> list[Task]:
    """Every task that has not ended, oldest first."""
    return [Task(*row) for row in connection.all(_ALL_RUNNING)]


def by_id(connection: Connection, project_id: str, task_id: str) -> tuple[Task, list[Subtask]] | None:
    """A task of the project and its subtasks in order."""
    row = connection.one(_BY_ID, project=project_id, id=task_id)
    if row is None:
        return None
    return Task(*row), [Subtask(*found) for found in connection.all(_SUBTASKS, id=task_id)]


def forget_before(connection: Connection, before: int) -> None:
    """Remove tasks that ended before a time."""
    connection.run(_DROP_OLD_SUBTASKS, before=before)
    connection.run(_DROP_OLD, before=before)
