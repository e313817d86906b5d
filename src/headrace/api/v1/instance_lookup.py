"""Finding a job instance by its number, an operation of ours."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InstanceNotFound, WorkspaceNotFound
from headrace.factory import instance_lookup
from headrace.wire.v1.instances import JobInstanceDetail


@operation(
    "GET",
    "/v1/{project_id}/job-instances/{instance_id}",
    errors=(InstanceNotFound, WorkspaceNotFound),
    tag="instance",
    extension=True,
)
def find_job_instance(call: Call) -> JobInstanceDetail:
    """One job instance with its nodes, whatever job it is of: numbers are unique."""
    return instance_lookup.show(call.services, call.caller, call.path["instance_id"])
