"""Starts migration jobs at their times, each time once, whatever processes there are.

The next time of a job is moved on in the transaction that adds its submission; whoever moves it first starts the job.
A job that was written has no time yet: whoever looks first gives it one.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

import structlog

from headrace.domain.clock import from_millis
from headrace.errors_cdm import CdmError
from headrace.migration import values
from headrace.migration.clusters import is_running
from headrace.migration.job_times import JobTimes, job_times
from headrace.migration.starting import SCHEDULED, Start, add
from headrace.services import Services
from headrace.storage import cdm, workspaces
from headrace.storage.cdm import UNKNOWN_TIME, CdmJobRecord
from headrace.storage.database import Connection
from headrace.wire.document import read_document

log = structlog.get_logger("headrace.migration")

ROWS = 200  # jobs of one transaction


def start_due(services: Services, zone: tzinfo) -> int | None:
    """Start every job whose time has come; when the next one is due, None when none ever is.

    Times that went by while nobody looked are one start.
    """
    while True:
        now = services.now()
        with services.db.reading() as connection:
            due = cdm.due_jobs(connection, now, ROWS)
        if due:
            with services.db.writing() as connection:
                for project_id, job in due:
                    _take(services, connection, project_id, job, now, zone)
        else:
            with services.db.reading() as connection:
                return cdm.next_time_of_all(connection)


def _take(
    services: Services, connection: Connection, project_id: str, job: CdmJobRecord, now: int, zone: tzinfo
) -> None:
    rule = _rule(job, zone)
    if job.next_time == UNKNOWN_TIME:
        cdm.set_next_time(connection, job, _next(rule, from_millis(job.update_time)))
    elif cdm.set_next_time(connection, job, _next(rule, from_millis(now))) and rule is not None:
        _start(services, connection, project_id, job)


def _rule(job: CdmJobRecord, zone: tzinfo) -> JobTimes | None:
    """The times of a stored job. One that was imported with a rule that is none never starts by itself."""
    try:
        return job_times(values.inputs(read_document(job.document)), from_millis(job.update_time), zone)
    except CdmError as error:
        log.warning("a migration job has no times", job=job.name, reason=error.message)
        return None


def _next(rule: JobTimes | None, after: datetime) -> int | None:
    found = None if rule is None else rule.next(after)
    return None if found is None else round(found.timestamp() * 1000)


def _start(services: Services, connection: Connection, project_id: str, job: CdmJobRecord) -> None:
    """Add a submission; a job that runs, or whose cluster is stopped, leaves this time out."""
    cluster = cdm.cluster_by_id(connection, project_id, job.cluster_id)
    if cluster is None or not is_running(cluster):
        log.warning("a migration job left a time out: its cluster is stopped", job=job.name)
        return
    default = workspaces.default_of(connection, project_id)
    wanted = Start(
        user=job.update_user,
        workspace_id=job.workspace_id or ("" if default is None else default.id),
        key=f"{SCHEDULED}{job.id}:{job.next_time}",
    )
    try:
        add(services, connection, job.cluster_id, job.name, wanted)
    except CdmError as error:
        log.warning("a migration job left a time out", job=job.name, reason=error.message)
