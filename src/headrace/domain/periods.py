"""The period of a schedule, and the natural periods of the calendar: hours, days, weeks and months of a zone.

The instances of a job follow its expression, so the expression decides which period it has; ``intervalType`` and
``period`` decide where it can be read in two ways (decision 19).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from headrace.domain.cron import Cron, read_cron
from headrace.domain.cron_days import DayForm, Weekdays
from headrace.domain.plan_times import plan_times
from headrace.domain.zones import UnknownZone, zone_named
from headrace.errors import InvalidSchedule

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_PERIOD = re.compile(r"([0-9]{1,4}) *(minute|hour)s?", re.IGNORECASE)


class Unit(StrEnum):
    """Periods that rules tell apart."""

    MINUTE = "minute"
    HOUR = "hour"
    DISCRETE_HOURS = "discrete hours"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_DAY_UNITS = {"day": Unit.DAY, "week": Unit.WEEK, "month": Unit.MONTH, "season": Unit.MONTH, "year": Unit.MONTH}
_INTERVALS = {Unit.DAY: _DAY, Unit.WEEK: 7 * _DAY, Unit.MONTH: 31 * _DAY}


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """How often a job runs: its unit, the interval between two instances, and the expression behind them.

    ``interval``: the step of minutes and hours, the smallest gap of discrete hours; 1, 7 and 31 days else.
    """

    unit: Unit
    interval: timedelta
    cron: Cron
    zone: tzinfo

    def plan_times(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Those of the expression, ``after < t <= until``, in UTC, as if the schedule had neither start nor end."""
        return plan_times(self.cron, self.zone, after, until)

    @property
    def longest_gap(self) -> timedelta:
        """The longest time between two instances of discrete hours; the interval else."""
        if self.unit is not Unit.DISCRETE_HOURS:
            return self.interval
        return max(_gaps((*self.cron.times, self.cron.times[0] + _DAY)))


class ScheduleWords(Protocol):
    """What a period is read from; all as written, empty where not set."""

    @property
    def expression(self) -> str:
        """Six fields."""

    @property
    def expression_time_zone(self) -> str:
        """``GMT+8``, ``Asia/Shanghai``."""

    @property
    def interval_type(self) -> str:
        """``minutes``, ``hours``, ``days``, ``weeks``, ``months``, ``seasons``, ``years``."""

    @property
    def period(self) -> str:
        """``5 minutes``, ``1 hours``."""


def period_of(schedule: ScheduleWords, zone: tzinfo, member: str = "schedule.cron") -> Period:
    """The period of a cron schedule; ``zone`` is the service's, for one that names none.

    Raises InvalidSchedule naming the member. Source: "Setting Up Scheduling for a Job"; decision 19.
    """
    cron = read_cron(schedule.expression, f"{member}.expression")
    if name := schedule.expression_time_zone:
        try:
            zone = zone_named(name)
        except UnknownZone as error:
            raise InvalidSchedule(f"{member}.expressionTimeZone: {error}; write GMT+8 or Asia/Shanghai.") from error
    unit = _unit(cron, schedule)
    return Period(unit=unit, interval=_interval(unit, cron, schedule), cron=cron, zone=zone)


def _unit(cron: Cron, schedule: ScheduleWords) -> Unit:
    _, minute_text, hour_text, *_ = schedule.expression.split()
    said = schedule.interval_type.strip().lower().removesuffix("s")
    if len(_minutes(cron)) > 1 or "/" in minute_text or said == "minute":
        return Unit.MINUTE
    if len(cron.times) > 1:
        return Unit.DISCRETE_HOURS if "," in hour_text else Unit.HOUR
    if said == "hour":
        return Unit.HOUR
    unit = _unit_of_days(cron)
    return unit if unit is Unit.DAY else _DAY_UNITS.get(said, unit)


def _unit_of_days(cron: Cron) -> Unit:
    if not _every_day(cron.days):
        return Unit.MONTH
    if _every_day(cron.weekdays):
        return Unit.DAY
    return Unit.WEEK if all(isinstance(form, Weekdays) for form in cron.weekdays) else Unit.MONTH


