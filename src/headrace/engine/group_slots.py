"""Slots of task groups: how many nodes of a group run at once. Source: reference on scheduling §8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property

from headrace.engine.walk import Walk

Group = tuple[str, str]  # workspace and id
Limits = Callable[[Iterable[Group]], dict[Group, int]]


class GroupSlots:
    """What is free in task groups during one round; looks only when a node that could start has a group.

    Counts the nodes of this engine. ``limits`` gives those of the groups that exist; one that does not limits nothing.
    """

    def __init__(self, walks: Iterable[Walk], limits: Limits) -> None:
        self._walks = walks
        self._limits = limits
        self._known: dict[Group, int | None] = {}

    def take(self, walk: Walk) -> int | None:
        """The first startable node for which there is a slot, which is taken; None when all must wait."""
        for position in walk.startable:
            group = walk.job.task_group_of(position)
            if not group:
                return position
            key = (walk.record.workspace_id, group)
            limit = self._limit(key)
            if limit is None:
                return position
            if self._used[key] < limit:
                self._used[key] += 1
                return position
        return None

    def _limit(self, key: Group) -> int | None:
        if key not in self._known:
            self._known[key] = self._limits([key]).get(key)
        return self._known[key]

    @cached_property
    def _used(self) -> Counter[Group]:
        """Running nodes by group, before anything was taken."""
        return Counter(
            (walk.record.workspace_id, group)
            for walk in self._walks
            for position in walk.attempting()
            if (group := walk.job.task_group_of(position))
        )
