"""Cron expressions of the original: six Quartz-like fields, read and checked.

Source: "Creating a Job", table 12: second (only 0), minute, hour, day, month, weekday (1 is Sunday); ``, - * /`` in
every field, ``? L W C`` in the day, ``? L C #`` in the weekday. Names of months and weekdays are taken as Quartz does.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass

from headrace.errors import InvalidSchedule

_MONTHS = {month.upper(): str(number) for number, month in enumerate(calendar.month_abbr) if month}
_WEEKDAYS = {calendar.day_abbr[(number + 5) % 7].upper(): str(number) for number in range(1, 8)}
_SIMPLE = re.compile(r"(?P<from>\*|[0-9]{1,4})(?:-(?P<to>[0-9]{1,4}))?(?:/(?P<step>[0-9]{1,4}))?")
_DAY_FORMS = re.compile(r"\?|L|LW|L-\d{1,2}|\d{1,2}W|\d{1,2}C|C")
_WEEK_FORMS = re.compile(r"\?|L|[1-7]L|[1-7]#[1-5]|[1-7]C|C")


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of a cron expression: what it is called, and which numbers it takes."""

    name: str
    low: int
    high: int
    names: dict[str, str] | None = None
    forms: re.Pattern[str] | None = None


FIELDS = (
    Field(name="second", low=0, high=59),
    Field(name="minute", low=0, high=59),
    Field(name="hour", low=0, high=23),
    Field(name="day", low=1, high=31, forms=_DAY_FORMS),
    Field(name="month", low=1, high=12, names=_MONTHS),
    Field(name="weekday", low=1, high=7, names=_WEEKDAYS, forms=_WEEK_FORMS),
)


def check_cron(expression: str, member: str = "expression") -> None:
    """Check a cron expression. Raises InvalidSchedule naming the member, the field and the value."""
    parts = expression.upper().split()
    if len(parts) != len(FIELDS):
        raise InvalidSchedule(
            f"{member}: {expression!r} has {len(parts)} fields, not 6: second minute hour day month weekday."
        )
    for field, part in zip(FIELDS, parts, strict=True):
        for item in part.split(","):
            _check_item(field, item, f"{member}: {expression!r}")
    if parts[0] not in ("0", "00"):
        raise InvalidSchedule(f"{member}: {expression!r}: the second can only be 0.")
    if parts[3] == "?" and parts[5] == "?":
        raise InvalidSchedule(f"{member}: {expression!r}: day and weekday cannot both be '?'.")


def _check_item(field: Field, item: str, where: str) -> None:
    for name, number in (field.names or {}).items():
        item = item.replace(name, number)
    if field.forms is not None and field.forms.fullmatch(item):
        return
    found = _SIMPLE.fullmatch(item)
    if found is None:
        raise InvalidSchedule(f"{where}: {item!r} is no {field.name}.")
    numbers = [int(found[group]) for group in ("from", "to") if found[group] not in (None, "*")]
    if any(not field.low <= number <= field.high for number in numbers):
        raise InvalidSchedule(f"{where}: {item!r}: a {field.name} is {field.low} to {field.high}.")
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        raise InvalidSchedule(f"{where}: {item!r}: the {field.name} range ends before it starts.")
    if found["step"] is not None and not 1 <= int(found["step"]) <= field.high + 1:
        raise InvalidSchedule(f"{where}: {item!r}: the step is not 1 to {field.high + 1}.")
