"""The period of a schedule, and natural hours and days where a zone changes its clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.job import ScheduleDefinition
from headrace.domain.periods import Period, Unit, natural_day, natural_hour, natural_month, natural_week, period_of
from headrace.errors import InvalidSchedule

BERLIN, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")


def period(expression: str, interval_type: str = "", text: str = "") -> Period:
    return period_of(ScheduleDefinition(expression=expression, interval_type=interval_type, period=text), UTC)


@pytest.mark.parametrize(
    ("expression", "words", "unit", "interval"),
    [
        ("0 0/15 * * * ?", (), Unit.MINUTE, "15 min"),
        ("0 0/50 * * * ?", (), Unit.MINUTE, "50 min"),
        ("0 30/30 * * * ?", (), Unit.MINUTE, "30 min"),  # due once an hour, and still what the console calls minutes
        ("0 0,20,40 * * * ?", (), Unit.MINUTE, "20 min"),
        ("0 3 * * * ?", ("minutes", "50 minutes"), Unit.MINUTE, "50 min"),
        ("0 3 * * * ?", ("minutes", ""), Unit.MINUTE, "60 min"),
        ("0 0/10 8-18 * * ?", ("hours", "1 hours"), Unit.MINUTE, "10 min"),  # the instances follow the expression
        ("0 3 * * * ?", ("minutes", "90 minutes"), Unit.MINUTE, "60 min"),  # minutes begin anew every hour
        ("0 0/20,50 * * * ?", (), Unit.MINUTE, "10 min"),
        ("0 5 * * * ?", (), Unit.HOUR, "60 min"),
        ("0 0 0/2 * * ?", (), Unit.HOUR, "120 min"),
        ("0 0 9-17 ? * 2-6", (), Unit.HOUR, "60 min"),
        ("0 0 20/5 * * ?", ("hours", "5 hours"), Unit.HOUR, "300 min"),
        ("0 0 3 * * ?", ("hours", ""), Unit.HOUR, "1440 min"),
        ("0 0 9,10,15,16,19 * * ?", (), Unit.DISCRETE_HOURS, "60 min"),
        ("0 0 2,5,15 * * ?", ("hours", "1 hours"), Unit.DISCRETE_HOURS, "180 min"),
        ("0 0 22 * * ?", (), Unit.DAY, "1 d"),
        ("0 0 22 * * ?", ("weeks", ""), Unit.DAY, "1 d"),
        ("0 0 22 ? * 1-7", (), Unit.DAY, "1 d"),
        ("0 0 22 ? * 2-6", (), Unit.WEEK, "7 d"),
        ("0 0 22 ? * 2-6", ("days", "1 days"), Unit.DAY, "1 d"),
        ("0 0 22 3 * ?", (), Unit.MONTH, "31 d"),
        ("0 0 22 L * ?", ("months", ""), Unit.MONTH, "31 d"),
        ("0 0 22 ? * 6#3", (), Unit.MONTH, "31 d"),
        ("0 0 22 3 * ?", ("seasons", ""), Unit.MONTH, "31 d"),
    ],
)
def test_the_period_of_a_schedule(expression: str, words: tuple[str, ...], unit: Unit, interval: str) -> None:
    number, _, word = interval.partition(" ")
    expected = timedelta(days=int(number)) if word == "d" else timedelta(minutes=int(number))
    read = period(expression, *words)
    assert (read.unit, read.interval) == (unit, expected)


def test_the_longest_gap_of_discrete_hours_spans_the_night() -> None:
    assert period("0 0 2,5,15 * * ?").longest_gap == timedelta(hours=11)
    assert period("0 0 0/2 * * ?").longest_gap == timedelta(hours=2)


def test_the_zone_of_an_expression_beats_that_of_the_service() -> None:
    schedule = ScheduleDefinition(expression="0 0 1 * * ?", expression_time_zone="Europe/Berlin")
    assert period_of(schedule, UTC).zone == BERLIN
    with pytest.raises(InvalidSchedule, match=r"expressionTimeZone: 'Nowhere/At All'"):
        period_of(ScheduleDefinition(expression="0 0 1 * * ?", expression_time_zone="Nowhere/At All"), UTC)


def test_a_broken_expression_has_no_period() -> None:
    with pytest.raises(InvalidSchedule, match="expression"):
        period("0 0 1")


@pytest.mark.parametrize(
    ("zone", "moment", "start", "end"),
    [
        (BERLIN, "2024-05-05T10:20+02:00", "2024-05-05T10:00+02:00", "2024-05-05T11:00+02:00"),
        (BERLIN, "2024-10-27T02:20+02:00", "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00"),
        (BERLIN, "2024-10-27T02:20+01:00", "2024-10-27T02:00+01:00", "2024-10-27T03:00+01:00"),
        (BERLIN, "2024-03-31T03:20+02:00", "2024-03-31T03:00+02:00", "2024-03-31T04:00+02:00"),
        (BERLIN, "2024-03-31T01:20+01:00", "2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"),
        # 02:00 becomes 02:30: an hour of 30 minutes; 02:00 becomes 01:30: another one
        (LORD_HOWE, "2024-10-06T02:40+11:00", "2024-10-06T02:30+11:00", "2024-10-06T03:00+11:00"),
        (LORD_HOWE, "2024-10-06T01:40+10:30", "2024-10-06T01:00+10:30", "2024-10-06T02:30+11:00"),
        (LORD_HOWE, "2024-04-07T01:40+11:00", "2024-04-07T01:00+11:00", "2024-04-07T01:30+10:30"),
        (LORD_HOWE, "2024-04-07T01:40+10:30", "2024-04-07T01:30+10:30", "2024-04-07T02:00+10:30"),
        # 00:01 becomes 01:01: an hour of a minute
        (ZoneInfo("America/St_Johns"), "2010-03-14T00:00-03:30", "2010-03-14T00:00-03:30", "2010-03-14T01:01-02:30"),
        (ZoneInfo("Asia/Kolkata"), "2024-05-05T10:20+05:30", "2024-05-05T10:00+05:30", "2024-05-05T11:00+05:30"),
    ],
)
def test_a_natural_hour_shares_date_hour_and_offset(zone: ZoneInfo, moment: str, start: str, end: str) -> None:
    found = natural_hour(datetime.fromisoformat(moment), zone)
    assert found == (datetime.fromisoformat(start), datetime.fromisoformat(end))


def test_natural_days_weeks_and_months_begin_at_midnight() -> None:
    day = date(2024, 3, 31)  # a Sunday of 23 hours
    moment = timedelta(microseconds=1)
    spans = {
        natural_day: ("2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"),
        natural_week: ("2024-03-25T00:00+01:00", "2024-04-01T00:00+02:00"),
        natural_month: ("2024-03-01T00:00+01:00", "2024-04-01T00:00+02:00"),
    }
    for natural, (start, end) in spans.items():
        window = natural(day, BERLIN)
        assert (window.after + moment, window.until + moment) == (
            datetime.fromisoformat(start),
            datetime.fromisoformat(end),
        )
