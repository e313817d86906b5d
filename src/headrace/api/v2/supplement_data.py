"""Supplement data (backfill), v2."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import (
    BackfillNameExists,
    BackfillNeedsPeriods,
    BackfillNotFound,
    BackfillRunning,
    BackfillTooLarge,
    InvalidBackfillName,
    InvalidBackfillRange,
    InvalidParameter,
    InvalidSchedule,
    JobHasNoNodes,
    JobNotFound,
    PermissionDenied,
    WorkspaceNotFound,
)
from headrace.factory import backfill
from headrace.wire.v2.supplement_data import (
    CreateSupplementData,
    ListSupplementDataQuery,
    SupplementDataList,
    SupplementDataPreview,
    SupplementDataProgress,
)

_ROOT = "/v2/{project_id}/factory/supplement-data"
_REFUSALS = (
    InvalidBackfillName,
    JobNotFound,
    BackfillNeedsPeriods,
    InvalidBackfillRange,
    BackfillTooLarge,
    InvalidSchedule,
    JobHasNoNodes,
    WorkspaceNotFound,
    InvalidParameter,
    PermissionDenied,
)


@operation(
    "GET",
    _ROOT,
    id="ShowFactorySupplementData",
    errors=(WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="supplement data",
)
def show_factory_supplement_data(call: Call, query: ListSupplementDataQuery) -> SupplementDataList:
    """List supplement data, the newest first; pages are counted from 0.

    Source: API reference, "Querying Supplement Data Instances".
    """
    return backfill.list_page(call.services, call.caller, query)


@operation(
    "POST",
    _ROOT,
    errors=(BackfillNameExists, BackfillRunning, *_REFUSALS),
    tag="supplement data",
    slow=True,
    partly="priority has no effect",
)
def create_factory_supplement_data_instance(call: Call, body: CreateSupplementData) -> None:
    """Run the past plan times of a job, of all in a range or of those on some days.

    Source: API reference, "Creating a Supplement Data Instance".
    """
    backfill.create(call.services, call.caller, body, call.body)


@operation(
    "POST",
    _ROOT + "/{instance_name}/stop",
    errors=(BackfillNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="supplement data",
    slow=True,
)
def stop_factory_supplement_data_instance(call: Call) -> None:
    """Stop supplement data that is running: its instances are stopped, the dates that are left do not begin.

    Source: API reference, "Stopping a Supplement Data Instance".
    """
    backfill.stop(call.services, call.caller, call.path["instance_name"])


# ---- ours


@operation("POST", _ROOT + "/preview", errors=_REFUSALS, tag="supplement data", extension=True, slow=True)
def preview_supplement_data(call: Call, body: CreateSupplementData) -> SupplementDataPreview:
    """What supplement data would run, in which order and after what; nothing is begun."""
    return backfill.preview(call.services, call.caller, body)


@operation(
    "GET",
    _ROOT + "/{instance_name}",
    errors=(BackfillNotFound, WorkspaceNotFound, InvalidParameter),
    tag="supplement data",
    extension=True,
    slow=True,
)
def show_supplement_data_progress(call: Call) -> SupplementDataProgress:
    """The dates of supplement data, in the order in which they begin, and what has become of them."""
    return backfill.progress(call.services, call.caller, call.path["instance_name"])


@operation(
    "POST",
    _ROOT + "/{instance_name}/retry",
    errors=(BackfillNotFound, WorkspaceNotFound, InvalidParameter, PermissionDenied),
    tag="supplement data",
    extension=True,
    slow=True,
)
def retry_supplement_data(call: Call) -> None:
    """Run the dates again that failed, were stopped or never began."""
    backfill.retry(call.services, call.caller, call.path["instance_name"])
