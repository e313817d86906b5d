"""Slots of task groups: how many nodes of a group run at once. Source: reference on scheduling §8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Protocol

from headrace.engine.membership import Membership
from headrace.engine.walk import Walk
from headrace.storage import task_groups
from headrace.storage.database import Database

Group = tuple[str, str]  # workspace and id


class Slots(Protocol):
    """What the database knows of groups."""

    def limit(self, group: Group) -> int | None:
        """How many nodes may run at once; None for a group that does not exist, which limits nothing."""

    def elsewhere(self, group: Group) -> int:
        """How many nodes of other engines run."""


class StoredGroups:
    """The groups of the database, with the nodes that other engines write there."""

    def __init__(self, db: Database, membership: Membership) -> None:
        self._db = db
        self._membership = membership

    def limit(self, group: Group) -> int | None:
        """How many nodes may run at once; None for a group that does not exist, which limits nothing."""
        with self._db.reading() as connection:
            return task_groups.limit(connection, *group)

    def elsewhere(self, group: Group) -> int:
        """How many nodes other engines run."""
        if not self._db.shared:
            return 0
        with self._db.reading() as connection:
            return task_groups.running_elsewhere(connection, *group, self._membership.id)


class GroupSlots:
    """What is free in task groups during one round; looks only when a node that could start has a group."""

    def __init__(self, walks: Iterable[Walk], slots: Slots) -> None:
        self._walks = walks
        self._slots = slots
        self._free: dict[Group, int | None] = {}

    def take(self, walk: Walk) -> int | None:
        """The first startable node for which there is a slot, which is taken; None when all must wait."""
        for position in walk.startable:
            group = walk.job.task_group_of(position)
            if not group:
                return position
            key = (walk.record.workspace_id, group)
            free = self._free_of(key)
            if free is None:
                return position
            if free > 0:
                self._free[key] = free - 1
                return position
        return None

    def _free_of(self, group: Group) -> int | None:
        if group not in self._free:
            limit = self._slots.limit(group)
            taken = 0 if limit is None else self._taken[group] + self._slots.elsewhere(group)
            self._free[group] = None if limit is None else limit - taken
        return self._free[group]

    @cached_property
    def _taken(self) -> Counter[Group]:
        """Nodes of this engine that run, by group, before anything was taken."""
        return taken_by(self._walks)


def taken_by(walks: Iterable[Walk]) -> Counter[Group]:
    """How many slots of each group the attempts of some walks have."""
    return Counter(
        (walk.record.workspace_id, group)
        for walk in walks
        for position in walk.attempting()
        if (group := walk.job.task_group_of(position))
    )
