"""Which days a step takes of a range."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.domain.steps import MOST, Step, StepUnit, read_step

DAYS = [
    ("2d", "2023-01-01", "2023-02-01", [f"2023-01-{day:02}" for day in range(1, 32, 2)]),  # documented
    ("1M", "2023-01-31", "2023-05-31", ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]),
    ("1M", "2024-02-29", "2024-05-01", ["2024-02-29", "2024-03-31", "2024-04-30"]),  # a last day stays one
    ("1M", "2023-02-28", "2023-04-30", ["2023-02-28", "2023-03-31", "2023-04-30"]),
    ("1M", "2024-02-28", "2024-04-30", ["2024-02-28", "2024-03-28", "2024-04-28"]),  # not the last of a leap year
    ("1M", "2023-01-30", "2023-03-31", ["2023-01-30", "2023-02-28", "2023-03-30"]),
    ("3M", "2023-11-30", "2024-08-31", ["2023-11-30", "2024-02-29", "2024-05-31", "2024-08-31"]),
    ("12M", "2024-02-29", "2026-03-01", ["2024-02-29", "2025-02-28", "2026-02-28"]),
    ("1M", "2023-12-15", "2024-02-14", ["2023-12-15", "2024-01-15"]),
    ("2w", "2023-12-20", "2024-01-17", ["2023-12-20", "2024-01-03", "2024-01-17"]),
    ("1w", "2024-02-26", "2024-03-10", ["2024-02-26", "2024-03-04"]),
    ("366M", "2023-12-31", "2026-01-01", ["2023-12-31"]),
    ("1d", "2024-01-02", "2024-01-01", []),
]


@pytest.mark.parametrize(("words", "first", "last", "days"), DAYS)
def test_a_step_takes_these_days(words: str, first: str, last: str, days: list[str]) -> None:
    step = read_step(words)
    assert step is not None
    assert [f"{day}" for day in step.days(date.fromisoformat(first), date.fromisoformat(last))] == days


@pytest.mark.parametrize("words", ["", "0d", "d", "2", "2m", "2D", "1000d", "367d", "-1d", "1.5d", "2h", "²d"])
def test_what_is_no_step_is_none(words: str) -> None:
    assert read_step(words) is None


@given(
    st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    st.builds(Step, st.integers(1, MOST), st.sampled_from(StepUnit)),
    st.integers(0, 4000),
)
def test_days_begin_with_the_first_ascend_and_stay_in_the_range(first: date, step: Step, ahead: int) -> None:
    last = date.fromordinal(first.toordinal() + ahead)
    days = list(step.days(first, last))
    assert days[0] == first
    assert all(one < other for one, other in pairwise(days))
    assert days[-1] <= last
