"""ClickHouse through its HTTP interface, results as tab-separated lines.

Source: ClickHouse documentation, "HTTP Interface", "TabSeparatedWithNamesAndTypes", "KILL QUERY".
"""

from __future__ import annotations

import http.client
import json
import re
import uuid
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

from headrace.sql.engine import StatementFailed, StatementResult
from headrace.sql.real.http import ERRORS, Answer, HttpConnection, basic
from headrace.sql.real.target import Target
from headrace.sql.real.values import seconds_in_full
from headrace.sql.results import scalar

_PORT = 8123
_UNNAMED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")
_ESCAPES = {"b": "\b", "f": "\f", "r": "\r", "n": "\n", "t": "\t", "0": "\0", "'": "'", "\\": "\\"}
_QUERY = re.compile(r"[\s(]*(?:select|with|show|desc|describe|exists|explain|values)\b", re.IGNORECASE)
_FAILURE = b"Code: "
_INSERT = re.compile(r"\s*insert\b", re.IGNORECASE)


class ClickHouseDriver:
    """Opens sessions of ClickHouse."""

    errors = ERRORS

    def open(self, target: Target, database: str | None, settings: Mapping[str, str]) -> ClickHouseSession:
        """A session on the database of the script, else of the connection, else the user's own. It is tried out."""
        session = ClickHouseSession(target, database or target.database, settings)
        session.run("SELECT 1", 1)
        return session

    def reason(self, error: Exception) -> str:
        """What went wrong on the way."""
        return str(error)


class ClickHouseSession:
    """A session of the server, which keeps settings and temporary tables under its id."""

    def __init__(self, target: Target, database: str, settings: Mapping[str, str]) -> None:
        self._target = target
        self._wire = HttpConnection(target, _PORT)
        self._settings = {**settings, "session_id": uuid.uuid4().hex, "session_timeout": "3600"}
        self._settings |= {"database": database} if database else {}
        self._query = ""

    def run(self, statement: str, row_limit: int) -> StatementResult:
        """One statement; rows above the limit are not read."""
        self._query = uuid.uuid4().hex
        members = {**self._settings, "query_id": self._query}
        if not _QUERY.match(statement):  # of a query the server would keep all rows until the end
            members["wait_end_of_query"] = "1"
        answer = self._ask(self._wire, statement, members)
        lines = iter(answer.body.readline, b"")
        names, kinds = _cells(next(lines, b"")), _cells(next(lines, b""))
        rows: list[tuple[Any, ...]] = []
        for line in lines:
            if len(rows) > row_limit or not names:
                self._wire.close()
                self._kill("SYNC")  # the rest is not wanted; until it has ended the session is locked
                break
            cells = _cells(line)
            if len(cells) != len(kinds) or line.startswith(_FAILURE):  # in the middle of the rows
                raise StatementFailed((line + answer.body.read(4_000)).decode("utf-8", "replace").strip())
            rows.append(tuple(_value(cell, str(kind)) for cell, kind in zip(cells, kinds, strict=True)))
        summary = json.loads(answer.headers.get("X-ClickHouse-Summary") or "{}")
        written = int(summary.get("written_rows") or 0)
        return StatementResult(
            statement="",
            message="",
            duration_seconds=0.0,
            row_count=min(len(rows), row_limit) if names else written,
            rows=tuple(rows[:row_limit]),
            schema=tuple((str(name), str(kind)) for name, kind in zip(names, kinds, strict=True)),
            truncated=len(rows) > row_limit,
            input_row_count=written if _INSERT.match(statement) else None,
        )

    def _ask(self, wire: HttpConnection, statement: str, members: Mapping[str, str]) -> Answer:
        named = basic(self._target) if self._target.user else {}
        options = urlencode({**members, "default_format": "TabSeparatedWithNamesAndTypes"})
        answer = wire.ask("POST", f"/?{options}", named, statement.encode())
        if answer.status != http.client.OK:
            text = answer.body.read(4_000).decode("utf-8", "replace").strip()
            raise StatementFailed(text or f"The server answered {answer.status}.")
        return answer

    def interrupt(self) -> None:
        """``KILL QUERY`` through a connection of its own."""
        self._kill("ASYNC")

    def _kill(self, how: str) -> None:
        with closing(HttpConnection(self._target, _PORT)) as other:
            self._ask(other, f"KILL QUERY WHERE query_id = '{self._query}' {how}", {}).body.read()

    def abandon(self) -> None:
        """Shut the socket, which ends the wait for the server."""
        self._wire.abandon()

    def close(self) -> None:
        """Close the connection; the server forgets the session after a while."""
        self._wire.close()


def _cells(line: bytes) -> list[str | None]:
    text = line.decode("utf-8", "replace").removesuffix("\n")
    return [_unescaped(cell) for cell in text.split("\t")] if line else []


def _unescaped(cell: str) -> str | None:
    if cell == "\\N":
        return None
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), cell) if "\\" in cell else cell


def _value(cell: str | None, kind: str) -> Any:
    while (inner := _UNNAMED.fullmatch(kind)) is not None:
        kind = inner[1]
    if cell is None:
        return None
    if re.fullmatch(r"U?Int(?:8|16|32|64|128|256)", kind):
        return int(cell)
    if kind.startswith("Float"):
        return scalar(float(cell))
    if kind == "Bool":
        return cell == "true"
    return seconds_in_full(cell) if kind.startswith("DateTime") else cell
