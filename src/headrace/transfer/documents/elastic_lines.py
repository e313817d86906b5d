"""Rows as the lines of a bulk request: an action, then a document."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.transfer.documents.elastic_columns import ID, NESTED
from headrace.transfer.formats.json_format import json_cells

Made = tuple[Sequence[bytes | None], dict[int, str]]  # the lines of each row, and why a row has none
Lines = Callable[[pa.RecordBatch], Made]


def lines_of(action: Mapping[str, Any], key: str, types: Sequence[str]) -> Lines:
    """Makes the lines of batches. ``key``: the column of the id, empty where the server makes it; ``types``: of the
    columns in the index. The column ``_id`` is no part of documents."""
    opening = json.dumps(action, ensure_ascii=False)[:-1]

    def make(batch: pa.RecordBatch) -> Made:
        refused: dict[int, str] = {}
        names = batch.schema.names
        members = []
        for number, (name, column) in enumerate(zip(names, batch.columns, strict=True)):
            if name != ID:
                cells = _cells(column, types[number], name, refused)
                label = json.dumps(name, ensure_ascii=False)
                members.append(_joined(label, cells, ":", null_handling="replace", null_replacement="null"))
        rows = _joined(*members, ",") if members else pa.array([""] * batch.num_rows)
        if key:
            ids = batch.column(names.index(key))
            for row in pc.indices_nonzero(ids.is_null()).to_pylist():
                refused[row] = f"{key!r} is NULL, and the id of documents."
            quoted = json_cells(ids.cast(pa.string()) if not pa.types.is_string(ids.type) else ids)
            rows = _joined(f'{{"index":{opening},"_id":', quoted, "}}\n{", rows, "}\n", "")
        else:
            rows = _joined(f'{{"index":{opening}}}}}\n{{', rows, "}\n", "")
        made = rows.cast(pa.binary()).to_pylist()
        return [None if row in refused else one for row, one in enumerate(made)] if refused else made, refused

    return make


def _joined(*parts: Any, **options: Any) -> pa.Array:
    return pc.binary_join_element_wise(*parts, **options)


def _cells(column: pa.Array, kind: str, name: str, refused: dict[int, str]) -> pa.Array:
    """A column as JSON; null where it is NULL."""
    if pa.types.is_timestamp(column.type):
        utc = column.type.tz is not None
        plain = column.cast(pa.timestamp(column.type.unit, "UTC")) if utc else column
        texts = plain.cast(pa.timestamp(column.type.unit)).cast(pa.string())
        texts = pc.replace_substring(texts, " ", "T")
        return json_cells(_joined(texts, "Z", "") if utc else texts)
    if pa.types.is_binary(column.type):
        texts = [None if one is None else base64.b64encode(one).decode() for one in column.to_pylist()]
        return json_cells(pa.array(texts, pa.string()))
    if kind in NESTED and pa.types.is_string(column.type):
        return _checked(column, name, refused)
    return json_cells(column)


def _checked(column: pa.Array, name: str, refused: dict[int, str]) -> pa.Array:
    """Texts that are JSON already, on one line each."""
    for row, cell in enumerate(column.to_pylist()):
        if cell is not None:
            try:
                msgspec.json.decode(cell)
            except (msgspec.DecodeError, RecursionError) as error:
                refused[row] = f"Column {name!r} is no JSON: {error}"
    return pc.replace_substring_regex(column, "[\r\n]", " ")
