"""A double of an Elasticsearch server: as much of its HTTP API as the connector uses.

Knows query strings ``field:value``. A document with ``"refuse": true`` is refused, one with ``"busy": true`` is put off
once. Source: Elasticsearch documentation, "REST APIs".
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_NUMERIC = {"long", "integer", "double"}


class ElasticDouble(ThreadingHTTPServer):
    """``indexes``: documents as they were sent, by index and id; ``mappings``; ``log``: the requests.

    ``password``: of the user ``me``, where there is one; ``largest``: bytes of a request; ``waits``: set, scrolling
    waits for ``released``.
    """

    daemon_threads = True

    def __init__(self, version: str = "7.10.2") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = version
        self.indexes: dict[str, dict[str, bytes]] = {}
        self.mappings: dict[str, Any] = {}
        self.log: list[str] = []
        self.scrolls: dict[str, list[tuple[str, bytes]]] = {}
        self.put_off: set[str] = set()
        self.lock = threading.Lock()
        self.password = ""
        self.largest = 100 << 20
        self.failed_shards = 0
        self.waits, self.waiting, self.released = threading.Event(), threading.Event(), threading.Event()

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.server_port}"

    def documents(self, index: str) -> list[Any]:
        """What an index holds, decoded."""
        return [json.loads(one) for one in self.indexes.get(index, {}).values()]

    def bulk(self, body: bytes) -> tuple[int, bytes]:
        """Index pairs of lines."""
        if len(body) > self.largest:
            return 413, b"too large"
        lines = body.split(b"\n")
        assert lines.pop() == b""
        items = [self._indexed(json.loads(lines[at])["index"], lines[at + 1]) for at in range(0, len(lines), 2)]
        errors = any("error" in one["index"] for one in items)
        return 200, json.dumps({"errors": errors, "items": items}).encode()

    def _indexed(self, action: dict[str, Any], source: bytes) -> dict[str, Any]:
        number = action.get("_id", uuid.uuid4().hex)
        document = json.loads(source)
        if document.get("busy") and number not in self.put_off:
            self.put_off.add(number)
            return {"index": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "full"}}}
        properties = self.mappings.get(action["_index"], {}).get("properties", {})
        wrong = [name for name, value in document.items() if _is_wrong(value, properties.get(name, {}).get("type"))]
        if document.get("refuse") or wrong:
            reason = f"failed to parse field {wrong}"
            return {"index": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": reason}}}
        with self.lock:
            self.indexes.setdefault(action["_index"], {})[number] = source
        return {"index": {"_id": number, "status": 201}}

    def search(self, index: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """The first page."""
        if index not in self.indexes:
            return 404, json.dumps({"error": {"type": "index_not_found_exception", "reason": "no such index"}}).encode()
        part = body.get("slice", {"id": 0, "max": 1})
        field, _, value = body["query"].get("query_string", {}).get("query", "").partition(":")
        found = [
            (number, source)
            for number, source in self.indexes[index].items()
            if zlib.crc32(number.encode()) % part["max"] == part["id"]
            and (not field or str(json.loads(source).get(field)) == value)
        ]
        scroll = uuid.uuid4().hex
        self.scrolls[scroll] = found
        return self.page(scroll, body["size"])

    def page(self, scroll: str, size: int = 1000) -> tuple[int, bytes]:
        """The next page."""
        found = self.scrolls[scroll]
        hits, self.scrolls[scroll] = found[:size], found[size:]
        listed = b",".join(b'{"_id":%s,"_source":%s}' % (json.dumps(number).encode(), one) for number, one in hits)
        answer = b'{"_scroll_id":"%s","_shards":{"failed":%d},"timed_out":false,"hits":{"hits":[%s]}}'
        return 200, answer % (scroll.encode(), self.failed_shards, listed)


def _is_wrong(value: Any, kind: str | None) -> bool:
    """Whether a field does not take a value."""
    if kind == "long" and isinstance(value, int):
        return not -(2**63) <= value < 2**63
    return kind in _NUMERIC and isinstance(value, str)


class _Handler(BaseHTTPRequestHandler):
    server: ElasticDouble
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, data = self._done(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer

    def _done(self, body: bytes) -> tuple[int, bytes]:
        server, parts = self.server, urlsplit(self.path)
        server.log.append(f"{self.command} {self.path}")
        given = base64.b64encode(f"me:{server.password}".encode()).decode()
        if server.password and self.headers.get("Authorization") != f"Basic {given}":
            return 401, json.dumps({"error": {"type": "security_exception", "reason": "no such user"}}).encode()
        names = [unquote(part) for part in parts.path.split("/") if part]
        if not names:
            return 200, json.dumps({"version": {"number": server.version}}).encode()
        if names == ["_bulk"]:
            return server.bulk(body)
        if names[:2] == ["_search", "scroll"]:
            return self._scrolled(json.loads(body))
        return self._of_index(names, parts.query, json.loads(body or b"{}"))

    def _scrolled(self, body: dict[str, Any]) -> tuple[int, bytes]:
        server = self.server
        if self.command == "DELETE":
            for one in body["scroll_id"]:
                server.scrolls.pop(one, None)
            return 200, b"{}"
        if server.waits.is_set():
            server.waiting.set()
            server.released.wait(60)
        return server.page(body["scroll_id"])

    def _of_index(self, names: list[str], query: str, body: dict[str, Any]) -> tuple[int, bytes]:
        server, index, action = self.server, names[0], names[-1]
        if action == "_search":
            assert parse_qs(query)["scroll"] == ["5m"]
            return server.search(index, body)
        if action == "_mapping":
            return 200, json.dumps({index: {"mappings": server.mappings.get(index, {})}}).encode()
        if action == "_delete_by_query":
            server.indexes[index].clear()
        elif self.command == "HEAD":
            return (200 if index in server.indexes else 404), b""
        elif self.command == "PUT":
            server.indexes[index] = {}
            server.mappings[index] = body["mappings"]
        return 200, b"{}"


@contextmanager
def running(version: str = "7.10.2") -> Iterator[ElasticDouble]:
    """A double that answers."""
    with ElasticDouble(version) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
