"""Hive and Impala, and Spark's Thrift server, through the protocol of HiveServer2 (impyla)."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from impala import dbapi
from impala.error import Error
from thrift.Thrift import TException

from headrace.sql.engine import StatementFailed, StatementResult
from headrace.sql.real.target import CONNECT_SECONDS, EngineUnavailable, Target
from headrace.sql.real.values import seconds_in_full
from headrace.sql.results import scalar

_ANSWER_SECONDS = 300  # for one call; statements run between the calls, but compiling one is in a call
_LOOK_AGAIN = (0.01, 0.5)  # s between two looks at a statement: at first, at most
_SETTING = re.compile(r"[\w.:\-]+")


class HiveDriver:
    """Opens sessions of HiveServer2."""

    errors: tuple[type[Exception], ...] = (Error, TException, OSError)
    port = 10000
    open_to_all = "PLAIN"  # the mechanism where no password is asked for

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> HiveSession:
        """A session whose current database is that of the script; ``settings`` are set one by one."""
        session = HiveSession(self._connected(target))
        try:
            chosen = database or target.database
            first = [f"USE `{chosen.replace('`', '``')}`"] if chosen else []
            for statement in first + [_set(name, value) for name, value in settings.items()]:
                session.run(statement, 0)
        except BaseException:
            session.close()
            raise
        return session

    def _connected(self, target: Target) -> Any:
        if target.authentication in ("KERBEROS", "GSSAPI"):
            raise EngineUnavailable(
                f"authentication: connection {target.name!r} asks for Kerberos, which this release does not speak. "
                "Let the server accept a user name and password (LDAP) for this client."
            )
        place = (target.host, target.port or self.port)
        socket.create_connection(place, CONNECT_SECONDS).close()  # the driver has one patience for everything
        return dbapi.connect(
            host=place[0],
            port=place[1],
            timeout=_ANSWER_SECONDS,
            use_ssl=target.encrypted,
            auth_mechanism={"NONE": self.open_to_all, "NOSASL": "NOSASL"}.get(target.authentication, "PLAIN"),
            user=target.user or "anonymous",
            password=target.password or "anonymous",
            retries=1,
        )

    def reason(self, error: Exception) -> str:
        """The server's message; of the stack below it nothing."""
        text = re.sub(r"^org\.apache\.[\w.$]+: ", "", str(error))
        return re.split(r"\n\s*at (?=[\w.$]+\()|;\n['+:]|\n\n?==|:\d+:\d+|\n\tat ", text, maxsplit=1)[0].strip()


class ImpalaDriver(HiveDriver):
    """Opens sessions of Impala, which speaks the same protocol."""

    port = 21050
    open_to_all = "NOSASL"


class HiveSession:
    """One connection. It is used by one thread only: an interruption is a wish that ``run`` carries out."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursor = connection.cursor(convert_types=False)
        self._interrupted = threading.Event()
        self._abandoned = threading.Event()

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """One statement. HiveServer2 does not tell how many rows it wrote."""
        cursor = self._cursor
        cursor.execute_async(statement)
        self._wait(cursor)
        columns = _schema(cursor)
        kinds = [kind for _, kind in columns]
        try:
            rows = cursor.fetchmany(row_limit + 1) if columns else []
        except IndexError:  # Spark's server declares a column of commands and sends none
            columns, rows = (), []
        cursor.close_operation()
        return StatementResult(
            statement="",
            message="",
            duration_seconds=0.0,
            row_count=min(len(rows), row_limit),
            rows=tuple(tuple(map(_value, row, kinds)) for row in rows[:row_limit]),
            schema=columns,
            truncated=len(rows) > row_limit,
        )

    def _wait(self, cursor: Any) -> None:
        interval, at_most = _LOOK_AGAIN
        asked = False
        while cursor.is_executing():
            if self._abandoned.is_set():
                raise StatementFailed("The server did not end the statement when it was asked to.")
            if self._interrupted.is_set() and not asked:
                cursor.cancel_operation(reset_state=False)
                asked = True
            if asked:
                self._abandoned.wait(interval)
            else:
                self._interrupted.wait(interval)
            interval = min(interval * 1.5, at_most)
        cursor._wait_to_finish()  # raises what the server says of a statement that failed

    def interrupt(self) -> None:
        """Wish for CancelOperation."""
        self._interrupted.set()

    def abandon(self) -> None:
        """Wish to wait no longer."""
        self._abandoned.set()

    def close(self) -> None:
        """Close the session on the server."""
        with suppress(Error, TException):  # a statement in progress may have broken it
            self._cursor.close()
        self._connection.close()


def _set(name: str, value: str) -> str:
    if not _SETTING.fullmatch(name) or "\n" in value or ";" in value:
        raise EngineUnavailable(f"{name!r} is no setting that can be given to Hive.")
    return f"SET {name}={value}"


def _schema(cursor: Any) -> tuple[tuple[str, str], ...]:
    try:
        described = cursor.description
    except KeyError as error:
        raise StatementFailed("A column has a type that the driver does not know; cast it to string.") from error
    return tuple((str(column[0]), str(column[1]).lower()) for column in described or ())


def _value(value: Any, kind: str) -> Any:
    if isinstance(value, bytes) and kind != "binary":
        value = value.decode("utf-8", "replace")  # arrays come so
    return seconds_in_full(value) if kind == "timestamp" and isinstance(value, str) else scalar(value)
