"""What every SQL engine offers: run a script, tell the result of each statement, stop when asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from headrace.sql.dialects import Dialect

Scalar = str | int | float | bool | None

ROW_LIMIT = 1000  # rows shown of one result. Source: user guide, "Developing an SQL Script"
OUTPUT_LIMIT = 32_768  # characters that Job.getNodeOutput can return
OUTPUT_TOO_LARGE = "DLF.ERROR:upstream output is larger than limit"


@dataclass(frozen=True, kw_only=True)
class StatementResult:
    """What one statement gave.

    ``rows`` are JSON scalars: numbers, booleans and null as such; decimals, dates (2024-01-31), timestamps
    (2024-01-31 10:00:00[.ffffff]), binary (hexadecimal) as text; lists, structs and maps as JSON text.
    Source: API reference, "Querying the Execution Result of a Script Instance" (rows, schema).
    """

    statement: str
    message: str
    duration_seconds: float
    row_count: int  # rows shown, or rows written, deleted or changed
    rows: tuple[tuple[Scalar, ...], ...] = ()
    schema: tuple[tuple[str, str], ...] = ()  # (column, type name); empty: no result set
    truncated: bool = False  # the result had more rows than were asked for
    input_row_count: int | None = None  # rows written by an INSERT


class SqlError(Exception):
    """A statement did not do what it says; the ones before it did.

    ``position`` says where in the script, ``statement`` is its text, ``reason`` a sentence for a person.
    """

    def __init__(self, reason: str, statement: str = "", position: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.statement = statement
        self.position = position

    def at(self, statement: str, position: str) -> SqlError:
        """The same error, told where it happened unless it knows already."""
        return type(self)(self.reason, self.statement or statement, self.position or position)

    def __str__(self) -> str:
        where = f" ({self.position}: {_shortened(self.statement)})" if self.position else ""
        return f"{self.reason}{where}"


class StatementNotTranslated(SqlError):
    """The embedded engine cannot run this with the meaning of its dialect; nothing of the statement was done."""


class StatementFailed(SqlError):
    """The engine refused the statement or gave up in the middle of it; nothing of it is kept."""


class ExecutionCancelled(SqlError):
    """The execution was cancelled; the statement in progress is undone."""


class Cancellation:
    """A request to stop that wakes whoever waits for it. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """True from the first ``cancel()`` on."""
        return self._cancelled

    def cancel(self) -> None:
        """Ask to stop: calls what waits now, at once; what begins to wait later is called then."""
        with self._lock:
            self._cancelled = True
            self._event.set()
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a cancellation; whether it came."""
        return self._event.wait(seconds)

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call ``callback`` if a cancellation comes inside the block."""
        with self._lock:
            self._callbacks.append(callback)
            late = self._cancelled
        try:
            if late:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)


class SqlEngine(Protocol):
    """Runs scripts of the dialects it understands."""

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
        """Run every statement of ``script`` in order, stopping at the first that fails.

        ``settings`` are set before the first, as SET sets them. ``on_statement`` hears of each result as it is there.
        Raises StatementNotTranslated, StatementFailed, ExecutionCancelled; results given before are told to
        ``on_statement`` only.
        """


def output_text(results: Sequence[StatementResult]) -> str | None:
    """What ``Job.getNodeOutput`` gives: the last result set as a JSON array of rows, cells as text, e.g. ``[["2"]]``.

    None when no statement had a result set; the marker of the original when longer than 32,768 characters.
    Source: user guide, "EL, Job object"; that NULL is null and that the last result set counts is inferred.
    """
    answers = [result for result in results if result.schema]
    if not answers:
        return None
    cells = [[_cell(value) for value in row] for row in answers[-1].rows]
    text = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= OUTPUT_LIMIT else OUTPUT_TOO_LARGE


def _cell(value: Scalar) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _shortened(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= 120 else line[:117] + "..."
