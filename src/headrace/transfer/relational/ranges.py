"""Ranges of a partition column, one a split.

Interval after interval of equal width, the last one closed. Source: reference on connectors, §11, "Range planning".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import isfinite
from typing import Any, NamedTuple


class Range(NamedTuple):
    """From ``low`` on, up to ``high``; ``closed``: that one included."""

    low: Any
    high: Any
    closed: bool

    def condition(self, column: str, literal: Callable[[Any], str]) -> str:
        """As a condition on a column."""
        if self.low == self.high:
            return f"{column} = {literal(self.low)}"
        end = "<=" if self.closed else "<"
        return f"{column} >= {literal(self.low)} AND {column} {end} {literal(self.high)}"


def ranges(low: Any, high: Any, parts: int) -> Sequence[Range]:
    """At most ``parts`` ranges from the least to the greatest value of a column, each value in exactly one.

    Numbers, dates, timestamps and truth values; TypeError for others. None where what lies between cannot be divided
    (NaN, infinities).
    """
    if isinstance(low, Decimal | float) and not (isfinite(low) and isfinite(high) and isfinite(high - low)):
        return []
    if isinstance(low, bool):
        return [Range(low, high, True)] if low == high or parts < 2 else [Range(one, one, True) for one in (low, high)]
    cuts = sorted({low, high, *_between(low, high, parts)})
    if len(cuts) == 1:
        return [Range(low, high, True)]
    return [Range(begin, end, end == high) for begin, end in pairwise(cuts)]


def _between(low: Any, high: Any, parts: int) -> Sequence[Any]:
    steps = range(1, parts)
    if isinstance(low, datetime):
        width = (high - low) // timedelta(microseconds=1)
        return [low + timedelta(microseconds=width * step // parts) for step in steps]
    if isinstance(low, date):
        return [low + timedelta(days=(high - low).days * step // parts) for step in steps]
    if isinstance(low, int):
        return [low + (high - low) * step // parts for step in steps]
    if isinstance(low, Decimal):
        return [low + (high - low) * step / parts for step in steps]
    if isinstance(low, float):
        return [low + (high - low) * (step / parts) for step in steps]
    raise TypeError(type(low).__name__)
