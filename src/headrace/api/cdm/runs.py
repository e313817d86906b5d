"""CDM v1.1: runs of migration jobs. Nothing runs them yet, and every operation here says so."""

from __future__ import annotations

from typing import Any

from headrace.api.operation import Call, operation
from headrace.errors_cdm import (
    CdmContentInvalid,
    CdmError,
    CdmJobNotFound,
    CdmJobNotRunning,
    ClusterNotFound,
    SubmissionFailed,
)
from headrace.migration import runs
from headrace.wire.cdm import RandomStart, StartVariables, SubmissionsQuery

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"
_REFUSED = "every call is refused: running migration jobs comes with a later release"


@operation(
    "POST",
    "/v1.1/{project_id}/clusters/job",
    id="createAndStartRandomClusterJob",
    errors=(SubmissionFailed, CdmContentInvalid, CdmError),
    tag="cdm-job",
    partly=_REFUSED,
    refuses=True,
)
def create_and_start_random_cluster_job(call: Call, body: RandomStart) -> dict[str, Any]:
    """Create and start jobs in one of some clusters; in this release refused, and nothing is created.

    Source: CDM API reference, "Creating and Executing a Job in a Random Cluster".
    """
    runs.start_random(body)


@operation(
    "PUT",
    _CLUSTER + "/cdm/job/{job_name}/start",
    id="startJob",
    errors=(SubmissionFailed, CdmJobNotFound, CdmError, ClusterNotFound),
    tag="cdm-job",
    partly=_REFUSED,
    refuses=True,
)
def start_cdm_job(call: Call, body: StartVariables | None) -> dict[str, Any]:
    """Start a migration job; in this release refused. Source: CDM API reference, "Starting a Job"."""
    runs.start(call.services, call.caller, call.path["cluster_id"], call.path["job_name"])


@operation(
    "PUT",
    _CLUSTER + "/cdm/job/{job_name}/stop",
    id="stopJob",
    errors=(CdmJobNotRunning, CdmJobNotFound, ClusterNotFound),
    tag="cdm-job",
    partly="no job runs in this release, so there is none to stop",
    refuses=True,
)
def stop_cdm_job(call: Call) -> dict[str, Any]:
    """Stop a running migration job; in this release none runs. Source: CDM API reference, "Stopping a Job"."""
    runs.stop(call.services, call.caller, call.path["cluster_id"], call.path["job_name"])


@operation(
    "GET",
    _CLUSTER + "/cdm/job/{job_name}/status",
    id="showJobStatus",
    errors=(CdmJobNotFound, ClusterNotFound),
    tag="cdm-job",
    partly="jobs do not run yet, so the answer is NEVER_EXECUTED",
)
def show_cdm_job_status(call: Call) -> dict[str, Any]:
    """The latest submission of a migration job. Source: CDM API reference, "Querying Job Status"."""
    return runs.status(call.services, call.caller, call.path["cluster_id"], call.path["job_name"])


@operation(
    "GET",
    _CLUSTER + "/cdm/submissions",
    id="showSubmissions",
    errors=(CdmJobNotFound, CdmError, ClusterNotFound),
    tag="cdm-job",
    partly="jobs do not run yet, so the list is empty",
)
def show_submissions(call: Call, query: SubmissionsQuery) -> dict[str, Any]:
    """The runs of a migration job, newest first. Source: CDM API reference, "Querying Job Execution History"."""
    return runs.submissions(call.services, call.caller, call.path["cluster_id"], query)
