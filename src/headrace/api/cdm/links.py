"""CDM v1.1: links."""

from __future__ import annotations

from typing import Any

from headrace.api.cdm.accepted import accepted
from headrace.api.envelopes import error_body
from headrace.api.operation import Call, Created, operation
from headrace.errors_cdm import (
    CdmContentInvalid,
    CdmError,
    ClusterNotFound,
    LinkInUse,
    LinkNameExists,
    LinkNotFound,
)
from headrace.migration import link_tests, links
from headrace.wire.cdm import CreateLinkQuery, LinkList, LinkTested

_CLUSTER = "/v1.1/{project_id}/clusters/{cluster_id}"


@operation(
    "POST",
    _CLUSTER + "/cdm/link",
    id="createLink",
    errors=(LinkNameExists, CdmContentInvalid, CdmError, ClusterNotFound),
    tag="link",
    slow=True,
)
def create_link(call: Call, body: LinkList, query: CreateLinkQuery) -> dict[str, Any] | Created[dict[str, Any]]:
    """Create a link, or with validate=true only try it. Source: CDM API reference, "Creating a Link".

    A link that does not get in answers 500, the reason both in the result of its check and as an error.
    """
    if query.validate.lower() != "true":
        return links.create(call.services, call.caller, call.path["cluster_id"], body)
    answer, failed = link_tests.validate(call.services, call.caller, call.path["cluster_id"], body)
    return answer if failed is None else Created({**answer, **error_body(failed, "cdm", call.request_id)}, 500)


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


@operation(
    "POST",
    _CLUSTER + "/cdm/link/{link_name}/test",
    id="testLink",
    errors=(LinkNotFound, ClusterNotFound, CdmError),
    tag="link",
    extension=True,
    slow=True,
)
def try_link(call: Call) -> LinkTested:
    """Try to get in where a link leads; a line about what answered."""
    path = call.path
    return LinkTested(message=link_tests.try_stored(call.services, call.caller, path["cluster_id"], path["link_name"]))
