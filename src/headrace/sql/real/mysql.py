"""MySQL and what speaks its protocol: RDS for MySQL, MariaDB, Doris, through PyMySQL."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import SSCursor

from headrace.sql.engine import StatementFailed, StatementResult
from headrace.sql.real.target import CONNECT_SECONDS, Target
from headrace.sql.real.values import seconds_in_full
from headrace.sql.results import scalar

_PORT = 3306
_WRITES = re.compile(r"\s*(?:insert|replace|with\b.*\binsert)\b", re.IGNORECASE | re.DOTALL)
_BINARY = 63  # number of the character set that is none
_WARNINGS = 20  # shown of one statement

_DECODERS: dict[int, Callable[[Any], Any]] = {
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.INT24), int),
    FIELD_TYPE.YEAR: int,
    FIELD_TYPE.FLOAT: float,
    FIELD_TYPE.DOUBLE: float,
    FIELD_TYPE.BIT: lambda data: int.from_bytes(data, "big"),
    FIELD_TYPE.DATETIME: seconds_in_full,
    FIELD_TYPE.TIMESTAMP: seconds_in_full,
    FIELD_TYPE.TIME: seconds_in_full,
}

_TYPES = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.NULL: "null",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.ENUM: "enum",
    FIELD_TYPE.SET: "set",
    FIELD_TYPE.GEOMETRY: "geometry",
}
_TEXTS = {FIELD_TYPE.VARCHAR: "varchar", FIELD_TYPE.VAR_STRING: "varchar", FIELD_TYPE.STRING: "char"}
_BYTES = {FIELD_TYPE.VARCHAR: "varbinary", FIELD_TYPE.VAR_STRING: "varbinary", FIELD_TYPE.STRING: "binary"}


class MysqlDriver:
    """Opens sessions; every statement commits by itself unless the script begins a transaction."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError, OSError)

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> MysqlSession:
        """A session on the database of the script, else of the connection, else none.

        ``settings`` are variables of the session.
        """
        session = MysqlSession(target, database or target.database or None)
        for name, value in settings.items():
            if not re.fullmatch(r"\w+", name):
                raise StatementFailed(f"{name!r} is no name of a variable.")
            session.run(f"SET SESSION {name} = {value}", 0)
        return session

    def reason(self, error: Exception) -> str:
        """The server's message and its number."""
        if len(error.args) >= 2 and isinstance(error.args[0], int):
            return f"{error.args[1]} [{error.args[0]}]"
        return str(error)


class MysqlSession:
    """One connection, and another one for a moment to cancel."""

    def __init__(self, target: Target, database: str | None) -> None:
        self._target = target
        self._connection = _connected(target, database)
        self._thread = self._connection.thread_id()
        self._row_limit = -1

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """One statement. The server itself stops at the limit unless the statement has a LIMIT of its own.

        Of a procedure that gives several results the first counts.
        """
        if row_limit != self._row_limit:
            self._connection.query(f"SET sql_select_limit = {row_limit + 1}")
            self._row_limit = row_limit
        with self._connection.cursor(SSCursor) as cursor:
            affected = cursor.execute(statement)
            schema = _schema(cursor)
            rows, truncated = _read(cursor, row_limit) if schema else ([], False)
            while cursor.nextset():
                _read(cursor, 0)
            warnings = cursor.warning_count
        changed = 0 if schema else max(affected, 0)
        return StatementResult(
            statement="",
            message=self._warnings() if warnings else "",
            duration_seconds=0.0,
            row_count=len(rows) if schema else changed,
            rows=tuple(tuple(scalar(value) for value in row) for row in rows),
            schema=schema,
            truncated=truncated,
            input_row_count=changed if not schema and _WRITES.match(statement) else None,
        )

    def _warnings(self) -> str:
        with self._connection.cursor() as cursor:
            cursor.execute(f"SHOW WARNINGS LIMIT {_WARNINGS}")
            return "\n".join(f"{level}: {text} [{number}]" for level, number, text in cursor.fetchall())

    def interrupt(self) -> None:
        """``KILL QUERY`` through a second connection."""
        killer = _connected(self._target, None)
        try:
            killer.query(f"KILL QUERY {self._thread}")
        finally:
            killer.close()

    def abandon(self) -> None:
        """Shut the socket, which ends the wait for the server; the driver has no public way to do this."""
        found = self._connection._sock
        if found is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The server rolls back what is open."""
        if self._connection.open:
            self._connection.close()


def _connected(target: Target, database: str | None) -> Any:
    return pymysql.connect(
        host=target.host,
        port=target.port or _PORT,
        user=target.user,
        password=target.password,
        database=database,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        conv=_DECODERS,
        ssl={"check_hostname": False, "verify_mode": "none"} if target.encrypted else None,
        program_name="headrace",
    )


def _read(cursor: Any, row_limit: int) -> tuple[list[tuple[Any, ...]], bool]:
    """The rows up to the limit, and whether there were more; these are read and forgotten."""
    rows: list[tuple[Any, ...]] = []
    truncated = False
    for row in cursor:
        if len(rows) < row_limit:
            rows.append(row)
        else:
            truncated = True
    return rows, truncated


def _schema(cursor: Any) -> tuple[tuple[str, str], ...]:
    fields = cursor._result.fields if cursor.description else ()  # the driver shows lengths and signs only there
    return tuple((field.name, _type(field)) for field in fields)


def _type(field: Any) -> str:
    """``bigint``, ``decimal(12,2)``, ``varchar``, as the server declares the column."""
    code = field.type_code
    if code in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        signs = 1 + (field.scale > 0)
        return f"decimal({field.length - signs},{field.scale})"
    if code in _TYPES:
        return _TYPES[code]
    if code in _TEXTS:
        return _BYTES[code] if field.charsetnr == _BINARY else _TEXTS[code]
    return "blob" if field.charsetnr == _BINARY else "text"
