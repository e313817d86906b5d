"""CDM v1.1: links. They are kept and given back; nothing connects to their data sources yet."""

from __future__ import annotations

from typing import Any

from headrace.api.cdm.accepted import accepted
from headrace.api.operation import Call, Created, operation
from headrace.errors_cdm import (
    CdmContentInvalid,
    CdmError,
    ClusterNotFound,
    LinkInUse,
    LinkNameExists,
    LinkNotFound,
)
from headrace.migration import links
from headrace.wire.cdm import CreateLinkQuery, LinkList

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"


@operation(
    "POST",
    _CLUSTER + "/cdm/link",
    id="createLink",
    errors=(LinkNameExists, CdmContentInvalid, CdmError, ClusterNotFound),
    tag="link",
    partly="validate=true checks the shape and warns that it does not connect",
)
def create_link(call: Call, body: LinkList, query: CreateLinkQuery) -> dict[str, Any]:
    """Create a link, or with validate=true only check it. Source: CDM API reference, "Creating a Link".

    This release does not connect to data sources: a check that finds nothing wrong answers a WARNING that says so.
    """
    act = links.validate if query.validate.lower() == "true" else links.create
    return act(call.services, call.caller, call.path["cluster_id"], body)


@operation("GET", _CLUSTER + "/cdm/link/{link_name}", id="showLink", errors=(LinkNotFound, ClusterNotFound), tag="link")
def show_link(call: Call) -> dict[str, Any]:
    """Read a link; secrets are replaced by a placeholder. Source: CDM API reference, "Querying a Link"."""
    return links.show(call.services, call.caller, call.path["cluster_id"], call.path["link_name"])


@operation(
    "PUT",
    _CLUSTER + "/cdm/link/{link_name}",
    id="updateLink",
    errors=(LinkNotFound, LinkNameExists, CdmContentInvalid, CdmError, ClusterNotFound),
    tag="link",
)
def update_link(call: Call, body: LinkList) -> Created[dict[str, Any]]:
    """Change a link; the body may carry a new name. Source: CDM API reference, "Modifying a Link"."""
    links.replace(call.services, call.caller, call.path["cluster_id"], call.path["link_name"], body)
    return accepted(call, {"validation-result": [{}]})


@operation(
    "DELETE",
    _CLUSTER + "/cdm/link/{link_name}",
    id="deleteLink",
    errors=(LinkNotFound, LinkInUse, ClusterNotFound),
    tag="link",
)
def delete_link(call: Call) -> dict[str, Any]:
    """Delete a link that no job uses. Source: CDM API reference, "Deleting a Link"."""
    links.delete(call.services, call.caller, call.path["cluster_id"], call.path["link_name"])
    return {}
