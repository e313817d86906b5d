"""Serves the console below ``/console/`` and leaves every other path to the API."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace import __version__
from headrace.console import page
from headrace.console.page import FIRST, FOLDER, NOT_BUILT, PageFile, page_file
from headrace.settings import Settings

PATH = "/console/"

# Scripts and styles are files of the page, and it talks to this server only; nobody else may show it in a frame.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class _Answer(NamedTuple):
    status: HTTPStatus
    headers: dict[str, str]
    body: bytes = b""


class Console:
    """An ASGI application: the page, what it must know before anybody signed in, and behind it the API."""

    def __init__(self, application: ASGIApp, settings: Settings, folder: Path = FOLDER) -> None:
        self._application, self._folder = application, folder
        known = {"version": __version__, "timeZone": settings.time_zone, "signIn": settings.auth == "on"}
        self._known = page_file(msgspec.json.encode(known), ".json", lasting=False)
        self._not_built = page_file(NOT_BUILT.encode(), ".html", lasting=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path in ("/", "/console") or path.startswith(PATH)):
            await self._application(scope, receive, send)
            return
        await _send(self._answer(scope["method"], path, _etags(scope)), scope["method"], send)

    def _answer(self, method: str, path: str, etags: frozenset[str]) -> _Answer:
        if method not in ("GET", "HEAD"):
            return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "GET, HEAD"})
        if not path.startswith(PATH):  # a relative way is also right behind a proxy that adds a prefix
            return _Answer(HTTPStatus.TEMPORARY_REDIRECT, {"location": PATH.lstrip("/")})
        found = self._find(path.removeprefix(PATH) or FIRST)
        if found is None:
            told = {"content-type": "text/plain; charset=utf-8"}
            return _Answer(HTTPStatus.NOT_FOUND, told, b"There is no such file in the console.")
        kept = "public, max-age=31536000, immutable" if found.lasting else "no-cache"
        headers = {"cache-control": kept, "etag": found.etag, "content-type": found.media_type}
        if found.etag in etags:
            return _Answer(HTTPStatus.NOT_MODIFIED, headers)
        return _Answer(HTTPStatus.OK, headers, found.content)

    def _find(self, name: str) -> PageFile | None:
        if name == "settings.json":
            return self._known
        if not page.is_built(self._folder):
            return self._not_built if name == FIRST else None
        return page.files(self._folder).get(name)


async def _send(answer: _Answer, method: str, send: Send) -> None:
    headers = {**answer.headers, **_HEADERS}
    if answer.status is not HTTPStatus.NOT_MODIFIED:
        headers["content-length"] = str(len(answer.body))
    written = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status.value, "headers": written})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


def _etags(scope: Scope) -> frozenset[str]:
    """What the browser has already; a proxy that compresses marks them as weak."""
    sent = b",".join(value for name, value in scope["headers"] if name == b"if-none-match").decode("latin-1")
    return frozenset(item.strip().removeprefix("W/") for item in sent.split(","))
