"""Runs a script on a session of a real engine: statement by statement, cancellable, failures told with their place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Protocol

from headrace.sql.dialects import Dialect
from headrace.sql.engine import (
    ROW_LIMIT,
    Cancellation,
    ExecutionCancelled,
    StatementFailed,
    StatementResult,
)
from headrace.sql.real.target import EngineUnavailable, Target
from headrace.sql.statements import Statement, split

_INTERRUPT_AGAIN = 0.5  # s; a request that comes before the engine began is forgotten by it
_ABANDON_AFTER = 20  # fruitless requests


class Session(Protocol):
    """A connection on which the statements of one script run."""

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """Run one statement to its end; ``statement`` and ``duration_seconds`` of the result are filled in later.

        Raises the driver's errors, or StatementFailed.
        """

    def interrupt(self) -> None:
        """Ask the engine, from another thread, to stop the statement in progress. May raise the driver's errors."""

    def abandon(self) -> None:
        """Stop waiting for an engine that does not answer: ``run`` raises. Called from another thread."""

    def close(self) -> None:
        """End the session; what was not committed is undone."""


class Driver(Protocol):
    """Opens sessions of one kind of engine."""

    errors: tuple[type[Exception], ...]  # that the driver raises

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> Session:
        """A session with its database and its settings chosen. Raises ``errors``."""

    def reason(self, error: Exception) -> str:
        """The engine's own words for an error."""


class RealEngine:
    """The SqlEngine of one connection. Each execution opens a session of its own; safe to use from many threads."""

    def __init__(self, driver: Driver, target: Target) -> None:
        self._driver = driver
        self._target = target
        self._failures: tuple[type[Exception], ...] = (StatementFailed, *driver.errors)

    def execute(
        self,
        script: str,
        dialect: Dialect,
        database: str | None,
        on_statement: Callable[[StatementResult], None] | None = None,
        cancellation: Cancellation | None = None,
        row_limit: int = ROW_LIMIT,
        settings: Mapping[str, str] | None = None,
    ) -> list[StatementResult]:
        """See SqlEngine. Raises EngineUnavailable when the engine cannot be reached."""
        statements = split(script, dialect)
        results: list[StatementResult] = []
        session = self._opened(database, settings or {})
        try:
            for statement in statements:
                result = self._run(session, statement, cancellation or Cancellation(), row_limit)
                results.append(result)
                if on_statement is not None:
                    on_statement(result)
        finally:
            self._close(session)
        return results

    def _opened(self, database: str | None, settings: Mapping[str, str]) -> Session:
        try:
            return self._driver.open(self._target, database, settings)
        except self._failures as error:
            raise EngineUnavailable(f"Connection {self._target.name!r}: {self._words(error)}") from None

    def _run(self, session: Session, statement: Statement, cancellation: Cancellation, limit: int) -> StatementResult:
        place = (statement.text, statement.position)
        if cancellation.cancelled:
            raise ExecutionCancelled("The execution was cancelled.", *place)
        began = time.perf_counter()
        try:
            with _interruptible(session, cancellation, self._driver.errors):
                answer = session.run(statement.text, limit)
        except self._failures as error:
            if cancellation.cancelled:
                raise ExecutionCancelled("The execution was cancelled.", *place) from None
            raise StatementFailed(self._words(error), *place) from None
        if cancellation.cancelled:  # engines may end a statement early as if it were done
            raise ExecutionCancelled("The execution was cancelled.", *place)
        return replace(answer, statement=statement.text, duration_seconds=time.perf_counter() - began)

    def _words(self, error: Exception) -> str:
        words = error.reason if isinstance(error, StatementFailed) else self._driver.reason(error)
        return self._target.masked(words.strip() or type(error).__name__)

    def _close(self, session: Session) -> None:
        try:
            session.close()
        except self._driver.errors:
            return  # the engine is gone, and with it the session


@contextmanager
def _interruptible(session: Session, cancellation: Cancellation, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """A cancellation interrupts the statement in progress, again and again until it has ended."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def interrupt() -> None:
        for _ in range(_ABANDON_AFTER):
            with suppress(*errors):  # it could not be reached this time; the next request may get through
                session.interrupt()
            if ended.wait(_INTERRUPT_AGAIN):
                return
        session.abandon()

    def cancelled() -> None:
        thread = threading.Thread(target=interrupt, name="interrupt statement", daemon=True)
        threads.append(thread)
        thread.start()

    with cancellation.calling(cancelled):
        try:
            yield
        finally:
            ended.set()
    for thread in threads:
        thread.join()
