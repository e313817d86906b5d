"""Ranges of a partition column."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.transfer.relational.ranges import Range, ranges


def holds(one: Range, value: Any) -> bool:
    return (
        value == one.low
        if one.low == one.high
        else one.low <= value and (value <= one.high if one.closed else value < one.high)
    )


VALUES = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    st.lists(st.decimals(-(10**20), 10**20, places=4), min_size=1),
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1),
    st.lists(st.dates(), min_size=1),
    st.lists(st.datetimes(), min_size=1),
    st.lists(st.booleans(), min_size=1),
)


@given(values=VALUES, parts=st.integers(1, 40))
def test_ranges__hold_each_value_exactly_once(values: list[Any], parts: int) -> None:
    found = ranges(min(values), max(values), parts)
    assert 1 <= len(found) <= max(parts, 1)
    for value in values:
        assert sum(holds(one, value) for one in found) == 1, (value, found)


@pytest.mark.parametrize(
    ("low", "high", "widths"),
    [
        (0, 100, [25, 25, 25, 25]),
        (Decimal(0), Decimal(1), [Decimal("0.25")] * 4),
        (date(2024, 1, 1), date(2024, 1, 9), [timedelta(2)] * 4),
        (datetime(2024, 1, 1), datetime(2024, 1, 2), [timedelta(hours=6)] * 4),  # noqa: DTZ001 - as columns have them
    ],
)
def test_ranges__are_of_equal_width(low: Any, high: Any, widths: list[Any]) -> None:
    assert [one.high - one.low for one in ranges(low, high, 4)] == widths


def test_ranges__what_cannot_be_divided_has_none() -> None:
    assert ranges(Decimal(1), Decimal("NaN"), 4) == []
    assert ranges(1.0, float("inf"), 4) == []
    assert ranges(float("-inf"), 1.0, 4) == []
    with pytest.raises(TypeError):
        ranges("a", "z", 4)


def test_range__as_a_condition() -> None:
    assert Range(1, 5, False).condition("c", str) == "c >= 1 AND c < 5"
    assert Range(1, 5, True).condition("c", str) == "c >= 1 AND c <= 5"
    assert Range(5, 5, True).condition("c", str) == "c = 5"
