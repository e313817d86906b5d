"""Connections of SQLAlchemy to any system: how they are stopped, and what drivers raise, told without passwords."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, DatabaseUnreachable, DriverMissing, RunStopped, SqlFailed
from headrace.sql.engine import Cancellation
from headrace.transfer.relational.cutting import Refused

# What one row can be blamed for where the driver has no class of its own for it: values, constraints, triggers.
# Source: Oracle, "Database Error Messages"; SQL Server, "Database engine events and errors"
_OF_A_ROW: dict[str, frozenset[int]] = {
    "oracle": frozenset(
        {1, 1400, 1401, 1407, 1426, 1438, 1722, 2290, 2291, 2292, 6502, 12899, 12900, *range(1830, 1900)}
        | set(range(20_000, 21_000))
    ),
    "mssql": frozenset(
        {220, 232, 241, 242, 244, 245, 248, 295, 296, 515, 547, 2601, 2627, 2628, 8114, 8115, 8152, 50_000}
    ),
}
_AGAIN = 0.5  # seconds
_STOPS = ("interrupt", "cancel_safe", "cancel", "close")  # what the connections of drivers can do from another thread


def opened(url: sa.URL, extra: str) -> sa.Engine:
    """The engine of a URL; nothing is connected yet. Raises DriverMissing."""
    try:
        return sa.create_engine(url, poolclass=NullPool)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        needs = f"pip install 'headrace[{extra}]' installs it" if extra else "install the driver of the vendor"
        raise DriverMissing(f"{url.drivername}: {needs} ({error}).") from error


@contextmanager
def told(url: sa.URL, cancellation: Cancellation) -> Iterator[None]:
    """What SQLAlchemy and drivers raise, as CdmError; RunStopped where the run was cancelled."""
    if cancellation.cancelled:
        raise RunStopped
    try:
        yield
    except (HeadraceError, Refused, GeneratorExit):
        raise
    except Exception as error:
        if cancellation.cancelled:
            raise RunStopped from None
        if not isinstance(error, SQLAlchemyError):
            raise
        raise _as_cdm(url, error) from None  # the driver's own text may hold the password


@contextmanager
def stopping(cancellation: Cancellation, connection: sa.Connection) -> Iterator[None]:
    """Have the statement of a connection ended when the run is cancelled.

    It is asked for until the block ends: a request that comes between two statements is lost.
    """
    raw: Any = connection.connection.dbapi_connection
    stop = next(getattr(raw, name) for name in _STOPS if hasattr(raw, name))
    ended = threading.Event()

    def insist() -> None:
        while not ended.is_set():
            with suppress(Exception):  # whatever a driver says of a statement that ended by itself
                stop()
            ended.wait(_AGAIN)

    with cancellation.calling(lambda: threading.Thread(target=insist, name="stop", daemon=True).start()):
        try:
            yield
        finally:
            ended.set()


def _as_cdm(url: sa.URL, error: SQLAlchemyError) -> CdmError:
    text = reason(url, error)
    if isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None):
        return DatabaseUnreachable(text)
    return DatabaseUnreachable(text) if isinstance(error, InterfaceError) else SqlFailed(text)


def reason(url: sa.URL, error: SQLAlchemyError) -> str:
    """What the driver said, the password taken out; no values of rows."""
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return text.replace(url.password, "******") if url.password else text


def refused(url: sa.URL, dialect: str, error: SQLAlchemyError) -> Refused | None:
    """The refusal of a row, where the error is one; the drivers do not name the row."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return None
        if isinstance(error, IntegrityError | DataError) or _number(error.orig) in _OF_A_ROW.get(dialect, ()):
            return Refused(reason(url, error))
        return None
    return Refused(reason(url, error)) if isinstance(error, sa.exc.StatementError) else None


def _number(error: BaseException | None) -> int:
    """The system's number of an error: drivers put it into their first argument, or the ``code`` of that."""
    first = error.args[0] if error is not None and error.args else 0
    found = getattr(first, "code", first)
    return found if isinstance(found, int) else 0
