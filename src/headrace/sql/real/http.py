"""Requests to engines that speak HTTP: one connection that can be shut from another thread."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from headrace.sql.engine import StatementFailed
from headrace.sql.real.target import CONNECT_SECONDS, EngineUnavailable, Target

ERRORS: tuple[type[Exception], ...] = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Answer:
    """A response whose body is read as it is needed."""

    status: int
    headers: http.client.HTTPMessage
    body: http.client.HTTPResponse


class HttpConnection:
    """A connection to the host of a target, opened at the first request and again when the server has closed it."""

    def __init__(self, target: Target, port: int) -> None:
        place = (target.host, target.port or port)
        self._connection = (
            http.client.HTTPSConnection(*place, timeout=CONNECT_SECONDS, context=ssl.create_default_context())
            if target.encrypted
            else http.client.HTTPConnection(*place, timeout=CONNECT_SECONDS)
        )

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send a request. The body of the answer before must have been read, or ``close`` been called."""
        if self._socket() is None:
            self._connection.connect()
            opened = self._socket()
            if opened is not None:
                opened.settimeout(None)  # a statement takes as long as it likes
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            self._connection.request(method, path, body, dict(headers))
        except ValueError:
            raise StatementFailed("userName: it has characters that no header can hold.") from None
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response)

    def abandon(self) -> None:
        """Shut the socket: whoever waits for an answer hears of it."""
        found = self._socket()
        if found is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def _socket(self) -> socket.socket | None:
        found: socket.socket | None = self._connection.sock
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def credentials(target: Target) -> dict[str, str]:
    """The header that says who asks. Raises EngineUnavailable where a secret would be sent in clear."""
    if target.authentication == "NONE" or not (target.token or target.password):
        return {}
    if not target.encrypted:
        raise EngineUnavailable(
            f"sslEnable: connection {target.name!r} has a password, which is sent over TLS only. Set sslEnable to "
            'true, or authentication to "NONE" and leave the password out.'
        )
    return {"Authorization": f"Bearer {target.token}"} if target.token else basic(target)


def basic(target: Target) -> dict[str, str]:
    """User and password, as they are, in a header."""
    pair = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}
