"""Cancels instances that have waited too long. Source: reference on scheduling §3.2."""

from __future__ import annotations

from datetime import timedelta

import structlog

from headrace.domain.clock import from_millis
from headrace.services import Services
from headrace.storage import instances, open_instances, waits

log = structlog.get_logger("headrace.scheduling")

INSTANCES_AT_ONCE = 500  # in one transaction


def cancel_overdue(services: Services, now: int) -> int:
    """Cancel the instances that have waited too long, or a first part; how many. The caller wakes the engine."""
    with services.db.writing(durable=False) as connection:
        found = open_instances.overdue(connection, now, INSTANCES_AT_ONCE)
        for record in found:
            days = (from_millis(now) - from_millis(record.submit_time)) // timedelta(days=1)
            reason = f"Cancelled: it has waited for {days} days."
            # one that waits for its turn is the engine's, which tells those that wait for it
            wish = instances.STOP if record.wish else ""
            cancelled = waits.cancel(connection, record._replace(wish=wish), reason, now)
            if not wish:
                waits.release(connection, cancelled, now)
    for record in found:
        log.warning("an instance was cancelled that waited too long", job=record.job_name, instance=record.id)
    return len(found)
