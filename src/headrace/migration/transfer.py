"""Joins a submission to the pipeline that moves its data. Loaded when the first migration job runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from headrace.migration.running import Running
from headrace.services import Services
from headrace.sql.engine import SqlEngine
from headrace.storage.submissions import PREPARED, READING, SubmissionRecord
from headrace.transfer import job as transfer_job
from headrace.transfer import whole_database
from headrace.transfer.connector import Elsewhere, Surroundings, open_connector
from headrace.transfer.definition import Job
from headrace.transfer.options import Link
from headrace.transfer.whole_database import read_progress, settle_tables

OpenSql = Callable[[str], SqlEngine]


def surroundings(services: Services, workspace_id: str, open_sql: OpenSql, running: Running) -> Surroundings:
    """What connectors may use of this installation."""
    return Surroundings(
        store=services.store,
        files=files(services),
        open_sql=lambda: open_sql(workspace_id),
        zone=ZoneInfo(services.settings.time_zone),
        now=services.now,
        cancellation=running.cancellation,
        counters=running.counters,
        say=running.say,
        elsewhere=Elsewhere.of(services.settings),
    )


def files(services: Services) -> Path:
    """The folder that links to local files may reach into."""
    folder = services.settings.home / "files"
    folder.mkdir(exist_ok=True)
    return folder


def run(
    services: Services,
    job: Job,
    record: SubmissionRecord,
    open_sql: OpenSql,
    running: Running,
    prepared: Callable[[str], None],
    moving: Callable[[], None],
) -> None:
    """Run a submission to its end, from where it was when it is one of many tables. Raises CdmError."""
    inside = surroundings(services, record.workspace_id, open_sql, running)
    if job.whole_database:
        whole_database.run_tables(job, inside, str(record.id), read_progress(record.destination, prepared))
        return
    listener = transfer_job.Listener(prepared=lambda state: prepared(json.dumps(state)), moving=moving)
    transfer_job.run_job(job, inside, str(record.id), listener)


def finish(services: Services, job: Job, record: SubmissionRecord, open_sql: OpenSql, running: Running) -> None:
    """Do the last step of a submission that was cut short in it. Raises CdmError."""
    inside = surroundings(services, record.workspace_id, open_sql, running)
    transfer_job.finish_job(job, inside, json.loads(record.destination))


def undo(services: Services, job: Job, record: SubmissionRecord, open_sql: OpenSql, running: Running) -> str | None:
    """Remove what a submission that was cut short left behind; raises CdmError.

    The destination to run it again with, where that gives the same result. Else None.
    """
    inside = surroundings(services, record.workspace_id, open_sql, running)
    if job.whole_database:
        progress = read_progress(record.destination)
        return json.dumps({"tables": progress.tables}) if settle_tables(job, inside, progress) else None
    if record.phase == PREPARED:
        transfer_job.abandon_job(job, inside, json.loads(record.destination))
    return "{}" if record.phase == READING or transfer_job.is_restartable(job, inside) else None


def try_link(services: Services, link: Link, workspace_id: str, open_sql: OpenSql, running: Running) -> str:
    """Get in where a link leads; a line about what answered. Raises CdmError."""
    return open_connector(link, surroundings(services, workspace_id, open_sql, running)).test()
