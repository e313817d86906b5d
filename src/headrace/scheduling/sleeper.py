"""A thread that looks for what is due, and sleeps until there is something to look for again."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import structlog

log = structlog.get_logger("headrace.scheduling")

TROUBLE_SECONDS = 1.0  # how long it rests after a look that failed


class Sleeper(ABC):
    """``wake`` may be called from any thread, also before ``start``."""

    name: str  # of the thread

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._woken = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    @abstractmethod
    def look(self) -> float:
        """Do what is due; seconds until something is. What it raises is logged, and it is called again."""

    def start(self) -> None:
        """Begin with a look; nothing happens where it runs already."""
        if self._thread is None:
            self._stopping, self._woken = False, True
            self._thread = threading.Thread(target=self._loop, name=self.name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the look that is going on."""
        if self._thread is not None:
            with self._condition:
                self._stopping = True
                self._condition.notify()
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Look at once: something may have changed."""
        with self._condition:
            self._woken = True
            self._condition.notify()

    def _loop(self) -> None:
        while True:
            try:
                wait = self.look()
            except Exception:
                log.exception("a look at what is due failed; it is tried again", thread=self.name)
                wait = TROUBLE_SECONDS
            with self._condition:
                if not (self._woken or self._stopping):
                    self._condition.wait(wait)
                self._woken = False
                if self._stopping:
                    return
