"""What is due later: retries and the ends of leases, soonest first."""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import NamedTuple


class Due(IntEnum):
    """What is to be done at a moment."""

    RETRY = 0
    LEASE_END = 1
    OVERDUE = 2  # of an instance, not of one of its nodes


class Timer(NamedTuple):
    """Something due at ``at`` (milliseconds); ``fence`` tells whether it still concerns the attempt it was set for."""

    at: int
    kind: Due
    instance_id: int
    position: int
    fence: int


class Timers:
    """A heap of timers. One that became meaningless stays in it and is ignored when it is due."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []

    def add(self, timer: Timer) -> None:
        """Remember it."""
        heapq.heappush(self._heap, timer)

    def due(self, now: int) -> list[Timer]:
        """Take those whose time has come, soonest first."""
        found = []
        while self._heap and self._heap[0].at <= now:
            found.append(heapq.heappop(self._heap))
        return found

    def wait_seconds(self, now: int) -> float | None:
        """Seconds until the next one; None when there is none."""
        return max(0.0, (self._heap[0].at - now) / 1000) if self._heap else None
