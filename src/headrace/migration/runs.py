"""Runs of migration jobs (submissions): this release keeps the jobs and has nothing yet that runs them."""

from __future__ import annotations

from typing import NoReturn

from headrace.domain.identity import Caller
from headrace.errors_cdm import CdmError, CdmJobNotRunning, SubmissionFailed
from headrace.migration.elements import job_head, job_texts
from headrace.migration.jobs import page_size, stored_job
from headrace.services import Services
from headrace.wire.cdm import JobList, RandomStart, SubmissionsQuery
from headrace.wire.document import Document

NO_ENGINE = "this release stores migration jobs; running them comes with a later one."


def start(services: Services, caller: Caller, cluster_id: str, name: str) -> NoReturn:
    """Raises CdmJobNotFound, ClusterNotFound, and for a job that is there SubmissionFailed."""
    stored_job(services, caller, cluster_id, name)
    raise SubmissionFailed(NO_ENGINE)


def stop(services: Services, caller: Caller, cluster_id: str, name: str) -> NoReturn:
    """Raises CdmJobNotFound, ClusterNotFound, and for a job that is there CdmJobNotRunning."""
    stored_job(services, caller, cluster_id, name)
    raise CdmJobNotRunning(f"[{name}] never ran: {NO_ENGINE}")


def start_random(body: RandomStart) -> NoReturn:
    """Create and start jobs: nothing is created. Raises CdmContentInvalid, SubmissionFailed."""
    for text in job_texts(JobList(jobs=body.jobs)):
        job_head(text)
    raise SubmissionFailed(f"no job was created: {NO_ENGINE}")


def status(services: Services, caller: Caller, cluster_id: str, name: str) -> Document:
    """The latest submission; a job that never ran has one that says so. Raises CdmJobNotFound, ClusterNotFound."""
    record = stored_job(services, caller, cluster_id, name)
    submission = {
        "job-name": record.name,
        "status": "NEVER_EXECUTED",
        "progress": 0,
        "creation-user": record.create_user,
        "creation-date": record.create_time,
        "last-update-date": record.update_time,
        "last-update-user": record.update_user,
        "last-udpate-user": record.update_user,
        "isIncrementing": False,
        "isStopingIncrement": "",
        "is-execute-auto": False,
        "isDeleteJob": False,
        "delete_rows": 0,
        "update_rows": 0,
        "write_rows": 0,
    }
    return {"submissions": [submission]}


def submissions(services: Services, caller: Caller, cluster_id: str, query: SubmissionsQuery) -> Document:
    """The runs of a job, newest first: none in this release. Raises CdmJobNotFound, CdmError, ClusterNotFound."""
    if not query.jname:
        raise CdmError("jname: missing; it names the job.")
    size = page_size(query.page_no, query.page_size)
    stored_job(services, caller, cluster_id, query.jname)
    return {"submissions": [], "total": 0, "page_no": query.page_no, "page_size": size}
