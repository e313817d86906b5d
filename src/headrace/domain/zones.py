"""Time zones by the names Java's ``TimeZone`` knows."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z][A-Za-z0-9_+\-]*){0,2}")

# java.time.ZoneId.SHORT_IDS, which TimeZone.getTimeZone also reads.
_SHORT_IDS = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}


class UnknownZone(ValueError):
    """A text that names no time zone."""


@lru_cache(maxsize=512)
def zone_named(name: str) -> tzinfo:
    """The zone of ``GMT+8``, ``GMT+08:00``, ``+08``, ``Asia/Shanghai``, ``UTC``.

    Raises UnknownZone for another name, where Java would silently take GMT.
    """
    if name in ("UTC", "Z"):
        return UTC
    if name in ("GMT", "UT"):
        return timezone(timedelta(0), "GMT")
    if offset := _OFFSET.fullmatch(name):
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        if hours <= 23 and minutes <= 59:
            shift = timedelta(hours=hours, minutes=minutes)
            return fixed_zone(-shift if offset[1] == "-" else shift)
    elif len(name) <= 64 and _NAME.fullmatch(name):
        try:
            return ZoneInfo(_SHORT_IDS.get(name, name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass  # told below, like a name of no zone's form
    raise UnknownZone(f"{name[:40]!r} is no time zone")


def fixed_zone(offset: timedelta) -> timezone:
    """The zone so far ahead of Greenwich, with Java's name ``GMT+08:00``."""
    return timezone(offset, "GMT" + offset_text(offset, ":") if offset else "GMT")


def offset_text(offset: timedelta, separator: str) -> str:
    """``+0800``, or ``+08:00`` with a colon as separator."""
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02d}{separator}{minutes % 60:02d}"
