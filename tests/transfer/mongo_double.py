"""A double of a MongoDB server: the wire protocol, and as much of its commands as the connector uses.

``find`` knows equality and the comparisons; ``_id`` is unique; a document with ``refuse: true`` is refused. Source:
MongoDB manual, "Wire Protocol", "Database Commands".
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bson
from bson.codec_options import CodecOptions

_REPLY, _QUERY, _MESSAGE = 1, 2004, 2013
_HEADER = struct.Struct("<iiii")
_FIRST_BATCH = 101
_AWARE = CodecOptions(tz_aware=True)
Document = dict[str, Any]


class MongoDouble(socketserver.ThreadingTCPServer):
    """``collections``: documents by database and collection. ``waits``: set, ``getMore`` waits to be killed."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.collections: dict[tuple[str, str], list[Document]] = {}
        self.lock = threading.Lock()
        self.cursors: dict[int, list[bytes]] = {}
        self.killed = threading.Event()
        self.waits = threading.Event()
        self.waiting = threading.Event()

    @property
    def address(self) -> str:
        """``host:port``."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def answer(self, command: Mapping[str, Any]) -> Document:
        """The answer to a command."""
        name = next(iter(command))
        do = getattr(self, f"do_{name.lower()}", None)
        if do is None:
            return {"ok": 0.0, "errmsg": f"no such command: '{name}'", "code": 59}
        return {"ok": 1.0, **do(command)}

    def do_hello(self, command: Mapping[str, Any]) -> Document:
        return {
            "helloOk": True,
            "ismaster": True,
            "isWritablePrimary": True,
            "maxBsonObjectSize": 16 << 20,
            "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000,
            "logicalSessionTimeoutMinutes": 30,
            "minWireVersion": 0,
            "maxWireVersion": 21,
        }

    do_ismaster = do_hello

    def do_ping(self, command: Mapping[str, Any]) -> Document:
        return {}

    do_endsessions = do_killcursors = do_ping

    def do_killsessions(self, command: Mapping[str, Any]) -> Document:
        self.killed.set()
        return {}

    def do_buildinfo(self, command: Mapping[str, Any]) -> Document:
        return {"version": "7.0.0", "versionArray": [7, 0, 0, 0]}

    def do_saslstart(self, command: Mapping[str, Any]) -> Document:
        return {"ok": 0.0, "errmsg": "Authentication failed.", "code": 18, "codeName": "AuthenticationFailed"}

    def do_find(self, command: Mapping[str, Any]) -> Document:
        name = command["find"]
        found = [
            _raw(_projected(one, command.get("projection") or {}))
            for one in self.collections.get((command["$db"], name), [])
            if _matches(one, command.get("filter") or {})
        ]
        found = found[: command["limit"]] if command.get("limit") else found
        return self._batch(found, f"{command['$db']}.{name}", "firstBatch", command.get("batchSize", _FIRST_BATCH))

    def do_getmore(self, command: Mapping[str, Any]) -> Document:
        if self.waits.is_set():
            self.waiting.set()
            if self.killed.wait(60):
                return {"ok": 0.0, "errmsg": "operation was interrupted", "code": 11601}
        rest = self.cursors.pop(command["getMore"])
        size = command.get("batchSize", len(rest))
        return self._batch(rest, f"{command['$db']}.{command['collection']}", "nextBatch", size)

    def _batch(self, found: list[bytes], namespace: str, member: str, size: int) -> Document:
        number = 0
        if len(found) > size:
            with self.lock:
                number = max(self.cursors, default=0) + 1
                self.cursors[number] = found[size:]
        raw = [bson.raw_bson.RawBSONDocument(one) if not _broken(one) else one for one in found[:size]]
        return {"cursor": {"id": bson.Int64(number), "ns": namespace, member: raw}}

    def do_insert(self, command: Mapping[str, Any]) -> Document:
        errors = []
        with self.lock:
            kept = self.collections.setdefault((command["$db"], command["insert"]), [])
            for index, document in enumerate(command["documents"]):
                if "_id" in document and any(one["_id"] == document["_id"] for one in kept):
                    errors.append({"index": index, "code": 11000, "errmsg": f"E11000 dup key: {document['_id']}"})
                elif document.get("refuse"):
                    errors.append({"index": index, "code": 121, "errmsg": "Document failed validation"})
                else:
                    kept.append({"_id": bson.ObjectId(), **document})
        answer: Document = {"n": len(command["documents"]) - len(errors)}
        return {**answer, "writeErrors": errors} if errors else answer

    def do_delete(self, command: Mapping[str, Any]) -> Document:
        with self.lock:
            kept = self.collections.get((command["$db"], command["delete"]), [])
            count = len(kept)
            kept.clear()
        return {"n": count}


class _Handler(socketserver.BaseRequestHandler):
    server: MongoDouble

    def handle(self) -> None:
        while header := self._read(_HEADER.size):
            size, request, _, code = _HEADER.unpack(header)
            body = self._read(size - _HEADER.size)
            reply = self.server.answer(_command(code, body))
            data = _encoded(reply)
            if code == _QUERY:
                payload = struct.pack("<iqii", 8, 0, 0, 1) + data
                self.request.sendall(_HEADER.pack(_HEADER.size + len(payload), 1, request, _REPLY) + payload)
            else:
                payload = struct.pack("<iB", 0, 0) + data
                self.request.sendall(_HEADER.pack(_HEADER.size + len(payload), 1, request, _MESSAGE) + payload)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                part = self.request.recv(size - len(data))
            except OSError:
                return b""
            if not part:
                return b""
            data += part
        return data


def _command(code: int, body: bytes) -> Document:
    """Sections of OP_MSG, or the query of the first handshake."""
    if code == _QUERY:
        at = body.index(b"\0", 4) + 1 + 8
        return dict(bson.decode(body[at:], _AWARE))
    found: Document = {}
    at = 4
    while at < len(body):
        kind, at = body[at], at + 1
        size = int.from_bytes(body[at : at + 4], "little")
        if kind == 0:
            found = {**bson.decode(body[at : at + size], _AWARE), **found}
        else:
            end = body.index(b"\0", at + 4)
            name = body[at + 4 : end].decode()
            found[name] = bson.decode_all(body[end + 1 : at + size], _AWARE)
        at += size
    first = next(name for name in found if name not in ("documents", "deletes"))
    return {first: found[first], **found}


_BROKEN = b"\x02broken\x00\x02\x00\x00\x00\xff\x00"  # a text that is no UTF-8


def _raw(document: Document) -> bytes:
    """A document as bytes; the member ``break`` makes one that cannot be read."""
    if not document.get("break"):
        return bson.encode(document)
    body = bson.encode({name: value for name, value in document.items() if name != "break"})[4:-1] + _BROKEN
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def _broken(raw: bytes) -> bool:
    return _BROKEN in raw


def _encoded(reply: Document) -> bytes:
    """The answer; batches are put together by hand, as they may hold what cannot be encoded."""
    cursor = reply.get("cursor")
    if not cursor:
        return bson.encode(reply)
    member = "firstBatch" if "firstBatch" in cursor else "nextBatch"
    items = b""
    for number, one in enumerate(cursor[member]):
        raw = one if isinstance(one, bytes) else one.raw
        items += b"\x03" + str(number).encode() + b"\0" + raw
    array = (len(items) + 5).to_bytes(4, "little") + items + b"\0"
    rest = bson.encode({"id": cursor["id"], "ns": cursor["ns"]})[4:-1]
    inner = rest + b"\x04" + member.encode() + b"\0" + array
    whole = (len(inner) + 5).to_bytes(4, "little") + inner + b"\0"
    outer = b"\x03cursor\0" + whole + b"\x01ok\0" + struct.pack("<d", 1.0)
    return (len(outer) + 5).to_bytes(4, "little") + outer + b"\0"


_COMPARED = {
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
    "$in": lambda one, other: one in other,
    "$ne": lambda one, other: one != other,
}


def _matches(document: Document, query: Mapping[str, Any]) -> bool:
    for name, wanted in query.items():
        value = document.get(name)
        if isinstance(wanted, dict) and all(word in _COMPARED for word in wanted):
            if value is None or not all(_COMPARED[word](value, other) for word, other in wanted.items()):
                return False
        elif value != wanted:
            return False
    return True


def _projected(document: Document, projection: Mapping[str, Any]) -> Document:
    wanted = {name.partition(".")[0] for name, keep in projection.items() if keep and name != "_id"}
    hidden = projection.get("_id", 1) == 0
    return {
        name: value
        for name, value in document.items()
        if (name == "_id" and not hidden) or (name != "_id" and (not wanted or name in wanted or name == "break"))
    }


@contextmanager
def running() -> Iterator[MongoDouble]:
    """A double that answers."""
    with MongoDouble() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.killed.set()
            server.shutdown()
            thread.join()
