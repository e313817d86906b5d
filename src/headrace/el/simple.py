"""The simple variable set: ``${yyyymmdd-1}`` from the service date, ``$[hh24mi-15/24/60]`` from the plan time.

Only with the workspace's switch on. Values are fixed when the instance is generated.
Source: reference note "EL expressions", §7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import datetime, timedelta, tzinfo

from headrace.el.errors import CannotEvaluate, ExpressionError
from headrace.el.java_calendar import add_days, add_duration, add_months, in_zone
from headrace.el.scope import Scope

MAX_SHIFT = 100_000  # units of any shift

_VARIABLE = re.compile(
    r"\$\{(?P<date>[ymd][-ymd/_.: ]*(?:[+-][0-9*]+)?)\}"
    r"|\$\[(?P<time>[^\[\]{}\n]{1,100})\]"
    r"|\$(?P<id>job_id|instance_id)\b",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?P<format>.*?)(?P<shift>[+-][0-9]+(?:\*[0-9]+)?)?", re.DOTALL)
_ADD_MONTHS = re.compile(r"add_months\(\s*(?P<format>[^,()]+?)\s*,\s*(?P<shift>[+-]?\s*[0-9]+(?:\*[0-9]+)?)\s*\)", re.I)
_TIME = re.compile(r"(?P<format>.*?)(?P<shifts>(?:\s*[+-]\s*[0-9]+(?:\*[0-9]+)?(?:/[0-9]+)*)*)\s*", re.DOTALL)
_SHIFT = re.compile(r"([+-])\s*([0-9]+(?:\*[0-9]+)?)((?:/[0-9]+)*)")
_TOKEN = re.compile(r"yyyy|yy|mm|dd|hh24|hh|mi|ss", re.IGNORECASE)

_TOKENS: dict[str, Callable[[datetime], str]] = {
    "yyyy": lambda t: f"{t.year:04d}",
    "yy": lambda t: f"{t.year % 100:02d}",
    "mm": lambda t: f"{t.month:02d}",
    "dd": lambda t: f"{t.day:02d}",
    "hh24": lambda t: f"{t.hour:02d}",
    "hh": lambda t: f"{t.hour % 12 or 12:02d}",
    "mi": lambda t: f"{t.minute:02d}",
    "ss": lambda t: f"{t.second:02d}",
}
_DATE_TOKENS = ("yyyy", "yy", "mm", "dd")


def apply_simple_variables(text: str, scope: Scope) -> str:
    """The text with simple variables replaced when the workspace's switch is on. Raises ExpressionError."""
    if not scope.simple_variables:
        return text
    return replace_simple_variables(
        text,
        scope.plan_time,
        scope.zone,
        job_id=scope.job_id,
        instance_id=scope.instance_id,
        taken=scope.parameters,
    )


def replace_simple_variables(
    text: str, plan_time: datetime, zone: tzinfo, *, job_id: str, instance_id: str | None, taken: Container[str] = ()
) -> str:
    """The text with simple variables replaced; what only looks like one stays.

    ``taken`` are names of job parameters, which win over a service date of that name. ``$instance_id`` stays in a
    test run of a single node, which has no instance. Raises ExpressionError for a shift out of range.
    """
    if "$" not in text:
        return text
    local = in_zone(plan_time, zone)

    def value(match: re.Match[str]) -> str:
        if match["id"]:
            identity = job_id if match["id"].lower() == "job_id" else instance_id
            return match[0] if identity is None else identity
        try:
            if match["date"] is not None:
                found = None if match["date"] in taken else _service_date(match["date"], local, zone)
            else:
                found = _plan_time(match["time"], local, zone)
        except CannotEvaluate as error:
            raise ExpressionError(text, match.start(), error.expected, error.repair) from None
        return match[0] if found is None else found

    return _VARIABLE.sub(value, text)


def _service_date(body: str, plan_time: datetime, zone: tzinfo) -> str | None:
    """The day before the plan time, shifted by the smallest unit of the format; None when it is no such format."""
    match = _DATE.fullmatch(body)
    if match is None or not _is_format(match["format"], _DATE_TOKENS):
        return None
    day = add_days(plan_time, -1, zone)
    amount = _product(match["shift"]) if match["shift"] else 0
    tokens = {token.lower() for token in _TOKEN.findall(match["format"])}
    if "dd" in tokens:
        day = add_days(day, amount, zone)
    else:
        day = add_months(day, amount * (1 if "mm" in tokens else 12), zone)
    return _write(match["format"], day)


def _plan_time(body: str, plan_time: datetime, zone: tzinfo) -> str | None:
    """The plan time, the whole instant shifted by days or parts of days; None when it is no such format."""
    if months := _ADD_MONTHS.fullmatch(body.strip()):
        if not _is_format(months["format"], _TOKENS):
            return None
        return _write(months["format"], add_months(plan_time, _product(months["shift"].replace(" ", "")), zone))
    match = _TIME.fullmatch(body)
    if match is None or not _is_format(match["format"], _TOKENS):
        return None
    moment = plan_time
    for sign, amount, divisors in _SHIFT.findall(match["shifts"]):
        moment = _shifted(moment, _product(sign + amount), divisors, zone)
    return _write(match["format"], moment)


def _shifted(moment: datetime, amount: int, divisors: str, zone: tzinfo) -> datetime:
    if not divisors:
        return add_days(moment, amount, zone)
    parts = 1
    for divisor in divisors.strip("/").split("/"):
        parts *= int(divisor[:9])
    if not 1 <= parts <= 86_400:
        raise CannotEvaluate("a shift in parts of a day of a second at least", "Write hours as N/24, minutes N/24/60.")
    return add_duration(moment, timedelta(seconds=round(amount * 86_400 / parts)), zone)


def _product(shift: str) -> int:
    """The number of ``-7*2``. Raises CannotEvaluate beyond the limit."""
    number = 1
    for factor in shift.lstrip("+-").split("*"):
        number *= int(factor[:9])
    if number > MAX_SHIFT:
        raise CannotEvaluate(f"a shift of at most {MAX_SHIFT:,}")
    return -number if shift[0] == "-" else number


def _is_format(text: str, tokens: Container[str]) -> bool:
    """Whether the text is these tokens and signs between them, with one token at least."""
    found = [token.lower() for token in _TOKEN.findall(text)]
    rest = _TOKEN.sub("", text)
    return bool(found) and all(token in tokens for token in found) and not any(sign.isalnum() for sign in rest)


def _write(pattern: str, moment: datetime) -> str:
    return _TOKEN.sub(lambda match: _TOKENS[match[0].lower()](moment), pattern)
