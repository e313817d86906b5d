"""Cron expressions of the original: six Quartz-like fields, read level by level into what they mean.

Source: "Creating a Job", table 12: second (only 0), minute, hour, day, month, weekday (1 is Sunday); ``, - * /`` in
every field, ``? L W C`` in the day, ``? L C #`` in the weekday. Names of months and weekdays are taken as Quartz does.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from headrace.domain.cron_days import (
    DayForm,
    DaysOfMonth,
    EveryDay,
    FromLastDay,
    LastOfWeekday,
    LastWorkday,
    NearestWorkday,
    NthOfWeekday,
    Weekdays,
)
from headrace.errors import InvalidSchedule

_MONTHS = {month.upper(): number for number, month in enumerate(calendar.month_abbr) if month}
_WEEKDAYS = {calendar.day_abbr[(number + 5) % 7].upper(): number for number in range(1, 8)}
_TIMES = tuple(timedelta(minutes=minute) for minute in range(24 * 60))
_DIGITS = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """A read expression: on which days it is due, and at which times of the day.

    ``times`` ascend; they are the wall clock's, from midnight. A day has to fit the day field and the weekday field.
    """

    times: tuple[timedelta, ...]
    every_hour: bool  # whether it is due in all 24 hours
    months: frozenset[int]
    days: tuple[DayForm, ...]
    weekdays: tuple[DayForm, ...]
    _found: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def days_of(self, year: int, month: int) -> tuple[int, ...]:
        """The days of a month on which it is due, ascending; none in a month without such a day."""
        if month not in self.months:
            return ()
        shape = _shape(year, month)  # 28 of them, so each is worked out once
        days = self._found.get(shape)
        if days is None:
            in_month = {day for form in self.days for day in form.days(*shape)}
            in_week = {day for form in self.weekdays for day in form.days(*shape)}
            days = self._found[shape] = tuple(sorted(in_month & in_week))
        return days


_shape = lru_cache(maxsize=4800)(calendar.monthrange)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Field:
    """One field of an expression: what it is called, and which numbers it takes."""

    name: str
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)


_SECOND = _Field(name="second", low=0, high=59)
_MINUTE = _Field(name="minute", low=0, high=59)
_HOUR = _Field(name="hour", low=0, high=23)
_DAY = _Field(name="day", low=1, high=31)
_MONTH = _Field(name="month", low=1, high=12, names=_MONTHS)
_WEEKDAY = _Field(name="weekday", low=1, high=7, names=_WEEKDAYS)
_FIELDS = (_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


def check_cron(expression: str, member: str = "expression") -> None:
    """Check a cron expression. Raises InvalidSchedule naming the member, the field and the value."""
    read_cron(expression, member)


def read_cron(expression: str, member: str = "expression") -> Cron:
    """Read a cron expression. Raises InvalidSchedule naming the member, the field and the value."""
    parts = expression.upper().split()
    if len(parts) != len(_FIELDS):
        raise InvalidSchedule(
            f"{member}: {expression!r} has {len(parts)} fields, not 6: second minute hour day month weekday."
        )
    where = f"{member}: {expression!r}"
    second, minutes_part, hours_part, day, month, weekday = parts
    _read_numbers(_SECOND, second, where)
    minutes, hours = _read_numbers(_MINUTE, minutes_part, where), _read_numbers(_HOUR, hours_part, where)
    cron = Cron(
        times=tuple(_TIMES[60 * hour + minute] for hour in hours for minute in minutes),
        every_hour=len(hours) == 24,
        days=tuple(_read_day(item, where) for item in day.split(",")),
        months=frozenset(_read_numbers(_MONTH, month, where)),
        weekdays=tuple(_read_weekday(item, where) for item in weekday.split(",")),
    )
    if second not in ("0", "00"):
        raise InvalidSchedule(f"{where}: the second can only be 0.")
    if day == weekday == "?":
        raise InvalidSchedule(f"{where}: day and weekday cannot both be '?'.")
    return cron


def _read_day(item: str, where: str) -> DayForm:
    """``?``, ``L``, ``LW``, ``L-3``, ``15W``, ``5C``, ``C``, or numbers."""
    if item in ("?", "*", "C"):
        return EveryDay()
    if item == "LW":
        return LastWorkday()
    if item == "L":
        return FromLastDay(0)
    if item.startswith("L-") and _DIGITS.fullmatch(item, 2):
        return FromLastDay(_within(_Field(name="day before the last", low=0, high=30), int(item[2:]), item, where))
    if item[-1:] == "W" and _DIGITS.fullmatch(item[:-1]):
        return NearestWorkday(_within(_DAY, int(item[:-1]), item, where))
    if item[-1:] == "C" and _DIGITS.fullmatch(item[:-1]):
        return DaysOfMonth(frozenset((_within(_DAY, int(item[:-1]), item, where),)))
    return DaysOfMonth(frozenset(_read_range(_DAY, item, where)))


def _read_weekday(item: str, where: str) -> DayForm:
    """``?``, ``L`` (Saturday), ``6L``, ``6#3``, ``1C``, ``C``, or numbers and names."""
    if item in ("?", "*", "C"):
        return EveryDay()
    if item == "L":
        return Weekdays(frozenset((7,)))
    name, mark, count = item.partition("#")
    if mark and (weekday := _number(_WEEKDAY, name)) is not None and count in ("1", "2", "3", "4", "5"):
        return NthOfWeekday(_within(_WEEKDAY, weekday, item, where), int(count))
    one: Callable[[int], DayForm] | None = _ONE_WEEKDAY.get(item[-1:])
    if one is not None and (weekday := _number(_WEEKDAY, item[:-1])) is not None:
        return one(_within(_WEEKDAY, weekday, item, where))
    return Weekdays(frozenset(_read_range(_WEEKDAY, item, where)))


