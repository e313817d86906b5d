"""The log of a node instance, an operation of ours."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InstanceNotFound, InvalidParameter, ObsFileUnreadable, WorkspaceNotFound
from headrace.factory import node_logs
from headrace.wire.v1.node_logs import NodeLog, NodeLogQuery


@operation(
    "GET",
    "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/nodes/{node_name}/log",
    errors=(InstanceNotFound, WorkspaceNotFound, InvalidParameter, ObsFileUnreadable),
    tag="instance",
    extension=True,
    slow=True,
)
def read_node_log(call: Call, query: NodeLogQuery) -> NodeLog:
    """Read the log of a node, also while it runs: a piece, and where the next one begins.

    All attempts of a node write one log, one after the other. With ``wait`` the answer comes when there is more, when
    nothing can follow any more, or after that time. Secrets are masked.
    """
    path = call.path
    return node_logs.read(call.services, call.caller, path["job_name"], path["instance_id"], path["node_name"], query)
