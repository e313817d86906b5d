"""A small signed client for a server of our own: what ``headrace demo``, ``ps``, ``logs`` and the others speak."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from headrace.auth import signature


class CallFailed(Exception):
    """The server answered an error; the text is its code and message."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """Signs each request with a key. ``base``: http://host:port; ``workspace``: an id, empty for the default.

    Paths are given percent-encoded, below ``/v1/{project}`` or what ``version`` says instead of v1.
    """

    base: str
    project_id: str
    access_key: str
    secret_key: str
    workspace: str = ""
    version: str = "v1"

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> bytes:
        """One request; the body of the answer. Raises CallFailed, OSError."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        plain, _, query = path.partition("?")
        full = f"/{self.version}/{self.project_id}{plain}"
        headers = [("host", urlsplit(self.base).netloc), ("content-type", content_type)]
        if self.workspace:
            headers.append(("workspace", self.workspace))
        request = signature.Request(method=method, path=full, query=query, headers=headers, body=content)
        signed = signature.sign(request, self.access_key, self.secret_key, datetime.now(UTC))
        url = f"{self.base}{full}" + (f"?{query}" if query else "")
        message = urllib.request.Request(url, content or None, dict(headers) | signed, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(message, timeout=60) as answer:  # noqa: S310  (our own server)
                text: bytes = answer.read()
                return text
        except urllib.error.HTTPError as error:
            raise CallFailed(_told(error.code, error.read())) from error

    def json(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Like ``call``, with the JSON of the answer."""
        return json.loads(self.call(method, path, body, content_type) or b"null")

    def wait(self, path: str, ended: set[str], seconds: float = 120) -> Any:
        """Read a path until its ``status`` is one of ``ended``. Raises CallFailed after some time."""
        until = time.monotonic() + seconds
        while (found := self.json("GET", path))["status"] not in ended:
            if time.monotonic() > until:
                raise CallFailed(f"{path} is still {found['status']} after {seconds:.0f} s")
            time.sleep(0.05)
        return found


def _told(status: int, body: bytes) -> str:
    """What an error says: its code and message, or the status where a stranger answered."""
    try:
        error = json.loads(body)
        if "errCode" in error:  # of the migrations' API
            return f"{error['errCode']}: {error['message']}"
        return f"{error['error_code']}: {error['error_msg']}"
    except (ValueError, KeyError, TypeError):
        return f"status {status}"
