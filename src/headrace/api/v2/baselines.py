"""Baselines, v2: promises that jobs have finished by a time of day, and how they stand."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, PermissionDenied, ValueNotFound, WorkspaceNotFound
from headrace.factory import baselines
from headrace.wire.v2.baselines import (
    BaselineInstanceList,
    BaselineList,
    CreateBaselineRequest,
    ListBaselineInstancesQuery,
    ListBaselinesQuery,
)

_ROOT = "/v2/{project_id}/factory/aiops/{instance_id}"
_ERRORS = (InvalidParameter, WorkspaceNotFound, PermissionDenied)


@operation("GET", _ROOT + "/baseline", errors=_ERRORS, tag="baseline")
def list_search_factory_baselines(call: Call, query: ListBaselinesQuery) -> BaselineList:
    """List baselines by name or priority; pages are counted from 1.

    Source: API reference, "Querying Baselines".
    """
    return baselines.list_page(call.services, call.caller, call.path["instance_id"], query)


@operation("POST", _ROOT + "/baseline", errors=(ValueNotFound, *_ERRORS), tag="baseline")
def create_factory_baseline(call: Call, body: CreateBaselineRequest) -> None:
    """Promise that jobs have finished by a time of day.

    Source: API reference, "Creating a Baseline".
    """
    baselines.create(call.services, call.caller, body)


@operation("PUT", _ROOT + "/baseline/{baseline_id}", errors=(ValueNotFound, *_ERRORS), tag="baseline")
def update_factory_baseline(call: Call, body: CreateBaselineRequest) -> None:
    """Change a baseline; it counts from now on.

    Source: API reference, "Modifying a Baseline".
    """
    baselines.change(call.services, call.caller, call.path["baseline_id"], body)


@operation("DELETE", _ROOT + "/baseline/{baseline_id}", errors=(ValueNotFound, *_ERRORS), tag="baseline")
def delete_factory_baseline(call: Call) -> None:
    """Delete a baseline with what was found of its promises.

    Source: API reference, "Deleting a Baseline".
    """
    baselines.delete(call.services, call.caller, call.path["baseline_id"])


@operation("GET", _ROOT + "/baselineinstance", errors=_ERRORS, tag="baseline")
def list_factory_search_baseline_instances(call: Call, query: ListBaselineInstancesQuery) -> BaselineInstanceList:
    """List how the promises of some days stand, today's without bounds; pages are counted from 1.

    Source: API reference, "Querying Baseline Instances".
    """
    return baselines.list_promises(call.services, call.caller, call.path["instance_id"], query)
