"""The REST interface of a Flink SQL gateway, version 2, as far as the Flink nodes use it.

Source: Apache Flink documentation, "SQL Gateway, REST Endpoint".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed
from headrace.nodes.css import address_of, authorization
from headrace.nodes.http_request import HttpRequest, send
from headrace.sql.engine import ROW_LIMIT, Cancellation

_JOB_ID = re.compile(r"[0-9a-fA-F]{1,64}")
_WAIT_SECONDS = 0.2  # between two looks at an operation, growing to the node's polling interval
_PORT = 8083


@dataclass(frozen=True)
class Job:
    """A row of SHOW JOBS."""

    id: str
    name: str
    status: str


@dataclass
class Rows:
    """What a statement gave: rows of a query, or the id of the job it began."""

    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    is_query: bool = False
    job_id: str = ""


class FlinkSession:
    """An open session of a gateway. ``begun``: the ids of the jobs that its statements began, but those of queries."""

    def __init__(self, ctx: NodeContext, connection: BoundConnection) -> None:
        self._ctx = ctx
        base = address_of(connection, "http")
        self._base = base if connection.config.get("port") else f"{base}:{_PORT}"
        self._headers = {**authorization(connection), "Content-Type": "application/json"}
        self._session = ""
        self.begun: list[str] = []

    def open(self, properties: Mapping[str, str]) -> None:
        """Begin; ``properties`` hold for every statement. Raises NodeFailed."""
        answer = self._ask("POST", "/v2/sessions", {"sessionName": "headrace", "properties": dict(properties)})
        self._session = f"/v2/sessions/{quote(str(answer['sessionHandle']), safe='')}"

    def close(self) -> None:
        """End the session; what it began goes on."""
        if self._session:
            self._ask("DELETE", self._session, cancellation=Cancellation())

    def execute(self, statement: str) -> Rows:
        """Run a statement until its result is there. Raises NodeFailed: refused, or stopped."""
        answer = self._ask("POST", f"{self._session}/statements", {"statement": statement})
        operation = f"{self._session}/operations/{quote(str(answer['operationHandle']), safe='')}"
        try:
            return self._fetch(operation)
        except NodeFailed:
            if self._ctx.cancellation.cancelled:
                with suppress(NodeFailed):
                    self._ask("POST", f"{operation}/cancel", cancellation=Cancellation())
            raise
        finally:
            with suppress(NodeFailed):
                self._ask("DELETE", f"{operation}/close", cancellation=Cancellation())

    def jobs(self) -> list[Job]:
        """The jobs of the cluster."""
        return [Job(*(cell or "" for cell in row[:3])) for row in self.execute("SHOW JOBS").rows]

    def stop_job(self, job_id: str) -> None:
        """Cancel a job of the cluster, also when the node has been stopped; one that has ended stays as it is."""
        if not _JOB_ID.fullmatch(job_id):
            return
        with suppress(NodeFailed):
            own = Cancellation()
            answer = self._ask("POST", f"{self._session}/statements", {"statement": f"STOP JOB '{job_id}'"}, own)
            operation = f"{self._session}/operations/{quote(str(answer['operationHandle']), safe='')}"
            for _ in range(50):
                status = self._ask("GET", f"{operation}/status", cancellation=own).get("status")
                if status not in ("INITIALIZED", "PENDING", "RUNNING") or own.wait(_WAIT_SECONDS):
                    return

    def _fetch(self, operation: str) -> Rows:
        """Follow the result to its end, at most as many rows as are shown."""
        found, token, wait = Rows(), 0, _WAIT_SECONDS
        while len(found.rows) < ROW_LIMIT:
            page = self._ask("GET", f"{operation}/result/{token}?rowFormat=JSON")
            if page.get("resultType") == "NOT_READY":
                if self._ctx.cancellation.wait(wait):
                    raise NodeFailed("Stopped.")
                wait = min(2 * wait, max(self._ctx.polling_interval, _WAIT_SECONDS))
                continue
            _add(found, page)
            if found.job_id and not found.is_query and found.job_id not in self.begun:
                self.begun.append(found.job_id)
            if page.get("resultType") == "EOS" or not page.get("nextResultUri"):
                break
            token += 1
        return found

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, cancellation: Cancellation | None = None
    ) -> dict[str, Any]:
        request = HttpRequest(
            method=method,
            url=self._base + path,
            headers=self._headers,
            body=None if body is None else json.dumps(body).encode(),
        )
        answer = send(
            request, cancellation or self._ctx.cancellation, private_networks=self._ctx.settings.private_networks
        )
        try:
            value = json.loads(answer.body or b"{}")
        except ValueError:
            value = {}
        if not answer.is_success or not isinstance(value, dict):
            raise NodeFailed(f"The Flink SQL gateway answers status {answer.status}: {_reason(value)}")
        return value


@contextmanager
def open_session(
    ctx: NodeContext, connection: BoundConnection, properties: Mapping[str, str]
) -> Iterator[FlinkSession]:
    """A session that is closed at the end of the block. Raises NodeFailed."""
    session = FlinkSession(ctx, connection)
    session.open(properties)
    try:
        yield session
    finally:
        with suppress(NodeFailed):
            session.close()


def _add(found: Rows, page: Mapping[str, Any]) -> None:
    """Take what a page of a result has."""
    found.job_id = str(page.get("jobID") or found.job_id)
    found.is_query = bool(page.get("isQueryResult")) or found.is_query
    for row in (page.get("results") or {}).get("data") or ():
        cells = row.get("fields") or ()
        found.rows.append(tuple(None if cell is None else _text(cell) for cell in cells))
    del found.rows[ROW_LIMIT:]


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _reason(value: Any) -> str:
    """The cause of a failure: the last "Caused by" of the stack trace, or its first line."""
    errors = value.get("errors") if isinstance(value, dict) else None
    lines = [line for item in errors or () for line in str(item).splitlines() if line.strip()]
    causes = [line.partition("Caused by:")[2].strip() for line in lines if "Caused by:" in line]
    chosen = causes[-1] if causes else next((line for line in lines if line != "Internal server error."), "")
    return (chosen or "no reason is given")[:500]
