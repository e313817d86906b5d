"""CDM v1.1: clusters, links and migration jobs. Running jobs is not in this release."""

from __future__ import annotations

from typing import Any

from headrace.api.operation import Call, Created, operation
from headrace.errors_cdm import (
    CdmContentInvalid,
    CdmError,
    CdmJobNameExists,
    CdmJobNotFound,
    ClusterNotFound,
    LinkInUse,
    LinkNameExists,
    LinkNotFound,
)
from headrace.migration import clusters, jobs, links
from headrace.wire.cdm import CreateLinkQuery, JobList, LinkList, ShowJobsQuery, SubmissionsQuery

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"
_GO_CLIENT = "golangsdk/2.0.0"


def _accepted(call: Call, answer: dict[str, Any]) -> Created[dict[str, Any]]:
    """202 for the bare Go client, which takes nothing else; 200 as documented for everybody else."""
    return Created(answer, 202 if call.headers.get("user-agent") == _GO_CLIENT else 200)


@operation("GET", "/v1.1/{project_id}/clusters", id="listClusters", tag="cluster")
def list_clusters(call: Call) -> dict[str, Any]:
    """List the clusters of the project; here a cluster is a named pool of workers.

    Source: CDM API reference, "Querying the Cluster List".
    """
    return clusters.list_all(call.services, call.caller)


@operation("GET", _CLUSTER, id="showClusterDetail", errors=(ClusterNotFound,), tag="cluster")
def show_cluster_detail(call: Call) -> dict[str, Any]:
    """Show a cluster. Source: CDM API reference, "Querying Cluster Details"."""
    return clusters.show(call.services, call.caller, call.path["cluster_id"])


@operation(
    "POST",
    _CLUSTER + "/cdm/link",
    id="createLink",
    errors=(LinkNameExists, CdmContentInvalid, ClusterNotFound),
    tag="link",
    partly="validate=true checks the shape; it does not connect",
)
def create_link(call: Call, body: LinkList, query: CreateLinkQuery) -> dict[str, Any]:
    """Create a link, or with validate=true only check it. Source: CDM API reference, "Creating a Link"."""
    only = query.validate.lower() == "true"
    names = links.create(call.services, call.caller, call.path["cluster_id"], body, only_validate=only)
    return {"name": names[0], "validation-result": [{} for _ in names]}


@operation("GET", _CLUSTER + "/cdm/link/{link_name}", id="showLink", errors=(LinkNotFound, ClusterNotFound), tag="link")
def show_link(call: Call) -> dict[str, Any]:
    """Read a link; secrets are replaced by a placeholder. Source: CDM API reference, "Querying a Link"."""
    return links.show(call.services, call.caller, call.path["cluster_id"], call.path["link_name"])


@operation(
    "PUT",
    _CLUSTER + "/cdm/link/{link_name}",
    id="updateLink",
    errors=(LinkNotFound, LinkNameExists, CdmContentInvalid, ClusterNotFound),
    tag="link",
)
def update_link(call: Call, body: LinkList) -> Created[dict[str, Any]]:
    """Change a link; the body may carry a new name. Source: CDM API reference, "Modifying a Link"."""
    links.replace(call.services, call.caller, call.path["cluster_id"], call.path["link_name"], body)
    return _accepted(call, {"validation-result": [{}]})


@operation(
    "DELETE",
    _CLUSTER + "/cdm/link/{link_name}",
    id="deleteLink",
    errors=(LinkNotFound, LinkInUse, ClusterNotFound),
    tag="link",
)
def delete_link(call: Call) -> dict[str, Any]:
    """Delete a link that no job uses. Source: CDM API reference, "Deleting a Link"."""
    links.delete(call.services, call.caller, call.path["cluster_id"], call.path["link_name"])
    return {}


@operation(
    "POST",
    _CLUSTER + "/cdm/job",
    id="createJob",
    errors=(CdmJobNameExists, CdmContentInvalid, CdmError, ClusterNotFound),
    tag="cdm-job",
)
def create_cdm_job(call: Call, body: JobList) -> Created[dict[str, Any]]:
    """Create migration jobs. Source: CDM API reference, "Creating a Job in a Specified Cluster"."""
    return _accepted(call, {"name": jobs.create(call.services, call.caller, call.path["cluster_id"], body)})


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
    return _accepted(call, {"validation-result": [{}, {}, {}]})


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
    return _accepted(call, {})


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
    return jobs.status(call.services, call.caller, call.path["cluster_id"], call.path["job_name"])


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
    return jobs.submissions(call.services, call.caller, call.path["cluster_id"], query)
