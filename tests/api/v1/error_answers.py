"""What a failed call answers, as a whole."""

from __future__ import annotations

from typing import Any

import httpx


def failure(answer: httpx.Response) -> dict[str, Any]:
    """Status and body of a failed call, after the parts that repeat were compared: code, text and request id."""
    body: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body.pop("request_id") == answer.headers["x-request-id"]
    assert body.pop("errors") == [body]
    return {"status": answer.status_code, **body}


def refused(code: str, message: str, status: int = 400) -> dict[str, Any]:
    """What ``failure`` gives for a documented error."""
    return {"status": status, "error_code": code, "error_msg": message}
