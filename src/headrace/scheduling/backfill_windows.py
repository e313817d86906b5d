"""Lets backfills go on whose window of execution opens. Decision 21."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from headrace.services import Services
from headrace.storage import backfill_progress, backfills
from headrace.storage.backfill_progress import Clockwork

TASKS_AT_ONCE = 100  # in one transaction


def open_windows(services: Services, now: int) -> int:
    """Begin the next dates of backfills whose window has opened; how many backfills. The caller wakes the engine."""
    works = Clockwork(now=now, zone=ZoneInfo(services.settings.time_zone), next_number=services.next_number)
    with services.db.writing(durable=False) as connection:
        due = backfills.due(connection, now, TASKS_AT_ONCE)
        for number in due:
            backfill_progress.proceed(connection, number, works)
    return len(due)
