"""Formats dates by the patterns of ``java.text.SimpleDateFormat`` (English texts)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

import msgspec

from headrace.domain.zones import offset_text
from headrace.el.errors import CannotEvaluate
from headrace.el.java_calendar import in_zone, week_of_month, week_of_year
from headrace.el.zones import zone_text

MAX_PATTERN = 1000  # characters
LETTERS = "GyYMLwWDdFEuaHkKhmsSzZX"
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Writer = Callable[[datetime], str]


class Field(msgspec.Struct, frozen=True):
    """A run of one pattern letter; or literal text, when ``letter`` is ""."""

    letter: str
    width: int
    text: str = ""


def format_date(moment: datetime, pattern: str, zone: tzinfo) -> str:
    """The moment as the pattern writes it on the zone's wall clock. Raises CannotEvaluate for a wrong pattern."""
    local = in_zone(moment, zone)
    return "".join([write(local) for write in _writers(pattern)])


@lru_cache(maxsize=1024)
def fields_of(pattern: str) -> tuple[Field, ...]:
    """The fields and literals of a pattern. Raises CannotEvaluate as Java raises IllegalArgumentException."""
    if len(pattern) > MAX_PATTERN:
        raise CannotEvaluate(f"a date pattern of at most {MAX_PATTERN} characters")
    fields: list[Field] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "'":
            text, at = _quoted(pattern, at)
        elif sign.isascii() and sign.isalpha():
            start = at
            while at < len(pattern) and pattern[at] == sign:
                at += 1
            fields.append(_field(sign, at - start))
            continue
        else:
            text, at = sign, at + 1
        if fields and not fields[-1].letter:
            text = fields.pop().text + text
        fields.append(Field("", 0, text))
    return tuple(fields)


def _field(letter: str, width: int) -> Field:
    if letter not in LETTERS:
        repair = f"Letters of a date pattern are {LETTERS}; put other text in single quotes."
        raise CannotEvaluate(f"a date pattern, found the illegal pattern character '{letter}'", repair)
    if letter == "X" and width > 3:
        raise CannotEvaluate("at most XXX in a date pattern", "Write X, XX or XXX.")
    return Field(letter, width)


def _quoted(pattern: str, at: int) -> tuple[str, int]:
    """The text of ``'…'`` or ``''`` that begins at ``at``, and the offset behind it."""
    if pattern[at + 1 : at + 2] == "'":
        return "'", at + 2
    text, at = "", at + 1
    while at < len(pattern):
        if pattern[at] != "'":
            text += pattern[at]
        elif pattern[at + 1 : at + 2] == "'":
            text += "'"
            at += 1
        else:
            return text, at + 1
        at += 1
    raise CannotEvaluate("a closing ' in the date pattern", "Close the quoted part of the pattern with '.")


@lru_cache(maxsize=1024)
def _writers(pattern: str) -> tuple[Writer, ...]:
    return tuple(_writer(field) for field in fields_of(pattern))


def _writer(field: Field) -> Writer:
    """The function that writes a field of a local time."""
    if not field.letter:
        return lambda _: field.text
    if field.letter in _TEXTS:
        text = _TEXTS[field.letter]
        return lambda local: text(local, field.width)
    number = NUMBERS[field.letter]
    if field.letter in "yY":
        return _year_writer(number, field.width)
    template = f"%0{field.width}d"
    return lambda local: template % number(local)


def _year_writer(number: Callable[[datetime], int], width: int) -> Writer:
    if width == 2:
        return lambda local: f"{number(local) % 100:02d}"
    template = f"%0{width}d"
    return lambda local: template % number(local)


NUMBERS: dict[str, Callable[[datetime], int]] = {
    "y": lambda t: t.year,
    "Y": lambda t: week_of_year(t)[0],
    "M": lambda t: t.month,
    "L": lambda t: t.month,
    "w": lambda t: week_of_year(t)[1],
    "W": week_of_month,
    "D": lambda t: t.timetuple().tm_yday,
    "d": lambda t: t.day,
    "F": lambda t: (t.day - 1) // 7 + 1,
    "u": lambda t: t.isoweekday(),
    "H": lambda t: t.hour,
    "k": lambda t: t.hour or 24,
    "K": lambda t: t.hour % 12,
    "h": lambda t: t.hour % 12 or 12,
    "m": lambda t: t.minute,
    "s": lambda t: t.second,
    "S": lambda t: t.microsecond // 1000,
}


def _month(local: datetime, width: int) -> str:
    if width >= 3:
        return MONTHS[local.month - 1] if width > 3 else MONTHS[local.month - 1][:3]
    return f"{local.month:0{width}d}"


def _weekday(local: datetime, width: int) -> str:
    name = WEEKDAYS[local.weekday()]
    return name if width > 3 else name[:3]


def _iso_offset(local: datetime, width: int) -> str:
    offset = local.utcoffset() or timedelta(0)
    if not offset:
        return "Z"
    return offset_text(offset, "")[:3] if width == 1 else offset_text(offset, ":" if width == 3 else "")


_TEXTS: dict[str, Callable[[datetime, int], str]] = {
    "G": lambda t, width: "AD",
    "M": _month,
    "L": _month,
    "E": _weekday,
    "a": lambda t, width: "AM" if t.hour < 12 else "PM",
    "z": lambda t, width: zone_text(t, long=width > 3),
    "Z": lambda t, width: offset_text(t.utcoffset() or timedelta(0), ""),
    "X": _iso_offset,
}
