"""Resource management: create, read, list, replace and delete resources."""

from __future__ import annotations

from headrace.api.operation import Call, Json, operation
from headrace.errors import (
    InvalidParameter,
    InvalidResourceDescription,
    InvalidResourceLocation,
    InvalidResourceType,
    MissingParameter,
    PermissionDenied,
    ResourceNameExists,
    ResourceNotFound,
    WorkspaceNotFound,
)
from headrace.factory import resources
from headrace.wire.v1.resources import ListResourcesQuery, Resource, ResourceInfo, ResourceList, ResourceRef

_WRONG_DEFINITION = (
    ResourceNameExists,
    MissingParameter,
    WorkspaceNotFound,
    InvalidParameter,
    InvalidResourceType,
    InvalidResourceLocation,
    InvalidResourceDescription,
    PermissionDenied,
)


@operation("POST", "/v1/{project_id}/resources", errors=_WRONG_DEFINITION, tag="resource")
def create_resource(call: Call, body: ResourceInfo) -> ResourceRef:
    """Register a resource; the answer is its id.

    The body is kept as received. The file need not exist. Source: API reference, "Creating a Resource".
    """
    return ResourceRef(resource_id=resources.create(call.services, call.caller, body, call.body))


@operation(
    "GET",
    "/v1/{project_id}/resources",
    errors=(InvalidParameter, WorkspaceNotFound, PermissionDenied),
    tag="resource",
)
def list_resources(call: Call, query: ListResourcesQuery) -> Json[ResourceList]:
    """List resources, oldest first.

    ``offset`` is a page number. Source: API reference, "Querying the Resource List".
    """
    return Json(resources.list_page(call.services, call.caller, query))


@operation(
    "GET",
    "/v1/{project_id}/resources/{resource_id}",
    errors=(ResourceNotFound, WorkspaceNotFound),
    tag="resource",
)
def show_resource(call: Call) -> Json[Resource]:
    """Read one resource and the jobs that use it. Source: API reference, "Querying Resource Details"."""
    return Json(resources.show(call.services, call.caller, call.path["resource_id"]))


@operation(
    "PUT",
    "/v1/{project_id}/resources/{resource_id}",
    answers=204,
    errors=(ResourceNotFound, *_WRONG_DEFINITION),
    tag="resource",
)
def update_resource(call: Call, body: ResourceInfo) -> None:
    """Change a resource: the name may change, type and directory stay, absent members keep their value.

    Source: API reference, "Modifying a Resource"; clients leave the directory out.
    """
    resources.replace(call.services, call.caller, call.path["resource_id"], call.body)


@operation(
    "DELETE",
    "/v1/{project_id}/resources/{resource_id}",
    answers=204,
    errors=(ResourceNotFound, WorkspaceNotFound, PermissionDenied),
    tag="resource",
)
def delete_resource(call: Call) -> None:
    """Delete a resource; its file stays. Source: API reference, "Deleting a Resource"."""
    resources.delete(call.services, call.caller, call.path["resource_id"])
