"""Scheduling calendars: make, change, list and delete them. Source: reference on scheduling §2.3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.names import JOB_NAME
from headrace.domain.working_days import WEEKDAYS, CalendarDocument
from headrace.errors import InvalidParameter
from headrace.services import Services
from headrace.storage import calendars, jobs
from headrace.storage.calendars import CalendarRecord
from headrace.storage.database import Connection
from headrace.wire.v1.calendars import Calendar, CalendarList, CalendarRequest
from headrace.wire.v1.definition import NO_CALENDAR, read_definition

MAX_DAYS = 5000  # single days of a calendar


def list_all(services: Services, caller: Caller) -> CalendarList:
    """The calendars of the workspace, by name."""
    with services.db.reading() as connection:
        found = calendars.all_of_workspace(connection, caller.workspace.id)
    return CalendarList(total=len(found), calendars=[_shown(record) for record in found])


def show(services: Services, caller: Caller, name: str) -> Calendar:
    """One calendar. Raises InvalidParameter for an unknown one."""
    with services.db.reading() as connection:
        return _shown(_found(connection, caller, name))


def put(services: Services, caller: Caller, name: str, request: CalendarRequest) -> Calendar:
    """Make a calendar, or change the one of that name; instances that exist keep what they are.

    Raises InvalidParameter.
    """
    if not JOB_NAME.fullmatch(name) or name.lower() in NO_CALENDAR:
        raise InvalidParameter(
            f"calendar_name: {name!r} is not 1 to 128 letters, digits, Chinese, '-', '_' or '.', or is a truth value."
        )
    weekdays = list(WEEKDAYS[:5]) if request.weekdays is None else request.weekdays
    if unknown := [word for word in weekdays if word not in WEEKDAYS]:
        raise InvalidParameter(f"weekdays: {unknown[0]!r} is none of {', '.join(WEEKDAYS)}.")
    document = CalendarDocument(
        weekdays=[word for word in WEEKDAYS if word in weekdays],
        working=_days("workingDays", request.working_days or ()),
        off=_days("daysOff", request.days_off or ()),
    )
    if both := sorted({*document.working} & {*document.off}):
        raise InvalidParameter(f"daysOff: {both[0]} is among workingDays as well.")
    record = CalendarRecord(caller.workspace.id, name, msgspec.json.encode(document).decode())
    with services.db.writing() as connection:
        calendars.put(connection, record)
    return _shown(record)


def delete(services: Services, caller: Caller, name: str) -> None:
    """Delete a calendar that no job uses. Raises InvalidParameter."""
    with services.db.writing() as connection:
        _found(connection, caller, name)
        users = _users(connection, caller, name)
        if users:
            raise InvalidParameter(f"The calendar {name!r} is used by the job {users[0]!r}; change it first.")
        calendars.delete_calendar(connection, caller.workspace.id, name)


def _users(connection: Connection, caller: Caller, name: str) -> list[str]:
    """The jobs whose draft or newest version names a calendar."""
    return [
        job
        for job, *texts in jobs.texts_holding(connection, caller.workspace.id, "calendarScheduling")
        if any(text is not None and read_definition(text).schedule.calendar == name for text in texts)
    ]


def _days(member: str, texts: Sequence[str]) -> list[date]:
    """Single days, each once, ascending. Raises InvalidParameter."""
    if len(texts) > MAX_DAYS:
        raise InvalidParameter(f"{member}: {len(texts)} days are more than {MAX_DAYS}.")
    found = set()
    for text in texts:
        try:
            found.add(date.fromisoformat(text))
        except ValueError as error:
            raise InvalidParameter(f"{member}: {text!r} is no day like 2026-10-10.") from error
    return sorted(found)


def _found(connection: Connection, caller: Caller, name: str) -> CalendarRecord:
    record = calendars.by_name(connection, caller.workspace.id, name)
    if record is None:
        raise InvalidParameter(f"calendar_name: there is no calendar {name!r} in the workspace.")
    return record


def _shown(record: CalendarRecord) -> Calendar:
    document = msgspec.json.decode(record.document, type=CalendarDocument)
    return Calendar(
        name=record.name,
        weekdays=document.weekdays,
        working_days=[day.isoformat() for day in document.working],
        days_off=[day.isoformat() for day in document.off],
    )
