"""Sessions of HiveServer2: how they are opened and stopped, and what the driver raises, told without passwords."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

from headrace.errors_cdm import HiveUnreachable, RunStopped, SqlFailed
from headrace.sql.engine import Cancellation
from headrace.transfer.drivers import driver

_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 300  # for one call; statements run between the calls
_LOOK_AGAIN = (0.01, 0.5)  # s between two looks at a statement: at first, at most


@dataclass(frozen=True, kw_only=True)
class HiveAddress:
    """Where HiveServer2 is, and as whom."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    encrypted: bool = False

    @cached_property
    def driver(self) -> ModuleType:
        """Raises DriverMissing."""
        return driver("impala.dbapi", "hive")


@contextmanager
def session(address: HiveAddress, cancellation: Cancellation) -> Iterator[Any]:
    """A cursor of a session of its own. Raises CdmError, for what is done with it too."""
    dbapi = address.driver
    try:
        socket.create_connection((address.host, address.port), _CONNECT_SECONDS).close()  # the driver is too patient
        connection = dbapi.connect(
            host=address.host,
            port=address.port,
            timeout=_ANSWER_SECONDS,
            use_ssl=address.encrypted,
            auth_mechanism="PLAIN",
            user=address.user or "anonymous",
            password=address.password or "anonymous",
            retries=1,
        )
        cursor = connection.cursor(convert_types=False)
    except _failures() as error:
        raise HiveUnreachable(_plain(address, error)) from None
    try:
        with told(address, cancellation):
            yield cursor
    finally:
        with suppress(*_failures()):  # what went wrong before was told
            cursor.close()
            connection.close()


def execute(cursor: Any, statement: str, cancellation: Cancellation) -> None:
    """Run a statement; asks the server to cancel it when the run is cancelled. Raises RunStopped."""
    cursor.execute_async(statement)
    interval, at_most = _LOOK_AGAIN
    while cursor.is_executing():
        if cancellation.wait(interval):
            cursor.cancel_operation(reset_state=False)
            raise RunStopped
        interval = min(interval * 1.5, at_most)
    cursor._wait_to_finish()  # raises what the server says of a statement that failed


def rows_of(cursor: Any) -> list[tuple[Any, ...]]:
    """All rows of what was executed; none where it has no result."""
    if not cursor.description:
        return []
    try:
        return list(cursor.fetchall())
    except IndexError:  # Spark's server declares a column of commands and sends none
        return []


@contextmanager
def told(address: HiveAddress, cancellation: Cancellation) -> Iterator[None]:
    """What the driver raises, as CdmError; RunStopped where the run was cancelled."""
    try:
        yield
    except _failures() as error:
        if cancellation.cancelled:
            raise RunStopped from None
        kind = SqlFailed if isinstance(error, driver("impala.error", "hive").Error) else HiveUnreachable
        raise kind(_plain(address, error)) from None


def _failures() -> tuple[type[Exception], ...]:
    """What the driver raises."""
    transport = driver("thrift.Thrift", "hive").TException
    return (driver("impala.error", "hive").Error, transport, OSError, EOFError)


def _plain(address: HiveAddress, error: Exception) -> str:
    """The server's message, without the stack below it and without the password."""
    text = driver("headrace.sql.real.hive", "hive").HiveDriver().reason(error) or type(error).__name__
    return text.replace(address.password, "******") if address.password else str(text)
