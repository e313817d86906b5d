"""Rows of Python objects, as any driver gives them, as Arrow batches.

What a column's type cannot hold comes as text, all of that column in that batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from headrace.transfer.relational.database import Column

_INFERRED: tuple[tuple[Any, pa.DataType], ...] = (
    (bool, pa.bool_()),
    (int, pa.int64()),
    (float, pa.float64()),
    (datetime, pa.timestamp("us")),
    (date, pa.date32()),
    (time, pa.time64("us")),
    (timedelta, pa.duration("us")),
    (bytes | bytearray | memoryview, pa.binary()),
)


def batches(parts: Iterable[Sequence[Sequence[Any]]], columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    """A batch for each part of a result."""
    names = [column.name for column in columns]
    for rows in parts:
        arrays = [as_array(cells, one.type) for cells, one in zip(zip(*rows, strict=True), columns, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, names)


def as_array(cells: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as a column of their type, or of text where one is none of that type."""
    plain = [_plain(cell) for cell in cells]
    if not pa.types.is_string(kind):
        try:
            if not any(isinstance(cell, str) or _loses(cell, kind) for cell in plain):
                return pa.array(plain, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return pa.array([_text(cell) for cell in plain], pa.string())
    return pa.array([_text(cell) for cell in plain], pa.string())


def inferred(cells: Sequence[Any]) -> pa.DataType:
    """The type of a column of which only some values are known; text where they differ or are decimals."""
    kinds = {_kind(_plain(cell)) for cell in cells if cell is not None}
    return kinds.pop() if len(kinds) == 1 else pa.string()


def _kind(cell: Any) -> pa.DataType:
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return pa.timestamp("us", "UTC")
    return next((kind for cls, kind in _INFERRED if isinstance(cell, cls)), pa.string())


def _plain(cell: Any) -> Any:
    """Large objects read, buffers copied."""
    if isinstance(cell, memoryview | bytearray):
        return bytes(cell)
    return cell.read() if hasattr(cell, "read") else cell


def _loses(cell: Any, kind: pa.DataType) -> bool:
    """Whether Arrow would take a value and lose a part of it: the time of a date, the fraction of a number."""
    if pa.types.is_date(kind):
        return isinstance(cell, datetime) and cell.time() != time()
    if pa.types.is_timestamp(kind):
        return isinstance(cell, datetime) and (cell.tzinfo is not None) != (kind.tz is not None) and kind.tz is None
    return pa.types.is_decimal(kind) and isinstance(cell, float)


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, dict | list):
        return json.dumps(cell, ensure_ascii=False, default=str)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return format(cell, "f") if isinstance(cell, Decimal) and cell.is_finite() else str(cell)
