"""Script instances: run a script by itself, read its rows, cancel it."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import (
    InvalidParameter,
    PermissionDenied,
    ScriptInstanceNotFound,
    ScriptNotFound,
    ScriptWorkspaceNotFound,
)
from headrace.factory import script_runs
from headrace.wire.v1.runs import ExecuteScriptAnswer, ExecuteScriptRequest, ScriptResults


@operation(
    "POST",
    "/v1/{project_id}/scripts/{script_name}/execute",
    errors=(ScriptNotFound, ScriptWorkspaceNotFound, InvalidParameter, PermissionDenied),
    workspace_error=ScriptWorkspaceNotFound,
    tag="script",
)
def execute_script(call: Call, body: ExecuteScriptRequest | None) -> ExecuteScriptAnswer:
    """Run a script once; it answers at once, progress and rows are read with ListScriptResults.

    Source: API reference, "Executing a Script".
    """
    parameters = (body.params if body is not None else None) or {}
    number = script_runs.execute(call.services, call.caller, call.path["script_name"], parameters)
    return ExecuteScriptAnswer(instance_id=number)


@operation(
    "GET",
    "/v1/{project_id}/scripts/{script_name}/instances/{instance_id}",
    errors=(ScriptNotFound, ScriptInstanceNotFound, ScriptWorkspaceNotFound),
    workspace_error=ScriptWorkspaceNotFound,
    tag="script",
)
def list_script_results(call: Call) -> ScriptResults:
    """State and result rows of a script instance.

    Source: API reference, "Querying the Execution Result of a Script Instance".
    """
    return script_runs.results(call.services, call.caller, call.path["script_name"], call.path["instance_id"])


@operation(
    "POST",
    "/v1/{project_id}/scripts/{script_name}/instances/{instance_id}/stop",
    answers=204,
    errors=(ScriptInstanceNotFound, ScriptNotFound, ScriptWorkspaceNotFound, InvalidParameter),
    workspace_error=ScriptWorkspaceNotFound,
    tag="script",
)
def cancel_script(call: Call) -> None:
    """Stop a running script instance. Source: API reference, "Stopping the Execution of a Script Instance"."""
    script_runs.cancel(call.services, call.caller, call.path["script_name"], call.path["instance_id"])
