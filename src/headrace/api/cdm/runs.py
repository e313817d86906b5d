"""CDM v1.1: runs of migration jobs."""

from __future__ import annotations

from typing import Any

from headrace.api.cdm.accepted import accepted
from headrace.api.operation import Call, Created, operation
from headrace.errors_cdm import (
    CdmContentInvalid,
    CdmError,
    CdmJobNotFound,
    CdmJobNotRunning,
    CdmJobRunning,
    ClusterNotFound,
)
from headrace.migration import runs
from headrace.wire.cdm import RandomStart, StartVariables, SubmissionsQuery

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"


@operation(
    "POST",
    "/v1.1/{project_id}/clusters/job",
    id="createAndStartRandomClusterJob",
    errors=(CdmContentInvalid, CdmError, ClusterNotFound, CdmJobRunning),
    tag="cdm-job",
)
def create_and_start_random_cluster_job(call: Call, body: RandomStart) -> Created[dict[str, Any]]:
    """Create (or replace) jobs in one of some clusters, and start them.

    Source: CDM API reference, "Creating and Executing a Job in a Random Cluster".
    """
    return accepted(call, runs.start_random(call.services, call.caller, body))


@operation(
    "PUT",
    _CLUSTER + "/cdm/job/{job_name}/start",
    id="startJob",
    errors=(CdmJobNotFound, CdmJobRunning, CdmError, ClusterNotFound),
    tag="cdm-job",
)
def start_cdm_job(call: Call, body: StartVariables | None) -> Created[dict[str, Any]]:
    """Start a migration job. Source: CDM API reference, "Starting a Job"."""
    return accepted(call, runs.start(call.services, call.caller, call.path["cluster_id"], call.path["job_name"], body))


@operation(
    "PUT",
    _CLUSTER + "/cdm/job/{job_name}/stop",
    id="stopJob",
    errors=(CdmJobNotRunning, CdmJobNotFound, ClusterNotFound),
    tag="cdm-job",
)
def stop_cdm_job(call: Call) -> Created[dict[str, Any]]:
    """Stop a running migration job; rows that were written stay. Source: CDM API reference, "Stopping a Job"."""
    return accepted(call, runs.stop(call.services, call.caller, call.path["cluster_id"], call.path["job_name"]))


@operation(
    "GET",
    _CLUSTER + "/cdm/job/{job_name}/status",
    id="showJobStatus",
    errors=(CdmJobNotFound, ClusterNotFound),
    tag="cdm-job",
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
)
def show_submissions(call: Call, query: SubmissionsQuery) -> dict[str, Any]:
    """The runs of a migration job, newest first. Source: CDM API reference, "Querying Job Execution History"."""
    return runs.history(call.services, call.caller, call.path["cluster_id"], query)
