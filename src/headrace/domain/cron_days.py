"""The forms of a day in a cron expression: one small class each, which says on which days of a month it is due.

Every form is asked with the weekday of the first of the month (0 is Monday, as ``calendar.monthrange`` says) and the
length of the month. Source: "Creating a Job", table 12; what a form means is Quartz's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_SATURDAY, _SUNDAY = 5, 6


class DayForm(Protocol):
    """One form, as ``15W`` or ``6#3``."""

    def days(self, first: int, length: int) -> Iterable[int]:
        """The days of a month, in any order."""


@dataclass(frozen=True, slots=True)
class EveryDay:
    """``*`` and ``?``; also ``C``, "the days of the calendar": no calendar belongs to an expression."""

    def days(self, first: int, length: int) -> Iterable[int]:
        """All of them."""
        return range(1, length + 1)


@dataclass(frozen=True, slots=True)
class DaysOfMonth:
    """``1``, ``1-15``, ``1/5``; also ``5C``, the first day of the calendar from the 5th on: the 5th without one.

    A month without the day is skipped.
    """

    numbers: frozenset[int]

    def days(self, first: int, length: int) -> Iterable[int]:
        """Those the month has."""
        return (number for number in self.numbers if number <= length)


@dataclass(frozen=True, slots=True)
class FromLastDay:
    """``L``, and ``L-3``: the third day before the last."""

    before: int

    def days(self, first: int, length: int) -> Iterable[int]:
        """One, or none when the month is too short."""
        return (length - self.before,) if self.before < length else ()


@dataclass(frozen=True, slots=True)
class LastWorkday:
    """``LW``: the last Monday to Friday of the month."""

    def days(self, first: int, length: int) -> Iterable[int]:
        """One."""
        return (_nearest_workday(length, first, length),)


@dataclass(frozen=True, slots=True)
class NearestWorkday:
    """``15W``: the Monday to Friday nearest to the day, within the month."""

    day: int

    def days(self, first: int, length: int) -> Iterable[int]:
        """One, or none in a month without the day."""
        return (_nearest_workday(self.day, first, length),) if self.day <= length else ()


@dataclass(frozen=True, slots=True)
class Weekdays:
    """``2``, ``2-6``, ``MON,FRI``, ``L`` (Saturday); 1 is Sunday."""

    numbers: frozenset[int]

    def days(self, first: int, length: int) -> Iterable[int]:
        """Every such weekday of the month."""
        for weekday in self.numbers:
            yield from range(_first_of(weekday, first), length + 1, 7)


@dataclass(frozen=True, slots=True)
class NthOfWeekday:
    """``6#3``: the third Friday."""

    weekday: int
    count: int

    def days(self, first: int, length: int) -> Iterable[int]:
        """One, or none in a month without a fifth."""
        day = _first_of(self.weekday, first) + 7 * (self.count - 1)
        return (day,) if day <= length else ()


@dataclass(frozen=True, slots=True)
class LastOfWeekday:
    """``6L``: the last Friday."""

    weekday: int

    def days(self, first: int, length: int) -> Iterable[int]:
        """One."""
        return (range(_first_of(self.weekday, first), length + 1, 7)[-1],)


def _first_of(weekday: int, first: int) -> int:
    """The first day of the month that is such a weekday; 1 is Sunday."""
    return (weekday + 5 - first) % 7 + 1


def _nearest_workday(day: int, first: int, length: int) -> int:
    weekday = (first + day - 1) % 7
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SUNDAY:
        return day + 1 if day < length else day - 2
    return day
