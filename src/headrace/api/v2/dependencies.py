"""Dependencies between instances and between jobs, v2."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InstanceNotFound, InvalidParameter, JobNotFound, WorkspaceNotFound
from headrace.factory import dependency_graph, job_dependencies
from headrace.wire.v2.dependencies import DependInstances, DependInstancesQuery, DependJob, JobDependQuery


@operation(
    "GET",
    "/v2/{project_id}/factory/instances/{instance_id}/depend-instances",
    errors=(InstanceNotFound, WorkspaceNotFound, InvalidParameter),
    tag="instance",
    slow=True,
)
def show_factory_depend_instances(call: Call, query: DependInstancesQuery) -> DependInstances:
    """The instances that an instance waits or waited for, and those that wait for it, over several levels.

    Source: API reference, "Querying Job Instance Dependencies (v2)".
    """
    return dependency_graph.walk(call.services, call.caller, call.path["instance_id"], query)


@operation(
    "GET",
    "/v2/{project_id}/factory/jobs/{job_name}/depend",
    errors=(JobNotFound, WorkspaceNotFound, InvalidParameter),
    tag="job",
    slow=True,
)
def show_factory_job_depend_instances(call: Call, query: JobDependQuery) -> list[DependJob]:
    """The jobs that a job depends on, and those that depend on it, across workspaces; a bare array.

    Source: API reference, "Querying Job Dependencies (v2)".
    """
    return job_dependencies.neighbours(call.services, call.caller, call.path["job_name"], query.relation)
