"""Documents of an index of Elasticsearch as the source of a job, read by scrolling."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import quote

import msgspec
import pyarrow as pa

from headrace.errors_cdm import CdmError, ElasticsearchReadFailed
from headrace.transfer.connector import BATCH_BYTES, BATCH_ROWS, Reject, Source, Split
from headrace.transfer.documents.elastic_columns import BINARY, ID, ElasticColumn, listed, mapped, read_type
from headrace.transfer.documents.elastic_session import ElasticSession, reason
from headrace.transfer.options import Options

_PAGE = 1_000  # documents of an answer
_KEPT = "5m"  # how long the server keeps a scroll that is not asked
_BAD = 400  # the first status of an error
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


class _Hit(msgspec.Struct):
    id: str = msgspec.field(name="_id", default="")
    source: msgspec.Raw = msgspec.field(name="_source", default=msgspec.Raw(b"{}"))


class _Hits(msgspec.Struct):
    hits: list[_Hit] = []


class _Shards(msgspec.Struct):
    failed: int = 0


class _Page(msgspec.Struct):
    hits: _Hits
    scroll: str = msgspec.field(name="_scroll_id", default="")
    shards: _Shards = msgspec.field(name="_shards", default_factory=_Shards)
    timed_out: bool = False


_ANSWER = msgspec.json.Decoder(_Page)


class ElasticSource(Source):
    """Reads the documents that a query string finds. Without ``columnList`` the mapping has all columns.

    Cells are texts, numbers with all digits of the document; lists and objects are JSON. What the index keeps as
    ``binary`` comes as bytes. Source: CDM API reference, "From Elasticsearch/CSS".
    """

    def __init__(self, session: ElasticSession, options: Options) -> None:
        self._session = session
        self._options = options
        self._index = options.required("index")
        pairs = options.columns()
        constants = {name for name, _ in options.constants()}
        self._listed = tuple(one for one in listed(pairs, f"{options.section}.columnList") if one.name not in constants)

    @cached_property
    def _columns(self) -> tuple[ElasticColumn, ...]:
        if self._listed and all(one.type for one in self._listed if one.name != ID):
            return self._listed
        answer = self._session.call("GET", f"/{quote(self._index, safe=',')}/_mapping")
        found = mapped(answer, split=bool(self._listed) or self._options.flag("splitNestedField"))
        if self._listed:
            binary = {one.name for one in found if one.type == BINARY}
            return tuple(one._replace(type=BINARY) if one.name in binary else one for one in self._listed)
        if not found:
            raise CdmError(f"fromJobConfig.columnList: missing, and the index {self._index!r} has no columns.")
        return found

    def schema(self) -> pa.Schema:
        """The columns with their types; they come as text."""
        return pa.schema([(one.name, read_type(one.type)) for one in self._columns])

    def splits(self, wanted: int) -> Sequence[Split]:
        """Slices of the scroll. Source: Elasticsearch documentation, "Sliced scroll"."""
        return [{"slice": number, "of": wanted} for number in range(max(1, wanted))]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """The rows of a slice. Raises ElasticsearchReadFailed where the server could not search everything."""
        session = self._session.again()
        schema = self.schema()
        names = schema.names
        binary = [number for number, one in enumerate(schema) if pa.types.is_binary(one.type)]
        columns: list[list[Any]] = [[] for _ in names]
        size = 0
        try:
            for data in self._pages(session, split):
                size += len(data)
                for hit in _ANSWER.decode(data).hits.hits:
                    try:
                        members = _MEMBERS.decode(hit.source)
                        cells: list[Any] = [hit.id if name == ID else _text(_member(members, name)) for name in names]
                        for number in binary:
                            cells[number] = _bytes(cells[number])
                    except (msgspec.DecodeError, RecursionError, ValueError) as error:
                        reject(hit.id, f"It is no document: {error}")
                        continue
                    for column, cell in zip(columns, cells, strict=True):
                        column.append(cell)
                if size >= BATCH_BYTES or len(columns[0]) > BATCH_ROWS - _PAGE:
                    yield _batch(columns, schema)
                    columns, size = [[] for _ in names], 0
            if columns[0]:
                yield _batch(columns, schema)
        finally:
            session.close()

    def _pages(self, session: ElasticSession, split: Split) -> Iterator[bytes]:
        """The answers that have hits."""
        scroll = ""
        try:
            data = self._asked(session, f"{self._path(session)}/_search?scroll={_KEPT}", self._search(split))
            while True:
                page = _ANSWER.decode(data)
                scroll = page.scroll or scroll
                if page.timed_out or page.shards.failed:
                    raise ElasticsearchReadFailed(f"{self._index}: {page.shards.failed} shards did not answer.")
                if not page.hits.hits:
                    return
                yield data
                data = self._asked(session, "/_search/scroll", {"scroll": _KEPT, "scroll_id": scroll})
        except msgspec.DecodeError as error:
            raise ElasticsearchReadFailed(f"{self._index}: the answer is none: {error}") from error
        finally:
            if scroll and not session.stopped:
                with suppress(CdmError):  # the server forgets it by itself
                    session.ask("DELETE", "/_search/scroll", msgspec.json.encode({"scroll_id": [scroll]}))

    def _path(self, session: ElasticSession) -> str:
        kind = self._options.text("type")
        path = f"/{quote(self._index, safe=',')}"
        return f"{path}/{quote(kind, safe='')}" if kind and session.has_types else path

    def _search(self, split: Split) -> Mapping[str, Any]:
        text = self._options.text("queryString")
        names = [one.name for one in self._columns if one.name != ID]
        found: dict[str, Any] = {
            "size": _PAGE,
            "sort": ["_doc"],
            "query": {"query_string": {"query": text}} if text else {"match_all": {}},
            "_source": names or False,
        }
        if split["of"] > 1:
            found["slice"] = {"id": split["slice"], "max": split["of"]}
        return found

    def _asked(self, session: ElasticSession, path: str, body: Mapping[str, Any]) -> bytes:
        status, data = session.ask("POST", path, msgspec.json.encode(body))
        if status >= _BAD:
            raise ElasticsearchReadFailed(f"{self._index}: {reason(status, data)}")
        return data

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


def _batch(columns: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """All but bytes as text."""
    types = [kind if pa.types.is_binary(kind) else pa.string() for kind in schema.types]
    return pa.RecordBatch.from_arrays(list(map(pa.array, columns, types)), names=schema.names)


def _member(members: dict[str, msgspec.Raw], path: str) -> bytes | None:
    """A member of a document, or of those in it (``a.b``), a list for several; None where there is none."""
    if path in members:
        return bytes(members[path])
    first, dot, rest = path.partition(".")
    if not dot or first not in members:
        return None
    inner = bytes(members[first])
    if inner[:1] == b"{":
        return _member(_MEMBERS.decode(inner), rest)
    if inner[:1] != b"[":
        return None
    found = [_member(_MEMBERS.decode(one), rest) for one in _ITEMS.decode(inner) if bytes(one)[:1] == b"{"]
    return b"[" + b",".join(one or b"null" for one in found) + b"]"


def _bytes(cell: str | None) -> bytes | None:
    """The bytes of a text in Base64. Raises ValueError."""
    return None if cell is None else base64.b64decode(cell, validate=True)


def _text(value: bytes | None) -> str | None:
    """A value of JSON as text: strings without quotes, the rest as it is."""
    if value is None or value == b"null":
        return None
    return _TEXT.decode(value) if value[:1] == b'"' else value.decode()
