"""The functions that converter expressions may call: those of Commons Lang, and the service's own.

``StringUtils`` takes its functions from the expression language of jobs, which has the same. Source: CDM user guide,
"Field Conversion".
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from headrace.domain.clock import to_millis
from headrace.el import java_calendar
from headrace.el.errors import CannotEvaluate
from headrace.el.java_date_format import format_date
from headrace.el.java_date_parse import parse_date
from headrace.el.objects import string_util, string_util_changes, string_util_parts
from headrace.transfer.el_operators import described, number_of, text_of

MAX_CACHED = 100  # maps of one job
EARLIEST = datetime(1950, 1, 1, tzinfo=UTC)  # of dates with a two-digit year
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DOUBLE = re.compile(r"([+-]?(?:NaN|Infinity|[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?))[dDfF]?")
_OCTET = re.compile(r"[0-9]{1,3}")
_END = "\ue000"  # a mark behind a date, so that all of it has to be read


class Reach(NamedTuple):
    """What functions may use: the zone of dates without one, and the maps of the job."""

    zone: tzinfo
    cache: dict[str, Mapping[str, Any]]


class Function(NamedTuple):
    """A function; ``takes``: ``s`` a text, ``n`` a whole number, ``a`` anything; in brackets what may be missing."""

    call: Callable[..., Any]
    takes: str
    pure: bool = True
    reaches: bool = False

    @property
    def kinds(self) -> str:
        """One letter a parameter."""
        return self.takes.replace("[", "").replace("]", "")

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return len(self.takes.partition("[")[0])


def as_text(value: Any) -> str | None:
    """An argument that is a text; null stays null."""
    return None if value is None else text_of(value)


def as_whole(value: Any) -> int:
    """An argument that is a whole number; null is 0. Raises CannotEvaluate."""
    number = number_of(value)
    if isinstance(number, float | Decimal) and number != number // 1:
        raise CannotEvaluate(f"a whole number, found {described(value)}")
    return max(min(int(number), 2**31 - 1), -(2**31))


def _moment(value: Any, reach: Reach) -> datetime | None:
    """A date: of a date column, or milliseconds since 1970. Raises CannotEvaluate."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else java_calendar.from_wall(value, reach.zone)
    if isinstance(value, date):
        return java_calendar.from_wall(datetime.combine(value, time()), reach.zone)
    number = number_of(value)
    try:
        return datetime.fromtimestamp(int(number) // 1000, UTC).replace(microsecond=int(number) % 1000 * 1000)
    except (OverflowError, ValueError, OSError):
        raise CannotEvaluate(f"a date or milliseconds since 1970, found {described(value)}") from None


def _format(reach: Reach, value: Any, pattern: str | None) -> str | None:
    moment = _moment(value, reach)
    return None if moment is None or pattern is None else format_date(moment, pattern, reach.zone)


def _parsed(reach: Reach, text: str | None, pattern: str | None) -> datetime | None:
    if text is None or pattern is None:
        return None
    return whole_date(text, pattern, reach.zone)


def whole_date(text: str, pattern: str, zone: tzinfo) -> datetime:
    """The moment that a whole text gives by a pattern of SimpleDateFormat. Raises CannotEvaluate."""
    try:
        return parse_date(text + _END, f"{pattern}'{_END}'", zone, EARLIEST)
    except CannotEvaluate:
        raise CannotEvaluate(f"a date like {pattern[:40]!r}, found {described(text)}") from None


def _time(reach: Reach, value: Any) -> int | None:
    moment = _moment(value, reach)
    return None if moment is None else to_millis(moment)


def _shifted(reach: Reach, pattern: str | None, text: str | None, unit: str | None, offset: int) -> str | None:
    """The text of a date, so many units later, as the pattern has it."""
    moment = _parsed(reach, text, pattern)
    if moment is None or pattern is None:
        return None
    unit = (unit or "").lower()
    if unit == "month":
        moment = java_calendar.add_months(moment, offset, reach.zone)
    elif unit == "day":
        moment = java_calendar.add_days(moment, offset, reach.zone)
    elif unit in ("hour", "minute", "second"):
        moment = java_calendar.add_duration(moment, timedelta(**{f"{unit}s": offset}), reach.zone)
    else:
        raise CannotEvaluate(f"a unit month, day, hour, minute or second, found {described(unit)}")
    return format_date(moment, pattern, reach.zone)


def _whole_in(bits: int) -> Callable[..., int]:
    """What reads a whole number of so many bits; the default where there is none."""

    def read(text: str | None, default: int = 0) -> int:
        found = _WHOLE.fullmatch(text or "")
        number = int(found[0]) if found else default
        return number if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else default

    return read


def _double(text: str | None, default: Any = 0.0) -> float:
    found = _DOUBLE.fullmatch((text or "").strip())
    return float(found[1].replace("Infinity", "inf")) if found else float(number_of(default))


def _float(text: str | None, default: Any = 0.0) -> float:
    """A number of 32 bits, with the digits that such a number has."""
    shortest: str = pa.scalar(_double(text, default), pa.float32()).cast(pa.string()).as_py()
    return float(shortest)


def _ip_number(text: str | None) -> int | None:
    if text is None:
        return None
    parts = text.strip().split(".")
    if len(parts) != 4 or not all(_OCTET.fullmatch(part) and int(part) < 256 for part in parts):
        raise CannotEvaluate(f"an IPv4 address, found {described(text)}")
    return int.from_bytes(bytes(map(int, parts)))


def _set_cache(reach: Reach, key: str | None, value: Any) -> None:
    if not isinstance(value, dict):
        raise CannotEvaluate(f"a map to be kept, found {described(value)}")
    if len(reach.cache) >= MAX_CACHED and key not in reach.cache:
        raise CannotEvaluate(f"at most {MAX_CACHED} maps kept for a job")
    reach.cache[key or ""] = value


def _index_of_any(text: str | None, characters: str | None) -> int:
    return next((at for at, sign in enumerate(text or "") if sign in (characters or "")), -1)


def _only(allowed: Callable[[str], bool]) -> Callable[[str | None], bool]:
    return lambda text: text is not None and all(allowed(sign) for sign in text)


_STRINGS: dict[str, tuple[Callable[..., Any], str]] = {
    "lowerCase": (string_util_changes.lower_case, "s"),
    "upperCase": (string_util_changes.upper_case, "s"),
    "capitalize": (string_util_changes.capitalize, "s"),
    "uncapitalize": (string_util_changes.uncapitalize, "s"),
    "contains": (string_util.contains, "ss"),
    "containsAny": (string_util.contains_any, "ss"),
    "containsNone": (string_util.contains_none, "ss"),
    "containsOnly": (string_util.contains_only, "ss"),
    "startsWith": (string_util.starts_with, "ss"),
    "endsWith": (string_util.ends_with, "ss"),
    "equals": (string_util.equals, "ss"),
    "isEmpty": (string_util.is_empty, "s"),
    "isNumeric": (string_util.is_numeric, "s"),
    "isAlpha": (string_util.is_alpha, "s"),
    "isAlphanumeric": (string_util.is_alphanumeric, "s"),
    "isAlphanumericSpace": (_only(lambda sign: sign.isalpha() or sign.isdecimal() or sign == " "), "s"),
    "isAlphaSpace": (_only(lambda sign: sign.isalpha() or sign == " "), "s"),
    "isAsciiPrintable": (_only(lambda sign: " " <= sign <= "~"), "s"),
    "indexOf": (string_util.index_of, "ss[n]"),
    "lastIndexOf": (string_util.last_index_of, "ss[n]"),
    "indexOfAny": (_index_of_any, "ss"),
    "left": (string_util_parts.left, "sn"),
    "right": (string_util_parts.right, "sn"),
    "substring": (string_util_parts.substring, "sn[n]"),
    "substringAfter": (string_util_parts.substring_after, "ss"),
    "substringAfterLast": (string_util_parts.substring_after_last, "ss"),
    "substringBefore": (string_util_parts.substring_before, "ss"),
    "substringBeforeLast": (string_util_parts.substring_before_last, "ss"),
    "substringBetween": (string_util_parts.substring_between, "ss[s]"),
    "center": (string_util_changes.center, "sn[s]"),
    "leftPad": (string_util_changes.left_pad, "sn[s]"),
    "rightPad": (string_util_changes.right_pad, "sn[s]"),
    "chomp": (string_util_changes.chomp, "s"),
    "remove": (string_util_changes.remove, "ss"),
    "removeEnd": (string_util_changes.remove_end, "ss"),
    "removeStart": (string_util_changes.remove_start, "ss"),
    "replace": (string_util_changes.replace, "sss[n]"),
    "replaceChars": (string_util_changes.replace_chars, "sss"),
    "strip": (string_util_changes.strip, "s[s]"),
    "stripEnd": (string_util_changes.strip_end, "ss"),
    "stripStart": (string_util_changes.strip_start, "ss"),
    "trim": (string_util_changes.trim, "s"),
    "defaultIfEmpty": (string_util_changes.default_if_empty, "ss"),
    "length": (string_util.length, "s"),
}

FUNCTIONS: dict[str, dict[str, Function]] = {
    "StringUtils": {name: Function(call, takes) for name, (call, takes) in _STRINGS.items()},
    "NumberUtils": {
        "toByte": Function(_whole_in(8), "s[n]"),
        "toShort": Function(_whole_in(16), "s[n]"),
        "toInt": Function(_whole_in(32), "s[n]"),
        "toLong": Function(_whole_in(64), "s[n]"),
        "toFloat": Function(_float, "s[a]"),
        "toDouble": Function(_double, "s[a]"),
    },
    "DateUtils": {
        "format": Function(_format, "as", reaches=True),
        "parseDate": Function(_parsed, "ss", reaches=True),
        "getTime": Function(_time, "a", reaches=True),
        "getCurrentTimeByZone": Function(_shifted, "sssn", reaches=True),
    },
    "CommonUtils": {
        "randomUUID": Function(lambda: str(uuid.uuid4()), "", pure=False),
        "ipToLong": Function(_ip_number, "s"),
        "setCache": Function(_set_cache, "sa", pure=False, reaches=True),
        "getCache": Function(lambda reach, key: reach.cache.get(key or ""), "s", pure=False, reaches=True),
        "cacheExists": Function(lambda reach, key: (key or "") in reach.cache, "s", pure=False, reaches=True),
    },
}
