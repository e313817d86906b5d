"""Scheduling calendars on the wire: a resource of ours. Source: reference on scheduling §2.3."""

from __future__ import annotations

from headrace.wire.base import Wire


class CalendarRequest(Wire):
    """``weekdays``: the working ones, as ``["MON", "TUE"]``, Monday to Friday when absent.

    ``workingDays`` and ``daysOff``: single days, as ``2026-10-10``, that differ from that.
    """

    weekdays: list[str] | None = None
    working_days: list[str] | None = None
    days_off: list[str] | None = None


class Calendar(Wire, omit_defaults=False):
    """A calendar. Jobs name it in ``schedule.cron.calendarScheduling``."""

    name: str
    weekdays: list[str]
    working_days: list[str]
    days_off: list[str]


class CalendarList(Wire, omit_defaults=False):
    """The calendars of a workspace, by name."""

    total: int
    calendars: list[Calendar]
