"""An Elasticsearch or OpenSearch cluster over HTTP: one connection, the next host where one does not answer."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from headrace.errors_cdm import (
    CdmError,
    ElasticsearchHostMissing,
    ElasticsearchIndexFailed,
    ElasticsearchUnreachable,
    RunStopped,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.options import Link

_PORT = 9200
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 300
BUSY = frozenset({429, 503})  # Source: Elasticsearch documentation, "Bulk API", rejected executions
PATIENCE = (0.5, 1, 2, 4, 8)  # seconds between attempts on a busy server
TOO_LARGE = 413
_IDLE_SECONDS = 20  # after which a connection may have been given up on the way
_OLD = 7  # the first major version without types of documents
_JSON, _LINES = "application/json", "application/x-ndjson"
_MOST_SHOWN = 2_000  # characters of an answer


class ElasticSession:
    """Used by one thread. Its methods raise ElasticsearchUnreachable, RunStopped, and what they are told to."""

    def __init__(self, link: Link, cancellation: Cancellation) -> None:
        self._link = link
        self._cancellation = cancellation
        self._hosts = _hosts(link)
        self._encrypted = str(link.extended.get("httpsAccess", link.text("httpsAccess"))).lower() == "true"
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0  # by the monotonic clock

    def again(self) -> ElasticSession:
        """Another session of the same link, for another thread."""
        return ElasticSession(self._link, self._cancellation)

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped."""
        return self._cancellation.cancelled

    @cached_property
    def _headers(self) -> Mapping[str, str]:
        """Source: CDM API reference, safemode: without it nobody logs in."""
        user = self._link.text("user") or self._link.text("userName")
        if not user or not self._link.flag("safemode", default=True):
            return {}
        pair = f"{user}:{self._link.text('password')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    @cached_property
    def about(self) -> tuple[str, str]:
        """What answers, and its version."""
        found = self.call("GET", "/")
        version = found.get("version", {})
        name = "OpenSearch" if version.get("distribution") == "opensearch" else "Elasticsearch"
        return name, str(version.get("number", ""))

    @property
    def has_types(self) -> bool:
        """Whether documents of an index have types: before version 7."""
        name, version = self.about
        major = version.partition(".")[0]
        return name == "Elasticsearch" and major.isdecimal() and int(major) < _OLD

    def call(
        self, method: str, path: str, body: Any = None, *, error: type[CdmError] = ElasticsearchIndexFailed
    ) -> dict[str, Any]:
        """A request with a JSON body, tried again while the server is busy. Raises ``error`` where it is refused."""
        data = None if body is None else json.dumps(body).encode()
        for pause in (*PATIENCE, 0):
            status, answer = self.ask(method, path, data)
            if status not in BUSY or not pause:
                break
            self._cancellation.wait(pause)
        if status >= http.client.BAD_REQUEST:
            raise error(f"{method} {path.partition('?')[0]}: {reason(status, answer)}")
        found = json.loads(answer or b"{}")
        return found if isinstance(found, dict) else {}

    def ask(self, method: str, path: str, body: bytes | None = None, *, lines: bool = False) -> tuple[int, bytes]:
        """The status and the body of an answer. Raises RunStopped at once when the run is stopped."""
        headers = {**self._headers, "Content-Type": _LINES if lines else _JSON}
        failures: list[str] = []
        for host in list(self._hosts):
            if self._cancellation.cancelled:
                raise RunStopped
            try:
                with self._cancellation.calling(self._cut):
                    return self._sent(host, method, path, body, headers)
            except (OSError, http.client.HTTPException) as error:
                was_open = self._connection is not None and self._connection.sock is not None
                self.close()
                if self._cancellation.cancelled:
                    raise RunStopped from None
                failures.append(f"{host[0]}:{host[1]}: {error or type(error).__name__}")
                if was_open and method == "POST":  # it may have been done already
                    break
                self._hosts = [*self._hosts[1:], self._hosts[0]]
        raise ElasticsearchUnreachable("; ".join(failures))

    def _sent(
        self, host: tuple[str, int], method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        if self._connection is not None and time.monotonic() - self._used > _IDLE_SECONDS:
            self.close()
        if self._connection is None:
            made = (
                http.client.HTTPSConnection(*host, timeout=_CONNECT_SECONDS, context=ssl.create_default_context())
                if self._encrypted
                else http.client.HTTPConnection(*host, timeout=_CONNECT_SECONDS)
            )
            made.connect()
            made.sock.settimeout(_ANSWER_SECONDS)
            self._connection = made
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        data = answer.read()
        self._used = time.monotonic()
        if answer.will_close:
            self.close()
        return answer.status, data

    def _cut(self) -> None:
        """Shut the socket: whoever waits for an answer hears of it."""
        made = self._connection
        found = made.sock if made is not None else None
        if found is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        made, self._connection = self._connection, None
        if made is not None:
            made.close()


def reason(status: int, answer: bytes) -> str:
    """Why a request was refused."""
    text = answer[:_MOST_SHOWN].decode("utf-8", "replace")
    try:
        error = json.loads(answer).get("error")
    except (ValueError, AttributeError):
        return f"{status} {text}".strip()
    return f"{status} {why(error) if error else text}"


def why(error: Any) -> str:
    """An error of the server in one line, with its causes."""
    if not isinstance(error, dict):
        return str(error)
    parts = [f"{error.get('type', '')}: {error.get('reason', '')}"]
    cause = error.get("caused_by")
    return "; ".join([*parts, why(cause)] if cause else parts)[:_MOST_SHOWN]


def _hosts(link: Link) -> Sequence[tuple[str, int]]:
    """``ip:9200;ip:9200``. Raises ElasticsearchHostMissing, CdmError."""
    found: list[tuple[str, int]] = []
    for text in link.items("host", ";"):
        host, colon, port = text.rpartition(":")
        if not colon or port.endswith("]"):
            host, port = text, str(_PORT)
        if not port.isdecimal():
            raise CdmError(f"linkConfig.host: {text!r} is no host:port.")
        found.append((host.strip("[]"), int(port)))
    if not found:
        raise ElasticsearchHostMissing("linkConfig.host: missing.")
    return found
