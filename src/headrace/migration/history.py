"""The history of runs: kept for 30 days. Source: CDM user guide, "Viewing Job Execution Records"."""

from __future__ import annotations

from headrace.services import Services
from headrace.storage import submissions

KEPT_MILLIS = 30 * 86_400_000
ROWS = 500  # runs of one transaction


def forget_old(services: Services) -> None:
    """Remove what ended more than 30 days ago, but for the last run of a job, which is its state."""
    before = services.now() - KEPT_MILLIS
    while True:
        with services.db.reading() as connection:
            found = submissions.ended_before(connection, before, ROWS)
        if not found:
            return
        with services.db.writing() as connection:
            for submission in found:
                submissions.forget(connection, submission)
