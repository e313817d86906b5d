"""Task groups on the wire: a resource of ours. Source: reference on scheduling §8."""

from __future__ import annotations

from headrace.wire.base import Wire


class TaskGroupRequest(Wire):
    """``maxNodes``: how many nodes of the group run at once, 1 to 1,000."""

    name: str | None = None
    max_nodes: int | None = None


class TaskGroup(Wire, omit_defaults=False):
    """A group. Jobs and nodes name its ``id`` as ``taskWorkGroupId``."""

    id: str
    name: str
    max_nodes: int


class TaskGroupList(Wire, omit_defaults=False):
    """The groups of a workspace, by name."""

    total: int
    task_groups: list[TaskGroup]
