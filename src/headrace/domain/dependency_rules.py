"""Which plan times of an upstream job B an instance of job A looks at: a table with a row for every pair of periods.

A row is a rule, which turns a plan time of A into a window of B's plan times, and which instances of the window count
when the job does not say. Rules are asked for a cycle: 0 is that of the plan time, 1 the one before. Sources are named
at the tables; what the published pages leave open is chosen in decision 19.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from headrace.domain.dependency_words import DependPeriod, DependType
from headrace.domain.periods import (
    Period,
    Unit,
    Window,
    months_later,
    natural_day,
    natural_hour,
    natural_month,
    natural_week,
)

PlanTimes = Callable[[datetime, datetime], Iterable[datetime]]
"""The plan times ``after < t <= until``, ascending."""

_HOUR, _DAY, _MOMENT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
_LONGEST_SEARCH = timedelta(days=9 * 366)  # 29 February is 8 years away at most


class Mode(StrEnum):
    """How periods are matched; chosen per workspace."""

    NATURAL = "natural"
    TRADITIONAL = "traditional"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An instance of A planned at a moment (UTC), and both periods."""

    a: Period
    b: Period
    planned: datetime

    @property
    def day(self) -> date:
        """The date of the plan time on A's clock."""
        return self.planned.astimezone(self.a.zone).date()


Rule = Callable[[Asked, range], list[Window]]
"""The windows of the cycles asked for, in their order: the newest first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of periods: its rule, what counts by default, and in how many words of a sentence it is told.

    ``shift``: how many cycles before that of the plan time the rule begins.
    """

    rule: Rule
    text: str
    choice: DependType = DependType.ALL
    shift: int = 0

    def windows(self, asked: Asked, period: DependPeriod, previous: int) -> list[Window]:
        """The windows of the same period, or of the ``previous`` ones before it; the newest first."""
        same = range(self.shift, self.shift + 1)
        before = range(self.shift + 1, self.shift + 1 + previous)
        return self.rule(asked, same if period is DependPeriod.SAME_PERIOD else before)


def times_before(plan_times: PlanTimes, moment: datetime, count: int) -> list[datetime]:
    """The last ``count`` plan times before a moment, the newest first; fewer when there never were more."""
    reach = _HOUR
    while True:
        found = list(plan_times(moment - reach, moment - _MOMENT))
        if len(found) >= count or reach >= _LONGEST_SEARCH:
            return found[: -count - 1 : -1]
        reach = min(4 * reach, _LONGEST_SEARCH)


def _elapsed(length: Callable[[Asked], timedelta]) -> Rule:
    """``(t - length, t]``, and spans of this length before it."""

    def windows(asked: Asked, cycles: range) -> list[Window]:
        step = length(asked)
        return [Window(asked.planned - (cycle + 1) * step, asked.planned - cycle * step) for cycle in cycles]

    return windows


def _hours(length: Callable[[Asked], int]) -> Rule:
    """The natural hour of t for cycle 0; then so many natural hours each, backwards."""

    def windows(asked: Asked, cycles: range) -> list[Window]:
        start, end = natural_hour(asked.planned, asked.a.zone)
        found = [Window.between(start, end)]
        for _ in range(cycles.stop - 1):
            end = start
            for _ in range(length(asked)):
                start = natural_hour(start - _MOMENT, asked.a.zone)[0]
            found.append(Window.between(start, end))
        return found[cycles.start :]

    return windows


def _days(asked: Asked, cycles: range) -> list[Window]:
    return [natural_day(asked.day - cycle * _DAY, asked.a.zone) for cycle in cycles]


def _weeks(asked: Asked, cycles: range) -> list[Window]:
    return [natural_week(asked.day - cycle * 7 * _DAY, asked.a.zone) for cycle in cycles]


def _months(asked: Asked, cycles: range) -> list[Window]:
    return [natural_month(months_later(asked.day, -cycle), asked.a.zone) for cycle in cycles]


def _wall_days(asked: Asked, cycles: range) -> list[Window]:
    """``(the same wall clock a day before, t]``, and so on backwards."""
    local = asked.planned.astimezone(asked.a.zone)
    borders = [(local - cycle * _DAY).astimezone(UTC) if cycle else asked.planned for cycle in range(cycles.stop + 1)]
    return [Window(borders[cycle + 1], borders[cycle]) for cycle in cycles]


