"""What tests of node types put around a node: a context, a log that is kept, and a web service of the test's own."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed, NodeResult, Script, build_node
from headrace.objectstore.files import FileStore
from headrace.settings import Settings
from headrace.sql.engine import Cancellation


@dataclass
class KeptLog:
    """A log in memory."""

    lines: list[str] = field(default_factory=list)
    concealed: list[str] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        self.lines.append(data.decode())

    def conceal(self, secret: str) -> None:
        self.concealed.append(secret)

    def line(self, text: str) -> None:
        self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def _never(*_: Any) -> Any:
    raise NodeFailed("there is none in this test")


def context(
    *,
    connections: Mapping[str, BoundConnection] | None = None,
    scripts: Mapping[str, Script] | None = None,
    settings: Settings | None = None,
    scratch: Path = Path("/nonexistent/scratch"),
    **members: Any,
) -> NodeContext:
    """A context in which every name is unknown but the given ones."""

    def find_script(name: str, version: str) -> Script:
        found = (scripts or {}).get(name)
        return _never() if found is None else found

    given: dict[str, Any] = {
        "job_name": "j",
        "node_name": "n",
        "instance_id": "1",
        "plan_time": datetime(2024, 1, 31, tzinfo=UTC),
        "token": "home:1:0:1",
        "scratch": scratch,
        "log": KeptLog(),
        "cancellation": Cancellation(),
        "find_script": find_script,
        "find_resource": _never,
        "find_connection": lambda name: (connections or {}).get(name),
        "store": FileStore(scratch.parent / "obs"),
        "open_sql": _never,
        "substitute": lambda text, arguments: text,
        "evaluate": lambda text, loop: text,
        "polling_interval": 0.01,
        "local_execution": True,
        "embedded_connections": False,
        "process_environment": {},
        "settings": settings or Settings(),
    }
    return NodeContext(**(given | members))


def run_node(kind: str, ctx: NodeContext, **properties: str) -> NodeResult:
    """Build and run a node of a type."""
    return build_node(kind, properties).run(ctx)


@dataclass(frozen=True)
class Request:
    """What the service was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class WebService:
    """A service on loopback that answers by a function and remembers what it was asked."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def web_service(answer: Callable[[Request], Answer]) -> Iterator[WebService]:
    """``answer`` gives status, body and headers of a request."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            service.requests.append(request)
            status, content, headers = answer(request)
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content if self.command != "HEAD" else b"")
            except OSError:
                return  # the caller went away

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _serve

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = WebService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def load_apprise() -> None:
    """Load Apprise and its plugins, or skip. They are loaded at first use and import what Python 3.13 removes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apprise = pytest.importorskip("apprise", reason="the extra headrace[notify] is not installed")
        apprise.Apprise.instantiate("json://h")


def as_json(value: Any, status: int = 200) -> Answer:
    """An answer of JSON."""
    return status, json.dumps(value).encode(), {"Content-Type": "application/json"}
