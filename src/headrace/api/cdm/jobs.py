"""CDM v1.1: the definitions of migration jobs."""

from __future__ import annotations

from typing import Any

from headrace.api.cdm.accepted import accepted
from headrace.api.operation import Call, Created, operation
from headrace.errors_cdm import CdmContentInvalid, CdmError, CdmJobNameExists, CdmJobNotFound, ClusterNotFound
from headrace.migration import jobs
from headrace.wire.cdm import JobList, ShowJobsQuery

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"


@operation(
    "POST",
    _CLUSTER + "/cdm/job",
    id="createJob",
    errors=(CdmJobNameExists, CdmContentInvalid, CdmError, ClusterNotFound),
    tag="cdm-job",
)
def create_cdm_job(call: Call, body: JobList) -> Created[dict[str, Any]]:
    """Create migration jobs. Source: CDM API reference, "Creating a Job in a Specified Cluster"."""
    return accepted(call, {"name": jobs.create(call.services, call.caller, call.path["cluster_id"], body)})


@operation(
    "GET",
    _CLUSTER + "/cdm/job/{job_name}",
    id="showJobs",
    errors=(CdmJobNotFound, CdmError, ClusterNotFound),
    tag="cdm-job",
)
def show_cdm_jobs(call: Call, query: ShowJobsQuery) -> dict[str, Any]:
    """Read one migration job, or list them with the reserved name ``all``.

    Source: CDM API reference, "Querying a Job".
    """
    return jobs.show(call.services, call.caller, call.path["cluster_id"], call.path["job_name"], query)


@operation(
    "PUT",
    _CLUSTER + "/cdm/job/{job_name}",
    id="updateJob",
    errors=(CdmJobNotFound, CdmJobNameExists, CdmContentInvalid, CdmError, ClusterNotFound),
    tag="cdm-job",
)
def update_cdm_job(call: Call, body: JobList) -> Created[dict[str, Any]]:
    """Replace a migration job; the body may carry a new name. Source: CDM API reference, "Modifying a Job"."""
    jobs.replace(call.services, call.caller, call.path["cluster_id"], call.path["job_name"], body)
    return accepted(call, {"validation-result": [{}, {}, {}]})


@operation(
    "DELETE",
    _CLUSTER + "/cdm/job/{job_name}",
    id="deleteJob",
    errors=(CdmJobNotFound, ClusterNotFound),
    tag="cdm-job",
)
def delete_cdm_job(call: Call) -> Created[dict[str, Any]]:
    """Delete a migration job. Source: CDM API reference, "Deleting a Job"."""
    jobs.delete(call.services, call.caller, call.path["cluster_id"], call.path["job_name"])
    return accepted(call, {})
