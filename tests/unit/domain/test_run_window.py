"""When backfills may begin instances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.domain.run_window import RunWindow, TimeOfDay, read_run_window, read_time_of_day
from headrace.errors import InvalidParameter

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    """``2026-05-08 10:15`` in Berlin."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BERLIN)


@pytest.mark.parametrize("text", ["", None, "00:00-00:00", "00:00-23:59"])
def test_read_time_of_day__nothing_and_the_whole_day_restrict_nothing(text: str | None) -> None:
    assert read_time_of_day(text, "m") == TimeOfDay()


@pytest.mark.parametrize("text", ["24:00-01:00", "10-11", "10:00", "10:60-11:00", "a", "10:00-11:00-12:00"])
def test_read_time_of_day__other_forms_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidParameter, match="m: "):
        read_time_of_day(text, "m")


@pytest.mark.parametrize(
    ("week", "month", "member"), [("0", "", "day_of_week"), ("", "32", "day_of_month"), ("x", "", "day_of_week")]
)
def test_read_run_window__days_that_do_not_exist_are_refused(week: str, month: str, member: str) -> None:
    with pytest.raises(InvalidParameter, match=member):
        read_run_window("", week, month)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-05-08 10:14", False),
        ("2026-05-08 10:15", True),
        ("2026-05-08 23:30", True),
        ("2026-05-08 23:31", False),
        ("2026-05-07 12:00", False),
    ],
)
def test_a_window_is_open_at_its_times_on_its_days(moment: str, is_open: bool) -> None:
    window = read_run_window("10:15-23:30", "6", "1,8")  # Fridays that are the 1st or the 8th
    assert window.is_open(at(moment), BERLIN) is is_open


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    window = read_run_window("22:00-06:00", "6", "")
    assert window.is_open(at("2026-05-09 05:59"), BERLIN)
    assert not window.is_open(at("2026-05-08 05:59"), BERLIN)
    assert window.is_open(at("2026-05-08 22:00"), BERLIN)
    assert not window.is_open(at("2026-05-09 22:00"), BERLIN)


def test_the_next_opening_is_by_the_wall_clock_on_both_sides_of_a_change() -> None:
    window = read_run_window("10:15-23:30", "", "")
    assert window.next_opening(at("2026-03-28 10:15"), BERLIN) == datetime(2026, 3, 29, 8, 15, tzinfo=UTC)
    assert window.next_opening(at("2026-03-27 10:15"), BERLIN) == datetime(2026, 3, 28, 9, 15, tzinfo=UTC)


def test_a_window_that_is_always_open_never_opens() -> None:
    assert RunWindow().next_opening(at("2026-05-08 10:15"), BERLIN) is None


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.frozensets(st.integers(1, 7)),
    st.frozensets(st.integers(1, 31)),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
)
def test_a_window_is_open_when_it_opens_and_opens_before_it_is_open(
    first: int, last: int, week: frozenset[int], month: frozenset[int], moment: datetime
) -> None:
    window = RunWindow(time_of_day=TimeOfDay(first, last), weekdays=week, month_days=month)
    now = moment.replace(tzinfo=UTC)
    opening = window.next_opening(now, UTC)
    if opening is None:
        assert window.is_always_open
        return
    assert opening > now
    assert window.is_open(opening, UTC)
    if not window.is_open(now, UTC):  # nothing is missed on the way to the opening
        steps = min(int((opening - now) / timedelta(minutes=1)), 3 * 1440)
        assert not any(window.is_open(now + timedelta(minutes=step), UTC) for step in range(0, steps, 7))
