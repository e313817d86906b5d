"""When schedules are due: tables, the documented examples, and a comparison with a walk from minute to minute."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.domain.cron import read_cron
from headrace.domain.plan_times import next_plan_times, plan_times
from headrace.errors import InvalidSchedule

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def due(expression: str, after: str, count: int, zone: ZoneInfo = SHANGHAI) -> list[str]:
    """The next plan times after a wall time, on the wall clock."""
    moments = plan_times(read_cron(expression), zone, datetime.fromisoformat(after).replace(tzinfo=zone), None)
    return [f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in islice(moments, count)]


def day_list(expression: str, after: str, count: int) -> list[str]:
    return [text[2:10] for text in due(expression, after, count)]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # documented: the interval restarts at every hour, "Setting Up Scheduling for a Job"
        ("0 30/30 * * * ?", "2024-01-01 14:20", ["14:30", "15:30", "16:30"]),
        ("0 0/50 * * * ?", "2024-01-01 14:20", ["14:50", "15:00", "15:50", "16:00", "16:50"]),
        ("0 0 0/2 * * ?", "2024-01-01 19:00", ["20:00", "22:00", "00:00", "02:00"]),
        ("0 0 9,10,15,16,19 * * ?", "2024-01-01 09:30", ["10:00", "15:00", "16:00", "19:00", "09:00"]),
        # inferred
        ("0 0/20 8-9 * * ?", "2024-01-01 09:10", ["09:20", "09:40", "08:00"]),
        ("0 15 1 * * ?", "2024-01-01 01:15", ["01:15"]),
        ("0 15 1 * * ?", "2024-01-01 01:14", ["01:15"]),
    ],
)
def test_plan_times__of_a_day(expression: str, after: str, expected: list[str]) -> None:
    assert [text[11:] for text in due(expression, after, len(expected))] == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 1 * * ?", ["24-01-01", "24-01-02", "24-01-03"]),
        ("0 0 1 ? * 1", ["24-01-07", "24-01-14"]),  # 1 is Sunday
        ("0 0 1 ? * 2-6", ["24-01-01", "24-01-02", "24-01-03", "24-01-04", "24-01-05", "24-01-08"]),
        ("0 0 1 ? * MON,SAT", ["24-01-01", "24-01-06", "24-01-08"]),
        ("0 0 1 ? * L", ["24-01-06", "24-01-13"]),
        ("0 0 1 L * ?", ["24-01-31", "24-02-29", "24-03-31"]),
        ("0 0 1 L-3 * ?", ["24-01-28", "24-02-26"]),
        ("0 0 1 LW * ?", ["24-01-31", "24-02-29", "24-03-29"]),
        ("0 0 1 31 * ?", ["24-01-31", "24-03-31", "24-05-31"]),  # a month without the day is skipped
        ("0 0 1 1,L * ?", ["24-01-01", "24-01-31", "24-02-01", "24-02-29"]),
        ("0 0 1 6W * ?", ["24-01-05", "24-02-06"]),  # a Saturday: the Friday before
        ("0 0 1 7W * ?", ["24-01-08", "24-02-07"]),  # a Sunday: the Monday after
        ("0 0 1 1W 6 ?", ["24-06-03"]),  # a Saturday, but the Friday is in May
        ("0 0 1 31W 3 ?", ["24-03-29"]),  # a Sunday, but the Monday is in April
        ("0 0 1 5C * ?", ["24-01-05", "24-02-05"]),
        ("0 0 1 ? * 6#3", ["24-01-19", "24-02-16"]),
        ("0 0 1 ? * 6#5", ["24-03-29", "24-05-31"]),
        ("0 0 1 ? * FRI#5", ["24-03-29", "24-05-31"]),
        ("0 0 1 ? * 6L", ["24-01-26", "24-02-23"]),
        ("0 0 1 ? * 1C", ["24-01-07", "24-01-14"]),
        ("0 0 1 1-7 * 2", ["24-01-01", "24-02-05"]),  # both fields: the first Monday
        ("0 0 1 29 2 ?", ["24-02-29", "28-02-29"]),
        ("0 0 1 * JAN,12 1", ["24-01-07", "24-01-14", "24-01-21", "24-01-28", "24-12-01"]),
        ("0 0 1 29 2 1", ["32-02-29"]),
    ],
)
def test_plan_times__days(expression: str, expected: list[str]) -> None:
    assert day_list(expression, "2023-12-31 12:00", len(expected)) == expected


def test_plan_times__of_a_day_that_never_comes_are_none() -> None:
    assert due("0 0 1 30 2 ?", "2024-01-01 00:00", 1) == []
    assert due("0 0 1 31 * 1#1", "2024-01-01 00:00", 1) == []


def test_plan_times__after_is_left_out_and_until_is_included() -> None:
    cron = read_cron("0 0 * * * ?")
    after, until = datetime(2024, 1, 1, 5, tzinfo=UTC), datetime(2024, 1, 1, 7, tzinfo=UTC)
    assert list(plan_times(cron, SHANGHAI, after, until)) == [after + timedelta(hours=1), until]
    assert list(plan_times(cron, SHANGHAI, until, after)) == []


def test_plan_times__at_the_ends_of_the_calendar_they_end_quietly() -> None:
    cron = read_cron("0 0 1 1 1 ?")
    assert len(list(plan_times(cron, SHANGHAI, datetime(9990, 6, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)))) < 9
    assert list(plan_times(cron, SHANGHAI, datetime.max.replace(tzinfo=UTC), None)) == []
    assert next(plan_times(cron, SHANGHAI, datetime.min.replace(tzinfo=UTC), None)).year < 5


# ---- where the clock is changed


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # 02:00 → 03:00 on 29 March 2026: late by the hour that is skipped, and once
        ("0 30 2 * * ?", BERLIN, "2026-03-28 12:00", ["03-29 03:30", "03-30 02:30"]),
        ("0 30 2,3 * * ?", BERLIN, "2026-03-28 12:00", ["03-29 03:30", "03-30 02:30"]),
        ("0 0 0-4 * * ?", BERLIN, "2026-03-29 00:30", ["03-29 01:00", "03-29 03:00", "03-29 04:00"]),
        ("0 0/30 * * * ?", BERLIN, "2026-03-29 01:10", ["03-29 01:30", "03-29 03:00", "03-29 03:30"]),
        # 03:00 → 02:00 on 25 October 2026: the first time only, but both times for all 24 hours
        ("0 30 2 * * ?", BERLIN, "2026-10-24 12:00", ["10-25 02:30", "10-26 02:30"]),
        ("0 0 1-3 * * ?", BERLIN, "2026-10-25 00:30", ["10-25 01:00", "10-25 02:00", "10-25 03:00"]),
        ("0 0 * * * ?", BERLIN, "2026-10-25 00:30", ["10-25 01:00", "10-25 02:00", "10-25 02:00", "10-25 03:00"]),
        # New York changes at 02:00 of its own clock
        ("0 15 2 * * ?", NEW_YORK, "2026-03-07 12:00", ["03-08 03:15", "03-09 02:15"]),
        ("0 15 1 * * ?", NEW_YORK, "2026-10-31 12:00", ["11-01 01:15", "11-02 01:15"]),
        # half an hour: 02:00 → 02:30 on 4 October, 02:00 → 01:30 on 5 April 2026
        ("0 15 2 * * ?", LORD_HOWE, "2026-10-03 12:00", ["10-04 02:45", "10-05 02:15"]),
        ("0 0 * * * ?", LORD_HOWE, "2026-10-04 00:30", ["10-04 01:00", "10-04 02:30", "10-04 03:00"]),
        ("0 45 1 * * ?", LORD_HOWE, "2026-04-04 12:00", ["04-05 01:45", "04-06 01:45"]),
        ("0 0/15 * * * ?", LORD_HOWE, "2026-04-05 01:20", ["04-05 01:30", "04-05 01:45"] * 2 + ["04-05 02:00"]),
        # midnight itself is skipped, and no day is lost
        ("0 0 0 * * ?", ZoneInfo("Asia/Beirut"), "2022-03-26 12:00", ["03-27 01:00", "03-28 00:00"]),
        # the whole of 30 December 2011 is skipped
        ("0 0 1 * * ?", ZoneInfo("Pacific/Apia"), "2011-12-28 12:00", ["12-29 01:00", "12-31 01:00", "01-01 01:00"]),
        # 00:01 → 23:01 of the day before
        ("0 30 23 * * ?", ZoneInfo("America/St_Johns"), "2010-11-06 12:00", ["11-06 23:30", "11-07 23:30"]),
        (
            "0 0/30 * * * ?",
            ZoneInfo("America/St_Johns"),
            "2010-11-06 23:10",
            ["11-06 23:30", "11-07 00:00", "11-06 23:30", "11-07 00:00", "11-07 00:30"],
        ),
    ],
)
def test_plan_times__over_a_change_of_the_clock(
    expression: str, zone: ZoneInfo, after: str, expected: list[str]
) -> None:
    assert [text[5:] for text in due(expression, after, len(expected), zone)] == expected


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, SHANGHAI], ids=str)
@pytest.mark.parametrize("time", ["30 2", "0 0", "45 1", "0 3", "59 23"])
def test_plan_times__of_a_year_lose_and_double_no_day(zone: ZoneInfo, time: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=zone)
    found = list(
        plan_times(read_cron(f"0 {time} * * ?"), zone, start - MINUTE, datetime(2027, 1, 1, tzinfo=zone) - MINUTE)
    )
    assert [moment.astimezone(zone).date() for moment in found] == [start.date() + DAY * n for n in range(365)]


# ---- against a walk from minute to minute


@dataclass(frozen=True)
class Case:
    """An expression, with what it means said in another way."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    fits_day: Callable[[date], bool]

    def fits(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and self.fits_day(wall.date())


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _workdays(day: date) -> list[int]:
    return [number for number in range(1, _length(day) + 1) if day.replace(day=number).weekday() < 5]


def _nearest(day: date, number: int) -> bool:
    return number <= _length(day) and day.day == min(_workdays(day), key=lambda other: abs(other - number))


def _days() -> st.SearchStrategy[tuple[str, Callable[[date], bool]]]:
    number, weekday = st.integers(1, 31), st.integers(1, 7)
    return st.one_of(
        st.just(("* * ?", lambda day: True)),
        number.map(lambda n: (f"{n} * ?", lambda day: day.day == n)),
        st.integers(0, 30).map(lambda n: (f"L-{n} * ?", lambda day: _length(day) - day.day == n)),
        st.just(("L * ?", lambda day: (day + DAY).day == 1)),
        st.just(("LW * ?", lambda day: day.day == max(_workdays(day)))),
        number.map(lambda n: (f"{n}W * ?", lambda day: _nearest(day, n))),
        weekday.map(lambda n: (f"? * {n}", lambda day: day.isoweekday() % 7 + 1 == n)),
        weekday.map(lambda n: (f"? * {n}L", lambda day: day.isoweekday() % 7 + 1 == n and day.day + 7 > _length(day))),
        st.tuples(weekday, st.integers(1, 5)).map(
            lambda pair: (
                f"? * {pair[0]}#{pair[1]}",
                lambda day: day.isoweekday() % 7 + 1 == pair[0] and (day.day - 1) // 7 + 1 == pair[1],
            )
        ),
    )


def _lists(high: int, first: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """All numbers up to ``high``, a few up to ``first``, or every nth from one of those on."""
    number = st.integers(0, first)
    return st.one_of(
        st.just(("*", frozenset(range(high + 1)))),
        st.sets(number, min_size=1, max_size=4).map(lambda few: (",".join(map(str, few)), frozenset(few))),
        st.tuples(number, st.integers(1, high)).map(
            lambda pair: (f"{pair[0]}/{pair[1]}", frozenset(range(pair[0], high + 1, pair[1])))
        ),
    )


EVERY_DAY = st.just(("* * ?", lambda day: True))
CASES = st.tuples(_lists(59, 59), _lists(23, 4), EVERY_DAY | _days()).map(
    lambda drawn: Case(f"0 {drawn[0][0]} {drawn[1][0]} {drawn[2][0]}", drawn[0][1], drawn[1][1], drawn[2][1])
)
CHANGES = st.sampled_from(
    [
        *((BERLIN, date(2026, 3, 29)), (BERLIN, date(2026, 10, 25))),
        *((NEW_YORK, date(2026, 3, 8)), (NEW_YORK, date(2026, 11, 1))),
        *((LORD_HOWE, date(2026, 4, 5)), (LORD_HOWE, date(2026, 10, 4))),
        (SHANGHAI, date(2026, 2, 28)),
    ]
)


def walk(case: Case, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every minute that passes is looked at; wall times that the clock jumps over are made up for."""
    owed: set[datetime] = set()
    before = (after - DAY).astimezone(zone).replace(tzinfo=None)
    now = after - DAY
    while now < until:
        now += MINUTE
        local = now.astimezone(zone)
        wall = local.replace(tzinfo=None, fold=0)
        skipped = 0
        while before + MINUTE * (skipped + 1) < wall:
            if case.fits(before + MINUTE * (skipped + 1)):
                owed.add(now + MINUTE * skipped)
            skipped += 1
        before = wall
        counts = local.fold == 0 or len(case.hours) == 24
        if now > after and ((case.fits(wall) and counts) or now in owed):
            yield now


@settings(max_examples=60, deadline=None)
@given(case=CASES, change=CHANGES, hour=st.integers(0, 23))
def test_plan_times__are_those_of_a_walk_from_minute_to_minute(
    case: Case, change: tuple[ZoneInfo, date], hour: int
) -> None:
    zone, day = change
    after = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=hour)
    until = after + 2 * DAY
    assert list(plan_times(read_cron(case.text), zone, after, until)) == list(walk(case, zone, after, until)), case.text


@settings(max_examples=100, deadline=None)
@given(days=_days(), first=st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_plan_times__days_are_those_of_a_walk_from_day_to_day(
    days: tuple[str, Callable[[date], bool]], first: date
) -> None:
    text, fits = days
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    found = plan_times(read_cron(f"0 0 0 {text}"), ZoneInfo("UTC"), start - MINUTE, start + 200 * DAY - MINUTE)
    assert [moment.date() for moment in found] == [day for n in range(200) if fits(day := first + DAY * n)], text


# ---- the cron part of a job document


@dataclass(frozen=True, kw_only=True)
class Part:
    """A ``schedule.cron``."""

    expression: str | None = "0 0 1 * * ?"
    expression_time_zone: str | None = None
    start_time: str | None = None
    end_time: str | None = None


NOON = datetime(2024, 1, 1, 12, tzinfo=SHANGHAI)


def following(part: Part, count: int = 2) -> list[str]:
    return [f"{moment:%m-%dT%H:%MZ}" for moment in next_plan_times(part, NOON, count, SHANGHAI)]


def test_next_plan_times__are_read_in_the_zone_of_the_service() -> None:
    assert following(Part()) == ["01-01T17:00Z", "01-02T17:00Z"]


@pytest.mark.parametrize("zone", ["GMT+9", "GMT+09:00", "+09", "Asia/Tokyo"])
def test_next_plan_times__are_read_in_the_zone_of_the_expression(zone: str) -> None:
    assert following(Part(expression_time_zone=zone)) == ["01-01T16:00Z", "01-02T16:00Z"]


def test_next_plan_times__start_and_end_are_included() -> None:
    part = Part(start_time="2024-01-03T01:00:00+08", end_time="2024-01-05T01:00:00+08:00")
    assert following(part, 10) == ["01-02T17:00Z", "01-03T17:00Z", "01-04T17:00Z"]


def test_next_plan_times__of_a_schedule_that_has_ended_are_none() -> None:
    assert following(Part(end_time="2023-12-31T00:00:00+08")) == []


@pytest.mark.parametrize(
    ("part", "detail"),
    [
        (Part(expression=None), "schedule.cron.expression: '' has 0 fields"),
        (Part(expression_time_zone="Mars"), "schedule.cron.expressionTimeZone: 'Mars' is no time zone; write GMT+8"),
        (Part(start_time="soon"), "schedule.cron.startTime: 'soon' is no time"),
        (Part(end_time="2024-01-01T00:00:00"), "schedule.cron.endTime: '2024-01-01T00:00:00' has no time zone"),
    ],
)
def test_next_plan_times__names_the_member_that_cannot_be_read(part: Part, detail: str) -> None:
    with pytest.raises(InvalidSchedule) as error:
        following(part)
    assert error.value.detail.startswith(detail)
