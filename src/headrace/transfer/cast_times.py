"""Kernels that cast dates, times and durations: each takes a whole column, or raises where a value would change.

A wall clock without a zone is one of the job's zone: a time that it shows twice is the later one, as Java has it,
one that it skips is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta, tzinfo

import pyarrow as pa
import pyarrow.compute as pc

from headrace.transfer.cast_kernels import Kernel, in_order, refuse_unless, to_type

_DAY = 86_400 * 1_000_000_000  # nanoseconds
_ZONED = r"[0-9]:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_DURATION = re.compile(r"(-?)([0-9]{1,7}):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?")
_REPAIRS = (
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3"),
    (r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", r"\1-\2-\3"),
    (r"^([0-9]{4})-([0-9])-", r"\1-0\2-"),
    (r"^([0-9]{4}-[0-9]{2})-([0-9])([ T]|$)", r"\1-0\2\3"),
    (r"(:[0-9]{2}) (Z|[+-])", r"\1\2"),
    (r"(:[0-9]{2}\.[0-9]+) (Z|[+-])", r"\1\2"),
    (r"(:[0-9]{2}\.[0-9]*?)0+(Z|[+-]|$)", r"\1\2"),
    (r"(:[0-9]{2})\.(Z|[+-]|$)", r"\1\2"),
)


def zone_key(zone: tzinfo) -> str:
    """The zone as Arrow names it: ``Asia/Shanghai``, ``+08:00``."""
    key = getattr(zone, "key", None)
    if key:
        return str(key)
    minutes = int((zone.utcoffset(None) or timedelta()).total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if minutes else "UTC"


def moment_of_text(target: pa.TimestampType, zone: tzinfo) -> Sequence[Kernel]:
    """``2024-01-31[ T]10:20[:30[.5]][ ][Z|+08[:00]]`` and dates, also ``2024/1/31`` and ``20240131``."""
    naive = to_type(pa.timestamp(target.unit))
    without_zone = in_order(naive, moment_of_moment(pa.timestamp(target.unit), target, zone))
    with_zone = in_order(
        to_type(pa.timestamp(target.unit, "UTC")), moment_of_moment(pa.timestamp(target.unit, "UTC"), target, zone)
    )

    def any_form(array: pa.Array) -> pa.Array:
        texts = _repaired(array)
        zoned = pc.match_substring_regex(texts, _ZONED)
        if not pc.any(zoned).as_py():
            return without_zone(texts)
        nothing = pa.scalar(None, pa.string())
        one, other = with_zone(pc.if_else(zoned, texts, nothing)), without_zone(pc.if_else(zoned, nothing, texts))
        return pc.coalesce(one, other)

    return without_zone, any_form


def date_of_text(zone: tzinfo) -> Kernel:
    """A date in one of the forms of ``moment_of_text``, at midnight if there is a time."""
    moment = pa.timestamp("us")
    return in_order(moment_of_text(moment, zone)[1], date_of_moment(moment, zone))


def _repaired(array: pa.Array) -> pa.Array:
    """The texts in the one form that Arrow reads."""
    for pattern, replacement in _REPAIRS:
        array = pc.replace_substring_regex(array, pattern, replacement)
    return array


def moment_of_moment(source: pa.TimestampType, target: pa.TimestampType, zone: tzinfo) -> Kernel:
    """To another unit, and to or from the wall clock of the zone."""
    if (source.tz is None) == (target.tz is None):
        return to_type(target)
    unit = to_type(pa.timestamp(target.unit, source.tz))
    if target.tz is None:
        return in_order(unit, _wall_clock(target.unit, zone))
    key = zone_key(zone)
    return in_order(unit, lambda array: pc.assume_timezone(array, key, ambiguous="latest"), to_type(target))


def _wall_clock(unit: str, zone: tzinfo) -> Kernel:
    local = pa.timestamp(unit, zone_key(zone))
    return lambda array: pc.local_timestamp(array.cast(local))


def date_of_moment(source: pa.TimestampType, zone: tzinfo) -> Kernel:
    """The date of midnight; another time would be lost, and is refused."""
    local = _wall_clock(source.unit, zone) if source.tz else None

    def kernel(array: pa.Array) -> pa.Array:
        moments = local(array) if local else array
        days = moments.cast(pa.date32())
        refuse_unless(pc.equal(days.cast(moments.type), moments))
        return days

    return kernel


def moment_text(source: pa.TimestampType, zone: tzinfo) -> Kernel:
    """``2024-01-31 10:20:30[.5]``, with the offset of the job's zone where the moment has a zone."""
    if source.tz is None:
        return _wall_text
    local = pa.timestamp(source.unit, zone_key(zone))
    wall = in_order(_wall_clock(source.unit, zone), _wall_text)

    def kernel(array: pa.Array) -> pa.Array:
        offset = pc.replace_substring_regex(pc.strftime(array.cast(local), "%z"), r"([0-9]{2})([0-9]{2})$", r"\1:\2")
        return pc.binary_join_element_wise(wall(array), offset, "")

    return kernel


