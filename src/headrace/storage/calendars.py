"""Scheduling calendars of the workspaces."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import NamedTuple

import structlog
from sqlalchemy import bindparam, delete, select

from headrace.domain.job import ScheduleDefinition
from headrace.domain.plan_times import zone_of
from headrace.domain.working_days import WorkingDays, Works, read_working_days
from headrace.storage.database import Connection, Database
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import calendars

log = structlog.get_logger("headrace.storage")


class CalendarRecord(NamedTuple):
    """A row of ``calendars``."""

    workspace_id: str
    name: str
    document: str


_in_workspace = calendars.c.workspace_id == bindparam("workspace_id")
_named = calendars.c.name == bindparam("name")
_PUT = InsertStatement(
    calendars,
    CalendarRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("workspace_id", "name"), set_={"document": new.excluded["document"]}
    ),
)
_BY_NAME = Statement(select(calendars).where(_in_workspace, _named))
_ALL = Statement(select(calendars).where(_in_workspace).order_by(calendars.c.name))
_DELETE = Statement(delete(calendars).where(_in_workspace, _named))


def put(connection: Connection, calendar: CalendarRecord) -> None:
    """Add a calendar, or change the one of that name."""
    connection.run(_PUT, **calendar._asdict())


def by_name(connection: Connection, workspace_id: str, name: str) -> CalendarRecord | None:
    """One calendar."""
    row = connection.one(_BY_NAME, workspace_id=workspace_id, name=name)
    return None if row is None else CalendarRecord(*row)


def all_of_workspace(connection: Connection, workspace_id: str) -> list[CalendarRecord]:
    """Every calendar, by name."""
    return [CalendarRecord(*row) for row in connection.all(_ALL, workspace_id=workspace_id)]


def delete_calendar(connection: Connection, workspace_id: str, name: str) -> None:
    """Forget a calendar."""
    connection.run(_DELETE, workspace_id=workspace_id, name=name)


def working_days(connection: Connection, workspace_id: str, name: str) -> WorkingDays | None:
    """The days of a calendar; None for one that does not exist."""
    found = by_name(connection, workspace_id, name)
    return None if found is None else read_working_days(found.document)


def is_working_time(
    connection: Connection, workspace_id: str, schedule: ScheduleDefinition, planned: datetime, zone: tzinfo
) -> bool:
    """Whether an instance of a schedule does its work: on days off of its calendar it is a dry run.

    ``zone``: the service's, for a schedule that names none. Source: reference on scheduling §2.3.
    """
    if not schedule.calendar:
        return True
    days = working_days(connection, workspace_id, schedule.calendar)
    if days is None:
        log.warning("a calendar does not exist; every day counts", calendar=schedule.calendar, workspace=workspace_id)
        return True
    return days.works(planned.astimezone(zone_of(schedule, zone)).date())


def lookup(db: Database, workspace_id: str, own: str) -> Callable[[str | None], Works | None]:
    """What expressions ask: whether days of a named calendar, or of a job's ``own`` (None), are working days."""

    def works(name: str | None) -> Works | None:
        with db.reading() as connection:
            found = working_days(connection, workspace_id, own if name is None else name)
        return None if found is None else found.works

    return works
