"""The rules of dependency against a slow model, written from the published prose and decision 19, not from the code.

The model looks at every upstream plan time around an instance and asks whether it counts: by what a clock shows at it,
and by walking the minutes of a few days one by one for natural hours and for what lies before an instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from headrace.domain.dependencies import check_dependency, upstream_plan_times
from headrace.domain.dependency_rules import Mode
from headrace.domain.dependency_words import DependPeriod, DependType
from headrace.domain.job import ScheduleDefinition
from headrace.domain.periods import Period, period_of
from headrace.errors import InvalidSchedule

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SMALL = ("minute", "hour", "discrete hours")
PLACES = [
    ("Asia/Shanghai", date(2024, 5, 5)),
    ("Europe/Berlin", date(2024, 3, 31)),
    ("Europe/Berlin", date(2024, 10, 27)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),
    ("Australia/Lord_Howe", date(2024, 10, 6)),
]


@dataclass(frozen=True)
class Clock:
    """The minutes around a day, and the natural hours they form, in the order in which they pass."""

    hours: list[tuple[date, int, timedelta | None]]
    walls: list[tuple[datetime, datetime]]


@lru_cache(maxsize=len(PLACES))
def clock(zone: str, day: date) -> Clock:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - 7 * DAY
    minutes = [(start + count * MINUTE).astimezone(ZoneInfo(zone)) for count in range(10 * 24 * 60)]
    return Clock(
        hours=list(dict.fromkeys((m.date(), m.hour, m.utcoffset()) for m in minutes)),
        walls=[(m.replace(tzinfo=None, fold=0), m.astimezone(UTC)) for m in minutes],
    )


@dataclass(frozen=True)
class Model:
    """An instance of A planned at t, the plan times of A and B around it, and A's clock."""

    zone: str
    day: date
    a: Period
    b: Period
    t: datetime
    a_times: list[datetime]
    b_times: list[datetime]

    def date_of(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def hours_back(self, moment: datetime) -> int:
        """How many natural hours before that of t."""
        hours = clock(self.zone, self.day).hours
        local, own = (m.astimezone(ZoneInfo(self.zone)) for m in (moment, self.t))
        key = (local.date(), local.hour, local.utcoffset())
        at = hours.index((own.date(), own.hour, own.utcoffset()))
        return at - hours.index(key) if key in hours else 10**9

    def days_back(self, moment: datetime) -> int:
        return (self.date_of(self.t) - self.date_of(moment)).days

    def months_back(self, moment: datetime) -> int:
        mine, other = self.date_of(self.t), self.date_of(moment)
        return 12 * (mine.year - other.year) + mine.month - other.month

    def weeks_back(self, moment: datetime) -> int:
        mine, other = self.date_of(self.t), self.date_of(moment)
        return ((mine - timedelta(mine.weekday())) - (other - timedelta(other.weekday()))).days // 7

    def same_wall(self, days: int) -> datetime:
        """The first moment that shows t's time so many days before; where it is skipped, as much later."""
        wall = self.t.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, fold=0) - days * DAY
        walls = clock(self.zone, self.day).walls
        shown = [moment for reading, moment in walls if reading == wall]
        if shown:
            return shown[0]
        reading, moment = next(one for one, after in pairwise(walls) if one[0] < wall < after[0])
        return moment + (wall - reading)

    def matched(self, t: datetime) -> list[datetime]:
        mine = [time for time in self.a_times if self.date_of(time) == self.date_of(t)]
        theirs = [time for time in self.b_times if self.date_of(time) == self.date_of(t)]
        if len(mine) == len(theirs):
            return [theirs[mine.index(t)]]
        minute = t
        while self.date_of(minute) == self.date_of(t):  # walk back to the first one found
            if minute in theirs:
                following = [min(a for a in mine if a >= b) if b <= t else None for b in theirs]
                return [b for b, end in zip(theirs, following, strict=True) if end == following[theirs.index(minute)]]
            minute -= MINUTE
        return [time for time in theirs if time > t][:1]


