"""Job instances: what ran and what runs."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InstanceNotFound, InvalidParameter, JobNotFound, PermissionDenied, WorkspaceNotFound
from headrace.factory import instance_operations, instance_reruns, instances
from headrace.wire.v1.instances import (
    JobInstanceDetail,
    JobInstanceList,
    ListInstancesQuery,
    NodeAttemptList,
    RestoreRequest,
)


@operation(
    "GET", "/v1/{project_id}/jobs/instances/detail", errors=(WorkspaceNotFound, InvalidParameter), tag="instance"
)
def list_job_instances(call: Call, query: ListInstancesQuery) -> JobInstanceList:
    """List the job instances of the workspace, newest plan time first.

    Without bounds those of today until now. Source: API reference, "Viewing a Job Instance List".
    """
    return instances.list_page(call.services, call.caller, query)


@operation(
    "GET",
    "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}",
    errors=(InstanceNotFound, JobNotFound, WorkspaceNotFound, InvalidParameter),
    tag="instance",
)
def show_job_instance(call: Call) -> JobInstanceDetail:
    """One job instance with its nodes. Source: API reference, "Viewing Job Instance Details"."""
    return instances.show(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/stop",
    answers=204,
    errors=(InstanceNotFound, JobNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="instance",
)
def stop_job_instance(call: Call) -> None:
    """Stop an instance; its running nodes are killed. Source: API reference, "Stopping a Job Instance"."""
    instance_operations.stop(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/restart",
    answers=204,
    errors=(InstanceNotFound, JobNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="instance",
)
def restore_job_instance(call: Call, body: RestoreRequest | None) -> None:
    """Run an ended instance again, with the same id. Source: API reference, "Rerunning a Job Instance"."""
    instance_reruns.restore(call.services, call.caller, call.path["job_name"], call.path["instance_id"], body)


@operation(
    "GET",
    "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}/nodes/{node_name}/attempts",
    errors=(InstanceNotFound, WorkspaceNotFound, InvalidParameter),
    tag="instance",
    extension=True,
)
def list_node_attempts(call: Call) -> NodeAttemptList:
    """How the attempts of a node ended, oldest first, also those of earlier runs of the instance."""
    path = call.path
    return instances.attempts(call.services, call.caller, path["job_name"], path["instance_id"], path["node_name"])
