"""Plan times that are worked out once and asked for many spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.job import ScheduleDefinition
from headrace.domain.plan_times import schedule_times
from headrace.errors import InvalidSchedule
from headrace.scheduling import timetable
from headrace.scheduling.timetable import Timetable

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = ScheduleDefinition(kind="CRON", expression="0 0 * * * ?", end_time="2029-01-01T00:00:00+08")
SPANS = ((50, 51), (50, 50), (48, 49), (40, 60), (500, 502), (498, 503), (10, 11), (300, 5000), (12, 13), (13, 12))


@pytest.mark.parametrize("kept", [100_000, 30])
def test_spans_in_any_order_are_those_of_the_schedule(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(timetable, "_MOST_KEPT", kept)
    times = Timetable(HOURS, ZONE)
    for first, last in SPANS:
        after, until = BEGIN + timedelta(days=first), BEGIN + timedelta(days=last, minutes=1)
        assert times.between(after, until) == list(schedule_times(HOURS, after, until, ZONE))


def test_plan_times_before_the_first_one_are_left_out() -> None:
    since = BEGIN + timedelta(hours=5)
    times = Timetable(HOURS, ZONE, since)
    assert times.between(BEGIN, BEGIN + timedelta(hours=6)) == [since, since + timedelta(hours=1)]
    assert times.between(BEGIN - timedelta(days=9), BEGIN) == []


def test_counting_stops_early() -> None:
    times = Timetable(HOURS, ZONE)
    assert [times.exceeds(BEGIN, BEGIN + timedelta(hours=24), most) for most in (23, 24)] == [True, False]
    assert Timetable(HOURS, ZONE, BEGIN + timedelta(hours=2)).exceeds(BEGIN, BEGIN + timedelta(hours=24), 23) is False


def test_a_wrong_schedule_complains_at_once() -> None:
    with pytest.raises(InvalidSchedule):
        Timetable(ScheduleDefinition(kind="CRON", expression="0 0 * * * ?", start_time="soon"), ZONE)
