"""Trino and Presto through their client protocol: a statement is posted, its results are fetched page by page.

Source: Trino documentation, "Trino client REST API"; Presto documentation, "Presto Client REST API".
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from headrace.sql.engine import StatementFailed, StatementResult
from headrace.sql.real.http import ERRORS, HttpConnection, credentials
from headrace.sql.real.target import Target
from headrace.sql.real.values import seconds_in_full
from headrace.sql.results import scalar

_PORT = 8080
_BUSY = (429, 502, 503, 504)  # the same request is sent again
_TIRED_AFTER = 10  # such answers
_TIMES = ("date", "time", "timestamp")
_NESTED = ("array", "map", "row")


class TrinoDriver:
    """Opens sessions of Trino."""

    errors = ERRORS
    prefix = "X-Trino-"

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> TrinoSession:
        """A session in the schema of the script and the catalog of the connection, ``hive`` if it names none.

        ``settings`` are session properties. Nothing is sent yet.
        """
        return TrinoSession(target, self.prefix, database or target.database or "default", settings)

    def reason(self, error: Exception) -> str:
        """What went wrong on the way."""
        return str(error)


class PrestoDriver(TrinoDriver):
    """Opens sessions of Presto, whose headers have another name."""

    prefix = "X-Presto-"


class TrinoSession:
    """What the server asks its client to remember between statements: it keeps no sessions itself."""

    def __init__(self, target: Target, prefix: str, schema: str, settings: Mapping[str, str]) -> None:
        self._target = target
        self._prefix = prefix
        self._wire = HttpConnection(target, _PORT)
        self._credentials = credentials(target)
        self._where = {"Catalog": target.catalog or "hive", "Schema": schema}
        self._settings = {name: quote(value, safe="") for name, value in settings.items()}
        self._prepared: dict[str, str] = {}
        self._transaction = "NONE"
        self._next = ""

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """One statement; a query that has given enough rows is ended."""
        rows: list[list[Any]] = []
        columns: list[dict[str, Any]] = []
        page = self._ask("POST", "/v1/statement", statement.encode())
        while True:
            columns = page.get("columns") or columns
            rows += (page.get("data") or [])[: max(row_limit + 1 - len(rows), 0)]
            self._next = str(page.get("nextUri") or "")
            is_query = bool(columns) and not page.get("updateType")
            if self._next and is_query and len(rows) > row_limit:
                self._ask("DELETE", self._next)
                self._next = ""
            if not self._next:
                return self._result(page, columns, rows, row_limit)
            page = self._ask("GET", self._next)

    def _result(
        self, page: dict[str, Any], columns: list[dict[str, Any]], rows: list[list[Any]], row_limit: int
    ) -> StatementResult:
        update = str(page.get("updateType") or "")
        if update:  # such statements tell their count as a row, too
            columns, rows = [], []
        count = int(page.get("updateCount") or 0)
        kinds = [str(column["type"]) for column in columns]
        shown = rows[:row_limit]
        return StatementResult(
            statement="",
            message="\n".join(str(warning.get("message")) for warning in page.get("warnings") or ()),
            duration_seconds=0.0,
            row_count=len(shown) if columns else count,
            rows=tuple(tuple(_value(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in shown),
            schema=tuple((str(column["name"]), kind) for column, kind in zip(columns, kinds, strict=True)),
            truncated=len(rows) > row_limit,
            input_row_count=count if re.match(r"INSERT|CREATE TABLE|MERGE", update) and count else None,
        )

    def _ask(self, method: str, url: str, body: bytes | None = None) -> dict[str, Any]:
        """A page. The server names the next one by its own idea of its address: only the path is taken from it."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        for tries in range(1, _TIRED_AFTER + 1):
            answer = self._wire.ask(method, path, self._headers(), body)
            content = answer.body.read()
            if answer.status not in _BUSY or tries == _TIRED_AFTER:
                break
            time.sleep(0.05 * 2 ** min(tries, 5))
        if answer.status not in (200, 204):
            text = content.decode("utf-8", "replace").strip()[:500]
            raise StatementFailed(f"The server answered {answer.status}: {text or answer.body.reason}")
        self._remember(answer.headers)
        page: dict[str, Any] = json.loads(content) if content else {}
        if page.get("error"):
            error = page["error"]
            raise StatementFailed(f"{error.get('message')} [{error.get('errorName') or error.get('errorCode')}]")
        return page

    def _headers(self) -> dict[str, str]:
        members = {
            "User": self._target.user or "headrace",
            "Source": "headrace",
            **self._where,
            "Transaction-Id": self._transaction,
            "Session": ",".join(f"{name}={value}" for name, value in self._settings.items()),
            "Prepared-Statement": ",".join(f"{name}={value}" for name, value in self._prepared.items()),
        }
        named = {f"{self._prefix}{name}": value for name, value in members.items() if value}
        return named | self._credentials

    def _remember(self, headers: http.client.HTTPMessage) -> None:
        """What the answer asks to be sent along from now on."""
        for name in ("Catalog", "Schema"):
            self._where[name] = headers.get(f"{self._prefix}Set-{name}") or self._where[name]
        for name, kept in (("Set-Session", self._settings), ("Added-Prepare", self._prepared)):
            for pair in headers.get_all(f"{self._prefix}{name}") or ():
                key, _, value = pair.partition("=")
                kept[key] = value
        for name, kept in (("Clear-Session", self._settings), ("Deallocated-Prepare", self._prepared)):
            for key in headers.get_all(f"{self._prefix}{name}") or ():
                kept.pop(unquote(key), None)
        self._transaction = headers.get(f"{self._prefix}Started-Transaction-Id") or self._transaction
        if headers.get(f"{self._prefix}Clear-Transaction-Id"):
            self._transaction = "NONE"

    def interrupt(self) -> None:
        """``DELETE`` the query through a connection of its own."""
        if not self._next:
            return
        with closing(HttpConnection(self._target, _PORT)) as other:
            other.ask("DELETE", urlsplit(self._next).path, self._headers())

    def abandon(self) -> None:
        """Shut the socket, which ends the wait for the server."""
        self._wire.abandon()

    def close(self) -> None:
        """Undo an open transaction and close the connection."""
        try:
            if self._transaction != "NONE":
                self.run("ROLLBACK", 0)
        except StatementFailed:
            return  # the server has given it up already
        finally:
            self._wire.close()


def _value(value: Any, kind: str) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if kind.startswith(_NESTED):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if kind.startswith("varbinary"):
        return base64.b64decode(value).hex()
    if kind in ("double", "real"):
        return scalar(float(value))
    return seconds_in_full(str(value)) if kind.startswith(_TIMES) else str(value)
