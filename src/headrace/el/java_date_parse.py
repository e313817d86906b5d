"""Reads dates by the patterns of ``java.text.SimpleDateFormat``: leniently, and only as far as the pattern goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo

from headrace.el.errors import CannotEvaluate
from headrace.el.java_calendar import first_sunday_on_or_before, from_wall, out_of_range
from headrace.el.java_date_format import MONTHS, WEEKDAYS, Field, fields_of
from headrace.el.zones import zone_named

_NUMBER = re.compile(r"-?[0-9]+")
_ZONE = re.compile(r"(?:GMT|UTC|UT)?[+-][0-9]{1,2}:?(?:[0-9]{2})?|[A-Z]{1,5}")
_BLANKS = " \t"
_TWO_DIGIT = {"y": "two-digit y", "Y": "two-digit Y"}  # marks among what was read
_TWO_DIGITS = frozenset(_TWO_DIGIT.values())

Read = dict[str, int]


def parse_date(text: str, pattern: str, zone: tzinfo, earliest: datetime) -> datetime:
    """The moment a text gives, as ``SimpleDateFormat.parse``: what follows the pattern is ignored, day 32 rolls over.

    Two-digit years lie in the 100 years from ``earliest``. Raises CannotEvaluate when the text does not fit.
    """
    fields = fields_of(pattern)
    read: Read = {}  # in the order of reading, as later fields win
    zones: list[tzinfo] = []
    at = 0
    for number, field in enumerate(fields):
        if not field.letter:
            if not text.startswith(field.text, at):
                raise _unparseable(text, pattern, at)
            at += len(field.text)
            continue
        following = fields[number + 1] if number + 1 < len(fields) else None
        limit = at + field.width if following and following.letter else None
        at = _skip_blanks(text, at)
        end = _read_field(text, at, field, limit, read, zones)
        if end is None:
            raise _unparseable(text, pattern, at)
        at = end
    zone = zones[-1] if zones else zone
    if _TWO_DIGITS & read.keys():
        return _in_century(read, zone, earliest.astimezone(zone))
    return _moment(read, zone)


def _in_century(read: Read, zone: tzinfo, start: datetime) -> datetime:
    """The moment with its two-digit year put into the 100 years from ``start``."""
    letters = [letter for letter, mark in _TWO_DIGIT.items() if read.pop(mark, None)]
    boundary = start.year % 100
    on_boundary = any(read[letter] == boundary for letter in letters)
    for letter in letters:
        read[letter] += start.year // 100 * 100 + (100 if read[letter] < boundary else 0)
    moment = _moment(read, zone)
    if not on_boundary or moment >= start:
        return moment
    return _moment(read | {letter: read[letter] + 100 for letter in letters}, zone)


def _moment(read: Read, zone: tzinfo) -> datetime:
    try:
        return from_wall(datetime.combine(_day(read), time()) + _time_of_day(read), zone)
    except (OverflowError, ValueError):
        raise out_of_range() from None


def _unparseable(text: str, pattern: str, at: int) -> CannotEvaluate:
    expected = f"a date like {pattern[:40]!r} as text, found {text[:40]!r} (unreadable from its character {at + 1})"
    return CannotEvaluate(expected, "Make the pattern follow the text.")


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _read_field(text: str, at: int, field: Field, limit: int | None, read: Read, zones: list[tzinfo]) -> int | None:
    """Read one field at an offset into ``read`` or ``zones``: the offset behind it, None when it does not fit.

    ``limit`` ends a number that another field follows at once.
    """
    letter = field.letter
    if letter in "zZX":
        return _read_zone(text, at, zones)
    if letter == "G":
        return at + 2 if text[at : at + 2].upper() == "AD" else None
    if letter == "a":
        return _read_name(text, at, ("AM", "PM"), letter, read, 0)
    if letter == "E":
        return _read_name(text, at, WEEKDAYS, "u", read, 1)
    if letter in "ML" and field.width > 2:
        return _read_name(text, at, MONTHS, "M", read, 1)
    if limit is not None and limit > len(text):
        return None
    match = _NUMBER.match(text, at, len(text) if limit is None else limit)
    if match is None:
        return None
    value = _java_int(match[0])
    if letter in _TWO_DIGIT:
        read.pop(_TWO_DIGIT[letter], None)
    if letter in "yY" and field.width <= 2 and len(match[0]) == 2 and value >= 0:
        read[_TWO_DIGIT[letter]] = 1
    letter = "M" if letter == "L" else letter
    read.pop(letter, None)
    read[letter] = value
    return match.end()


def _java_int(digits: str) -> int:
    """The number as a Java int: 32 bits of a long, the nearest int of what no long holds."""
    if len(digits) > 18:
        return -(2**31) if digits[0] == "-" else 2**31 - 1
    return (int(digits) + 2**31) % 2**32 - 2**31


def _read_name(text: str, at: int, names: tuple[str, ...], letter: str, read: Read, first: int) -> int | None:
    """Read a name of a month or weekday, in full or by three letters, whatever its case."""
    for number, name in enumerate(names, first):
        for form in (name, name[:3]):
            if text[at : at + len(form)].lower() == form.lower():
                read.pop(letter, None)
                read[letter] = number
                return at + len(form)
    return None


def _read_zone(text: str, at: int, zones: list[tzinfo]) -> int | None:
    match = _ZONE.match(text, at)
    if match is None:
        return None
    try:
        zones.append(zone_named(match[0]))
    except CannotEvaluate:
        return None
    return match.end()


def _day(read: Read) -> date:
    """The day the fields name, chosen as ``Calendar`` chooses: the complete way of naming a day that was read last.

    A week of the month or year and a weekday in the month are complete with a weekday, and looked at alone only when
    nothing is complete; the weekday is Sunday then.
    """
    stamp = {letter: number for number, letter in enumerate(read, 1)}
    if stamp.get("Y", 0) > stamp.get("y", 0):
        return _in_week_of_year(read["Y"], read.get("w", 1), read.get("u", 7))
    year, weekday = read.get("y", 1970), read.get("u", 7)
    match _way_of_naming(stamp):
        case "D":
            return date(year, 1, 1) + timedelta(days=read["D"] - 1)
        case "w":
            return _in_week_of_year(year, read["w"], weekday)
        case "W":
            first = _first_of_month(year, read.get("M", 1))
            return first_sunday_on_or_before(first) + timedelta(weeks=read["W"] - 1, days=weekday % 7)
        case "F":
            return _weekday_in_month(_first_of_month(year, read.get("M", 1)), weekday, read.get("F", 1))
        case _:
            return _first_of_month(year, read.get("M", 1)) + timedelta(days=read.get("d", 1) - 1)


def _way_of_naming(stamp: Mapping[str, int]) -> str:
    """The letter of the field that names the day: ``d``, ``D``, or ``w``, ``W``, ``F`` with a weekday."""
    weekday = stamp.get("u", 0)
    complete = {letter: stamp[letter] for letter in "dD" if letter in stamp}
    if weekday:
        complete |= {letter: max(stamp[letter], weekday) for letter in "WFw" if letter in stamp}
    if not complete:
        complete = {letter: stamp[letter] for letter in "WFw" if letter in stamp}
        if weekday:
            complete["F"] = max(complete.get("F", 0), weekday)
    # Equal stamps come from the weekday: then the week read last decides, and of two such the week of the month.
    return max(complete, key=lambda letter: (complete[letter], stamp.get(letter, 0)), default="d")


def _first_of_month(year: int, month: int) -> date:
    """The first day of a month; month 13 is January of the next year."""
    years, month = divmod(month - 1, 12)
    return date(year + years, month + 1, 1)


def _in_week_of_year(year: int, week: int, weekday: int) -> date:
    sunday = first_sunday_on_or_before(date(year, 1, 1))
    return sunday + timedelta(weeks=week - 1, days=weekday % 7)


def _weekday_in_month(first: date, weekday: int, number: int) -> date:
    ahead = (weekday - first.isoweekday()) % 7
    return first + timedelta(days=ahead, weeks=number - 1)


def _time_of_day(read: Read) -> timedelta:
    """The time since midnight; hour 25 is 1 o'clock of the next day."""
    stamp = {letter: number for number, letter in enumerate(read, 1)}
    of_day = max(stamp.get("H", 0), stamp.get("k", 0))
    of_half = max(stamp.get("h", 0), stamp.get("K", 0))
    half_complete = max(of_half, stamp["a"]) if of_half and "a" in stamp else 0
    if of_day and of_day > half_complete:
        hour = read["H"] if stamp.get("H") == of_day else read["k"] % 24 if read["k"] == 24 else read["k"]
    else:
        hour = read.get("K", 0) if stamp.get("K", 0) == of_half else 0 if read["h"] == 12 else read["h"]
        hour += 12 * read.get("a", 0)
    return timedelta(hours=hour, minutes=read.get("m", 0), seconds=read.get("s", 0), milliseconds=read.get("S", 0))