def last(times: list[datetime]) -> list[datetime]:
    return times[-1:]


def natural_same(m: Model) -> list[list[datetime]]:
    b, elapsed = m.b_times, {time: m.t - time for time in m.b_times}
    match (m.a.unit.value, m.b.unit.value):
        case ("minute", "minute"):
            return [[x for x in b if timedelta(0) <= elapsed[x] < m.a.interval]]
        case ("minute", "hour"):
            return [[x for x in b if m.hours_back(x) == 1]]
        case ("hour", "minute"):
            return [last([x for x in b if timedelta(0) <= elapsed[x] < HOUR])]
        case ("hour", "hour"):
            return [[x for x in b if m.hours_back(x) == 0]]
        case (one, other) if one in SMALL and other in SMALL:
            return [m.matched(m.t)]
        case _:
            return [[x for x in b if m.days_back(x) == 0]]


def natural_previous(m: Model, k: int) -> list[datetime]:
    """The k-th cycle before."""
    b = m.b_times
    longer = max(m.a.interval, m.b.interval)
    match (m.a.unit.value, m.b.unit.value):
        case ("minute", "minute"):
            return [x for x in b if k * longer <= m.t - x < (k + 1) * longer]
        case ("minute", "hour"):
            return [x for x in b if m.hours_back(x) == k]
        case ("hour", "minute"):
            return last([x for x in b if m.hours_back(x) == k])
        case ("hour", "hour"):
            length = longer // HOUR
            return [x for x in b if (k - 1) * length < m.hours_back(x) <= k * length]
        case (one, other) if one in SMALL and other in SMALL:
            return m.matched(m.a_times[m.a_times.index(m.t) - k])
        case ("day", "minute" | "hour") | ("week" | "month", "hour"):
            return last([x for x in b if m.days_back(x) == k])
        case ("week", "week"):
            return [x for x in b if m.weeks_back(x) == k]
        case ("month", "week"):
            return last([x for x in b if m.months_back(x) == k])
        case ("week" | "month", "month"):
            return [x for x in b if m.months_back(x) == k]
        case _:
            return [x for x in b if m.days_back(x) == k]


def traditional(m: Model, k: int) -> list[datetime]:
    """The k-th window, 0 for the same period."""
    b = m.b_times
    match (m.a.unit.value, m.b.unit.value):
        case ("minute", "minute") | ("hour", "hour" | "discrete hours"):
            return [x for x in b if k * m.a.interval <= m.t - x < (k + 1) * m.a.interval]
        case ("discrete hours", "hour" | "discrete hours"):
            at = m.a_times.index(m.t) - k
            return [x for x in b if m.a_times[at - 1] < x <= m.a_times[at]]
        case ("day", "day"):
            return [x for x in b if m.same_wall(k + 1) < x <= (m.same_wall(k) if k else m.t)]
        case ("hour" | "discrete hours", _):
            return [x for x in b if m.hours_back(x) == k + 1]
        case ("day", _):
            return [x for x in b if m.days_back(x) == k + 1]
        case _:
            return [x for x in b if m.months_back(x) == k + 1]


def expected(m: Model, mode: Mode, period: DependPeriod, n: int, depend_type: DependType) -> list[datetime]:
    """The plan times of B that count, by the model; the windows hold all of them for a named ``dependType``."""
    if mode is Mode.TRADITIONAL:
        cycles = range(1, n + 1) if period is DependPeriod.PRE_PERIOD else range(1)
        found = [traditional(m, k) for k in cycles]
    else:
        found = (
            [natural_previous(m, k) for k in range(1, n + 1)] if period is DependPeriod.PRE_PERIOD else natural_same(m)
        )
    if depend_type is DependType.LAST:
        found = [last(times) for times in found]
    return sorted({time for times in found for time in times})