def _own_times(asked: Asked, cycles: range) -> list[Window]:
    """``(A's plan time before, t]``, and so on backwards."""
    times = [asked.planned, *times_before(asked.a.plan_times, asked.planned, cycles.stop)]
    return [Window(times[cycle + 1], times[cycle]) for cycle in cycles if cycle + 1 < len(times)]


def _matched(asked: Asked, cycles: range) -> list[Window]:
    """What A's plan time, or one so many before it, is matched with."""
    times = [asked.planned, *times_before(asked.a.plan_times, asked.planned, cycles.stop - 1)]
    return [_match(asked, times[cycle]) for cycle in cycles if cycle < len(times)]


def _match(asked: Asked, planned: datetime) -> Window:
    """Within the natural day: one to one where the numbers are equal; else the interval of A's plan times before, the
    nearest one that holds any of B; else the first of B after.

    Source: "Scheduling by Discrete Hours", scenario 2, and "Dependency on the Previous Period", discrete hours.
    """
    day = natural_day(planned.astimezone(asked.a.zone).date(), asked.a.zone)
    mine = sorted({*asked.a.plan_times(day.after, day.until), planned})
    theirs = list(asked.b.plan_times(day.after, day.until))
    position = bisect_left(mine, planned)
    if len(mine) == len(theirs):
        return _at(theirs[position])
    for window in _intervals_back(day.after, mine[: position + 1]):
        if bisect_left(theirs, window.after + _MOMENT) < bisect_left(theirs, window.until + _MOMENT):
            return window
    return _at(theirs[0]) if theirs else day


def _intervals_back(start: datetime, times: Sequence[datetime]) -> Iterator[Window]:
    """The intervals between plan times that end at each of them, the last one first."""
    for position in reversed(range(len(times))):
        yield Window(times[position - 1] if position else start, times[position])


def _at(moment: datetime) -> Window:
    return Window(moment - _MOMENT, moment)


def _longer(asked: Asked) -> timedelta:
    return max(asked.a.interval, asked.b.interval)


_LAST = DependType.LAST

