"""Runs of migration jobs as they are answered."""

from __future__ import annotations

import json

from headrace.migration.starting import SCHEDULED
from headrace.migration.values import inputs
from headrace.storage.cdm import CdmJobRecord
from headrace.storage.submissions import FAILED, FAILED_TO_SUBMIT, SubmissionRecord
from headrace.wire.document import Document, read_document

DISPOSABLE = ("DELETE", "DELETE_AFTER_SUCCEED")
_COUNTERS = {
    "ROWS_READ": "rows_read",
    "ROWS_WRITTEN": "rows_written",
    "ROWS_WRITTEN_SKIPPED": "rows_skipped",
    "BYTES_READ": "bytes_read",
    "BYTES_WRITTEN": "bytes_written",
    "FILES_READ": "files_read",
    "FILES_WRITTEN": "files_written",
    "FILES_SKIPPED": "files_skipped",
    "TOTAL_FILES": "total_files",
    "TOTAL_SIZE": "total_size",
}  # Source: contract, Counter


def counters_view(text: str) -> dict[str, int]:
    """The counters of a stored run, by the names of the API."""
    counts: dict[str, int] = json.loads(text)
    return {name: counts.get(member, 0) for name, member in _COUNTERS.items()}


def submission_view(record: SubmissionRecord, *, disposable: bool) -> Document:
    """One run. The counters are there from the first on, flat ones beside those of Sqoop, whom clients expect.

    ``disposable``: whether the job goes when it has run.

    Source: contract, Submission.
    """
    counters = counters_view(record.counts)
    view = {
        **_common(record.job_name, record.create_user, record.create_time, disposable=disposable),
        "submission-id": record.id,
        "status": record.status,
        "progress": record.progress,
        "execute-date": record.start_time or record.create_time,
        "last-update-date": record.update_time,
        "external-id": external_id(record),
        "is-execute-auto": record.source_key.startswith(SCHEDULED),
        "write_rows": counters["ROWS_WRITTEN"],
        "counters": {"org.apache.sqoop.submission.counter.SqoopCounters": counters, **counters},
    }
    if record.status in (FAILED, FAILED_TO_SUBMIT):
        view |= {"error-summary": record.error_summary, "error-details": record.error_details}
    return view


def last_run(record: SubmissionRecord) -> Document:
    """What a job says of its last run. Source: contract, Job."""
    counters = counters_view(record.counts)
    return {
        "status": FAILED if record.status == FAILED_TO_SUBMIT else record.status,
        "external_id": external_id(record),
        "execute_create_date": record.create_time,
        "execute_start_date": record.start_time or record.create_time,
        "execute_update_date": record.update_time,
        "rows_read": counters["ROWS_READ"],
        "rows_written": counters["ROWS_WRITTEN"],
        "write_rows": counters["ROWS_WRITTEN"],
        "update_rows": 0,
        "delete_rows": 0,
        "files_read": counters["FILES_READ"],
        "files_written": counters["FILES_WRITTEN"],
        "bytes_read": counters["BYTES_READ"],
        "bytes_written": counters["BYTES_WRITTEN"],
    }


def external_id(record: SubmissionRecord) -> str:
    """The id of a run in what executes it. Source: contract, Job: of the form job_local1202051771_0002."""
    return f"job_local{record.id}_0001"


def never_executed(job: CdmJobRecord) -> Document:
    """What stands for the run of a job that never ran."""
    return {
        **_common(job.name, job.create_user, job.create_time, disposable=is_disposable(job)),
        "status": "NEVER_EXECUTED",
        "progress": 0,
        "last-update-date": job.update_time,
        "last-update-user": job.update_user,
        "last-udpate-user": job.update_user,
    }


def is_disposable(job: CdmJobRecord) -> bool:
    """Whether a job is deleted after a run. Source: CDM API reference, schedulerConfig.disposableType."""
    return inputs(read_document(job.document)).get("schedulerConfig.disposableType", "") in DISPOSABLE


def _common(job_name: str, user: str, created: int, *, disposable: bool) -> Document:
    return {
        "job-name": job_name,
        "creation-user": user,
        "creation-date": created,
        "last-update-user": user,
        "last-udpate-user": user,  # sic: what the Go client reads
        "isIncrementing": False,
        "isStopingIncrement": "",
        "is-execute-auto": False,
        "isDeleteJob": disposable,
        "delete_rows": 0,
        "update_rows": 0,
        "write_rows": 0,
    }
