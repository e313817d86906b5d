"""Which days of a scheduling calendar are working days. Source: reference on scheduling §2.3."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from headrace.domain.working_days import WorkingDays, read_working_days

MONDAY = date(2026, 5, 4)


@pytest.mark.parametrize(
    ("weekdays", "works"),
    [
        ('["MON","TUE","WED","THU","FRI"]', "1111100"),
        ('["MON","TUE","WED","THU","FRI","SAT","SUN"]', "1111111"),
        ('["SUN"]', "0000001"),
        ("[]", "0000000"),
    ],
)
def test_weekdays(weekdays: str, works: str) -> None:
    calendar = read_working_days(f'{{"weekdays":{weekdays}}}')
    assert "".join(str(int(calendar.works(MONDAY + timedelta(days=at)))) for at in range(7)) == works


def test_single_days_differ_from_their_weekday() -> None:
    calendar = read_working_days('{"weekdays":["MON","TUE"],"working":["2026-05-09"],"off":["2026-05-11"]}')
    assert calendar.works(date(2026, 5, 9))  # a Saturday
    assert not calendar.works(date(2026, 5, 11))  # a Monday
    assert calendar.works(date(2026, 5, 12))
    assert calendar == WorkingDays(
        weekdays=frozenset({1, 2}), working=frozenset({date(2026, 5, 9)}), off=frozenset({date(2026, 5, 11)})
    )
