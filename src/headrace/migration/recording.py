"""What is written of the run of a migration job, from its start to its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog

from headrace.domain.clock import from_millis
from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmJobNotFound
from headrace.migration.definition import runnable
from headrace.migration.running import Running
from headrace.migration.secrets import without_secrets
from headrace.services import Services
from headrace.storage import cdm, submissions
from headrace.storage.submissions import SUCCEEDED, SubmissionRecord
from headrace.transfer.counters import Counters
from headrace.transfer.definition import Job

log = structlog.get_logger("headrace.migration")


class RunRecords:
    """The submissions of this database; ``zone`` is that of dates in definitions."""

    def __init__(self, services: Services, zone: ZoneInfo) -> None:
        self._services = services
        self._zone = zone

    def job(self, record: SubmissionRecord) -> Job:
        """What a submission is to run. Raises CdmError."""
        with self._services.db.reading() as connection:
            stored = cdm.job_by_name(connection, record.cluster_id, record.job_name)
            if stored is None:
                raise CdmJobNotFound(record.job_name)
            at = from_millis(record.reference_time).astimezone(self._zone)
            return runnable(self._services, connection, stored, json.loads(record.variables), at, self._zone)

    def write(self, record: SubmissionRecord, running: Running) -> None:
        """How a run stands."""
        with self._services.db.writing() as connection:
            submissions.replace(
                connection, record._replace(counts=counts_text(running.counters), update_time=self._services.now())
            )

    def end(
        self,
        record: SubmissionRecord,
        status: str,
        running: Running,
        error: Exception | None,
        secrets: Sequence[str] = (),
    ) -> None:
        """The end of a run, with what it failed with; none of ``secrets`` is written."""
        message = "" if error is None else error.message if isinstance(error, HeadraceError) else str(error)
        message = without_secrets(message, secrets)
        now = self._services.now()
        progress = 100 if error is None else -1
        details = f"{getattr(error, 'code', type(error).__name__)}: {message}" if error is not None else ""
        ended = record._replace(
            status=status, owner="", end_time=now, progress=progress, error_summary=message, error_details=details
        )
        self.write(ended, running)
        log.info("a migration job ended", job=record.job_name, submission=record.id, status=status)

    def dispose(self, record: SubmissionRecord, job: Job) -> None:
        """Delete a job that was to run once. Source: CDM API reference, schedulerConfig.disposableType."""
        kind = job.section("schedulerConfig").text("disposableType")
        with self._services.db.writing() as connection:
            ended = submissions.by_id(connection, record.id)
            succeeded = ended is not None and ended.status == SUCCEEDED
            if kind == "DELETE" or (kind == "DELETE_AFTER_SUCCEED" and succeeded):
                cdm.delete_job(connection, record.job_id)


def counts_text(counters: Counters) -> str:
    """The counts of now, as a submission keeps them."""
    return json.dumps(counters.now().__dict__)
