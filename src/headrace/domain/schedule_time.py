"""Times in schedules: ISO 8601 text with a zone, kept as text and compared as moments."""

from __future__ import annotations

import re
from datetime import datetime

from headrace.errors import InvalidSchedule

_SHORT_OFFSET = re.compile(r"([+-]\d{2})$")


def read_schedule_time(text: str, member: str) -> datetime:
    """The moment of ``2018-10-22T23:59:59+08``; also ``+08:00``, ``+0800`` and ``Z``. Raises InvalidSchedule.

    Source: "Creating a Job", table 12; the two-digit offset is the documented form, the others are accepted.
    """
    try:
        moment = datetime.fromisoformat(_SHORT_OFFSET.sub(r"\1:00", text.strip()))
    except ValueError as error:
        raise InvalidSchedule(f"{member}: {text!r} is no time like 2018-10-22T23:59:59+08.") from error
    if moment.tzinfo is None:
        raise InvalidSchedule(f"{member}: {text!r} has no time zone; write 2018-10-22T23:59:59+08.")
    return moment
