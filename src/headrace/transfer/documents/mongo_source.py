"""Documents of MongoDB as the source of a job: each is a row of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import BATCH_ROWS, Reject, Source, Split
from headrace.transfer.documents.mongo_session import MongoSession
from headrace.transfer.documents.mongo_values import as_text, found_at
from headrace.transfer.documents.shell_json import read_shell_json
from headrace.transfer.options import Options


class MongoSource(Source):
    """Reads the documents that a query finds, in one split. Without ``columnList`` the first has all columns.

    Source: CDM API reference, "From MongoDB/DDS".
    """

    def __init__(self, session: MongoSession, options: Options, database: str) -> None:
        self._session = session
        self._collection = options.required("collectionName")
        self._database = options.text("database", database) or options.required("database")
        self._listed = options.source_columns()
        text = options.text("filters").strip()
        self._filter = read_shell_json(text, f"{options.section}.filters", session.calls()) if text else {}

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        if self._listed:
            return self._listed
        collection, session = self._session.collection(self._database, self._collection), self._session.session()
        with self._session.told():
            first = collection.find_one(self._filter, session=session)
        if first is None:
            raise CdmError(f"fromJobConfig.columnList: missing, and {self._collection!r} has no document to tell it.")
        return tuple(first)

    def schema(self) -> pa.Schema:
        """Texts."""
        return pa.schema([(name, pa.string()) for name in self._columns])

    def splits(self, wanted: int) -> Sequence[Split]:
        """One. Source: user guide, "MongoDB: no splits"."""
        return [{}]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """A batch for each answer of the server, of 16 MB at most."""
        projection: dict[str, int] = {"_id": 0} if "_id" not in self._columns else {}
        projection |= dict.fromkeys(self._columns, 1) if self._listed else {}
        collection, session = self._session.collection(self._database, self._collection), self._session.session()
        with self._session.told():
            cursor = collection.find_raw_batches(
                self._filter, projection or None, batch_size=BATCH_ROWS, session=session
            )
        try:
            while True:
                with self._session.told():
                    raw = next(cursor, None)
                if raw is None:
                    return
                batch = self._batch(raw, reject)
                if batch.num_rows:
                    yield batch
        finally:
            cursor.close()

    def _batch(self, raw: bytes, reject: Reject) -> pa.RecordBatch:
        documents = self._documents(raw, reject)
        bson = self._session.bson
        columns: list[list[str | None]] = [[] for _ in self._columns]
        for document in documents:
            try:
                cells = [as_text(found_at(document, name), bson) for name in self._columns]
                for cell in cells:
                    if cell is not None:
                        cell.encode()
            except (ValueError, ArithmeticError) as error:
                reject(str(document.get("_id", document)), f"A value has no text: {error}")
                continue
            for column, cell in zip(columns, cells, strict=True):
                column.append(cell)
        return pa.RecordBatch.from_arrays([pa.array(one, pa.string()) for one in columns], schema=self.schema())

    def _documents(self, raw: bytes, reject: Reject) -> list[dict[str, Any]]:
        """The documents in an answer; one that cannot be read is no row."""
        bson, codec = self._session.bson, self._session.codec
        try:
            return list(bson.decode_all(raw, codec))
        except (bson.errors.BSONError, UnicodeDecodeError):
            found = []
            at = 0
            while at < len(raw):
                size = int.from_bytes(raw[at : at + 4], "little")
                part = raw[at : at + size]
                at += max(size, 5)
                try:
                    found.append(bson.decode(part, codec))
                except (bson.errors.BSONError, UnicodeDecodeError) as error:
                    reject(part.hex()[:200], f"It cannot be read: {error}")
            return found

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()
