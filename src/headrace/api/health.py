"""What operators ask: is it alive, is it ready, what does it measure, what does it serve."""

from __future__ import annotations

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from headrace import __version__
from headrace.api.openapi import document
from headrace.api.operation import Call, Created, Json, declared_operations, operation
from headrace.wire.document import write_document


@operation("GET", "/healthz", public=True, extension=True, tag="server")
def show_health(call: Call) -> dict[str, str]:
    """Whether the server can serve."""
    return {"status": "ok", "version": __version__}


@operation("GET", "/readyz", public=True, extension=True, slow=True, tag="server")
def show_readiness(call: Call) -> dict[str, str]:
    """Whether the database and the object store answer."""
    call.services.db.ready()
    call.services.store.bucket_exists("headrace-ready")
    return {"status": "ready"}


@operation("GET", "/metrics", public=True, extension=True, slow=True, tag="server")
def show_metrics(call: Call) -> Created[Json[str]]:
    """Measurements in the Prometheus text format."""
    return Created(Json(generate_latest()), 200, (("content-type", CONTENT_TYPE_LATEST),))


@operation("GET", "/openapi.json", public=True, extension=True, slow=True, tag="server")
def show_openapi(call: Call) -> Json[dict[str, Any]]:
    """The OpenAPI document of every operation served here."""
    return Json(write_document(document(declared_operations())))
