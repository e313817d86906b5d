"""Time zones as expressions name them, and as date patterns write them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from headrace.domain import zones
from headrace.domain.zones import offset_text
from headrace.el.errors import CannotEvaluate

_LONG_NAMES = {
    "Asia/Shanghai": "China Standard Time",
    "Asia/Hong_Kong": "Hong Kong Standard Time",
    "Asia/Singapore": "Singapore Standard Time",
    "Asia/Tokyo": "Japan Standard Time",
    "UTC": "Coordinated Universal Time",
    "GMT": "Greenwich Mean Time",
}


def zone_named(name: str) -> tzinfo:
    """As ``domain.zones.zone_named``, told to the evaluator. Raises CannotEvaluate for a name of no zone."""
    try:
        return zones.zone_named(name)
    except zones.UnknownZone as error:
        raise CannotEvaluate(
            f"a time zone, found the text {name[:40]!r}", "Write it like GMT+8 or Asia/Shanghai."
        ) from error


def zone_text(moment: datetime, *, long: bool) -> str:
    """The name of the moment's zone as pattern letter z writes it: ``CST``, ``GMT+08:00``."""
    zone = moment.tzinfo
    key = zone.key if isinstance(zone, ZoneInfo) else moment.tzname() or ""
    if long and key in _LONG_NAMES:
        return _LONG_NAMES[key]
    short = moment.tzname() or ""
    if short[:1] in "+-":  # a zone without a short name
        return "GMT" + offset_text(moment.utcoffset() or timedelta(0), ":")
    return short
