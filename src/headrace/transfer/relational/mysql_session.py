"""Connections to MySQL: how they are opened and stopped, and what the driver raises, told without passwords."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

import pymysql
from pymysql import connections, converters
from pymysql.constants import FIELD_TYPE

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, DatabaseUnreachable, RunStopped, SqlFailed, TableMissing
from headrace.sql.engine import Cancellation
from headrace.transfer.relational.cutting import Refused
from headrace.transfer.relational.mysql_address import MySqlAddress

_HOURS = 8 * 3600  # seconds that the server waits for a slow reader or writer
_PATIENCE = f"SET net_write_timeout = {_HOURS}, net_read_timeout = {_HOURS}"
# Nothing is made to fit; 0 stays 0 in a column that counts. Source: MySQL manual, "Server SQL Modes"
STRICT = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
_PACKET = 256 << 10  # bytes of a file that are sent at a time
_LOST = frozenset(
    {1040, 1042, 1044, 1045, 1049, 1053, 1129, 1130, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1251, 1698}
)
_TABLE = frozenset({1051, 1146})
# What one row can be blamed for, beyond the driver's classes DataError and IntegrityError: values that a column, a
# CHECK or a trigger refuses, invalid JSON and geometry.
_OF_A_ROW = frozenset({1292, 1366, 1367, 1411, 1416, 1441, 1644, 1690, 3140, 3141, 3143, 3156, 3819, 3903, 4025, 4079})
_PLACE = re.compile(r" at row (\d+)$")


def connect(address: MySqlAddress, *, raw: bool = False, loads: bool = False) -> Any:
    """A connection, each statement a transaction. Raises CdmError.

    ``raw``: it gives every value as the bytes of its text; ``loads``: ``load_local`` may be called with it, each
    statement is part of a transaction, and nothing is made to fit.
    """
    kind = _LoadingConnection if loads else connections.Connection
    with told(address):
        connection = kind(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database or None,
            charset="utf8mb4",
            autocommit=not loads,
            connect_timeout=address.connect_seconds,
            read_timeout=address.socket_seconds or None,
            write_timeout=address.socket_seconds or None,
            ssl=dict(address.tls) if address.tls is not None else None,
            program_name="headrace",
            init_command=_PATIENCE,
            local_infile=loads,
            use_unicode=not raw,
            conv=_ENCODERS if raw else _DECODERS,
        )
        if loads:
            connection.query(f"SET sql_mode = '{STRICT}', time_zone = '+00:00'")
        return connection


def load_local(connection: Any, statement: str, data: memoryview) -> tuple[int, int]:
    """Run a ``LOAD DATA LOCAL`` whose file is ``data``; the rows that went in, and the number of warnings."""
    connection.outgoing = data
    try:
        connection.query(statement)
        return connection._result.affected_rows, connection._result.warning_count
    finally:
        connection.outgoing = None


def warnings(connection: Any) -> Sequence[tuple[str, int, str]]:
    """Level, number and text of what the server has to say about the last statement."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW WARNINGS")
        return [(str(level), int(number), str(text)) for level, number, text in cursor.fetchall()]


class _LoadingResult(connections.MySQLResult):  # type: ignore[misc]
    """Never opens a file that a server asks for: it sends what the connection was given, or nothing."""

    def _read_load_local_packet(self, first_packet: Any) -> None:
        wire = self.connection
        data = wire.outgoing or memoryview(b"")
        for begin in range(0, len(data), _PACKET):
            wire.write_packet(bytes(data[begin : begin + _PACKET]))
        wire.write_packet(b"")
        self._read_ok_packet(wire._read_packet())


class _LoadingConnection(connections.Connection):  # type: ignore[misc]
    outgoing: memoryview | None = None

    def _read_query_result(self, unbuffered: bool = False) -> int:
        self._result = None
        result = _LoadingResult(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows or 0)


_ENCODERS = {kind: encode for kind, encode in converters.conversions.items() if not isinstance(kind, int)}
_DECODERS = {kind: decode for kind, decode in converters.conversions.items() if kind != FIELD_TYPE.BIT}


def described_result(connection: Any, select: str) -> Any:
    """Run a SELECT up to its rows, which stay at the server; what they are read from."""
    connection.query(select, unbuffered=True)
    return connection._rfile  # the driver gives rows one by one only


def kill(address: MySqlAddress, connection: Any) -> None:
    """End what the server does for a connection, from another one; shut its socket, which ends the wait for it."""
    with suppress(CdmError, pymysql.MySQLError, OSError), closing(connect(address)) as other:
        other.query(f"KILL QUERY {connection.thread_id()}")
    found = connection._sock  # the driver has no public way to end a wait
    if found is not None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


def drop(connection: Any) -> None:
    """Close a connection without reading what is left of a result; the server undoes what is not committed."""
    result = connection._result
    if result is not None:
        result.unbuffered_active = False
    connection._force_close()


@contextmanager
def stopping(cancellation: Cancellation, address: MySqlAddress, connection: Any) -> Iterator[None]:
    """Have the connection ended when the run is cancelled."""
    with cancellation.calling(partial(kill, address, connection)):
        yield


@contextmanager
def told(address: MySqlAddress, cancellation: Cancellation | None = None) -> Iterator[None]:
    """What the driver raises, as CdmError; RunStopped where the run was cancelled."""
    if cancellation is not None and cancellation.cancelled:
        raise RunStopped
    try:
        yield
    except (HeadraceError, Refused, GeneratorExit):
        raise
    except Exception as error:
        if cancellation is not None and cancellation.cancelled:
            raise RunStopped from None
        if not isinstance(error, pymysql.MySQLError | OSError):
            raise
        raise _as_cdm(address, error) from None  # the driver's own text may hold the password


def _as_cdm(address: MySqlAddress, error: Exception) -> CdmError:
    number, text = facts(error)
    text = address.without_password(text)
    if number in _TABLE:
        return TableMissing(text)
    lost = number in _LOST or number == 0 or 2000 <= number < 3000  # the client's own numbers
    return DatabaseUnreachable(text) if lost else SqlFailed(text)


def facts(error: Exception) -> tuple[int, str]:
    """The server's number, 0 where it is none of its errors, and its message."""
    if len(error.args) >= 2 and isinstance(error.args[0], int):
        return error.args[0], f"{error.args[1]} [{error.args[0]}]"
    return 0, str(error) or type(error).__name__


def refused(address: MySqlAddress, error: Exception) -> Refused | None:
    """The row that a statement was refused for, where the error is one of a row."""
    number, text = facts(error)
    if not isinstance(error, pymysql.err.DataError | pymysql.err.IntegrityError) and number not in _OF_A_ROW:
        return None
    return Refused(address.without_password(text), place(error.args[1] if number else text))


def place(text: str) -> int | None:
    """The row that a message names, from 0 on."""
    found = _PLACE.search(text)
    return int(found[1]) - 1 if found else None
