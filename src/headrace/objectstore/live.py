"""Logs that are being written: readable before their store shows them, and what wakes those who follow one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headrace.objectstore.base import Appender, ObjectNotFound, ObjectStore, begin_of
from headrace.objectstore.path import ObsPath

Waiter = Callable[[float], bool]  # waits until something happened since, or for some seconds; whether it happened


class LiveLogs:
    """The logs that this process writes, and the threads that wait for more of them.

    A topic is the number of the job instance that something happened to.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Appender] = {}
        self._followers: dict[int, set[threading.Event]] = {}
        self._count = 0

    def begin(self, store: ObjectStore, path: ObsPath) -> Appender:
        """Open the log at ``path`` to add to it. Raises what the store raises."""
        appender = store.appender(path)
        with self._lock:
            self._open[str(path)] = appender
        return appender

    def end(self, path: ObsPath, appender: Appender) -> None:
        """Let go of a log; from here on the store shows it."""
        try:
            appender.close()
        finally:
            with self._lock:
                if self._open.get(str(path)) is appender:
                    del self._open[str(path)]

    def is_open(self, path: ObsPath) -> bool:
        """Whether this process writes the log now."""
        return str(path) in self._open

    def read(self, store: ObjectStore, path: ObsPath, offset: int, size: int) -> tuple[bytes, int]:
        """At most ``size`` bytes from ``offset`` on (from the end where it is negative), and where they begin.

        A log that is not there is empty. Raises ObsFileUnreadable, BucketNotFound.
        """
        appender = self._open.get(str(path))
        if appender is not None:
            unshown = appender.read(offset, size)
            if unshown is not None:
                return unshown
        try:
            with store.open(path) as file:
                length = file.seek(0, 2)
                begin = begin_of(offset, length)
                file.seek(begin)
                return file.read(size), begin
        except ObjectNotFound:
            return b"", max(0, offset)

    # ---- those who follow

    def tell(self, topic: int) -> None:
        """Something happened to an instance: wake those who follow it."""
        if not self._followers:
            return
        with self._lock:
            for event in self._followers.get(topic, ()):
                event.set()

    def tell_all(self) -> None:
        """Wake everybody who follows something."""
        with self._lock:
            for events in self._followers.values():
                for event in events:
                    event.set()

    @contextmanager
    def following(self, topic: int, most: int) -> Iterator[Waiter | None]:
        """Follow an instance; None where ``most`` others do so already, as each holds a thread."""
        event = threading.Event()
        with self._lock:
            taken = self._count < most
            if taken:
                self._count += 1
                self._followers.setdefault(topic, set()).add(event)
        if not taken:
            yield None
            return
        try:
            yield _waiter(event)
        finally:
            with self._lock:
                self._count -= 1
                others = self._followers[topic]
                others.discard(event)
                if not others:
                    del self._followers[topic]


def _waiter(event: threading.Event) -> Waiter:
    def wait(seconds: float) -> bool:
        happened = event.wait(seconds)
        event.clear()
        return happened

    return wait
