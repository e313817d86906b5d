"""Documents of an index of Elasticsearch as the destination of a job, written with the bulk API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from headrace.errors_cdm import (
    ColumnsDiffer,
    ElasticsearchIndexFailed,
    ElasticsearchKeyNotListed,
    ElasticsearchWriteFailed,
)
from headrace.transfer.connector import Prepared, Rejected, Surroundings, Target, Writer
from headrace.transfer.documents.clearing import wants_clearing
from headrace.transfer.documents.elastic_columns import ID, ElasticColumn, listed, mapping, type_of, written_type
from headrace.transfer.documents.elastic_lines import Lines, lines_of
from headrace.transfer.documents.elastic_session import BUSY, PATIENCE, TOO_LARGE, ElasticSession, reason, why
from headrace.transfer.options import Options

_DEFAULT_TYPE = "doc"  # of documents, before version 7
_BULK_BYTES, _BULK_ROWS = 5 << 20, 5_000
# Source: CDM API reference, createIndexStrategy
_STRATEGIES = {"EveryHour": "%Y%m%d%H", "EveryDay": "%Y%m%d", "EveryWeek": "%G%V", "EveryMonth": "%Y%m"}


class ElasticTarget(Target):
    """Indexes documents; with ``primaryKey`` one that is there is replaced.

    Source: CDM API reference, "To Elasticsearch/CSS".
    """

    def __init__(self, session: ElasticSession, options: Options, surroundings: Surroundings) -> None:
        self._session = session
        self._options = options
        self._surroundings = surroundings
        self._index = options.required("index")
        self._strategy = options.choice("createIndexStrategy", ("", *_STRATEGIES), "")
        self._key = options.text("primaryKey")
        self._listed = listed(options.columns(), f"{options.section}.columnList")
        self._clears = wants_clearing(options, "shouldClearType")
        self.repeatable = bool(self._key)
        self.restartable = self.repeatable or self._clears
        if self._index != self._index.lower():
            raise ElasticsearchIndexFailed(f"{options.section}.index: {self._index!r} is not in lower case.")

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Make the index, or empty it where the job says so. Raises ElasticsearchKeyNotListed, ColumnsDiffer."""
        columns = self._columns(source)
        names = [one.name for one in columns]
        if self._key and self._key not in names:
            raise ElasticsearchKeyNotListed(f"{self._key!r} is none of {', '.join(names)}.")
        index = self._named_now()
        path = f"/{quote(index, safe='')}"
        has_types = self._session.has_types
        kind = self._options.text("type", _DEFAULT_TYPE) if has_types else ""
        status, answer = self._session.ask("HEAD", path)
        if status == http.client.NOT_FOUND:
            made = mapping(columns)
            self._session.call("PUT", path, {"mappings": {kind: made} if has_types else made})
        elif status >= http.client.BAD_REQUEST:
            raise ElasticsearchIndexFailed(f"{index}: {reason(status, answer)}")
        elif self._clears:
            everything: dict[str, Any] = {"query": {"match_all": {}}}
            self._session.call("POST", f"{path}/_refresh")
            self._session.call("POST", f"{path}/_delete_by_query?conflicts=proceed&refresh=true", everything)
        types = [
            written_type(one.type, source.types[at] if at < len(source) else pa.string())
            for at, one in enumerate(columns)
        ]
        schema = pa.schema(list(zip(names, types, strict=True)))
        return Prepared(schema=schema, state={"index": index, "type": kind, "types": [one.type for one in columns]})

    def _columns(self, source: pa.Schema) -> tuple[ElasticColumn, ...]:
        if self._listed and len(self._listed) < len(source):
            raise ColumnsDiffer(
                f"The source gives {len(source)} columns, toJobConfig.columnList has {len(self._listed)}."
            )
        given = self._listed or tuple(ElasticColumn(name) for name in source.names)
        kinds = [type_of(kind) for kind in source.types]
        return tuple(
            ElasticColumn(one.name, one.type or (kinds[at] if at < len(kinds) else "text"))
            for at, one in enumerate(given)
        )

    def _named_now(self) -> str:
        """The index of this hour, day, week or month."""
        if not self._strategy:
            return self._index
        now = datetime.fromtimestamp(self._surroundings.now() / 1000, UTC).astimezone(self._surroundings.zone)
        return self._index + now.strftime(_STRATEGIES[self._strategy])

    def writer(self, prepared: Prepared, split: int) -> Writer:
        """Sends bulks."""
        key = self._key or (ID if ID in prepared.schema.names else "")
        path = "/_bulk"
        pipeline = self._options.text("pipeLine")
        action: dict[str, Any] = {"_index": prepared.state["index"]}
        if prepared.state["type"]:
            action["_type"] = prepared.state["type"]
        if pipeline:
            path += f"?pipeline={quote(pipeline, safe='')}"
        lines = lines_of(action, key, prepared.state["types"])
        return _Bulks(self._session.again(), path, lines, self._surroundings)

    def finish(self, prepared: Prepared) -> None:
        """Show the documents to those who search."""
        self._session.call(
            "POST", f"/{quote(prepared.state['index'], safe='')}/_refresh", error=ElasticsearchWriteFailed
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class _Bulks(Writer):
    def __init__(self, session: ElasticSession, path: str, lines: Lines, surroundings: Surroundings) -> None:
        self._session = session
        self._path = path
        self._lines = lines
        self._surroundings = surroundings

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Every row that is a document."""
        documents, refused = self._lines(batch)
        part: list[tuple[int, bytes]] = []
        size = 0
        for row, document in enumerate(documents):
            if document is None:
                continue
            if part and (size + len(document) > _BULK_BYTES or len(part) >= _BULK_ROWS):
                refused |= self._send(part)
                part, size = [], 0
            part.append((row, document))
            size += len(document)
        if part:
            refused |= self._send(part)
        return [Rejected(row, refused[row]) for row in sorted(refused)]

    def _send(self, part: Sequence[tuple[int, bytes]]) -> dict[int, str]:
        """The rows that are refused. What a busy server put off is sent again. Raises ElasticsearchWriteFailed."""
        refused: dict[int, str] = {}
        left = part
        for pause in (*PATIENCE, 0):
            status, data = self._session.ask("POST", self._path, b"".join(one for _, one in left), lines=True)
            if status == TOO_LARGE:
                return refused | self._halved(left)
            if status in BUSY and pause:
                self._surroundings.cancellation.wait(pause)
                continue
            if status >= http.client.BAD_REQUEST:
                raise ElasticsearchWriteFailed(reason(status, data))
            left = self._answered(left, data, refused)
            if not left:
                return refused
            self._surroundings.cancellation.wait(pause)
        raise ElasticsearchWriteFailed(f"The server is too busy for {len(left)} documents.")

    def _halved(self, part: Sequence[tuple[int, bytes]]) -> dict[int, str]:
        if len(part) == 1:
            return {part[0][0]: "The document is larger than the server takes."}
        middle = len(part) // 2
        return self._send(part[:middle]) | self._send(part[middle:])

    def _answered(
        self, sent: Sequence[tuple[int, bytes]], data: bytes, refused: dict[int, str]
    ) -> Sequence[tuple[int, bytes]]:
        """Note what was refused; what must be sent again."""
        answer: Mapping[str, Any] = json.loads(data)
        if not answer.get("errors"):
            return ()
        again = []
        items = answer.get("items", [])
        if len(items) != len(sent):
            raise ElasticsearchWriteFailed(f"The server answered {len(items)} of {len(sent)} documents.")
        for one, item in zip(sent, items, strict=True):
            result = next(iter(item.values()))
            status = int(result.get("status", 200))
            if status in BUSY:
                again.append(one)
            elif status >= http.client.BAD_REQUEST:
                refused[one[0]] = why(result.get("error", status))
        return again

    def close(self) -> None:
        """Every bulk was answered."""
        self._session.close()

    def abort(self) -> None:
        """What was written stays."""
        self._session.close()
