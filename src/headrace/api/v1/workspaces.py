"""Workspaces, as the Management Center serves them: clients learn here what the workspace header takes."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidObsPath, InvalidParameter, MissingParameter, WorkspaceNotFound
from headrace.factory import workspaces
from headrace.wire.v1.workspaces import (
    CreateWorkspaceRequest,
    Outcome,
    UserWorkspaceQuery,
    WorkspaceBody,
    WorkspacePage,
    WorkspaceQuery,
)


@operation(
    "GET",
    "/v1/{project_id}/workspaces/{instance_id}",
    id="ListManagerWorkSpaces",
    errors=(InvalidParameter, WorkspaceNotFound),
    tag="workspace",
)
def list_manager_workspaces(call: Call, query: WorkspaceQuery) -> WorkspacePage:
    """List the workspaces, oldest first.

    ``offset`` counts records. One installation is one DataArts Studio instance, whatever id the path gives it.
    Source: API reference, "Obtaining a Workspace List".
    """
    return workspaces.list_page(call.services, call.caller, call.path["instance_id"], query)


@operation(
    "POST",
    "/v1/{project_id}/workspaces/{instance_id}",
    id="CreateManagerWorkSpace",
    errors=(MissingParameter, InvalidParameter, InvalidObsPath, WorkspaceNotFound),
    tag="workspace",
)
def create_manager_workspace(call: Call, body: CreateWorkspaceRequest) -> Outcome:
    """Make a workspace; the answer also tells its id. Source: API reference, "Creating a Workspace"."""
    made = workspaces.create_as_asked(call.services, call.caller, body)
    return Outcome(id=made)


@operation(
    "GET",
    "/v1/{project_id}/workspaces/{instance_id}/{workspace_id}",
    id="ShowWorkSpace",
    errors=(WorkspaceNotFound,),
    tag="workspace",
)
def show_workspace(call: Call) -> WorkspaceBody:
    """Read one workspace. Source: API reference, "Obtaining a Workspace"."""
    return workspaces.show(call.services, call.caller, call.path["instance_id"], call.path["workspace_id"])


@operation(
    "GET",
    "/v1/{project_id}/{instance_id}/workspaces/{user_id}",
    errors=(InvalidParameter, WorkspaceNotFound),
    tag="workspace",
)
def list_workspaces_for_user(call: Call, query: UserWorkspaceQuery) -> WorkspacePage:
    """List the workspaces a user may use, oldest first.

    The reference shows a bare array; the SDK reads an object, so an object is answered. Source: factory-v1-notes §14.6.
    """
    instance_id, user_id = call.path["instance_id"], call.path["user_id"]
    return workspaces.list_of_user(call.services, call.caller, instance_id, user_id, query)
