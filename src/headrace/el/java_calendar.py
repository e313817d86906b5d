"""Arithmetic of ``java.util.GregorianCalendar``: weeks from Sunday, shifts that keep the wall clock."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from headrace.el.errors import CannotEvaluate

_ZERO = timedelta(0)
_DAY = timedelta(days=1)


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """The moment on the zone's wall clock. Raises CannotEvaluate outside the years 1 to 9999."""
    if moment.tzinfo is zone:
        return moment
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        raise out_of_range() from None


def from_wall(wall: datetime, zone: tzinfo) -> datetime:
    """The moment a wall clock of the zone shows, ``wall`` being naive.

    A time the clock skips is moved forward by the gap, a time it shows twice is the later one: Java's lenient rule.
    """
    first = wall.replace(tzinfo=zone)
    if isinstance(zone, timezone):
        return first
    try:
        second = first.replace(fold=1)
        moment = second if _offset(first) > _offset(second) else first
        return moment.astimezone(UTC).astimezone(zone)  # a skipped time becomes one that exists
    except (OverflowError, ValueError):
        raise out_of_range() from None


def add_days(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """The same wall clock so many days later, kept on the old offset where both offsets are possible."""
    local = in_zone(moment, zone)
    try:
        if isinstance(zone, timezone):
            return local + timedelta(days=days)
        old = _offset(local)
        same_offset = local + timedelta(days=days)
        if _offset(same_offset) == old == _offset(same_offset.replace(fold=1)):
            return same_offset
        wall = same_offset.replace(tzinfo=None)
        shifted = (wall - old).replace(tzinfo=UTC).astimezone(zone)
        corrected = (shifted.astimezone(UTC) + (old - _offset(shifted))).astimezone(zone)
    except (OverflowError, ValueError):
        raise out_of_range() from None
    return corrected if corrected.date() == wall.date() else shifted


def add_months(moment: datetime, months: int, zone: tzinfo) -> datetime:
    """The same day and wall clock so many months later; a day that month lacks is its last day."""
    local = in_zone(moment, zone)
    count = local.year * 12 + local.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        raise out_of_range()
    day = min(local.day, monthrange(year, month + 1)[1])
    return from_wall(local.replace(year=year, month=month + 1, day=day, tzinfo=None, fold=0), zone)


def century_before(moment: datetime, zone: tzinfo) -> datetime:
    """80 years before: where the hundred years of two-digit years begin for SimpleDateFormat."""
    return add_months(moment, -min(80, in_zone(moment, zone).year - 1) * 12, zone)


def add_duration(moment: datetime, duration: timedelta, zone: tzinfo) -> datetime:
    """The moment exactly so much later, whatever the wall clock does."""
    try:
        return (moment.astimezone(UTC) + duration).astimezone(zone)
    except (OverflowError, ValueError):
        raise out_of_range() from None


def week_of_year(day: date) -> tuple[int, int]:
    """Week year and week: weeks begin on Sunday, and the week with 1 January is week 1 (minimal days 1)."""
    sunday_first = day.isoweekday() % 7
    year_day = day.timetuple().tm_yday
    if day.month == 12 and 31 - day.day < 6 - sunday_first:
        return day.year + 1, 1
    first = (sunday_first - year_day + 1) % 7  # weekday of 1 January
    return day.year, (year_day - 1 + first) // 7 + 1


def week_of_month(day: date) -> int:
    """The week inside the month, from 1; the week with the first day is week 1."""
    first = (day.isoweekday() % 7 - day.day + 1) % 7
    return (day.day - 1 + first) // 7 + 1


def first_sunday_on_or_before(day: date) -> date:
    """The Sunday that begins the day's week."""
    return day - _DAY * (day.isoweekday() % 7)


def out_of_range() -> CannotEvaluate:
    """The error for a date no calendar of ours reaches."""
    return CannotEvaluate("a date between the years 1 and 9999", "Check the amount the date is shifted by.")


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or _ZERO
