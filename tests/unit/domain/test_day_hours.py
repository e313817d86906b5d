"""Numbered hours of a day, and their times."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.day_hours import moment_of, read_hours
from headrace.errors import InvalidParameter


def test_read_hours__gives_minutes_by_the_hour() -> None:
    assert read_hours([(1, "00:01"), (24, "47:59"), (9, "09:00")], "period") == {0: 1, 23: 2879, 8: 540}


@pytest.mark.parametrize(
    "periods",
    [
        [],
        [(0, "00:30")],
        [(25, "30:00")],
        [(None, "00:30")],
        [(1, "00:30"), (1, "00:40")],
        [(1, None)],
        [(1, "00:00")],
        [(3, "02:00")],
        [(3, "48:00")],
        [(3, "02:60")],
        [(3, "2:30")],
        [(3, "02:30 ")],
    ],
)
def test_read_hours__what_cannot_be_is_refused_by_the_member(periods: list[tuple[int | None, str | None]]) -> None:
    with pytest.raises(InvalidParameter, match="period: "):
        read_hours(periods, "period")


@pytest.mark.parametrize(
    ("day", "minutes", "moment"),
    [
        ("2026-05-08", 0, "2026-05-07 22:00"),
        ("2026-05-08", 1500, "2026-05-08 23:00"),
        ("2026-03-28", 1500, "2026-03-29 00:00"),
        ("2026-03-29", 150, "2026-03-29 01:30"),  # 02:30 does not exist; it is 03:30
        ("2026-10-25", 150, "2026-10-25 00:30"),  # 02:30 comes twice; the first
        ("2026-10-25", 180, "2026-10-25 02:00"),
    ],
)
def test_moment_of__is_by_the_clock(day: str, minutes: int, moment: str) -> None:
    found = moment_of(date.fromisoformat(day), minutes, ZoneInfo("Europe/Berlin"))
    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)
