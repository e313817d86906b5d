"""This engine among the engines of a database: its lease, and the instances of those whose lease has ended.

A database that only this process opens needs no lease: the lock on the home says that the last engine is gone.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from headrace.services import Services
from headrace.storage import engines, open_instances
from headrace.storage.database import Connection


class Overtaken(Exception):
    """This engine was silent for longer than its lease; others have what it ran, and nothing was written."""


class Taken(NamedTuple):
    """What was taken over: from how many engines, how many instances, and the homes of engines on this machine."""

    engines: int
    instances: int
    homes: list[str]


class Membership:
    """Who this engine is. Used by the engine's thread only."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._machine = f"{socket.gethostname()}:"
        self._place = f"{self._machine}{services.settings.home}"
        self._shared = services.db.shared
        self._lease = services.settings.engine_lease_seconds * 1000
        self.id = services.next_id()

    @property
    def beat_millis(self) -> int | None:
        """How often the lease is extended; None for never."""
        return self._lease // 3 if self._shared else None

    def join(self) -> Taken:
        """Become an engine, again where it was overtaken, and take over what others left."""
        with self._services.db.writing(durable=False) as connection:
            now = engines.clock(connection)
            engines.add(connection, self.id, self._place, self._until(now))
            return self._take_over(connection, now)

    def beat(self) -> Taken:
        """Extend the lease and take over from engines that are late. Raises Overtaken."""
        with self._services.db.writing(durable=False) as connection:
            now = engines.clock(connection)
            if not engines.beat(connection, self.id, self._until(now)):
                raise Overtaken
            return self._take_over(connection, now)

    def check(self, connection: Connection) -> None:
        """Make sure that this engine may write what it did, until the transaction ends. Raises Overtaken."""
        if self._shared and not engines.holds(connection, self.id):
            raise Overtaken

    def leave(self) -> None:
        """Let others take over at once what is left."""
        if self._shared:
            with self._services.db.writing(durable=False) as connection:
                engines.beat(connection, self.id, 0)

    def _until(self, now: int) -> int:
        return now + self._lease if self._shared else engines.FOREVER

    def _take_over(self, connection: Connection, now: int) -> Taken:
        gone = engines.late(connection, self.id, self._place, now)
        engines.remove(connection, gone)
        homes = [place.removeprefix(self._machine) for place in gone.values() if place.startswith(self._machine)]
        return Taken(len(gone), open_instances.adopt(connection, self.id), homes)