_ONE_WEEKDAY: dict[str, Callable[[int], DayForm]] = {
    "L": LastOfWeekday,
    "C": lambda weekday: Weekdays(frozenset((weekday,))),
}


def _read_numbers(fits: _Field, part: str, where: str) -> tuple[int, ...]:
    """Items between commas, as numbers that ascend."""
    found: set[int] = set()
    for item in part.split(","):
        found.update(_read_range(fits, item, where))
    return tuple(sorted(found))


def _read_range(fits: _Field, item: str, where: str) -> range:
    """``*``, ``5``, ``5-9``, ``MON-FRI``, and with a step ``*/2``, ``5/10``, ``5-9/2``."""
    span, slash, step_text = item.partition("/")
    first_text, dash, last_text = span.partition("-")
    first = fits.low if span == "*" else _number(fits, first_text)
    last = _number(fits, last_text) if dash else fits.high if slash or span == "*" else first
    if first is None or last is None or (slash and not _DIGITS.fullmatch(step_text)):
        raise InvalidSchedule(f"{where}: {item!r} is no {fits.name}.")
    _within(fits, first, item, where)
    _within(fits, last, item, where)
    if first > last:
        raise InvalidSchedule(f"{where}: {item!r}: the {fits.name} range ends before it starts.")
    step = int(step_text) if slash else 1
    if not 1 <= step <= fits.high + 1:
        raise InvalidSchedule(f"{where}: {item!r}: the step is not 1 to {fits.high + 1}.")
    return range(first, last + 1, step)


def _number(fits: _Field, text: str) -> int | None:
    return int(text) if _DIGITS.fullmatch(text) else fits.names.get(text)


def _within(fits: _Field, number: int, item: str, where: str) -> int:
    if not fits.low <= number <= fits.high:
        raise InvalidSchedule(f"{where}: {item!r}: a {fits.name} is {fits.low} to {fits.high}.")
    return number
