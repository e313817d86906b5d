"""ClickHouse over HTTP: requests, how they are stopped, and what the server says, told without passwords.

Source: ClickHouse documentation, "HTTP Interface".
"""

from __future__ import annotations

import http.client
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from headrace.errors import HeadraceError
from headrace.errors_cdm import DatabaseUnreachable, RunStopped, SqlFailed
from headrace.sql.engine import Cancellation, SqlError
from headrace.sql.real.http import ERRORS, HttpConnection, basic
from headrace.sql.real.target import Target

_PORT = 8123
_CODE = re.compile(r"Code: (\d+)\.")
_MOST = 4_000  # bytes of a message that are shown
_NOT_TO_HAVE = frozenset({81, 192, 193, 194, 516})  # no such database, user or password
_FAILURES: tuple[type[Exception], ...] = (*ERRORS, SqlError)
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # of a stream of Arrow


@dataclass(frozen=True, kw_only=True)
class ClickHouse:
    """A server, and the run whose cancellation ends what it does."""

    target: Target
    cancellation: Cancellation

    def ask(self, statement: str, settings: Mapping[str, str] | None = None, data: bytes | None = None) -> bytes:
        """Run a statement to its end; its whole result. ``data``: what an INSERT takes. Raises CdmError, Answered."""
        with self.asked(statement, {"wait_end_of_query": "1", **(settings or {})}, data) as body:
            return bytes(body.read())

    @contextmanager
    def asked(
        self, statement: str, settings: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> Iterator[Any]:
        """Run a statement; its result as it comes. Left early, the server ends it. Raises CdmError, Answered."""
        query = uuid.uuid4().hex
        complete = False
        with self.told(), closing(HttpConnection(self.target, _PORT)) as wire:
            try:
                with self.cancellation.calling(lambda: self._stop(wire, query)):
                    members = {
                        "query_id": query,
                        **({"database": self.target.database} if self.target.database else {}),
                    }
                    members |= settings or {}
                    if data is not None:
                        members["query"] = statement
                    answer = wire.ask(
                        "POST",
                        f"/?{urlencode(members)}",
                        basic(self.target) if self.target.user else {},
                        statement.encode() if data is None else data,
                    )
                    if answer.status != http.client.OK:
                        complete = True
                        raise Answered(answer.body.read(_MOST).decode("utf-8", "replace").strip(), answer.status)
                    yield answer.body
                    complete = answer.body.isclosed()
            finally:
                if not complete and not self.cancellation.cancelled:
                    self._stop(wire, query)

    def _stop(self, wire: HttpConnection, query: str) -> None:
        """``KILL QUERY`` through a connection of its own; shut the socket, which ends the wait for the server."""
        statement = f"KILL QUERY WHERE query_id = '{query}' ASYNC".encode()
        with suppress(*_FAILURES), closing(HttpConnection(self.target, _PORT)) as other:
            other.ask("POST", "/", basic(self.target) if self.target.user else {}, statement).body.read()
        wire.abandon()

    @contextmanager
    def told(self) -> Iterator[None]:
        """What went wrong on the way, as CdmError; RunStopped where the run was cancelled."""
        if self.cancellation.cancelled:
            raise RunStopped
        try:
            yield
        except Answered:
            if self.cancellation.cancelled:
                raise RunStopped from None
            raise
        except _FAILURES as error:
            if self.cancellation.cancelled:
                raise RunStopped from None
            raise DatabaseUnreachable(self.target.masked(str(error) or type(error).__name__)) from None


class Answered(Exception):
    """The server refused a statement. ``code``: its number of the error, 0 where it gave none."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text or f"The server answered {status}.")
        found = _CODE.search(text)
        self.code = int(found[1]) if found else 0

    def as_cdm(self, target: Target) -> HeadraceError:
        """As it is told to a person."""
        text = target.masked(str(self))
        return DatabaseUnreachable(text) if self.code in _NOT_TO_HAVE else SqlFailed(text)


class WholeStream:
    """The body of a stream of Arrow, which must end as one: a server that fails in the middle just stops."""

    closed = False

    def __init__(self, body: Any) -> None:
        self._body = body
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises SqlFailed at an end that is none."""
        data: bytes = self._body.read(size if size >= 0 else None)
        if data:
            self._tail = (self._tail + data[-8:])[-8:]
        return data

    def ended(self) -> None:
        """Read what may follow. Raises SqlFailed where the end is missing."""
        while self.read(1 << 16):
            pass
        if self._tail != _END:
            raise SqlFailed("The server broke off in the middle of the rows.")
