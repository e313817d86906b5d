"""CDM v1.1: clusters, which here are named pools of workers."""

from __future__ import annotations

from typing import Any

from headrace.api.operation import Call, operation
from headrace.errors_cdm import ClusterNotFound
from headrace.migration import clusters

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"


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
