"""The plan times of one schedule, worked out once and asked for many spans of time."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from headrace.domain.job import ScheduleDefinition
from headrace.domain.plan_times import schedule_times

_DAY, _MINUTE, _MOMENT = timedelta(days=1), timedelta(minutes=1), timedelta(microseconds=1)
_NEAR = timedelta(days=40)  # what is further away is worked out anew, without what is between
_MOST_KEPT = 100_000  # plan times


class Timetable:
    """Keeps what was asked for, and reaches further in whole days when more is asked for."""

    def __init__(self, schedule: ScheduleDefinition, zone: tzinfo, since: datetime | None = None) -> None:
        """``since``: plan times before it are left out. ``zone``: the service's. Raises InvalidSchedule."""
        self._schedule, self._zone, self._since = schedule, zone, since
        self._after = self._until = datetime.min.replace(tzinfo=UTC)
        self._times: list[datetime] = []
        schedule_times(schedule, self._after, self._until, zone)  # it complains at once

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """The plan times ``after < t <= until``, in UTC, ascending."""
        far = after > self._until + _NEAR or until < self._after - _NEAR
        if far or (len(self._times) > _MOST_KEPT and not (self._after <= after and until <= self._until)):
            self._after, self._until = after, max(after, until)
            self._times = self._read(self._after, self._until)
        if after < self._after:
            reached = after - _DAY
            self._times[:0] = self._read(reached, self._after)
            self._after = reached
        if until > self._until:
            reached = until + _DAY
            self._times += self._read(self._until, reached)
            self._until = reached
        return self._times[bisect_right(self._times, after) : bisect_right(self._times, until)]

    def exceeds(self, after: datetime, until: datetime, most: int) -> bool:
        """Whether there are more than so many, without working all of them out."""
        if until - after <= most * _MINUTE:  # plan times are whole minutes
            return False
        after = after if self._since is None else max(after, self._since - _MOMENT)
        times = schedule_times(self._schedule, after, until, self._zone)
        return next(islice(times, most, None), None) is not None

    def _read(self, after: datetime, until: datetime) -> list[datetime]:
        after = after if self._since is None else max(after, self._since - _MOMENT)
        return list(schedule_times(self._schedule, after, until, self._zone))
