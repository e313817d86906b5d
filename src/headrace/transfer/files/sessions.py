"""Connections to a server of files: one for each stream and each step at a time, kept for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, Protocol, TypeVar

from headrace.errors_cdm import CdmError, RunStopped
from headrace.sql.engine import Cancellation


class Session(Protocol):
    """A connection. ``cut`` ends it from any thread, whatever it waits for."""

    def cut(self) -> None: ...


S = TypeVar("S", bound=Session)


class Sessions(Generic[S]):
    """Makes connections with ``connect`` when there is no idle one; cuts all of them when the job is to stop."""

    def __init__(self, connect: Callable[[], S], cancellation: Cancellation) -> None:
        self._connect = connect
        self._cancellation = cancellation
        self._lock = threading.Lock()
        self._idle: list[S] = []
        self._lent: list[S] = []
        self._stack = ExitStack()
        self._stack.enter_context(cancellation.calling(self._cut))

    def take(self) -> S:
        """A connection. Raises RunStopped, and what connecting raises."""
        with self._lock:
            if self._idle:
                self._lent.append(self._idle.pop())
                return self._lent[-1]
        self.check()
        session = self._connect()
        with self._lock:
            self._lent.append(session)
        if self._cancellation.cancelled:
            self.drop(session)
            raise RunStopped
        return session

    def give(self, session: S) -> None:
        """It can be used again."""
        with self._lock:
            if session in self._lent:
                self._lent.remove(session)
                self._idle.append(session)

    def drop(self, session: S) -> None:
        """It cannot, or somebody left in the middle of something."""
        with self._lock:
            if session in self._lent:
                self._lent.remove(session)
        session.cut()

    def check(self) -> None:
        """Raises RunStopped when the job is to stop."""
        if self._cancellation.cancelled:
            raise RunStopped

    @contextmanager
    def one(self) -> Iterator[S]:
        """A connection for one step; dropped after an error that is not ours: who knows what it left."""
        session = self.take()
        try:
            yield session
        except CdmError:
            self.give(session)
            raise
        except BaseException:
            self.drop(session)
            raise
        self.give(session)

    def close(self) -> None:
        """Let go of all."""
        self._stack.close()
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            every = [*self._idle, *self._lent]
            self._idle.clear()
            self._lent.clear()
        for session in every:
            session.cut()
