"""When a backfill may begin instances: a part of the day, on some days of the week or of the month."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from headrace.errors import InvalidParameter

_TIMES = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")
_DAY = timedelta(days=1)
_LONGEST_SEARCH = 4 * 366 + 1  # days until 29 February comes again


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A part of the day: minutes from midnight, both included; it goes on over midnight where the end is earlier."""

    first: int = 0
    last: int = 24 * 60 - 1

    def has(self, moment: time) -> bool:
        """Whether a time of the wall clock is in it."""
        minute = moment.hour * 60 + moment.minute
        if self.first <= self.last:
            return self.first <= minute <= self.last
        return minute >= self.first or minute <= self.last


WHOLE_DAY = TimeOfDay()


def read_time_of_day(text: str | None, member: str) -> TimeOfDay:
    """``10:15-23:30``; absent or ``00:00-00:00`` is the whole day. Raises InvalidParameter.

    Source: API reference, "Creating a Supplement Data Instance"; factory-v2-notes.
    """
    if not text or text == "00:00-00:00":
        return WHOLE_DAY
    found = _TIMES.fullmatch(text.strip())
    if found is None:
        raise InvalidParameter(f"{member}: {text!r} is not of the form HH:mm-HH:mm.")
    hour, minute, last_hour, last_minute = map(int, found.groups())
    return TimeOfDay(hour * 60 + minute, last_hour * 60 + last_minute)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunWindow:
    """When instances may begin; all restrictions must hold. Empty sets are every day.

    ``weekdays``: 1 is Sunday, as in cron expressions.
    """

    time_of_day: TimeOfDay = WHOLE_DAY
    weekdays: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()

    @property
    def is_always_open(self) -> bool:
        """Whether it restricts nothing."""
        return self == RunWindow()

    def is_open(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether an instance may begin now."""
        wall = moment.astimezone(zone)
        if not self.time_of_day.has(wall.time()):
            return False
        goes_on = (
            self.time_of_day.first > self.time_of_day.last and wall.hour * 60 + wall.minute < self.time_of_day.first
        )
        return self._begins_on(wall.date() - _DAY if goes_on else wall.date())

    def next_opening(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """The next moment (UTC) after another at which it opens; None where it is always open, or never again."""
        if self.is_always_open:
            return None
        day = moment.astimezone(zone).date()
        for ahead in range(_LONGEST_SEARCH):
            opening = self._opening(day + ahead * _DAY, zone)
            if opening > moment and self._begins_on(day + ahead * _DAY):
                return opening
        return None

    def _opening(self, day: date, zone: tzinfo) -> datetime:
        hour, minute = divmod(self.time_of_day.first, 60)
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)

    def _begins_on(self, day: date) -> bool:
        weekday = day.isoweekday() % 7 + 1
        return (not self.weekdays or weekday in self.weekdays) and (not self.month_days or day.day in self.month_days)


def read_run_window(
    time_of_day: str | None, day_of_week: str | None, day_of_month: str | None, member: str = "supplement_data_run_time"
) -> RunWindow:
    """The window as a request writes it. Raises InvalidParameter naming the member."""
    return RunWindow(
        time_of_day=read_time_of_day(time_of_day, f"{member}.time_of_day"),
        weekdays=_numbers(day_of_week, 7, f"{member}.day_of_week"),
        month_days=_numbers(day_of_month, 31, f"{member}.day_of_month"),
    )


def _numbers(text: str | None, most: int, member: str) -> frozenset[int]:
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    for part in parts:
        if not part.isascii() or not part.isdigit() or not 1 <= int(part) <= most:
            raise InvalidParameter(f"{member}: {part!r} is not a number from 1 to {most}.")
    return frozenset(map(int, parts))
