"""CDM v1.1: the look-ups that have a truthful answer here."""

from __future__ import annotations

from typing import Any

from headrace.api.operation import Call, operation
from headrace.errors_cdm import ClusterNotFound, ResourceMissing
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


@operation(
    "GET",
    "/v1.1/{project_id}/datastores/{datastore_id}/flavors",
    id="showFlavors",
    errors=(ResourceMissing,),
    tag="catalogue",
)
def show_flavors(call: Call) -> dict[str, Any]:
    """List the flavours of a server version: the machine this runs on. Source: CDM Python SDK, ShowFlavors."""
    return catalogue.flavors(call.path["datastore_id"])


@operation(
    "GET", "/v1.1/{project_id}/flavors/{flavor_id}", id="showFlavorDetail", errors=(ResourceMissing,), tag="catalogue"
)
def show_flavor_detail(call: Call) -> dict[str, Any]:
    """Show a flavour. Source: CDM Python SDK, ShowFlavorDetail."""
    return catalogue.flavor(call.path["flavor_id"])


@operation(
    "GET",
    "/v1.1/{project_id}/regions/{region_id}/availability_zones",
    id="showAvailabilityZones",
    tag="catalogue",
)
def show_availability_zones(call: Call) -> dict[str, Any]:
    """List the zones of a region: there is one. Source: CDM Python SDK, ShowAvailabilityZones."""
    return catalogue.availability_zones(call.path["region_id"])
