r"""Arrow batches as text that MySQL reads: lines of ``LOAD DATA`` and rows of ``INSERT``.

Columns of bytes are hexadecimal in lines, which the statement undoes; NULL is ``\N``, apart from empty text. Source:
MySQL manual, "LOAD DATA Statement", "String Literals".
"""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from headrace.transfer.relational.copy_text import hexadecimal

_LINE_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\0"))
_QUOTED_ESCAPES = (("\\", "\\\\"), ("'", "''"), ("\0", "\\0"))


def lines(batch: pa.RecordBatch) -> pa.Array:
    """A line of ``LOAD DATA`` for each row, its end included."""
    cells = [pc.fill_null(_line_cell(column), _text("\\N")) for column in batch.columns]
    last = pc.binary_join_element_wise(cells[-1], _text("\n"), _text(""))
    return pc.binary_join_element_wise(*cells[:-1], last, _text("\t")) if cells[1:] else last


def values(batch: pa.RecordBatch) -> pa.Array:
    """``(…),`` of ``INSERT`` for each row."""
    cells = [pc.fill_null(_literal(column), _text("NULL")) for column in batch.columns]
    first = pc.binary_join_element_wise(_text("("), cells[0], _text(""))
    inner = pc.binary_join_element_wise(first, *cells[1:], _text(","))
    return pc.binary_join_element_wise(inner, _text("),"), _text(""))


def content(texts: pa.Array) -> memoryview:
    """All texts of a column, one behind the other."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    places = memoryview(offsets).cast("q")
    return memoryview(data)[places[texts.offset] : places[texts.offset + len(texts)]]


def _line_cell(column: pa.Array) -> pa.Array:
    if _is_text(column):
        return reduce(lambda text, pair: pc.replace_substring(text, *pair), _LINE_ESCAPES, column.cast(_LARGE))
    return hexadecimal(column) if _is_bytes(column) else _plain(column)


def _literal(column: pa.Array) -> pa.Array:
    if _is_bytes(column):
        return pc.binary_join_element_wise(_text("X'"), hexadecimal(column), _text("'"), _text(""))
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return _plain(column)
    text = reduce(lambda text, pair: pc.replace_substring(text, *pair), _QUOTED_ESCAPES, _plain(column))
    return pc.binary_join_element_wise(_text("'"), text, _text("'"), _text(""))


def _plain(column: pa.Array) -> pa.Array:
    """Numbers, dates and times as the server reads them; moments in UTC, without saying so."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.timestamp(column.type.unit))
    return column.cast(_LARGE)


def _is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _is_bytes(column: pa.Array) -> bool:
    return bool(pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type))


_LARGE = pa.large_string()


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, _LARGE)
