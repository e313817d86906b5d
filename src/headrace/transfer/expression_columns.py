"""Evaluates expressions over whole columns: by kernels where they can, else once for each value that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from headrace.el.java_calendar import from_wall
from headrace.transfer.cast_times import zone_key
from headrace.transfer.el_functions import Reach
from headrace.transfer.el_operators import text_of
from headrace.transfer.expression import Expression, Frame
from headrace.transfer.expression_kernels import kernel_of

_FEW = 64  # rows below which looking for equal values does not pay


class Converted(NamedTuple):
    """A column after a converter; ``bad``: the rows that it could not convert, and why."""

    column: pa.Array
    bad: Mapping[int, str] = {}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A batch as expressions see it.

    ``cells(2)``: the values of its third column as they were read; ``zone``: of dates without one; ``cache``:
    maps that expressions of the job keep.
    """

    length: int
    width: int
    cells: Callable[[int], Sequence[Any]]
    zone: tzinfo
    cache: dict[str, Mapping[str, Any]]


@lru_cache(maxsize=1000)
def compiled(source: str) -> Expression:
    """An expression, compiled once. Raises ExpressionError."""
    return Expression(source)


@lru_cache(maxsize=1000)
def _kernel(source: str) -> Callable[[pa.Array], pa.Array] | None:
    return kernel_of(compiled(source).tree)


def evaluated(expression: Expression, array: pa.Array, rows: Rows) -> Converted:
    """The results of an expression for the values of a column."""
    kernel = _kernel(expression.source) if pa.types.is_string(array.type) else None
    if kernel is not None:
        made = kernel(array)
        if made is not None:
            return Converted(made)
    frame = Frame(Reach(rows.zone, rows.cache), rows.width, rows.cells)
    if expression.of_value_only and len(array) >= _FEW and _has_values(array.type):
        encoded = array.dictionary_encode()
        if len(encoded.dictionary) * 2 < len(array):
            return _by_value(expression, encoded, frame, rows.zone)
    results, bad = expression.over(cells_of(array), frame)
    return Converted(column_of(results, rows.zone), bad)


def _has_values(type_: pa.DataType) -> bool:
    """Whether equal values of the type are the same to every expression."""
    return bool(pa.types.is_string(type_) or pa.types.is_integer(type_) or pa.types.is_date(type_))


def _by_value(expression: Expression, encoded: pa.DictionaryArray, frame: Frame, zone: tzinfo) -> Converted:
    """Evaluate once for each value, null being one more."""
    values = encoded.dictionary.to_pylist() + [None] * bool(encoded.null_count)
    results, bad = expression.over(values, frame)
    places = pc.fill_null(encoded.indices, len(values) - 1)
    made = column_of(results, zone).take(places)
    if not bad:
        return Converted(made)
    numbers = places.to_pylist()
    return Converted(made, {at: bad[number] for at, number in enumerate(numbers) if number in bad})


def cells_of(array: pa.Array) -> list[Any]:
    """The values of a column, as expressions compute with them: times to the microsecond."""
    type_ = array.type
    if isinstance(type_, pa.BaseExtensionType):
        return cells_of(array.storage)
    if pa.types.is_timestamp(type_) and type_.unit == "ns":
        array = array.cast(pa.timestamp("us", type_.tz), safe=False)
    elif pa.types.is_duration(type_) or pa.types.is_time64(type_):
        array = array.cast(pa.duration("us") if pa.types.is_duration(type_) else pa.time64("us"), safe=False)
    values: list[Any] = array.to_pylist()
    return values


def column_of(results: Sequence[Any], zone: tzinfo) -> pa.Array:
    """Results as a column: of one kind as that kind, of several as text."""
    kinds = {type(one) for one in results} - {type(None)}
    if not kinds:
        return pa.nulls(len(results), pa.string())
    if kinds == {datetime}:
        aware = [one if one is None or one.tzinfo else from_wall(one, zone) for one in results]
        return pa.array(aware, pa.timestamp("us", zone_key(zone)))
    try:
        if kinds in ({Decimal}, {Decimal, int}):
            return pa.array([None if one is None else Decimal(one) for one in results])
        if len(kinds) == 1 and kinds <= {str, bool, float, int, date, bytes}:
            return pa.array(results, {int: pa.int64(), float: pa.float64(), str: pa.string()}.get(kinds.pop()))
    except (pa.ArrowInvalid, OverflowError):
        pass  # numbers of different sizes, which text holds
    return pa.array([None if one is None else text_of(one) for one in results], pa.string())