def joined(numbers: list[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


minute = st.integers(0, 59)
hour = st.integers(0, 23)
some_hours = st.lists(hour, min_size=2, max_size=5, unique=True)
EXPRESSIONS = st.one_of(
    st.builds("0 {}/{} * * * ?".format, st.integers(0, 14), st.integers(5, 59)),
    st.builds("0 {}/{} 0-5 * * ?".format, st.integers(0, 14), st.integers(5, 59)),
    st.builds("0 {} {}/{} * * ?".format, minute, st.integers(0, 3), st.integers(1, 9)),
    st.builds(lambda m, hours: f"0 {m} {joined(hours)} * * ?", minute, some_hours),
    st.builds("0 {} {} * * ?".format, minute, hour),
    st.builds("0 {} {} * * ?".format, minute, st.integers(1, 3)),
    st.builds("0 {} {} ? * {}".format, minute, hour, st.sampled_from(["1", "2", "7", "1,4", "1,7"])),
    st.builds("0 {} {} {} * ?".format, minute, hour, st.sampled_from(["5", "6", "7", "27", "31", "L", "1,15"])),
)


LORD_HOWE = PLACES[4]
EXAMPLE: dict[str, Any] = {
    "place": PLACES[1],
    "b_zone": None,
    "a_expression": "0 5 * * * ?",
    "b_expression": "0 12 * * * ?",
    "pick": 0,
    "mode": Mode.NATURAL,
    "period": DependPeriod.SAME_PERIOD,
    "n": 1,
    "depend_type": DependType.DEFAULT,
}


@settings(max_examples=150, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    b_zone=st.sampled_from([None, None, "Asia/Shanghai", "Europe/Berlin"]),
    a_expression=EXPRESSIONS,
    b_expression=EXPRESSIONS,
    pick=st.integers(0, 400),
    mode=st.sampled_from([Mode.NATURAL, Mode.NATURAL, Mode.TRADITIONAL]),
    period=st.sampled_from(DependPeriod),
    n=st.integers(1, 3),
    depend_type=st.sampled_from([DependType.DEFAULT, DependType.DEFAULT, DependType.LAST]),
)
@example(
    # hours of 60, 30 and 60 minutes, three cycles back
    **EXAMPLE | {"place": LORD_HOWE, "pick": 28, "period": DependPeriod.PRE_PERIOD, "n": 3},
)
@example(**EXAMPLE | {"place": LORD_HOWE, "pick": 26, "a_expression": "0 45 * * * ?", "b_expression": "0 40 * * * ?"})
@example(**EXAMPLE | {"pick": 4, "a_expression": "0 0 1,2,3 * * ?", "b_expression": "0 30 0/1 * * ?"})
@example(
    # a day of 23 hours
    **EXAMPLE | {"mode": Mode.TRADITIONAL, "pick": 1, "a_expression": "0 0 9 * * ?", "b_expression": "0 30 8 * * ?"},
)
def test_upstream_plan_times__agree_with_a_walk_over_the_minutes(
    place: tuple[str, date],
    b_zone: str | None,
    a_expression: str,
    b_expression: str,
    pick: int,
    mode: Mode,
    period: DependPeriod,
    n: int,
    depend_type: DependType,
) -> None:
    zone, day = place
    a = period_of(ScheduleDefinition(expression=a_expression), ZoneInfo(zone))
    b = period_of(ScheduleDefinition(expression=b_expression), ZoneInfo(b_zone or zone))
    try:
        check_dependency(a, b, mode)
    except InvalidSchedule:
        assume(False)
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    around = list(a.plan_times(midnight - DAY, midnight + DAY)) or list(a.plan_times(midnight, midnight + 62 * DAY))
    t = around[pick % len(around)]
    reach = 1000 * DAY if b.unit.value in ("day", "week", "month") else 9 * DAY
    m = Model(
        zone=zone,
        day=day,
        a=a,
        b=b,
        t=t,
        a_times=list(a.plan_times(t - 6 * DAY, t + 2 * DAY)),
        b_times=list(b.plan_times(t - reach, t + 2 * DAY)),
    )
    found = upstream_plan_times(a, t, b, b.plan_times, period=period, previous=n, depend_type=depend_type, mode=mode)
    assert list(found.plan_times) == expected(m, mode, period, n, depend_type)
