"""Connections to PostgreSQL: where and as whom, and what its two drivers raise, told without passwords."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, DatabaseUnreachable, DriverMissing, RunStopped, SqlFailed
from headrace.sql.engine import Cancellation
from headrace.transfer.relational.cutting import Refused

_SETTINGS = (
    "SELECT set_config('datestyle', 'ISO', false), set_config('intervalstyle', 'postgres', false),"
    " set_config('extra_float_digits', '3', false)"
)
_LOST = ("08", "57P", "53300", "28", "3D000")  # classes of SQLSTATE: no connection, or none any more
_OF_A_ROW = ("22", "23", "P0")  # values, constraints, what triggers raise
_STOP_AGAIN = 0.2  # seconds
_LINE = re.compile(r"COPY .*?, line (\d+)(?:, column (.+?))?(?::|$)", re.S)


@dataclass(frozen=True)
class Address:
    """What libpq needs to connect: ``parameters`` by its own names (``dbname``, ``sslmode``)."""

    parameters: dict[str, str] = field(repr=False)

    def connection_text(self) -> str:
        """As one text, which holds the password."""
        return str(_driver("psycopg.conninfo").make_conninfo(**self.parameters))

    def without_password(self, text: str) -> str:
        """A message of a driver, the password taken out."""
        password = self.parameters.get("password", "")
        return text.replace(password, "******") if password else text

    def connect(self) -> Any:
        """A connection of psycopg, each statement a transaction. Raises CdmError."""
        with told(self):
            connection = _driver("psycopg").connect(self.connection_text(), autocommit=True, prepare_threshold=None)
            connection.execute(_SETTINGS)
            return connection

    def connect_columns(self) -> Any:
        """A connection of the driver that reads and loads columns, each statement a transaction. Raises CdmError."""
        with told(self):
            connection = _driver("adbc_driver_postgresql.dbapi").connect(self.connection_text(), autocommit=True)
            with connection.cursor() as cursor:
                cursor.execute(_SETTINGS)
                cursor.fetchall()
            return connection


def _driver(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DriverMissing(f"pip install 'headrace[postgres]' installs it ({error}).") from error


@contextmanager
def told(address: Address, cancellation: Cancellation | None = None) -> Iterator[None]:
    """What a driver raises, as CdmError; RunStopped where the run was cancelled."""
    if cancellation is not None and cancellation.cancelled:
        raise RunStopped
    try:
        yield
    except (HeadraceError, Refused, GeneratorExit):
        raise
    except Exception as error:
        if cancellation is not None and cancellation.cancelled:
            raise RunStopped from None
        if not _is_of_driver(error):
            raise
        raise _as_cdm(address, error) from None  # the driver's own text may hold the password


def _is_of_driver(error: Exception) -> bool:
    return any(cls.__module__.partition(".")[0] in ("psycopg", "adbc_driver_manager") for cls in type(error).__mro__)


def _as_cdm(address: Address, error: Exception) -> CdmError:
    state, reason, _ = facts(error)
    text = address.without_password(reason)
    lost = state.startswith(_LOST) if state else _without_answer(error)
    return DatabaseUnreachable(text) if lost else SqlFailed(text)


def _without_answer(error: Exception) -> bool:
    """Whether an error without SQLSTATE says that the server is not to be had."""
    return type(error).__name__ == "OperationalError"


def facts(error: Exception) -> tuple[str, str, str]:
    """SQLSTATE, message and context of what either driver raised."""
    state = getattr(error, "sqlstate", None) or ""
    diagnosis = getattr(error, "diag", None)
    if diagnosis is not None:
        primary, detail, context = diagnosis.message_primary, diagnosis.message_detail, diagnosis.context
    else:
        parts = {key if isinstance(key, str) else key.decode(): text for key, text in getattr(error, "details", ())}
        primary, detail, context = (
            _text(parts.get(f"PG_DIAG_{name}")) for name in ("MESSAGE_PRIMARY", "MESSAGE_DETAIL", "CONTEXT")
        )
    reason = f"{primary}{f' ({detail})' if detail else ''}" if primary else str(error).strip()
    return state, reason, context or ""


def _text(part: bytes | str | None) -> str:
    return part.decode(errors="replace") if isinstance(part, bytes) else part or ""


def refused(address: Address, error: Exception) -> Refused | None:
    """The row that COPY refused, where the error is one of a row."""
    state, reason, context = facts(error)
    if not state.startswith(_OF_A_ROW):
        return None
    place = _LINE.search(context)
    text = address.without_password(reason)
    if place is None:
        return Refused(text)
    return Refused(f"Column {place[2]}: {text}" if place[2] else text, int(place[1]) - 1)


@contextmanager
def stopping(cancellation: Cancellation, stop: Callable[[], None]) -> Iterator[None]:
    """Have ``stop`` called when the run is cancelled, and again until the block ends.

    Once would not do, as a statement may begin just after it. No call is made or goes on when the block has ended.
    """
    lock, ended = threading.Lock(), threading.Event()

    def quietly() -> None:
        with lock:
            if ended.is_set():
                return
            try:
                stop()
            except Exception as error:
                if not _is_of_driver(error):
                    raise

    def again_and_again() -> None:
        while not ended.wait(_STOP_AGAIN):
            quietly()

    def begin() -> None:
        quietly()
        threading.Thread(target=again_and_again, name="stopping", daemon=True).start()

    try:
        with cancellation.calling(begin):
            yield
    finally:
        with lock:
            ended.set()
