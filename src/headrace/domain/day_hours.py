"""The hours of a day, numbered from 1 on, and the times by which what is planned in them is to be done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from headrace.errors import InvalidParameter

_DAY = timedelta(days=1)
_TIME = re.compile(r"([0-3][0-9]|4[0-7]):([0-5][0-9])")


def read_hours(periods: Iterable[tuple[int | None, str | None]], member: str) -> dict[int, int]:
    """Minutes after the midnight of a day by hour (0 to 23), of numbers of hours (1 to 24) and times (00:00 to 47:59).

    Raises InvalidParameter naming the member. Source: API reference, "Creating a Baseline" (period_num, period_time).
    """
    found: dict[int, int] = {}
    for number, text in periods:
        if number is None or not 1 <= number <= 24 or number - 1 in found:
            raise InvalidParameter(f"{member}: {number} is not a number from 1 to 24 that comes once.")
        at = _TIME.fullmatch(text or "")
        minutes = int(at[1]) * 60 + int(at[2]) if at else 0
        if minutes <= (number - 1) * 60:
            raise InvalidParameter(
                f"{member}: {text!r} is not hh:mm, hh from 00 to 47, after hour {number} begins at {number - 1:02}:00."
            )
        found[number - 1] = minutes
    if not found:
        raise InvalidParameter(f"{member}: none; at least one hour of the day is needed.")
    return found


def moment_of(day: date, minutes: int, zone: tzinfo) -> datetime:
    """The moment (UTC) so many minutes after the midnight of a day by the clock of a zone."""
    hours, minute = divmod(minutes, 60)
    local = datetime.combine(day + hours // 24 * _DAY, time(hours % 24, minute), tzinfo=zone)
    return local.astimezone(UTC)
