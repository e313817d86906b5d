"""CDM v1.1: clusters, which here are named pools of workers."""

from __future__ import annotations

from typing import Any

from headrace.api.cdm.accepted import accepted
from headrace.api.operation import Call, Created, operation
from headrace.errors_cdm import CdmError, ClusterNotFound
from headrace.migration import clusters
from headrace.wire.cdm import NewCluster

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"


@operation("GET", "/v1.1/{project_id}/clusters", id="listClusters", tag="cluster")
def list_clusters(call: Call) -> dict[str, Any]:
    """List the clusters of the project; here a cluster is a named pool of workers.

    Source: CDM API reference, "Querying the Cluster List".
    """
    return clusters.list_all(call.services, call.caller)


@operation("POST", "/v1.1/{project_id}/clusters", answers=202, id="createCluster", errors=(CdmError,), tag="cluster")
def create_cluster(call: Call, body: NewCluster) -> dict[str, Any]:
    """Create a cluster; machines, networks and flavours that the body names have no effect here.

    Source: CDM API reference, "Creating a Cluster".
    """
    return clusters.create(call.services, call.caller, body.cluster)


@operation("GET", _CLUSTER, id="showClusterDetail", errors=(ClusterNotFound,), tag="cluster")
def show_cluster_detail(call: Call) -> dict[str, Any]:
    """Show a cluster. Source: CDM API reference, "Querying Cluster Details"."""
    return clusters.show(call.services, call.caller, call.path["cluster_id"])


@operation("DELETE", _CLUSTER, answers=202, id="deleteCluster", errors=(CdmError, ClusterNotFound), tag="cluster")
def delete_cluster(call: Call, body: dict[str, Any] | None) -> dict[str, Any]:
    """Delete a cluster with its links and jobs. Source: CDM API reference, "Deleting a Cluster"."""
    return clusters.delete(call.services, call.caller, call.path["cluster_id"])


@operation("POST", _CLUSTER + "/action", id="clusterAction", errors=(CdmError, ClusterNotFound), tag="cluster")
def cluster_action(call: Call, body: dict[str, Any]) -> dict[str, Any] | Created[dict[str, Any]]:
    """Start, stop or restart a cluster. Source: CDM API reference, "Starting a Cluster" and the two after it."""
    answer = clusters.act(call.services, call.caller, call.path["cluster_id"], body)
    return accepted(call, answer) if "restart" in body else answer


@operation(
    "POST",
    "/v1.1/{project_id}/cluster/modify/{cluster_id}",
    id="modifyCluster",
    errors=(ClusterNotFound,),
    tag="cluster",
    partly="settings are kept and answered; clusters do not switch themselves on and off",
)
def modify_cluster(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Change settings of a cluster. Source: CDM Python SDK, ModifyCluster."""
    return clusters.modify(call.services, call.caller, call.path["cluster_id"], body)


@operation(
    "GET",
    "/v1.1/{project_id}/instances/{instance_id}",
    id="showInstanceDetail",
    errors=(ClusterNotFound,),
    tag="catalogue",
)
def show_instance_detail(call: Call) -> dict[str, Any]:
    """Show a node of a cluster, which has the cluster's id here. Source: CDM Python SDK, ShowInstanceDetail."""
    return clusters.show_instance(call.services, call.caller, call.path["instance_id"])
