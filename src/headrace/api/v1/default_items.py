"""Default items of a workspace; the service has them in its console only."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, WorkspaceNotFound
from headrace.factory import default_items
from headrace.wire.v1.default_items import DefaultItemsBody

_PATH = "/v1/{project_id}/workspaces/{instance_id}/{workspace_id}/default-items"


@operation("GET", _PATH, errors=(WorkspaceNotFound,), tag="workspace", extension=True)
def show_default_items(call: Call) -> DefaultItemsBody:
    """Read what the jobs and scripts of a workspace go by unless they say otherwise.

    Source: user guide, "Configuring a Default Item".
    """
    return default_items.show(call.services, call.caller, call.path["workspace_id"])


@operation("PUT", _PATH, errors=(WorkspaceNotFound, InvalidParameter), tag="workspace", extension=True)
def update_default_items(call: Call, body: DefaultItemsBody) -> DefaultItemsBody:
    """Change default items; those that are absent stay as they are. Runs see it from their next node on.

    ``dependency_periods`` counts for instances that are made from then on.

    Source: user guide, "Configuring a Default Item".
    """
    return default_items.change(call.services, call.caller, call.path["workspace_id"], body)
