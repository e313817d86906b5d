"""Script development: create, read, list, replace and delete scripts."""

from __future__ import annotations

from headrace.api.operation import Call, Json, operation
from headrace.errors import (
    InvalidParameter,
    InvalidScriptType,
    MissingParameter,
    PermissionDenied,
    ScriptNameExists,
    ScriptNotCreated,
    ScriptNotFound,
    ScriptNotModified,
    ScriptQuotaReached,
    WorkspaceNotFound,
)
from headrace.factory import scripts
from headrace.wire.v1.jobs import DeleteRequest
from headrace.wire.v1.scripts import ListScriptsQuery, Script, ScriptInfo, ScriptList, ShowScriptQuery


@operation(
    "POST",
    "/v1/{project_id}/scripts",
    answers=204,
    errors=(
        InvalidScriptType,
        ScriptNotCreated,
        ScriptNameExists,
        MissingParameter,
        WorkspaceNotFound,
        InvalidParameter,
        ScriptQuotaReached,
        PermissionDenied,
    ),
    tag="script",
    batched=True,
)
def create_script(call: Call, body: ScriptInfo) -> None:
    """Create a script.

    The body is kept as received; unknown members come back in ShowScript and in exports. The connection need not exist
    yet. Source: API reference, "Creating a Script".
    """
    scripts.create(call.services, call.caller, body, call.body)


@operation(
    "GET",
    "/v1/{project_id}/scripts",
    errors=(InvalidParameter, WorkspaceNotFound, PermissionDenied),
    tag="script",
    slow=True,
)
def list_scripts(call: Call, query: ListScriptsQuery) -> Json[ScriptList]:
    """List scripts with their texts, newest first.

    ``offset`` is a page number. Source: API reference, "Querying a Script List".
    """
    return Json(scripts.list_page(call.services, call.caller, query))


@operation(
    "GET",
    "/v1/{project_id}/scripts/{script_name}",
    errors=(ScriptNotFound, WorkspaceNotFound, InvalidParameter),
    tag="script",
)
def show_script(call: Call, query: ShowScriptQuery) -> Json[Script]:
    """Read one script: as saved, or a submitted version. Source: API reference, "Querying a Script"."""
    return Json(scripts.show(call.services, call.caller, call.path["script_name"], query))


@operation(
    "PUT",
    "/v1/{project_id}/scripts/{script_name}",
    answers=204,
    errors=(
        ScriptNotFound,
        ScriptNotModified,
        WorkspaceNotFound,
        MissingParameter,
        InvalidParameter,
        InvalidScriptType,
        PermissionDenied,
    ),
    tag="script",
    batched=True,
)
def update_script(call: Call, body: ScriptInfo) -> None:
    """Replace a script; the directory may change, the type may not, a name in the body does not rename.

    Source: API reference, "Modifying a Script".
    """
    scripts.replace(call.services, call.caller, call.path["script_name"], body, call.body)


@operation(
    "DELETE",
    "/v1/{project_id}/scripts/{script_name}",
    answers=204,
    errors=(ScriptNotFound, MissingParameter, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="script",
)
def delete_script(call: Call, body: DeleteRequest | None) -> None:
    """Delete a script and its versions. Source: API reference, "Deleting a Script"."""
    scripts.delete(call.services, call.caller, call.path["script_name"])
