"""Rows of MySQL as Arrow batches: the bytes that the server sends, cast column by column.

What a column's type cannot hold (zero dates, times beyond a day) comes as text, all of that column in that batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.transfer.relational.database import Column
from headrace.transfer.relational.mysql_wire import Cells

_MICROSECONDS = pa.scalar(1_000_000, pa.decimal128(7, 0))
_EPOCH = pa.decimal128(18, 6)
_ZERO_MOMENT = "0000-00-00 00:00:00"


def batches(parts: Iterable[Sequence[Cells]], columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    """Batches of ``parts`` of the result of a SELECT of these columns, projected: the cells of each column."""
    for cells in parts:
        arrays = [
            decoded(pa.array(one, pa.binary() if pa.types.is_binary(column.type) else pa.string()), column.type)
            for one, column in zip(cells, columns, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def decoded(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """What the server sent for a column as its type, or as text where a value is none of that type."""
    for fits, decode, repair in _DECODERS:
        if fits(kind):
            try:
                return decode(texts, kind)
            except pa.ArrowInvalid:
                return repair(texts)
    return texts if texts.type == kind else texts.cast(kind)


def _moment(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Seconds since 1970 in UTC; no TIMESTAMP is 0 but the one that is all zeros."""
    seconds = texts.cast(_EPOCH)
    if pc.any(pc.equal(seconds, pa.scalar(0, _EPOCH))).as_py():
        raise pa.ArrowInvalid("A date of zeros.")
    return pc.multiply(seconds, _MICROSECONDS).cast(pa.int64()).cast(kind)


def _moment_texts(texts: pa.Array) -> pa.Array:
    seconds = texts.cast(_EPOCH)
    zero = pc.equal(seconds, pa.scalar(0, _EPOCH))
    moments = pc.multiply(seconds, _MICROSECONDS).cast(pa.int64()).cast(pa.timestamp("us")).cast(pa.string())
    return pc.if_else(zero, _ZERO_MOMENT, pc.binary_join_element_wise(trimmed(moments), "+00:00", ""))


def _clock(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if pc.any(pc.match_substring_regex(texts, r"^-|^..[^:]")).as_py():
        raise pa.ArrowInvalid("A time beyond a day.")
    return pc.binary_join_element_wise("1970-01-01", texts, " ").cast(pa.timestamp("us")).cast(kind)


def _truth(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    return pc.not_equal(texts.cast(pa.int64()), 0)


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    return texts.cast(kind)


def trimmed(texts: pa.Array) -> pa.Array:
    """Without zeros at the end of a fraction, and without one that is all zeros."""
    short = pc.utf8_rtrim(pc.utf8_rtrim(texts, characters="0"), characters=".")
    return pc.if_else(pc.match_substring(texts, "."), short, texts)


_DECODERS: tuple[tuple[Callable[[Any], bool], Callable[..., pa.Array], Callable[[pa.Array], pa.Array]], ...] = (
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None, _moment, _moment_texts),
    (pa.types.is_timestamp, _cast, trimmed),
    (pa.types.is_time, _clock, trimmed),
    (pa.types.is_date, _cast, trimmed),
    (pa.types.is_boolean, _truth, trimmed),
)
