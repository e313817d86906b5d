"""Connection management: create, read, list, replace and delete connections."""

from __future__ import annotations

from headrace.api.operation import Call, Json, operation
from headrace.errors import (
    ConnectionNameExists,
    ConnectionNotFound,
    ConnectionTestFailed,
    ConnectionTypeFixed,
    DliConnectionExists,
    DwsAddressMissing,
    InvalidParameter,
    MissingParameter,
    PermissionDenied,
    WorkspaceNotFound,
)
from headrace.factory import connections
from headrace.wire.v1.connections import ConnectionInfo, ConnectionList, ListConnectionsQuery, UpdateConnectionQuery

_WRONG_DEFINITION = (
    ConnectionNameExists,
    MissingParameter,
    WorkspaceNotFound,
    InvalidParameter,
    DwsAddressMissing,
    PermissionDenied,
)


@operation(
    "POST",
    "/v1/{project_id}/connections",
    answers=204,
    errors=(*_WRONG_DEFINITION, DliConnectionExists),
    tag="connection",
)
def create_connection(call: Call, body: ConnectionInfo) -> None:
    """Create a connection; its secrets are kept encrypted. Source: API reference, "Creating a Connection"."""
    connections.create(call.services, call.caller, body, call.body)


@operation("GET", "/v1/{project_id}/connections", errors=(InvalidParameter, WorkspaceNotFound), tag="connection")
def list_connections(call: Call, query: ListConnectionsQuery) -> Json[ConnectionList]:
    """List connections, oldest first, with masked secrets.

    ``offset`` is a page number. Source: API reference, "Querying the Connection List".
    """
    return Json(connections.list_page(call.services, call.caller, query))


@operation(
    "GET",
    "/v1/{project_id}/connections/{connection_name}",
    errors=(ConnectionNotFound, WorkspaceNotFound),
    tag="connection",
)
def show_connection(call: Call) -> Json[ConnectionInfo]:
    """Read one connection, its secrets masked. Source: API reference, "Querying Connection Details"."""
    return Json(connections.show(call.services, call.caller, call.path["connection_name"]))


@operation(
    "PUT",
    "/v1/{project_id}/connections/{connection_name}",
    answers=204,
    errors=(ConnectionNotFound, ConnectionTypeFixed, ConnectionTestFailed, *_WRONG_DEFINITION),
    tag="connection",
    slow=True,
)
def update_connection(call: Call, query: UpdateConnectionQuery, body: ConnectionInfo) -> None:
    """Replace a connection; a secret in its masked form keeps the stored one.

    With ``ischeck=true`` its address is tried first. Source: API reference, "Modifying a Connection".
    """
    connections.replace(
        call.services,
        call.caller,
        call.path["connection_name"],
        body,
        call.body,
        test_first=connections.wants_test(query.ischeck),
    )


@operation(
    "DELETE",
    "/v1/{project_id}/connections/{connection_name}",
    id="DeleteConnction",
    answers=204,
    errors=(ConnectionNotFound, InvalidParameter, WorkspaceNotFound, PermissionDenied),
    tag="connection",
)
def delete_connection(call: Call) -> None:
    """Delete a connection. The published name of the operation lacks an e. Source: API reference."""
    connections.delete(call.services, call.caller, call.path["connection_name"])
