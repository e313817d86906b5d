"""Documents of MongoDB as the destination of a job: each row becomes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import ColumnsDiffer
from headrace.transfer.connector import Prepared, Rejected, Target, Writer
from headrace.transfer.documents.clearing import wants_clearing
from headrace.transfer.documents.mongo_session import MongoSession
from headrace.transfer.documents.mongo_values import as_bson
from headrace.transfer.drivers import driver
from headrace.transfer.options import Options

_MOMENT = pa.timestamp("ms", "UTC")
_LARGEST = 16 << 20  # bytes of a document. Source: MongoDB manual, "BSON Document Size"
_PLAIN = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_binary)


class MongoTarget(Target):
    """Inserts documents with the types that the source has. Source: CDM API reference, "To DDS"."""

    def __init__(self, session: MongoSession, options: Options, database: str) -> None:
        self._session = session
        self._options = options
        self._collection = options.required("collectionName")
        self._database = options.text("database", database) or options.required("database")
        self.restartable = wants_clearing(options, "shouldClearCollection")

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Empty the collection where the job says so; the server makes it. Raises ColumnsDiffer."""
        names = self._options.columns() or tuple(source.names)
        if len(names) < len(source):
            raise ColumnsDiffer(f"The source gives {len(source)} columns, toJobConfig.columnList has {len(names)}.")
        types = [_kept(field.type) for field in source] + [pa.string()] * (len(names) - len(source))
        collection, session = self._session.collection(self._database, self._collection), self._session.session()
        if self.restartable:
            with self._session.told(writes=True):
                collection.delete_many({}, session=session)
        return Prepared(schema=pa.schema(list(zip(names, types, strict=True))))

    def writer(self, prepared: Prepared, split: int) -> Writer:
        """Inserts batches."""
        return _Inserts(self._session, self._session.collection(self._database, self._collection))

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()


def _kept(given: pa.DataType) -> pa.DataType:
    """The type that a column of the source is written as; moments have milliseconds and are of UTC."""
    if pa.types.is_timestamp(given):
        return _MOMENT
    if pa.types.is_date(given) or pa.types.is_decimal(given) or pa.types.is_nested(given):
        return given
    return given if any(fits(given) for fits in _PLAIN) else pa.string()


class _Inserts(Writer):
    def __init__(self, session: MongoSession, collection: Any) -> None:
        self._session = session
        self._collection = collection
        self._used = session.session()
        self._make: Callable[[Any], Any] = as_bson(session.bson)

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """All rows that the server takes, in any order."""
        raw = driver("bson.raw_bson", "mongodb").RawBSONDocument
        refused: list[Rejected] = []
        documents: list[Any] = []
        numbers: list[int] = []
        for row, made in enumerate(self._encoded(batch)):
            if isinstance(made, str):
                refused.append(Rejected(row, made))
            else:
                documents.append(raw(made))
                numbers.append(row)
        if documents:
            errors = self._insert(documents)
            refused += [Rejected(numbers[at], reason) for at, reason in errors]
        return sorted(refused)

    def _encoded(self, batch: pa.RecordBatch) -> Sequence[bytes | str]:
        """Each row as a document, or why it is none."""
        names = batch.schema.names
        columns = [column.to_pylist(maps_as_pydicts="strict") for column in batch.columns]
        converts = [number for number, field in enumerate(batch.schema) if not _is_plain(field.type)]
        found: list[bytes | str] = []
        for row in zip(*columns, strict=True):
            cells = list(row)
            try:
                for number in converts:
                    cells[number] = self._make(cells[number])
                made = self._session.bson.encode(dict(zip(names, cells, strict=True)))
            except (self._session.bson.errors.BSONError, ValueError, ArithmeticError, TypeError) as error:
                found.append(f"It is no document: {error}")
                continue
            found.append(made if len(made) <= _LARGEST else f"Its {len(made)} bytes are more than a document may have.")
        return found

    def _insert(self, documents: Sequence[Any]) -> Sequence[tuple[int, str]]:
        """The documents that were refused, by their numbers, and why."""
        with self._session.told(writes=True):
            try:
                self._collection.insert_many(documents, ordered=False, session=self._used)
            except driver("pymongo.errors", "mongodb").BulkWriteError as error:
                return _refused(error)
        return ()

    def close(self) -> None:
        """Every insert was answered."""

    def abort(self) -> None:
        """What was written stays."""


def _refused(error: Any) -> Sequence[tuple[int, str]]:
    """Raises the error again where it is of more than rows."""
    details = error.details or {}
    if details.get("writeConcernErrors") or not details.get("writeErrors"):
        raise error
    return [(one["index"], str(one["errmsg"])) for one in details["writeErrors"]]


def _is_plain(given: pa.DataType) -> bool:
    return pa.types.is_timestamp(given) or any(fits(given) for fits in _PLAIN)
