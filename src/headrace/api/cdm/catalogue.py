"""CDM v1.1: the look-ups that have a truthful answer here."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors_cdm import ClusterNotFound
from headrace.migration import catalogue
from headrace.wire.cdm_catalogue import AllClusterTags, ClusterTags, Datastores


@operation("GET", "/v1.1/{project_id}/datastores", id="showDatastores", tag="catalogue")
def show_datastores(call: Call) -> Datastores:
    """List the server versions: the installed one. Source: CDM Python SDK, ShowDatastores."""
    return catalogue.datastores()


@operation("GET", "/v1.1/{project_id}/enterprise-projects", id="showEnterpriseProjects", tag="catalogue")
def show_enterprise_projects(call: Call) -> AllClusterTags:
    """List the enterprise projects of all clusters: none here. Source: CDM Python SDK, ShowEnterpriseProjects."""
    return catalogue.enterprise_projects(call.services, call.caller)


@operation(
    "GET",
    "/v1.1/{project_id}/clusters/{cluster_id}/enterprise-projects",
    id="showClusterEnterpriseProjects",
    errors=(ClusterNotFound,),
    tag="catalogue",
)
def show_cluster_enterprise_projects(call: Call) -> ClusterTags:
    """List the enterprise projects of a cluster: none here. Source: CDM Python SDK, ShowClusterEnterpriseProjects."""
    return catalogue.cluster_enterprise_projects(call.services, call.caller, call.path["cluster_id"])
