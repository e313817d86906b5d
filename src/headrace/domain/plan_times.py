"""When a cron schedule is due: its plan times, a pure function of the schedule, its zone and a span of time.

The fields are read on the wall clock of the zone. Where the zone changes its clock (decision 12):

- A plan time that the clock skips is not lost: it is due as much later as the clock skips (02:30 of a night that goes
  from 02:00 to 03:00 is due at 03:30, as Java's calendar has it). Plan times that coincide so are one.
- A plan time that the clock shows twice is due the first time only, so no day is doubled. An expression for all 24
  hours is due both times: it counts hours and minutes as they pass, and would else pause for an hour.

The function steps from due day to due day and never from minute to minute.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Protocol

from headrace.domain.cron import Cron, read_cron
from headrace.domain.schedule_time import read_schedule_time
from headrace.domain.zones import UnknownZone, zone_named
from headrace.errors import InvalidSchedule

_DAY, _NOTHING = timedelta(days=1), timedelta(0)
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
_CYCLE = 400  # years after which the calendar repeats: a day not found within them never comes
_MOMENT = timedelta(microseconds=1)


class CronPart(Protocol):
    """The ``schedule.cron`` of a job document; all texts as written, absent or empty where not set."""

    @property
    def expression(self) -> str | None:
        """Six fields."""

    @property
    def expression_time_zone(self) -> str | None:
        """``GMT+8``, ``Asia/Shanghai``; that of the service when absent."""

    @property
    def start_time(self) -> str | None:
        """The first moment at which it may be due."""

    @property
    def end_time(self) -> str | None:
        """The last moment at which it may be due; for ever when absent."""


def next_plan_times(
    schedule: CronPart, after: datetime, count: int, zone: tzinfo, member: str = "schedule.cron"
) -> list[datetime]:
    """The next ``count`` plan times after a moment, in UTC; fewer when the schedule ends before.

    Raises InvalidSchedule naming the member. Source: "Creating a Job", table 12.
    """
    return list(islice(schedule_times(schedule, after, None, zone, member), count))


def schedule_times(
    schedule: CronPart, after: datetime, until: datetime | None, zone: tzinfo, member: str = "schedule.cron"
) -> Iterator[datetime]:
    """The plan times ``after < t <= until`` of a schedule, in UTC, between its start and its end, both included.

    ``zone`` is the service's, for a schedule that names none. Raises InvalidSchedule naming the member.
    """
    cron = read_cron(schedule.expression or "", f"{member}.expression")
    zone = zone_of(schedule, zone, member)
    if schedule.start_time:
        after = max(after, read_schedule_time(schedule.start_time, f"{member}.startTime") - _MOMENT)
    if schedule.end_time:
        end = read_schedule_time(schedule.end_time, f"{member}.endTime")
        until = end if until is None else min(end, until)
    return plan_times(cron, zone, after, until)


def zone_of(schedule: CronPart, zone: tzinfo, member: str = "schedule.cron") -> tzinfo:
    """The zone of a schedule; ``zone`` where it names none. Raises InvalidSchedule."""
    name = schedule.expression_time_zone
    return _zone(name, f"{member}.expressionTimeZone") if name else zone


def plan_times(cron: Cron, zone: tzinfo, after: datetime, until: datetime | None) -> Iterator[datetime]:
    """Yield the plan times ``after < t <= until``, ascending and in UTC; without ``until`` for ever.

    ``after`` and ``until`` are aware. It ends by itself when no further day can be due (30 February).
    """
    if after >= _LAST:
        return
    after = max(after, _FIRST).astimezone(UTC)
    until = _LAST if until is None or until >= _LAST else until.astimezone(UTC)
    for moments in _by_day(cron, zone, after):
        for moment in moments:
            if moment > until:
                return
            yield moment


def _by_day(cron: Cron, zone: tzinfo, after: datetime) -> Iterator[Iterable[datetime]]:
    """The moments after another one, a due day at a time; the day before is asked too, whose moments may be late."""
    late: set[datetime] = set()
    for year, month, day in _due_days(cron, after.astimezone(zone).date() - _DAY):
        start = _start_of_plain_day(zone, year, month, day)
        if start is not None and not late:
            if start > after:
                yield map(start.__add__, cron.times)
            elif (passed := bisect_right(cron.times, after - start)) < len(cron.times):
                yield map(start.__add__, cron.times[passed:])
        else:
            midnight = datetime(year, month, day, tzinfo=zone)
            moments = late | _of_changing_day(cron, midnight)
            following = midnight + _DAY
            border = min(following.astimezone(UTC), following.replace(fold=1).astimezone(UTC))
            late = {moment for moment in moments if moment >= border}
            yield sorted(moment for moment in moments - late if moment > after)
    yield sorted(moment for moment in late if moment > after)


@lru_cache(maxsize=8192)  # the schedules of an installation share few zones, and are asked about the same days
def _start_of_plain_day(zone: tzinfo, year: int, month: int, day: int) -> datetime | None:
    """The moment (UTC) at which a day of 24 hours begins; None for a day on which the zone changes its clock."""
    midnight = datetime(year, month, day, tzinfo=zone)
    shift = midnight.utcoffset() or _NOTHING
    plain = shift == (midnight + _DAY).replace(fold=1).utcoffset()
    return datetime(year, month, day, tzinfo=UTC) - shift if plain else None


def _of_changing_day(cron: Cron, midnight: datetime) -> set[datetime]:
    """The moments (UTC) of a day on which the zone changes its clock."""
    found = set()
    for time in cron.times:
        wall = midnight + time
        first = wall.astimezone(UTC)  # of a skipped wall time: by the clock before the change, which is after it
        found.add(first)
        second = wall.replace(fold=1).astimezone(UTC)
        if cron.every_hour and second > first:
            found.add(second)
    return found


def _due_days(cron: Cron, first: date) -> Iterator[tuple[int, int, int]]:
    """Year, month and day of the days on which it is due, from one on."""
    for months in range(first.month - 1, 12 * _CYCLE + first.month):
        year, month = first.year + months // 12, months % 12 + 1
        for day in cron.days_of(year, month):
            if months >= first.month or day >= first.day:
                yield year, month, day


def _zone(name: str, member: str) -> tzinfo:
    try:
        return zone_named(name)
    except UnknownZone as error:
        raise InvalidSchedule(f"{member}: {error}; write GMT+8 or Asia/Shanghai.") from error
