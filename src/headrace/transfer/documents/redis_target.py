"""Keys of Redis as the destination of a job: each row becomes one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import RedisKeysMissing, RedisKeysNotListed
from headrace.transfer.connector import Prepared, Rejected, Target, Writer
from headrace.transfer.documents.clearing import wants_clearing
from headrace.transfer.documents.redis_session import Command, RedisSession, WrongKind
from headrace.transfer.documents.redis_source import HASH, STRING
from headrace.transfer.options import Options

_AT_A_TIME = 2_000  # rows in a pipeline
_KEEPTTL = (6,)  # the first version whose SET knows the word. Source: Redis documentation, "SET", history


class RedisTarget(Target):
    """Writes keys ``keyPrefix + keySeparator + primary key``, whose parts the same separator joins.

    A key that is there is replaced and keeps the time it has to live. Source: CDM API reference, "To Redis".
    """

    repeatable = True  # a row is the same key again
    restartable = True

    def __init__(self, session: RedisSession, options: Options) -> None:
        self._session = session
        self._options = options
        self._separator = options.required("keySeparator")
        self._start = options.required("keyPrefix") + self._separator
        self._kind = options.choice("valueStoreType", (STRING, HASH), "")
        self._keys = options.columns("primaryKeyList")
        if not self._keys:
            raise RedisKeysMissing("toJobConfig.primaryKeyList: missing.")

    def prepare(self, source: pa.Schema, run: str, splits: int) -> Prepared:
        """Delete the keys of the prefix where the job says so. Raises RedisKeysNotListed."""
        names = self._options.columns() or tuple(source.names)
        for key in self._keys:
            if key not in names:
                raise RedisKeysNotListed(f"{key!r} is none of {', '.join(names)}.")
        types = source.types if len(source) == len(names) else [pa.string()] * len(names)
        fields = [
            (name, pa.binary() if pa.types.is_binary(kind) else pa.string())
            for name, kind in zip(names, types, strict=True)
        ]
        keeps = self._session.version() >= _KEEPTTL
        if wants_clearing(self._options, "shouldClearDatabase"):
            for keys in self._session.pages(self._start):
                self._session.run([("DEL", key) for key in keys])
        return Prepared(schema=pa.schema(fields), state={"keeps": keeps})

    def writer(self, prepared: Prepared, split: int) -> Writer:
        """Writes pipelines."""
        names = prepared.schema.names
        keys = [names.index(key) for key in self._keys]
        if self._kind == HASH:
            return _Hashes(self._session, self._start, self._separator, keys, names)
        keeps = ("KEEPTTL",) if prepared.state["keeps"] else ()
        separator = self._options.text("valueSeparator", "\t")
        return _Strings(self._session, self._start, self._separator, keys, separator, keeps)

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()


class _Keys(Writer):
    """``keys``: the numbers of the columns that make the key."""

    def __init__(self, session: RedisSession, start: str, separator: str, keys: Sequence[int]) -> None:
        self._session = session
        self._start = start.encode()
        self._key_separator = separator.encode()
        self._key_columns = keys

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Every row that can be a key."""
        columns = [column.cast(pa.binary()) for column in batch.columns]
        refused = self._unfit(columns)
        for number in self._key_columns:
            for row in pc.indices_nonzero(columns[number].is_null()).to_pylist():
                refused[row] = f"{batch.schema.names[number]!r} is NULL, and part of the primary key."
        numbers = list(range(batch.num_rows))
        if refused:
            numbers = [row for row in numbers if row not in refused]
            columns = [column.take(pa.array(numbers, pa.int64())) for column in columns]
        for at in range(0, len(numbers), _AT_A_TIME):
            part = [column.slice(at, _AT_A_TIME) for column in columns]
            for row in self._send(part):
                refused[numbers[at + row]] = "A key of this name holds another kind of value."
        return [Rejected(row, refused[row]) for row in sorted(refused)]

    def _send(self, columns: Sequence[pa.Array]) -> set[int]:
        """Write rows; those whose key holds another kind."""
        parts = [columns[number] for number in self._key_columns]
        keys = pc.binary_join_element_wise(*parts, self._key_separator)
        keys = pc.binary_join_element_wise(self._start, keys, b"").to_pylist()
        commands, rows = [], []
        for row, command in self._commands(keys, columns):
            commands.append(command)
            rows.append(row)
        answers = self._session.run(commands)
        return {row for row, answer in zip(rows, answers, strict=True) if isinstance(answer, WrongKind)}

    def _unfit(self, columns: Sequence[pa.Array]) -> dict[int, str]:
        """The rows that cannot be kept, and why."""
        return {}

    @abstractmethod
    def _commands(self, keys: Sequence[bytes], columns: Sequence[pa.Array]) -> Iterator[tuple[int, Command]]:
        """The commands of rows, with their numbers."""

    def close(self) -> None:
        """Every pipeline was answered."""

    def abort(self) -> None:
        """What was written stays."""


class _Hashes(_Keys):
    def __init__(
        self, session: RedisSession, start: str, separator: str, keys: Sequence[int], names: Sequence[str]
    ) -> None:
        super().__init__(session, start, separator, keys)
        self._names = [name.encode() for name in names]

    def _commands(self, keys: Sequence[bytes], columns: Sequence[pa.Array]) -> Iterator[tuple[int, Command]]:
        """Fields that are NULL are not there."""
        cells = zip(*(column.to_pylist() for column in columns), strict=True)
        for row, (key, values) in enumerate(zip(keys, cells, strict=True)):
            pairs = [part for pair in zip(self._names, values, strict=True) if pair[1] is not None for part in pair]
            yield row, ("HSET", key, *pairs)
            if len(pairs) < 2 * len(self._names):
                absent = [name for name, value in zip(self._names, values, strict=True) if value is None]
                yield row, ("HDEL", key, *absent)


class _Strings(_Keys):
    def __init__(
        self,
        session: RedisSession,
        start: str,
        separator: str,
        keys: Sequence[int],
        value_separator: str,
        words: Sequence[str],
    ) -> None:
        super().__init__(session, start, separator, keys)
        self._separator = value_separator
        self._words = words

    def _unfit(self, columns: Sequence[pa.Array]) -> dict[int, str]:
        """Values that hold the separator, where there are several."""
        found = [pc.match_substring(column, self._separator) for column in columns if len(columns) > 1]
        reason = f"A value holds the separator {self._separator!r}."
        return {row: reason for hits in found for row in pc.indices_nonzero(pc.fill_null(hits, False)).to_pylist()}

    def _commands(self, keys: Sequence[bytes], columns: Sequence[pa.Array]) -> Iterator[tuple[int, Command]]:
        """Values joined; NULL is an empty one."""
        separator = self._separator.encode()
        joined = pc.binary_join_element_wise(*columns, separator, null_handling="replace", null_replacement="")
        for row, (key, value) in enumerate(zip(keys, joined.to_pylist(), strict=True)):
            yield row, ("SET", key, value, *self._words)
