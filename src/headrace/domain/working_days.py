"""Scheduling calendars: which days are working days. Source: reference on scheduling §2.3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import msgspec

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")

Works = Callable[[date], bool]


@dataclass(frozen=True, kw_only=True)
class WorkingDays:
    """The working weekdays (1 is Monday), and single days that are, or are not, working days all the same."""

    weekdays: frozenset[int]
    working: frozenset[date] = frozenset()
    off: frozenset[date] = frozenset()

    def works(self, day: date) -> bool:
        """Whether a day is a working day."""
        return day in self.working or (day.isoweekday() in self.weekdays and day not in self.off)


class CalendarDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a calendar is kept."""

    weekdays: list[str]
    working: list[date] = []
    off: list[date] = []


def read_working_days(document: str) -> WorkingDays:
    """The days of a calendar that is kept."""
    kept = msgspec.json.decode(document, type=CalendarDocument)
    return WorkingDays(
        weekdays=frozenset(WEEKDAYS.index(word) + 1 for word in kept.weekdays),
        working=frozenset(kept.working),
        off=frozenset(kept.off),
    )
