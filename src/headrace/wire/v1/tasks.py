"""System tasks as v1 spells them. Source: API reference, "Querying a System Task"."""

from __future__ import annotations

import msgspec

from headrace.wire.base import Wire


class TaskReference(Wire):
    """``taskId``: 32 hexadecimal digits, the argument of ListSystemTasks."""

    task_id: str


class SubtaskView(Wire):
    """One object of the task. ``lastUpdate`` in milliseconds; ``taskId`` is the parent's id."""

    id: str
    name: str
    status: str
    last_update: int
    task_id: str
    message: str = msgspec.field(default_factory=str)


class TaskView(Wire):
    """A task; times in milliseconds, ``endTime`` only when it ended. ``subTasks`` is the older SDK's spelling."""

    id: str
    name: str
    status: str
    start_time: int
    last_update: int
    project_id: str
    message: str
    subtasks: list[SubtaskView]
    sub_tasks: list[SubtaskView]
    end_time: int | None = None
