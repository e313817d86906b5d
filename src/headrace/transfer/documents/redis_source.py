"""Keys of Redis as the source of a job: each is a row of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import RedisColumnsMissing
from headrace.transfer.connector import BATCH_BYTES, Reject, Source, Split
from headrace.transfer.documents.redis_session import RedisSession, WrongKind
from headrace.transfer.documents.texts import as_texts, shown_bytes
from headrace.transfer.options import Options

STRING, HASH = "STRING", "HASH"
_FIRST, _MOST = 256, 8_192  # keys asked for at a time
_LOOKED_AT = 1_000  # keys that say what the columns are


class RedisSource(Source):
    """Reads the keys ``keyPrefix + keySeparator + …`` in one split, as no other split could be told from it.

    Without ``columnList`` the first thousand hashes say what the columns are, as a hash has no field where a column is
    NULL; of a string the values are ``c1``, ``c2``, …. Source: CDM API reference, "From Redis".
    """

    def __init__(self, session: RedisSession, options: Options) -> None:
        self._session = session
        self._start = options.required("keyPrefix") + options.required("keySeparator")
        self._kind = options.choice("valueStoreType", (STRING, HASH), "")
        self._separator = options.text("valueSeparator", "\t")
        self._listed = options.source_columns()

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        if self._listed:
            return self._listed
        names: dict[str, None] = {}
        looked_at = 0
        for keys in self._session.pages(self._start):
            for found in self._fields(keys[: _LOOKED_AT - looked_at]):
                names.update(dict.fromkeys(found))
            looked_at += len(keys)
            if looked_at >= _LOOKED_AT:
                break
        if not names:
            raise RedisColumnsMissing(f"No key begins with {self._start!r} and holds a {self._kind}.")
        return tuple(names)

    def _fields(self, keys: Sequence[bytes]) -> Iterator[tuple[str, ...]]:
        """The columns of each hash, or of the first string."""
        command = "HKEYS" if self._kind == HASH else "GET"
        for answer in self._session.run([(command, key) for key in keys]):
            if isinstance(answer, bytes):
                count = answer.count(self._separator.encode()) + 1
                yield tuple(f"c{number + 1}" for number in range(count))
                return
            if isinstance(answer, list):
                yield tuple(name.decode("utf-8", "replace") for name in answer)

    def schema(self) -> pa.Schema:
        """Texts."""
        return pa.schema([(name, pa.string()) for name in self._columns])

    def splits(self, wanted: int) -> Sequence[Split]:
        """One. Source: user guide, "Redis: no splits"."""
        return [{}]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """The rows in batches; keys that went away meanwhile are none."""
        take: Callable[[Sequence[bytes], Reject], pa.RecordBatch] = self._hashes if self._kind == HASH else self._texts
        size = _FIRST
        for page in self._session.pages(self._start):
            keys = iter(page)
            while part := list(islice(keys, size)):
                batch = take(part, reject)
                size = size * 2 if batch.nbytes < BATCH_BYTES // 4 else size // 2
                size = min(max(size, 1), _MOST)
                if batch.num_rows:
                    yield batch

    def _texts(self, keys: Sequence[bytes], reject: Reject) -> pa.RecordBatch:
        """Rows of values that are joined in one text."""
        names: list[bytes] = []
        values: list[bytes] = []
        for key, answer in zip(keys, self._session.run([("GET", key) for key in keys]), strict=True):
            if isinstance(answer, WrongKind):
                reject(shown_bytes(key), "The key holds no STRING.")
            elif answer is not None:
                names.append(key)
                values.append(answer)
        column, bad = as_texts(pa.array(values, pa.binary()))
        lists = pc.split_pattern(column, self._separator)
        lengths = pc.fill_null(pc.list_value_length(lists), 0)
        fits = pc.equal(lengths, len(self._columns))
        for number in pc.indices_nonzero(pc.invert(fits)).to_pylist():
            has = f"It has {lengths[number]} values where {len(self._columns)} columns are."
            reject(shown_bytes(names[number]), "It is no UTF-8." if number in bad else has)
        lists = lists.filter(fits)
        arrays = [pc.list_element(lists, number) for number in range(len(self._columns))]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema())

    def _hashes(self, keys: Sequence[bytes], reject: Reject) -> pa.RecordBatch:
        """Rows of fields; those that a hash has not are NULL."""
        rows: list[list[bytes | None]] = []
        named: list[bytes] = []
        empty: list[bytes] = []
        for key, answer in zip(keys, self._session.run([("HMGET", key, *self._columns) for key in keys]), strict=True):
            if isinstance(answer, WrongKind):
                reject(shown_bytes(key), "The key holds no HASH.")
            elif any(cell is not None for cell in answer):
                rows.append(answer)
                named.append(key)
            else:
                empty.append(key)
        there = self._session.run([("EXISTS", key) for key in empty]) if empty else []
        for key, exists in zip(empty, there, strict=True):
            if exists:
                rows.append([None] * len(self._columns))
                named.append(key)
        columns = [as_texts(pa.array(cells, pa.binary())) for cells in zip(*rows, strict=True)]
        if not columns:
            return pa.RecordBatch.from_pylist([], self.schema())
        whole = pa.RecordBatch.from_arrays([column for column, _ in columns], schema=self.schema())
        bad = {number for _, numbers in columns for number in numbers}
        for number in sorted(bad):
            reject(shown_bytes(named[number]), "It is no UTF-8.")
        return whole.filter(pa.array([number not in bad for number in range(len(rows))])) if bad else whole

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()
