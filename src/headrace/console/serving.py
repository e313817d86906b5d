"""Serves the console below ``/console/`` and leaves every other path to the API."""

from __future__ import annotations

from pathlib import Path

import msgspec
from starlette.responses import RedirectResponse, Response
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
        response = self._answer(scope["method"], path, _etags(scope))
        response.headers.update(_HEADERS)
        await response(scope, receive, send)

    def _answer(self, method: str, path: str, etags: frozenset[str]) -> Response:
        if method not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"allow": "GET, HEAD"})
        if not path.startswith(PATH):
            return RedirectResponse(PATH.lstrip("/"))  # relative: also right behind a proxy that adds a prefix
        found = self._find(path.removeprefix(PATH) or FIRST)
        if found is None:
            return Response("There is no such file in the console.", 404, media_type="text/plain")
        kept = "public, max-age=31536000, immutable" if found.lasting else "no-cache"
        headers = {"cache-control": kept, "etag": found.etag, "content-type": found.media_type}
        if found.etag in etags:
            return Response(status_code=304, headers=headers)
        return Response(found.content, headers=headers)

    def _find(self, name: str) -> PageFile | None:
        if name == "settings.json":
            return self._known
        if not page.is_built(self._folder):
            return self._not_built if name == FIRST else None
        return page.files(self._folder).get(name)


def _etags(scope: Scope) -> frozenset[str]:
    """What the browser has already; a proxy that compresses marks them as weak."""
    sent = b",".join(value for name, value in scope["headers"] if name == b"if-none-match").decode("latin-1")
    return frozenset(item.strip().removeprefix("W/") for item in sent.split(","))
