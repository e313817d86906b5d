"""Why instances wait, and letting them go: extensions of ours, in the console's words."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InstanceNotFound, InvalidParameter, WorkspaceNotFound
from headrace.factory import waiting
from headrace.wire.v1.waiting import RemoveDependencyRequest, WaitingReasons

_INSTANCE = "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}"
_ERRORS = (InstanceNotFound, WorkspaceNotFound, InvalidParameter)


@operation(
    "GET",
    _INSTANCE + "/waiting-reasons",
    errors=(InstanceNotFound, WorkspaceNotFound),
    tag="instance",
    extension=True,
)
def show_waiting_reasons(call: Call) -> WaitingReasons:
    """Why an instance has not gone on, in sentences, and the upstream instances it waits or waited for."""
    return waiting.why(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/remove-dependency", answers=204, errors=_ERRORS, tag="instance", extension=True)
def remove_instance_dependency(call: Call, body: RemoveDependencyRequest) -> None:
    """Have a waiting instance not wait for an upstream job any more, or for one of its instances."""
    waiting.remove_dependency(call.services, call.caller, call.path["job_name"], call.path["instance_id"], body)


@operation("POST", _INSTANCE + "/run-without-dependencies", answers=204, errors=_ERRORS, tag="instance", extension=True)
def run_instance_without_dependencies(call: Call) -> None:
    """Let a waiting instance run without those it waits for; concurrency and confirmation still count."""
    waiting.run_without_dependencies(call.services, call.caller, call.path["job_name"], call.path["instance_id"])