# The interval of A before t, or the longer interval of both.
_INTERVAL = Row(_elapsed(lambda asked: asked.a.interval), "the interval before")
_LONGER = Row(_elapsed(_longer), "the longer interval")
_LAST_OF_60 = Row(_elapsed(lambda asked: _HOUR), "the last within an hour", _LAST)
_THIS_HOUR = Row(_hours(lambda asked: 1), "the natural hour")
_HOUR_BEFORE = Row(_hours(lambda asked: 1), "the natural hour before", shift=1)
_LAST_OF_HOUR = Row(_hours(lambda asked: 1), "the last of the natural hour", _LAST)
_LONGER_HOURS = Row(_hours(lambda asked: _longer(asked) // _HOUR), "the natural hours of the longer interval")
_TODAY = Row(_days, "the natural day")
_LAST_OF_DAY = Row(_days, "the last of the natural day", _LAST)
_WEEK = Row(_weeks, "the natural week")
_MONTH = Row(_months, "the natural month")
_LAST_OF_MONTH = Row(_months, "the last of the natural month", _LAST)
_MATCHED = Row(_matched, "the matching plan times of the natural day")

Table = Mapping[Unit, Mapping[Unit, Row]]
"""A row for each allowed pair: first the unit of A, then that of B."""

# Source: "Natural Periodic Scheduling: Same-Period Dependency"; with discrete hours "Scheduling by Discrete Hours";
# with weeks and months "Comparison Between Traditional ... and Natural Periodic Scheduling Dependency", rule 2.
_NATURAL_SAME: Table = {
    Unit.MINUTE: {
        Unit.MINUTE: _INTERVAL,
        Unit.HOUR: _HOUR_BEFORE,
        Unit.DISCRETE_HOURS: _MATCHED,
        Unit.DAY: _TODAY,
    },
    Unit.HOUR: {
        Unit.MINUTE: _LAST_OF_60,
        Unit.HOUR: _THIS_HOUR,
        Unit.DISCRETE_HOURS: _MATCHED,
        Unit.DAY: _TODAY,
        Unit.WEEK: _TODAY,
        Unit.MONTH: _TODAY,
    },
    Unit.DISCRETE_HOURS: {
        Unit.MINUTE: _MATCHED,
        Unit.HOUR: _MATCHED,
        Unit.DISCRETE_HOURS: _MATCHED,
        Unit.DAY: _TODAY,
        Unit.WEEK: _TODAY,
        Unit.MONTH: _TODAY,
    },
    Unit.DAY: dict.fromkeys(Unit, _TODAY),
    Unit.WEEK: {unit: _TODAY for unit in Unit if unit is not Unit.MINUTE},
    Unit.MONTH: {unit: _TODAY for unit in Unit if unit is not Unit.MINUTE},
}

# Source: "Natural Periodic Scheduling: Dependency on the Previous Period"; weeks and months by analogy.
_NATURAL_PREVIOUS: Table = {
    Unit.MINUTE: {
        Unit.MINUTE: _LONGER,
        Unit.HOUR: _THIS_HOUR,
        Unit.DISCRETE_HOURS: _MATCHED,
        Unit.DAY: _TODAY,
    },
    Unit.HOUR: {
        Unit.MINUTE: _LAST_OF_HOUR,
        Unit.HOUR: _LONGER_HOURS,
        Unit.DISCRETE_HOURS: _MATCHED,
        Unit.DAY: _TODAY,
        Unit.WEEK: _TODAY,
        Unit.MONTH: _TODAY,
    },
    Unit.DISCRETE_HOURS: _NATURAL_SAME[Unit.DISCRETE_HOURS],
    Unit.DAY: {
        Unit.MINUTE: _LAST_OF_DAY,
        Unit.HOUR: _LAST_OF_DAY,
        Unit.DISCRETE_HOURS: _TODAY,
        Unit.DAY: _TODAY,
        Unit.WEEK: _TODAY,
        Unit.MONTH: _TODAY,
    },
    Unit.WEEK: {
        Unit.HOUR: _LAST_OF_DAY,
        Unit.DISCRETE_HOURS: _TODAY,
        Unit.DAY: _TODAY,
        Unit.WEEK: _WEEK,
        Unit.MONTH: _MONTH,
    },
    Unit.MONTH: {
        Unit.HOUR: _LAST_OF_DAY,
        Unit.DISCRETE_HOURS: _TODAY,
        Unit.DAY: _TODAY,
        Unit.WEEK: _LAST_OF_MONTH,
        Unit.MONTH: _MONTH,
    },
}

_OWN_TIMES = Row(_own_times, "the time since the plan time before")
_DAY_BEFORE = Row(_days, "the natural day before", shift=1)
_MONTH_BEFORE = Row(_months, "the natural month before", shift=1)

# Source: "Traditional Periodic Scheduling"; no week at all, months on days only. The same table for both periods.
_TRADITIONAL: Table = {
    Unit.MINUTE: {Unit.MINUTE: _INTERVAL},
    Unit.HOUR: {Unit.MINUTE: _HOUR_BEFORE, Unit.HOUR: _INTERVAL, Unit.DISCRETE_HOURS: _INTERVAL},
    Unit.DISCRETE_HOURS: {Unit.MINUTE: _HOUR_BEFORE, Unit.HOUR: _OWN_TIMES, Unit.DISCRETE_HOURS: _OWN_TIMES},
    Unit.DAY: {
        Unit.MINUTE: _DAY_BEFORE,
        Unit.HOUR: _DAY_BEFORE,
        Unit.DISCRETE_HOURS: _DAY_BEFORE,
        Unit.DAY: Row(_wall_days, "the day before t"),
    },
    Unit.MONTH: {Unit.DAY: _MONTH_BEFORE},
}

TABLES: Mapping[tuple[Mode, DependPeriod], Table] = {
    (Mode.NATURAL, DependPeriod.SAME_PERIOD): _NATURAL_SAME,
    (Mode.NATURAL, DependPeriod.PRE_PERIOD): _NATURAL_PREVIOUS,
    (Mode.TRADITIONAL, DependPeriod.SAME_PERIOD): _TRADITIONAL,
    (Mode.TRADITIONAL, DependPeriod.PRE_PERIOD): _TRADITIONAL,
}
