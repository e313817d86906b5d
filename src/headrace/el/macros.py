"""The macros of migration jobs: ``${dateformat(yyyy-MM-dd, -1, DAY)}``, ``${timestamp(…)}``.

They belong to the body of a migration job and are expanded when it starts, against the planned start of the instance
that runs it, or its real start. Elsewhere they are left alone. Source: reference note "EL expressions", §8.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from headrace.domain.clock import to_millis
from headrace.el import java_calendar
from headrace.el.errors import CannotEvaluate, ExpressionError
from headrace.el.java_date_format import format_date
from headrace.el.java_date_parse import parse_date

MAX_SHIFT = 100_000_000  # units

_MACRO = re.compile(r"\$\{\s*(?P<name>dateformat|timestamp)\((?P<arguments>[^{}\n]{0,200})\)\s*\}")
_INNER = re.compile(r"\s*dateformat\((?P<arguments>[^()]*)\)\s*")
_SHIFTED = re.compile(r"(?P<format>.*?)\s*,\s*(?P<amount>[+-]?[0-9]{1,9})\s*,\s*(?P<unit>[A-Za-z]+)\s*", re.DOTALL)
_SHIFT = re.compile(r"\s*(?P<amount>[+-]?[0-9]{1,9})\s*,\s*(?P<unit>[A-Za-z]+)\s*")
_DURATIONS = {"SECOND": "seconds", "MINUTE": "minutes", "HOUR": "hours"}


def expand_macros(text: str, at: datetime, zone: tzinfo) -> str:
    """The text with the macros replaced; ``at`` is the planned (or real) start. Raises ExpressionError."""
    if "${" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        try:
            expand = _dateformat if match["name"] == "dateformat" else _timestamp
            return expand(match["arguments"], at, zone)
        except CannotEvaluate as error:
            raise ExpressionError(text, match.start(), error.expected, error.repair) from None

    return _MACRO.sub(value, text)


def _dateformat(arguments: str, at: datetime, zone: tzinfo) -> str:
    """``format`` or ``format, offset, unit``."""
    pattern, moment = _shifted_format(arguments, at, zone)
    return format_date(moment, pattern, zone)


def _timestamp(arguments: str, at: datetime, zone: tzinfo) -> str:
    """Nothing, ``offset, unit`` or a ``dateformat(…)``, whose text is read back; milliseconds since 1970."""
    if not arguments.strip():
        return str(to_millis(at))
    if shift := _SHIFT.fullmatch(arguments):
        return str(to_millis(_shift(at, int(shift["amount"]), shift["unit"], zone)))
    inner = _INNER.fullmatch(arguments)
    if inner is None:
        raise CannotEvaluate("timestamp(), timestamp(offset, unit) or timestamp(dateformat(format))")
    pattern, moment = _shifted_format(inner["arguments"], at, zone)
    text = format_date(moment, pattern, zone)
    return str(to_millis(parse_date(text, pattern, zone, java_calendar.century_before(at, zone))))


def _shifted_format(arguments: str, at: datetime, zone: tzinfo) -> tuple[str, datetime]:
    if shifted := _SHIFTED.fullmatch(arguments):
        return shifted["format"].strip(), _shift(at, int(shifted["amount"]), shifted["unit"], zone)
    if not arguments.strip():
        raise CannotEvaluate("a format in dateformat( )", "Write it like dateformat(yyyy-MM-dd).")
    return arguments.strip(), at


def _shift(moment: datetime, amount: int, unit: str, zone: tzinfo) -> datetime:
    """The moment shifted; a day its month lacks becomes the last day of the month."""
    unit = unit.upper()
    if abs(amount) > MAX_SHIFT:
        raise CannotEvaluate(f"an offset of at most {MAX_SHIFT:,}")
    if unit in _DURATIONS:
        return java_calendar.add_duration(moment, timedelta(**{_DURATIONS[unit]: amount}), zone)
    if unit == "DAY":
        return java_calendar.add_days(moment, amount, zone)
    if unit in ("MONTH", "YEAR"):
        return java_calendar.add_months(moment, amount * (12 if unit == "YEAR" else 1), zone)
    raise CannotEvaluate(f"a unit SECOND, MINUTE, HOUR, DAY, MONTH or YEAR, found {unit[:20]!r}")