def _every_day(forms: Iterable[DayForm]) -> bool:
    return len({day for form in forms for day in form.days(0, 31)}) == 31


def _interval(unit: Unit, cron: Cron, schedule: ScheduleWords) -> timedelta:
    """The step of the field, else what ``period`` says, else the smallest gap."""
    if unit in _INTERVALS:
        return _INTERVALS[unit]
    minute_text, hour_text = schedule.expression.split()[1:3]
    if unit is Unit.MINUTE:
        text, one, word, gaps, longest = minute_text, _MINUTE, "minute", _gaps(_minutes(cron)), _HOUR
    else:
        text, one, word, gaps, longest = hour_text, _HOUR, "hour", _gaps(cron.times), _DAY
    step = text.partition("/")[2]
    said = _PERIOD.fullmatch(schedule.period.strip())
    if step and "," not in text:
        return min(int(step) * one, longest)
    if unit is not Unit.DISCRETE_HOURS and said and said[2].lower() == word and int(said[1]):
        return min(int(said[1]) * one, longest)  # minutes begin anew every hour, hours every day
    return min(gaps, default=longest)


def _minutes(cron: Cron) -> list[timedelta]:
    return sorted({time % _HOUR for time in cron.times})


def _gaps(times: Sequence[timedelta]) -> list[timedelta]:
    return [after - before for before, after in pairwise(times)]


@dataclass(frozen=True, slots=True)
class Window:
    """A span of plan times: ``after < t <= until``, as plan times are asked for."""

    after: datetime
    until: datetime

    @classmethod
    def between(cls, start: datetime, end: datetime) -> Window:
        """``start <= t < end``; plan times are whole minutes."""
        return cls(start - timedelta(microseconds=1), end - timedelta(microseconds=1))


def natural_hour(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Start (included) and end of the natural hour: the moments that share date, hour and offset from UTC.

    Source: "Natural Periodic Scheduling: Same-Period Dependency" ([00:00, 00:59]); changes of the clock: decision 19.
    """

    def alike(other: datetime) -> bool:
        local = other.astimezone(zone)
        return (local.date(), local.hour, local.utcoffset()) == key

    local = moment.astimezone(zone)
    key = (local.date(), local.hour, local.utcoffset())
    passed = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    start = moment.astimezone(UTC) - passed
    end = start + _HOUR
    if not alike(start):
        start = _first(alike, start, moment)
    if not alike(end - timedelta(seconds=1)):
        end = _first(lambda other: not alike(other), moment, end)
    return start, end


def _first(holds: Callable[[datetime], bool], low: datetime, high: datetime) -> datetime:
    """The first whole second after ``low`` at which it holds; it does at ``high`` and not at ``low``."""
    seconds_low, seconds_high = 0, int((high - low).total_seconds())
    while seconds_high - seconds_low > 1:
        middle = (seconds_low + seconds_high) // 2
        if holds(low + timedelta(seconds=middle)):
            seconds_high = middle
        else:
            seconds_low = middle
    return (low + timedelta(seconds=seconds_high)).astimezone(UTC)


def day_start(day: date, zone: tzinfo) -> datetime:
    """The moment (UTC) at which a natural day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def natural_day(day: date, zone: tzinfo) -> Window:
    """``[00:00:00, 23:59:59]`` of a date."""
    return Window.between(day_start(day, zone), day_start(day + _DAY, zone))


def natural_week(day: date, zone: tzinfo) -> Window:
    """Monday to Sunday around a date."""
    monday = day - timedelta(days=day.weekday())
    return Window.between(day_start(monday, zone), day_start(monday + 7 * _DAY, zone))


def natural_month(day: date, zone: tzinfo) -> Window:
    """The month of a date."""
    first = day.replace(day=1)
    return Window.between(day_start(first, zone), day_start(months_later(first, 1), zone))


def months_later(day: date, count: int) -> date:
    """The first of the month so many months later (earlier when negative)."""
    months = 12 * day.year + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)
