"""PostgreSQL and what speaks its protocol: DWS (GaussDB) and RDS for PostgreSQL, through psycopg 3."""

from __future__ import annotations

import os
import re
import select
import socket
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.types.string import TextLoader

from headrace.sql.engine import StatementFailed, StatementResult
from headrace.sql.real.target import CONNECT_SECONDS, Target
from headrace.sql.real.values import seconds_in_full
from headrace.sql.results import scalar

_PORT = 5432
_AS_VALUES = ("bool", "int2", "int4", "int8", "oid", "float4", "float8", "bytea")  # all others are kept as text
_WITH_SECONDS = ("timestamp", "timestamptz", "time", "timetz")
_WRITES = ("INSERT", "MERGE")  # command tags that tell rows written
_COUNTED = re.compile(r"(?:INSERT|MERGE|UPDATE|DELETE|COPY|SELECT)(?: \d+)+")
_ENDED = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class PostgresDriver:
    """Opens sessions; every statement commits by itself unless the script begins a transaction."""

    errors: tuple[type[Exception], ...] = (psycopg.Error, OSError)

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> PostgresSession:
        """A session on the database of the script, else of the connection, else ``postgres``.

        ``settings`` are parameters of the server, as ``SET`` knows them.
        """
        connection = psycopg.connect(
            host=target.host,
            port=target.port or _PORT,
            user=target.user,
            password=target.password or None,
            dbname=database or target.database or "postgres",
            sslmode="require" if target.encrypted else "prefer",
            connect_timeout=CONNECT_SECONDS,
            application_name="headrace",
            client_encoding="UTF8",
            autocommit=True,
            prepare_threshold=None,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=6,
            context=_LOADERS,
        )
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        return PostgresSession(connection)

    def reason(self, error: Exception) -> str:
        """The server's message with its detail and hint; the state in the end."""
        if not isinstance(error, psycopg.Error) or error.diag.message_primary is None:
            return str(error)
        told = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint, error.diag.context)
        return " ".join(filter(None, told)) + f" [{error.diag.sqlstate}]"


class _Timestamp(TextLoader):
    """Timestamps as the server writes them, seconds in full."""

    def load(self, data: Any) -> str:
        return seconds_in_full(bytes(data).decode())


def _loaders() -> AdaptersMap:
    """How values are read: a few as what they are to JSON, arrays as lists, everything else as the server writes it."""
    adapters = AdaptersMap(psycopg.adapters)
    for kind in psycopg.adapters.types:
        if kind.name not in _AS_VALUES:
            adapters.register_loader(kind.oid, _Timestamp if kind.name in _WITH_SECONDS else TextLoader)
    return adapters


_LOADERS = _loaders()


class PostgresSession:
    """One connection; values are kept as the server writes them wherever they are text to JSON."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._notices: list[str] = []
        connection.add_notice_handler(lambda diagnostic: self._notices.append(diagnostic.message_primary or ""))

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """One statement; rows above the limit are read and forgotten."""
        self._notices.clear()
        if "\0" in statement:  # the protocol would end the statement there
            raise StatementFailed("The statement has a character of code 0.")
        self._send(statement.encode())
        rows: list[tuple[Any, ...]] = []
        count, last = 0, None
        while (result := self._next()) is not None:
            if result.status in _ENDED and last is not None and last.status in _ENDED:
                rows, count = [], 0  # of several commands in one statement (a rule) the last counts
            count += result.ntuples
            rows += self._loaded(result, row_limit - len(rows))
            last = result
        return self._told(last, rows, count)

    def _send(self, statement: bytes) -> None:
        pgconn = self._connection.pgconn
        pgconn.send_query(statement)
        pgconn.set_single_row_mode()
        while pgconn.flush():
            _ready(pgconn.socket, select.POLLIN | select.POLLOUT)
            pgconn.consume_input()

    def _next(self) -> pq.abc.PGresult | None:
        """What comes next of the statement in progress: a row, or its end; None after the end."""
        pgconn = self._connection.pgconn
        while pgconn.is_busy():
            _ready(pgconn.socket, select.POLLIN)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None or result.status in (*_ENDED, ExecStatus.SINGLE_TUPLE, ExecStatus.EMPTY_QUERY):
            return result
        if result.status in (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH):
            raise StatementFailed("COPY between the server and its client is not possible in a script.")
        raise error_from_result(result)

    def _loaded(self, result: pq.abc.PGresult, wanted: int) -> list[tuple[Any, ...]]:
        if wanted <= 0 or not result.ntuples:
            return []
        transformer = Transformer(self._connection)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    def _told(self, end: pq.abc.PGresult | None, rows: list[tuple[Any, ...]], count: int) -> StatementResult:
        schema = self._schema(end) if end is not None else ()
        tag = ((end.command_status if end is not None else None) or b"").decode()
        changed = int(tag.rpartition(" ")[2]) if _COUNTED.fullmatch(tag) else 0
        return StatementResult(
            statement="",
            message="\n".join(self._notices),
            duration_seconds=0.0,
            row_count=len(rows) if schema else changed,
            rows=tuple(tuple(scalar(value) for value in row) for row in rows),
            schema=schema,
            truncated=count > len(rows),
            input_row_count=changed if tag.startswith(_WRITES) else None,
        )

    def _schema(self, result: pq.abc.PGresult) -> tuple[tuple[str, str], ...]:
        return tuple(
            ((result.fname(at) or b"").decode(), self._type(result.ftype(at), result.fmod(at)))
            for at in range(result.nfields)
        )

    def _type(self, oid: int, modifier: int) -> str:
        """``int4``, ``varchar(10)``; a type of the database's own by its name there."""
        known = self._connection.adapters.types.get(oid)
        if known is not None:
            return known.get_type_display(oid=oid, fmod=modifier)
        found = self._connection.execute("SELECT format_type(%s::int8::oid, %s)", (oid, modifier)).fetchone()
        return str(found[0]) if found is not None else str(oid)

    def interrupt(self) -> None:
        """PostgreSQL's cancel request, through a connection of its own."""
        self._connection.cancel_safe(timeout=CONNECT_SECONDS)

    def abandon(self) -> None:
        """Shut the socket, which ends the wait for the server."""
        with socket.socket(fileno=os.dup(self._connection.fileno())) as mine:
            mine.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The server rolls back what is open."""
        self._connection.close()


def _ready(descriptor: int, events: int) -> None:
    """Wait for a socket; unlike select(), for one of any number."""
    poll = select.poll()
    poll.register(descriptor, events)
    poll.poll()
