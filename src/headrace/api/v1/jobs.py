"""Job development: create, read, list, replace and delete jobs."""

from __future__ import annotations

from headrace.api.operation import Call, Json, operation
from headrace.errors import (
    InvalidJobDescription,
    InvalidJobName,
    InvalidJobType,
    InvalidObsPath,
    InvalidParameter,
    InvalidSchedule,
    JobNameBlank,
    JobNameExists,
    JobNotFound,
    JobQuotaReached,
    MissingParameter,
    PermissionDenied,
    WorkspaceNotFound,
)
from headrace.factory import jobs
from headrace.wire.v1.job_detail import JobDetail
from headrace.wire.v1.jobs import DeleteRequest, JobInfo, JobList, ListJobsQuery, ShowJobQuery

_WRONG_DEFINITION = (
    MissingParameter,
    InvalidObsPath,
    WorkspaceNotFound,
    InvalidJobType,
    JobNameBlank,
    InvalidJobName,
    InvalidSchedule,
    InvalidJobDescription,
    InvalidParameter,
    PermissionDenied,
)


@operation(
    "POST",
    "/v1/{project_id}/jobs",
    answers=204,
    errors=(JobNameExists, JobQuotaReached, *_WRONG_DEFINITION),
    tag="job",
    batched=True,
)
def create_job(call: Call, body: JobInfo) -> None:
    """Create a job.

    The body is kept as received; unknown members come back in ShowJob and in exports. Scripts and connections that
    nodes name need not exist yet. Source: API reference, "Creating a Job".
    """
    jobs.create(call.services, call.caller, body, call.body)


@operation(
    "GET",
    "/v1/{project_id}/jobs",
    errors=(InvalidParameter, InvalidJobType, WorkspaceNotFound, PermissionDenied),
    tag="job",
)
def list_jobs(call: Call, query: ListJobsQuery) -> JobList:
    """List jobs of one type, newest first.

    ``offset`` is a page number. Source: API reference, "Viewing a Job List".
    """
    return jobs.list_page(call.services, call.caller, query)


@operation(
    "GET", "/v1/{project_id}/jobs/{job_name}", errors=(JobNotFound, WorkspaceNotFound, InvalidParameter), tag="job"
)
def show_job(call: Call, query: ShowJobQuery) -> Json[JobDetail]:
    """Read one job definition: the draft, or a submitted version. Source: API reference, "Viewing Job Details"."""
    return Json(jobs.show(call.services, call.caller, call.path["job_name"], query))


@operation(
    "PUT",
    "/v1/{project_id}/jobs/{job_name}",
    answers=204,
    errors=(JobNotFound, *_WRONG_DEFINITION),
    tag="job",
)
def update_job(call: Call, body: JobInfo) -> None:
    """Replace a job definition.

    A name in the body does not rename; processType may change. Source: API reference, "Editing a Job".
    """
    jobs.replace(call.services, call.caller, call.path["job_name"], body, call.body)


@operation(
    "DELETE",
    "/v1/{project_id}/jobs/{job_name}",
    answers=204,
    errors=(JobNotFound, MissingParameter, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="job",
)
def delete_job(call: Call, body: DeleteRequest | None) -> None:
    """Delete a job; its instances' history stays. Source: API reference, "Deleting a Job"."""
    jobs.delete(call.services, call.caller, call.path["job_name"])
