"""The values of messages as rows: as they are, or of CSV or JSON text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Reject
from headrace.transfer.formats.base import Columns, choose
from headrace.transfer.formats.csv_dialect import encoding, reading_dialect
from headrace.transfer.formats.csv_format import CsvReader
from headrace.transfer.formats.csv_rows import SHOWN
from headrace.transfer.formats.json_format import flat
from headrace.transfer.options import Options

BINARY, CSV, JSON = "BINARY", "CSV", "JSON"
FACTS = pa.schema(
    [
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("ms", "UTC")),
    ]
)
USUAL = ("key", "value")  # the columns of BINARY where the job names none
_NO_VALUE = "The message has no value."


class Message(NamedTuple):
    """One message; ``timestamp``: milliseconds, nothing where the broker has none."""

    key: bytes | None
    value: bytes | None
    topic: str
    partition: int
    offset: int
    timestamp: int | None


class MessageFormat(ABC):
    """Turns messages into batches."""

    sampled: bool = True  # whether its columns must be looked up in messages

    @abstractmethod
    def learn(self, samples: Sequence[bytes]) -> None:
        """Find out the columns from some values. Raises CdmError where they do not tell."""

    @property
    @abstractmethod
    def schema(self) -> pa.Schema:
        """The wanted columns."""

    @abstractmethod
    def batch(self, messages: Sequence[Message], reject: Reject) -> Sequence[pa.RecordBatch]:
        """The rows of messages, in their order."""


def message_format(options: Options, separator: str) -> MessageFormat:
    """What ``dataFormat`` says. ``separator``: of CSV where the job names none. Raises CdmError."""
    named = options.choice("dataFormat", (BINARY, CSV, JSON), BINARY)
    if named == BINARY:
        return AsTheyAre(options)
    return CsvText(options, separator) if named == CSV else JsonText(options)


class AsTheyAre(MessageFormat):
    """``key`` and ``value``, or what the column list names of ``FACTS``.

    They are text in the character set of ``encodeType``, UTF-8 unless given, and what is no such text is rejected;
    with ``BINARY`` there, a word of our own, they are bytes.
    """

    sampled = False

    def __init__(self, options: Options) -> None:
        self._encoding = "" if options.text("encodeType").upper() == BINARY else encoding(options)
        chosen = choose(FACTS, options.source_columns() or USUAL, f"{options.section}.columnList").schema
        self._schema = pa.schema([(one.name, self._shown(one.type)) for one in chosen])

    def learn(self, samples: Sequence[bytes]) -> None:
        """The columns are known."""

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def batch(self, messages: Sequence[Message], reject: Reject) -> Sequence[pa.RecordBatch]:
        texts = [field.name for field in self._schema if field.name in USUAL] if self._encoding else []
        good = [one for one in messages if self._is_text(one, texts, reject)]
        columns = [
            pa.array([self._decoded(getattr(one, field.name)) for one in good], field.type) for field in self._schema
        ]
        return [pa.RecordBatch.from_arrays(columns, schema=self._schema)]

    def _shown(self, given: pa.DataType) -> pa.DataType:
        return pa.string() if self._encoding and pa.types.is_binary(given) else given

    def _decoded(self, value: Any) -> Any:
        return value.decode(self._encoding) if self._encoding and isinstance(value, bytes) else value

    def _is_text(self, message: Message, names: Sequence[str], reject: Reject) -> bool:
        for name in names:
            try:
                self._decoded(getattr(message, name))
            except UnicodeDecodeError as error:
                reject(_where(message), f"The {name} is not {self._encoding}: {error}.")
                return False
        return True


class _Text(MessageFormat):
    """Values that are text in the character set of ``encodeType``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._encoding = encoding(options)
        self._wanted = options.source_columns()

    def _named(self) -> bool:
        """Whether the column list itself says what the columns are."""
        return bool(self._wanted) and not any(name.isdecimal() for name in self._wanted)

    def _values(self, messages: Sequence[Message], reject: Reject) -> Sequence[bytes]:
        """Values in UTF-8; what has none, or is none, is rejected."""
        found = []
        for one in messages:
            if one.value is None:
                reject(_where(one), _NO_VALUE)
                continue
            try:
                found.append(one.value if self._encoding == "utf-8" else one.value.decode(self._encoding).encode())
            except UnicodeDecodeError as error:
                reject(one.value[:SHOWN].decode(errors="replace"), f"The message is not {self._encoding}: {error}.")
        return found


class CsvText(_Text):
    """Rows of CSV, mostly one a message. The column list gives names or numbers; else the first message is counted."""

    def __init__(self, options: Options, separator: str) -> None:
        super().__init__(options)
        dialect = reading_dialect(
            replace(options, values={**options.values, "fieldSeparator": options.text("separator", separator)})
        )
        self._dialect = replace(dialect, encoding="utf-8", header=False)
        self._ending = (dialect.line_separator or "\n").encode()
        self._reader = CsvReader(self._dialect)
        self._columns = Columns(pa.schema([]), ())
        self.sampled = not self._named()
        if not self.sampled:
            every = pa.schema([(name, pa.string()) for name in self._wanted])
            self._columns = Columns(every, tuple(range(len(every))))

    def learn(self, samples: Sequence[bytes]) -> None:
        """Count the columns of the first row that has any."""
        every = next((found for one in samples if len(found := self._reader.head(BytesIO(one)))), None)
        if every is None:
            raise CdmError(_unknown(self._options))
        self._columns = choose(every, self._wanted, f"{self._options.section}.columnList")

    @property
    def schema(self) -> pa.Schema:
        return self._columns.schema

    def batch(self, messages: Sequence[Message], reject: Reject) -> Sequence[pa.RecordBatch]:
        ending = self._ending
        lines = (one if one.endswith(ending) else one + ending for one in self._values(messages, reject))
        return list(self._reader.read(BytesIO(b"".join(lines)), self._columns, reject))


class JsonText(_Text):
    """One JSON object a message, its nested names joined with dots; what an object has not is NULL.

    An object in it that the column list names itself is JSON.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._names: Sequence[str] = self._wanted
        self.sampled = not self._named()

    def learn(self, samples: Sequence[bytes]) -> None:
        """The names in the samples, in the order in which they appear."""
        names: dict[str, None] = {}
        for one in samples:
            try:
                names.update(dict.fromkeys(flat(one)))
            except _NO_JSON:
                continue
        if not names:
            raise CdmError(_unknown(self._options))
        every = pa.schema([(name, pa.string()) for name in names])
        self._names = choose(every, self._wanted, f"{self._options.section}.columnList").names

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(name, pa.string()) for name in self._names])

    def batch(self, messages: Sequence[Message], reject: Reject) -> Sequence[pa.RecordBatch]:
        found = []
        wanted = frozenset(self._names)
        for one in self._values(messages, reject):
            try:
                found.append(flat(one, wanted))
            except _NO_JSON as error:
                reject(one[:SHOWN].decode(errors="replace"), f"The message is no JSON object: {error}.")
        columns = [pa.array([row.get(name) for row in found], pa.string()) for name in self._names]
        return [pa.RecordBatch.from_arrays(columns, schema=self.schema)]


_NO_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _where(message: Message) -> dict[str, Any]:
    return {"topic": message.topic, "partition": message.partition, "offset": message.offset}


def _unknown(options: Options) -> str:
    return (
        f"{options.section}.columnList: there is no message yet that tells the columns; name them here, joined with &."
    )
