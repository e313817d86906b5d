"""JSON files: objects on lines, one after the other, in an array or under a node; writing them is our extension.

Source: §7.2 of the reference on connectors (user guide, "JSON file").
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.transfer.connector import BATCH_BYTES, Reject, Rejected
from headrace.transfer.formats.base import Columns, FileReader, FileWriter, Sink
from headrace.transfer.formats.csv_dialect import encoding
from headrace.transfer.formats.csv_rows import SHOWN
from headrace.transfer.formats.json_values import DEEPEST, Text, seek, value, values
from headrace.transfer.formats.records import utf8_blocks
from headrace.transfer.formats.typed import as_known
from headrace.transfer.options import Options

LOOKED_AT = 1_000  # objects whose names are the columns
ROWS = 16_384  # of a batch

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_FAILURES = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class JsonReader(FileReader):
    """Reads objects; nested names are joined with dots, arrays stay text, numbers keep every digit of theirs.

    The columns are the names in the first thousand objects of the first file, in the order in which they appear; an
    object without one of them has NULL there. ``jsonReferenceNode``: the dotted path of the array of records.
    """

    def __init__(self, options: Options) -> None:
        node = options.text("jsonReferenceNode").strip().strip(".")
        self._path = tuple(part for part in node.split(".") if part)
        self._encoding = encoding(options)

    def head(self, stream: BinaryIO) -> pa.Schema:
        """All columns, text."""
        names: dict[str, None] = {}
        for found in islice(self._objects(stream, lambda row, why: None), LOOKED_AT):
            names.update(dict.fromkeys(found))
        return pa.schema([pa.field(name, pa.string()) for name in names])

    def read(self, stream: BinaryIO, columns: Columns, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Batches of text columns."""
        names = columns.names
        cells: list[list[str | None]] = [[] for _ in names]
        size = 0
        for found in self._objects(stream, reject, frozenset(names)):
            for column, name in zip(cells, names, strict=True):
                cell = found.get(name)
                column.append(cell)
                size += len(cell) if cell is not None else 0
            if cells and (len(cells[0]) >= ROWS or size > BATCH_BYTES):
                yield _batch(cells, names)
                cells, size = [[] for _ in names], 0
        if cells and cells[0]:
            yield _batch(cells, names)

    def _objects(
        self, stream: BinaryIO, reject: Reject, wanted: Collection[str] = ()
    ) -> Iterator[dict[str, str | None]]:
        """The objects, flat. Lines that are none are rejected where the file has an object a line."""
        text = Text(utf8_blocks(stream, self._encoding))
        lined = not self._path and is_lined(text)
        for found in lines(text) if lined else self._values(text):
            try:
                yield flat(found, wanted)
            except _FAILURES as error:
                reject(found[:SHOWN].decode(errors="replace"), f"The row is no JSON object: {error}.")

    def _values(self, text: Text) -> Iterator[bytes]:
        if not self._path:
            yield from values(text)
            return
        if not seek(text, self._path):
            return
        if text.peek() == b"[":
            yield from values(text)
        else:
            yield value(text)


def _batch(cells: list[list[str | None]], names: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in cells], names=names)


def is_lined(text: Text) -> bool:
    """Whether the file begins with an object that ends on its line."""
    if text.peek() != b"{":
        return False
    while (end := text.data.find(b"\n", text.at)) < 0 and text.more():
        pass
    line = text.data[text.at : end if end >= 0 else len(text.data)]
    try:
        _OBJECT.decode(line)
    except _FAILURES:
        return False
    return True


def lines(text: Text) -> Iterator[bytes]:
    """The lines that are not blank."""
    while True:
        end = text.data.rfind(b"\n", text.at) + 1
        if end:
            block, text.at = text.data[text.at : end], end
            yield from (line for line in block.splitlines() if line.strip())
        if not text.more():
            last, text.at = text.data[text.at :], len(text.data)
            yield from (line for line in last.splitlines() if line.strip())
            return


def flat(found: bytes, wanted: Collection[str] = ()) -> dict[str, str | None]:
    """An object with dotted names; those in it that are ``wanted`` by their own names are there too, as JSON.

    Raises msgspec.DecodeError, RecursionError.
    """
    cells: dict[str, str | None] = {}
    _flatten(_OBJECT.decode(found), "", cells, wanted, 0)
    return cells


def _flatten(
    members: dict[str, msgspec.Raw], prefix: str, cells: dict[str, str | None], wanted: Collection[str], depth: int
) -> None:
    if depth > DEEPEST:
        raise RecursionError("nested too deeply")
    for name, raw in members.items():
        data = bytes(raw)
        first = data[:1]
        if first == b'"':
            cells[prefix + name] = _STRING.decode(data)
        elif first == b"{":
            if prefix + name in wanted:
                cells[prefix + name] = data.decode()
            _flatten(_OBJECT.decode(data), f"{prefix}{name}.", cells, wanted, depth + 1)
        else:
            cells[prefix + name] = None if data == b"null" else data.decode()


class JsonWriter(FileWriter):
    """Writes an object a line; numbers keep every digit, what JSON has no form for is text (NaN, dates, bytes)."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        self._sink = sink
        self._names = [json.dumps(name, ensure_ascii=False) for name in schema.names]

    def write(self, batch: pa.RecordBatch) -> Sequence[Rejected]:
        """Add rows."""
        if not batch.num_rows:
            return ()
        members = [
            pc.binary_join_element_wise(name, json_cells(column), ":", null_handling="replace", null_replacement="null")
            for name, column in zip(self._names, batch.columns, strict=True)
        ]
        rows = pc.binary_join_element_wise(*members, ",")
        whole = pc.binary_join_element_wise("{", rows, "}\n", "")
        self._sink("".join(whole.to_pylist()).encode())
        return ()

    def close(self) -> None:
        """Nothing is left to write."""


_CONTROL = "[\x00-\x1f\x7f]"


def json_cells(column: pa.Array) -> pa.Array:
    """The values as JSON, null where they are NULL."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    if pa.types.is_nested(kind) and not isinstance(kind, pa.BaseExtensionType):
        return as_known(column, lambda kind: pa.string())
    texts = column if pa.types.is_string(kind) else as_known(column, lambda kind: pa.string())
    if pa.types.is_decimal(kind):
        return texts
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), texts, _quoted(texts))
    return _quoted(texts)


def _quoted(texts: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(texts, _CONTROL)).as_py():
        return pa.array([None if one is None else json.dumps(one, ensure_ascii=False) for one in texts.to_pylist()])
    if pc.any(pc.match_substring_regex(texts, r'["\\]')).as_py():
        texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', texts, '"', "")
