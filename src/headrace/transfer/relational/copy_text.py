r"""Arrow batches as the text that COPY of PostgreSQL reads: one line a row, tabs between, ``\N`` for NULL.

Every value is written so that the server reads the same one back: floats in full, binary in hexadecimal, NULL apart
from empty text. Source: PostgreSQL manual, COPY, "Text Format".
"""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

NULL = "\\N"
_ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def copy_text(batch: pa.RecordBatch) -> pa.Buffer:
    """The rows of a batch whose columns are plain types. Raises ArrowException for nested ones."""
    if not batch.num_rows:
        return pa.py_buffer(b"")
    cells = [_cells(column) for column in batch.columns]
    last = pc.binary_join_element_wise(cells[-1], pa.scalar("\n", pa.large_string()), _scalar(""))
    lines = pc.binary_join_element_wise(*cells[:-1], last, _scalar("\t")) if cells[1:] else last
    _, offsets, data = lines.buffers()
    places = memoryview(offsets).cast("q")
    return data[places[lines.offset] : places[lines.offset + len(lines)]]


def _cells(column: pa.Array) -> pa.Array:
    return pc.fill_null(_texts(column), _scalar(NULL))


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        plain = column.cast(pa.large_string())
        return reduce(lambda text, pair: pc.replace_substring(text, *pair), _ESCAPES, plain)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pc.binary_join_element_wise(_scalar("\\\\x"), hexadecimal(column), _scalar(""))
    return column.cast(pa.large_string())


def hexadecimal(column: pa.Array) -> pa.Array:
    """Bytes as text, two digits each."""
    data = column.cast(pa.large_binary())
    bare = pc.fill_null(data, b"")  # what is under a null may be anything
    _, offsets, values = bare.buffers()
    places = pa.Array.from_buffers(pa.int64(), len(bare) + 1, [None, offsets], offset=bare.offset)
    digits = pa.py_buffer(memoryview(values).hex().encode()) if values is not None else pa.py_buffer(b"")
    wide = pc.multiply(places, 2)
    texts = pa.LargeStringArray.from_buffers(len(bare), wide.buffers()[1], digits)
    return pc.if_else(pc.is_valid(column), texts, pa.scalar(None, pa.large_string()))


def _scalar(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())
