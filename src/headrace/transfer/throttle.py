"""Limits of rows and bytes a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from headrace.sql.engine import Cancellation


class Throttle:
    """Lets amounts pass at a rate, one second of it at once; shared by the threads of a job."""

    def __init__(self, per_second: float, seconds: Callable[[], float]) -> None:
        self._rate = per_second
        self._seconds = seconds
        self._lock = threading.Lock()
        self._free_at = seconds()

    def wait(self, amount: int, cancellation: Cancellation) -> None:
        """Wait until the amount may pass, or the job is to stop."""
        with self._lock:
            now = self._seconds()
            self._free_at = max(self._free_at, now - 1.0) + amount / self._rate
            delay = self._free_at - now
        if delay > 0:
            cancellation.wait(delay)
