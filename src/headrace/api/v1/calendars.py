"""Scheduling calendars: extensions of ours; the cloud service has them in its console."""

from __future__ import annotations

from headrace.api.operation import Call, operation
from headrace.errors import InvalidParameter, WorkspaceNotFound
from headrace.factory import calendars
from headrace.wire.v1.calendars import Calendar, CalendarList, CalendarRequest

_PATH = "/v1/{project_id}/calendars"
_ONE = _PATH + "/{calendar_name}"
_ERRORS = (InvalidParameter, WorkspaceNotFound)


@operation("GET", _PATH, errors=(WorkspaceNotFound,), tag="calendar", extension=True)
def list_calendars(call: Call) -> CalendarList:
    """List the scheduling calendars of the workspace, by name."""
    return calendars.list_all(call.services, call.caller)


@operation("GET", _ONE, errors=_ERRORS, tag="calendar", extension=True)
def show_calendar(call: Call) -> Calendar:
    """One scheduling calendar."""
    return calendars.show(call.services, call.caller, call.path["calendar_name"])


@operation("PUT", _ONE, errors=_ERRORS, tag="calendar", extension=True)
def put_calendar(call: Call, body: CalendarRequest) -> Calendar:
    """Make a scheduling calendar, or replace the one of that name; it counts for instances made from then on."""
    return calendars.put(call.services, call.caller, call.path["calendar_name"], body)


@operation("DELETE", _ONE, answers=204, errors=_ERRORS, tag="calendar", extension=True, slow=True)
def delete_calendar(call: Call) -> None:
    """Delete a scheduling calendar that no job uses."""
    calendars.delete(call.services, call.caller, call.path["calendar_name"])
