"""What operators do with job instances and their nodes: extensions of ours, named as in the console.

The states from which each is possible: the page "States of instances" of the documentation.
"""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.domain.instance import NodeOperation
from headrace.errors import InstanceNotFound, InvalidParameter, WorkspaceNotFound
from headrace.factory import instance_operations, node_operations

_INSTANCE = "/v1/{project_id}/jobs/{job_name}/instances/{instance_id}"
_NODE = _INSTANCE + "/nodes/{node_name}"
_ERRORS = (InstanceNotFound, WorkspaceNotFound, InvalidParameter)


@operation("POST", _INSTANCE + "/retry", answers=204, errors=_ERRORS, tag="instance", extension=True)
def retry_job_instance(call: Call) -> None:
    """Run the failed nodes of an abnormal instance again."""
    instance_operations.retry(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/continue", answers=204, errors=_ERRORS, tag="instance", extension=True)
def continue_job_instance(call: Call) -> None:
    """Let an abnormal instance go on after its failed nodes, which count as ignored."""
    instance_operations.go_on_after_failure(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/force-success", answers=204, errors=_ERRORS, tag="instance", extension=True)
def force_job_instance_success(call: Call) -> None:
    """Declare an abnormal, stopped or failed instance successful."""
    instance_operations.force_success(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/confirm", answers=204, errors=_ERRORS, tag="instance", extension=True)
def confirm_job_instance(call: Call) -> None:
    """Let an instance run that waits for a confirmation (requireManualConfirmBeforeExecute)."""
    instance_operations.confirm(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/freeze", answers=204, errors=_ERRORS, tag="instance", extension=True)
def freeze_job_instance(call: Call) -> None:
    """Hold back a waiting instance; for what depends on it, it has failed."""
    instance_operations.freeze(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/unfreeze", answers=204, errors=_ERRORS, tag="instance", extension=True)
def unfreeze_job_instance(call: Call) -> None:
    """Let a frozen instance wait again for what it needs."""
    instance_operations.unfreeze(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/pause", answers=204, errors=_ERRORS, tag="instance", extension=True)
def pause_job_instance(call: Call) -> None:
    """Hold back a waiting instance; what depends on it waits on."""
    instance_operations.pause(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _INSTANCE + "/resume", answers=204, errors=_ERRORS, tag="instance", extension=True)
def resume_job_instance(call: Call) -> None:
    """Let a paused instance go on, with its paused nodes."""
    instance_operations.resume(call.services, call.caller, call.path["job_name"], call.path["instance_id"])


@operation("POST", _NODE + "/retry", answers=204, errors=_ERRORS, tag="instance", extension=True)
def retry_node(call: Call) -> None:
    """Run a failed node of an abnormal instance again."""
    _operate(call, NodeOperation.RETRY)


@operation("POST", _NODE + "/succeed", answers=204, errors=_ERRORS, tag="instance", extension=True)
def succeed_node(call: Call) -> None:
    """Declare a failed node of an abnormal instance successful; the nodes after it run."""
    _operate(call, NodeOperation.SUCCEED)


@operation("POST", _NODE + "/skip", answers=204, errors=_ERRORS, tag="instance", extension=True)
def skip_node(call: Call) -> None:
    """Skip a waiting or paused node; the nodes after it run."""
    _operate(call, NodeOperation.SKIP)


@operation("POST", _NODE + "/pause", answers=204, errors=_ERRORS, tag="instance", extension=True)
def pause_node(call: Call) -> None:
    """Hold back a waiting node while its instance runs, and so the nodes after it."""
    _operate(call, NodeOperation.PAUSE)


@operation("POST", _NODE + "/resume", answers=204, errors=_ERRORS, tag="instance", extension=True)
def resume_node(call: Call) -> None:
    """Let a paused node wait for its turn again."""
    _operate(call, NodeOperation.RESUME)


def _operate(call: Call, operation: NodeOperation) -> None:
    path = call.path
    node_operations.operate(
        call.services, call.caller, path["job_name"], path["instance_id"], path["node_name"], operation
    )
