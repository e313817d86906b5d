"""When a migration job starts by itself: a pure rule, in the wall clock of the service's zone.

Source: CDM API reference, "Job parameters", schedulerConfig; user guide, "Scheduling Job Execution".
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone, tzinfo

from headrace.errors_cdm import CdmError

UNITS = ("minute", "hour", "day", "week", "month")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NEVER = ("", "-")  # how a date is written that there is none
_SECTION = "schedulerConfig"
_LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_PERIODS = 200  # how many are looked at; the 29th of February every eighth year is found


@dataclass(frozen=True, kw_only=True)
class JobTimes:
    """Every ``cycle`` units from ``start`` on; both ends without a zone, as on the wall of ``zone``.

    ``at``: minutes of the hour, days of the week from 0 for Monday, or days of the month; that of the start where none
    is named.
    """

    unit: str
    cycle: int
    at: tuple[int, ...]
    start: datetime
    stop: datetime | None
    zone: tzinfo

    def next(self, after: datetime) -> datetime | None:
        """The first time that is later, in UTC; None when there is none before the stop."""
        wall = after.astimezone(self.zone).replace(tzinfo=None)
        first = max(0, self._number(wall) - 1)
        try:
            for number in range(first, first + _PERIODS):
                for time in self._times(number):
                    if self.stop is not None and time > self.stop:
                        return None
                    moment = time.replace(tzinfo=self.zone).astimezone(UTC)
                    if time >= self.start and moment > after:
                        return moment
        except OverflowError:  # beyond the calendar
            return None
        return None

    def _number(self, wall: datetime) -> int:
        """Which period a time is in, from 0 for that of the start; less before it."""
        if self.unit == "month":
            return (wall.year * 12 + wall.month - self.start.year * 12 - self.start.month) // self.cycle
        return (wall - self._origin()) // self._length()

    def _origin(self) -> datetime:
        """Where the first period begins."""
        if self.unit == "hour":
            return self.start.replace(minute=0)
        return self.start - timedelta(days=self.start.weekday()) if self.unit == "week" else self.start

    def _length(self) -> timedelta:
        return self.cycle * (timedelta(weeks=1) if self.unit == "week" else _LENGTHS[self.unit])

    def _times(self, number: int) -> Sequence[datetime]:
        """The times of a period, ascending."""
        if self.unit == "month":
            return self._days_of_month(number)
        begin = self._origin() + number * self._length()
        if self.unit == "hour":
            return [begin + timedelta(minutes=minute) for minute in self.at]
        return [begin + timedelta(days=day) for day in self.at] if self.unit == "week" else [begin]

    def _days_of_month(self, number: int) -> Sequence[datetime]:
        """A month that is too short for a day does not have it."""
        year, month = divmod(self.start.year * 12 + self.start.month - 1 + number * self.cycle, 12)
        if year > MAXYEAR:
            raise OverflowError
        last = monthrange(year, month + 1)[1]
        return [self.start.replace(year=year, month=month + 1, day=day) for day in self.at if day <= last]


def job_times(inputs: Mapping[str, str], written: datetime, zone: tzinfo) -> JobTimes | None:
    """The times of a job from its inputs; None for one that does not start by itself. Raises CdmError.

    So does one that names no unit. A job without a start date starts to count when it was ``written``.
    """
    values = {name: inputs.get(f"{_SECTION}.{name}", "").strip() for name in _NAMES}
    if values["isSchedulerJob"].lower() not in ("true", "1") or not values["cycleType"]:
        return None
    unit = values["cycleType"].lower()
    if unit not in UNITS:
        raise CdmError(f"{_SECTION}.cycleType: {values['cycleType']!r} is none of {', '.join(UNITS)}.")
    start = _date(values["startDate"], "startDate") or written.astimezone(zone).replace(tzinfo=None, microsecond=0)
    stop = _date(values["stopDate"], "stopDate")
    if unit in ("minute", "hour"):  # of equal length, whatever the clocks do
        even = timezone(start.replace(tzinfo=zone).utcoffset() or timedelta())
        stop = None if stop is None else stop.replace(tzinfo=zone).astimezone(even).replace(tzinfo=None)
        zone = even
    return JobTimes(
        unit=unit,
        cycle=_number(values["cycle"] or "1", "cycle", 1, 10_000),
        at=_at(values["runAt"], unit, start),
        start=start,
        stop=stop,
        zone=zone,
    )


_NAMES = ("isSchedulerJob", "cycleType", "cycle", "runAt", "startDate", "stopDate")


def _at(text: str, unit: str, start: datetime) -> tuple[int, ...]:
    """The elements of ``runAt``; minutes and days have no use for it."""
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if unit == "hour":
        return tuple(sorted({_number(word, "runAt", 0, 59) for word in words} or {start.minute}))
    if unit == "week":
        return tuple(sorted({_weekday(word) for word in words} or {start.weekday()}))
    if unit == "month":
        return tuple(sorted({_number(word, "runAt", 1, 31) for word in words} or {start.day}))
    return ()


def _weekday(word: str) -> int:
    if word[:3] not in WEEKDAYS:
        raise CdmError(f"{_SECTION}.runAt: {word!r} is none of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(word[:3])


def _number(text: str, name: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise CdmError(f"{_SECTION}.{name}: {text!r} is no whole number from {low} to {high}.")
    return int(text)


def _date(text: str, name: str) -> datetime | None:
    """``yyyy-MM-dd HH:mm:ss``, the time of the day may be left out. Raises CdmError."""
    if text in _NEVER:
        return None
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - a time on the wall
        except ValueError:
            continue
    raise CdmError(f"{_SECTION}.{name}: {text!r} is no date like 2026-01-31 00:00:00.")