def _wall_text(array: pa.Array) -> pa.Array:
    try:
        seconds = array.cast(pa.timestamp("s"))
    except pa.ArrowInvalid:  # parts of seconds
        return _without_zeros(date_text(array))
    return date_text(seconds)


def date_text(array: pa.Array) -> pa.Array:
    """``2024-01-31``. Raises beyond the years that have a text, such as for PostgreSQL's infinity."""
    texts = array.cast(pa.string())
    refuse_unless(pc.invert(pc.starts_with(texts, "<")))
    return texts


def clock_text(array: pa.Array) -> pa.Array:
    """``10:20:30[.5]``"""
    return _without_zeros(array.cast(pa.string()))


def _without_zeros(texts: pa.Array) -> pa.Array:
    """The texts without zeros at the end of a fraction, and without one that is all zeros."""
    trimmed = pc.utf8_rtrim(pc.utf8_rtrim(texts, characters="0"), characters=".")
    return pc.if_else(pc.match_substring(texts, "."), trimmed, texts)


def clock_of_text(target: pa.DataType) -> Kernel:
    """``10:20[:30[.5]]``"""
    moment = pa.timestamp(target.unit)

    def kernel(array: pa.Array) -> pa.Array:
        refuse_unless(pc.match_substring_regex(array, "^[0-9]{1,2}:"))
        texts = pc.replace_substring_regex(array, "^([0-9]):", r"0\1:")
        dated = pc.binary_join_element_wise("1970-01-01", _repaired(texts), " ")
        return dated.cast(moment).cast(target)

    return kernel


def clock_of_duration(target: pa.DataType) -> Kernel:
    """A duration that is a time of the day."""

    def kernel(array: pa.Array) -> pa.Array:
        numbers = array.cast(pa.duration("ns")).cast(pa.int64())
        refuse_unless(pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, _DAY)))
        return numbers.cast(pa.time64("ns")).cast(target)

    return kernel


def duration_of_text(target: pa.DurationType) -> Kernel:
    """``[-]H:MM:SS[.f]``, hours without a limit of a day."""

    def kernel(array: pa.Array) -> pa.Array:
        numbers = [None if one is None else _nanoseconds(one) for one in array.to_pylist()]
        return pa.array(numbers, pa.int64()).cast(pa.duration("ns")).cast(target)

    return kernel


def _nanoseconds(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise pa.ArrowInvalid("No duration.")
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4])
    number = seconds * 1_000_000_000 + int((found[5] or "").ljust(9, "0"))
    return -number if found[1] else number


def duration_text(array: pa.Array) -> pa.Array:
    """``[-]HH:MM:SS[.f]``"""
    per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[array.type.unit]
    numbers = array.cast(pa.int64()).to_pylist()
    return pa.array([None if one is None else _duration(one, per_second) for one in numbers], pa.string())


def _duration(number: int, per_second: int) -> str:
    seconds, rest = divmod(abs(number), per_second)
    fraction = str(rest).zfill(len(str(per_second)) - 1).rstrip("0") if rest else ""
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return ("-" if number < 0 else "") + text + (f".{fraction}" if fraction else "")


def interval_text(array: pa.Array) -> pa.Array:
    """An ISO 8601 duration: ``P1Y2M3DT4H5M6.5S``."""
    return pa.array([None if one is None else _interval(*one) for one in array.to_pylist()], pa.string())


def _interval(months: int, days: int, nanoseconds: int) -> str:
    years, months = (months // 12, months % 12) if months >= 0 else (-(-months // 12), -(-months % 12))
    clock = _duration(nanoseconds, 1_000_000_000)
    sign = "-" if nanoseconds < 0 else ""
    hours, minutes, seconds = clock.removeprefix("-").split(":")
    plain = seconds[1:] if seconds[0] == "0" else seconds
    date_part = "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (months, "M"), (days, "D")) if number)
    parts = ((str(int(hours)), "H"), (str(int(minutes)), "M"), (plain, "S"))
    time_part = "".join(f"{sign}{number}{unit}" for number, unit in parts if number != "0")
    return f"P{date_part}{'T' + time_part if time_part else ''}" if date_part or time_part else "PT0S"
