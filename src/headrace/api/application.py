"""The ASGI application: finds the operation, checks who calls, decodes, runs, answers."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
import structlog
from anyio import to_thread
from starlette.concurrency import iterate_in_threadpool

from headrace.api.decoding import decode_body, decode_query, decode_segments
from headrace.api.envelopes import error_body
from headrace.api.operation import Archive, Call, Created, Family, Json, Operation, Routes
from headrace.domain.identity import User, Workspace
from headrace.errors import (
    BodyTooLarge,
    HeadraceError,
    InternalError,
    InvalidParameter,
    MethodNotAllowed,
    ProjectNotAllowed,
    RouteNotFound,
)
from headrace.services import Services
from headrace.storage.database import Deadlock, WriterBusy

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = tuple[tuple[str, str], ...]

log = structlog.get_logger("headrace.api")

MOST_TRIES = 5  # of a call whose transaction the database ended


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRequest:
    """A request as it came, for whoever checks its signature."""

    method: str
    raw_path: bytes
    query: bytes
    headers: list[tuple[str, str]]
    body: bytes
    now: int


class Authenticator(Protocol):
    """Says who sent a request. Raises NotAuthenticated."""

    def __call__(self, request: RawRequest) -> User: ...


class WorkspaceFinder(Protocol):
    """Finds the workspace a header names, or the default one. Raises WorkspaceNotFound."""

    def __call__(self, project_id: str, header: str) -> Workspace: ...


@dataclass(slots=True)
class _Answer:
    status: int
    headers: Headers
    body: bytes
    stream: Archive | None = None


class Application:
    """Serves the declared operations."""

    def __init__(
        self,
        services: Services,
        operations: list[Operation],
        authenticate: Authenticator,
        find_workspace: WorkspaceFinder,
        on_start: Callable[[], None] = lambda: None,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._services = services
        self._routes = Routes(operations)
        self._authenticate = authenticate
        self._find_workspace = find_workspace
        self._on_start, self._on_stop = on_start, on_stop
        self._encode = msgspec.json.Encoder().encode
        self._commit: asyncio.Future[None] | None = None
        self._threads_only = services.db.dialect != "sqlite"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._services.db.never_block(threading.get_ident())
                await to_thread.run_sync(self._on_start)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await to_thread.run_sync(self._on_stop)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = uuid.uuid4().hex
        family: Family = "v1"
        try:
            operation, path = self._route(scope)
            family = operation.family
            answer = await self._answer(operation, path, scope, receive, request_id)
        except HeadraceError as error:
            answer = self._failure(error, family, request_id)
        except Exception:
            log.exception("request failed", request_id=request_id, method=scope["method"], path=scope["path"])
            answer = self._failure(InternalError(), family, request_id)
        await self._send(answer, request_id, send)

    def _failure(self, error: HeadraceError, family: Family, request_id: str) -> _Answer:
        extra: Headers = (("allow", error.detail),) if isinstance(error, MethodNotAllowed) else ()
        body = self._encode(error_body(error, family, request_id))
        return _Answer(error.status, (("content-type", "application/json"), *extra), body)

    def _route(self, scope: Scope) -> tuple[Operation, dict[str, str]]:
        allowed: list[str] = []
        for by_method, values in self._routes.find(decode_segments(scope["raw_path"].partition(b"?")[0])):
            if (found := by_method.get(scope["method"])) is not None:
                operation, names = found
                return operation, dict(zip(names, values, strict=True))
            allowed += by_method
        if allowed:
            raise MethodNotAllowed(", ".join(sorted(set(allowed))))
        raise RouteNotFound

    async def _answer(
        self, operation: Operation, path: dict[str, str], scope: Scope, receive: Receive, request_id: str
    ) -> _Answer:
        settings = self._services.settings
        body = await _read_body(receive, settings.max_upload_bytes if operation.upload else settings.max_body_bytes)
        now = self._services.now()
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]

        def run() -> Any:
            call = self._call(operation, path, scope, headers, body, now, request_id)
            arguments: dict[str, Any] = {}
            if operation.query_type is not None:
                arguments["query"] = decode_query(operation, scope["query_string"])
            if operation.body_type is not None:
                arguments["body"] = decode_body(operation, body)
            return operation.function(call, **arguments)

        if operation.slow or self._threads_only:
            return self._encoded(operation, await _on_a_thread(run))
        try:
            if operation.batched:
                return self._encoded(operation, await self._batched(run))
            return self._encoded(operation, run())
        except WriterBusy:  # nothing was written: the same call again, where it may wait
            return self._encoded(operation, await _on_a_thread(run))

    async def _batched(self, run: Callable[[], Any]) -> Any:
        """Run a call whose writes are committed together with those of its neighbours; return when they are safe."""
        with self._services.db.batch() as waits:
            try:
                result = run()
            finally:  # a call that failed may have opened the batch that its neighbours join
                commit = self._scheduled_commit() if waits() else None
        if commit is not None:
            await asyncio.shield(commit)
        return result

    def _scheduled_commit(self) -> asyncio.Future[None]:
        """The commit of the open batch, after the calls that are ready now have joined it."""
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._commit = loop.create_future()
            loop.call_soon(self._commit_batch, self._commit)
        return self._commit

    def _commit_batch(self, commit: asyncio.Future[None]) -> None:
        self._commit = None
        try:
            self._services.db.commit_batch()
        except Exception as error:  # noqa: BLE001  (every call that waits for the commit raises it)
            commit.set_exception(error)
        else:
            commit.set_result(None)

    def _call(
        self,
        operation: Operation,
        path: dict[str, str],
        scope: Scope,
        headers: list[tuple[str, str]],
        body: bytes,
        now: int,
        request_id: str,
    ) -> Call:
        by_name = dict(headers)
        user, workspace = _NOBODY, _NOWHERE
        if not operation.public:
            request = RawRequest(
                method=scope["method"],
                raw_path=scope["raw_path"].partition(b"?")[0],
                query=scope["query_string"],
                headers=headers,
                body=body,
                now=now,
            )
            user = self._authenticate(request)
            project_id = path.get("project_id", user.project_id)
            if project_id != user.project_id:
                raise ProjectNotAllowed(f"{project_id} is not {user.project_id}.")
            header = "" if operation.family in ("cdm", "identity") else by_name.get("workspace", "")
            workspace = self._workspace(operation, project_id, header)
        host = by_name.get("host", "")
        return Call(
            services=self._services,
            user=user,
            workspace=workspace,
            path=path,
            headers=by_name,
            body=body,
            now=now,
            request_id=request_id,
            base_url=f"{scope.get('scheme', 'http')}://{host}",
        )

    def _workspace(self, operation: Operation, project_id: str, header: str) -> Workspace:
        try:
            return self._find_workspace(project_id, header)
        except HeadraceError as error:
            if operation.workspace_error is not None:
                raise operation.workspace_error(error.detail) from error
            raise

    def _encoded(self, operation: Operation, result: Any) -> _Answer:
        status = operation.answers
        headers: Headers = ()
        if isinstance(result, Created):
            status, headers, result = result.status, result.headers, result.content
        if isinstance(result, Archive):
            return _Answer(status, _archive_headers(result), b"", result)
        if result is None:  # also with 200: clients of v2 take an empty body there
            return _Answer(status, headers, b"")
        body = result.text if isinstance(result, Json) else self._encode(result)
        if not any(name == "content-type" for name, _ in headers):
            headers = (("content-type", "application/json"), *headers)
        return _Answer(status, headers, body)

    async def _send(self, answer: _Answer, request_id: str, send: Send) -> None:
        headers = [(b"x-request-id", request_id.encode())]
        headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        if answer.stream is None:
            if answer.status != 204:
                headers.append((b"content-length", str(len(answer.body)).encode()))
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        async for chunk in iterate_in_threadpool(answer.stream.chunks):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


_NOBODY = User(id="", name="", project_id="")
_NOWHERE = Workspace(id="", project_id="", name="")


def _archive_headers(archive: Archive) -> Headers:
    """Source: notes §13: octet-stream, the file name, and its UTF-8 form when it is not ASCII."""
    plain = archive.name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    disposition = f'attachment; filename="{plain}"'
    if not archive.name.isascii():
        disposition += f"; filename*=UTF-8''{quote(archive.name, safe='')}"
    headers: Headers = (
        ("content-type", "application/octet-stream"),
        ("content-disposition", disposition),
        *archive.headers,
    )
    return headers if archive.length is None else (*headers, ("content-length", str(archive.length)))


async def _on_a_thread(run: Callable[[], Any]) -> Any:
    """Run a call where it may wait; once more where the database ended it for the sake of another one."""
    for _ in range(MOST_TRIES - 1):
        try:
            return await to_thread.run_sync(run)
        except Deadlock:
            log.warning("a call met another transaction in a circle of locks; it is run again")
    return await to_thread.run_sync(run)


async def _read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises BodyTooLarge, InvalidParameter when the client went away."""
    message = await receive()
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge(f"At most {limit} bytes are taken.")
        return body
    pieces = [message.get("body", b"")]
    size = len(pieces[0])
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidParameter("The connection was closed before the body was complete.")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise BodyTooLarge(f"At most {limit} bytes are taken.")
    return b"".join(pieces)
