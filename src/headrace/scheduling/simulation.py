"""What schedules will do, or would have done: the instances of an interval by a virtual clock, and why they wait.

Pure: it works on definitions alone and decides as the scheduler does (``generation``, ``upstream``). The estimates of
start and finish leave out what the definitions do not say: limits of concurrency, failures, persons.
"""

from __future__ import annotations

import gc
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple, NoReturn

from headrace.domain.dependencies import Upstream, check_dependency, own_upstream, upstream_plan_times
from headrace.domain.dependency_rules import Mode
from headrace.domain.dependency_words import DependFailPolicy, DependType, UpstreamJob
from headrace.domain.job import ScheduleDefinition
from headrace.domain.periods import Period, Unit, period_of
from headrace.domain.plan_times import zone_of
from headrace.domain.working_days import Works
from headrace.errors import HeadraceError, InvalidParameter
from headrace.scheduling.timetable import Timetable

MOST_INSTANCES = 100_000  # of one answer, those of upstream jobs that are not shown included

_MOMENT = timedelta(microseconds=1)
_NOTHING = timedelta(0)
_AWAITED_EACH = 10  # upstream instances of an instance, on average


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SimulatedJob:
    """A job with a cron schedule; equal to itself only.

    ``since``: it has no instances before. ``alone_at``: the plan time that does not wait for the one before.
    ``paused``: it gets no instances, but others wait for those to come. ``confirm``: see ScheduleDefinition.
    ``duration``: how long an instance usually runs, None where that is not known. ``works``: whether a day is a
    working day, None where every day is. ``periods``: how it is matched with the jobs it depends on.
    """

    key: int
    workspace_id: str
    name: str
    schedule: ScheduleDefinition
    since: datetime | None = None
    alone_at: datetime | None = None
    paused: bool = False
    duration: timedelta | None = None
    works: Works | None = None
    periods: Mode = Mode.NATURAL


class Awaited(NamedTuple):
    """What an instance waits for in one job."""

    job: SimulatedJob
    upstream: Upstream
    policy: DependFailPolicy


class SimulatedInstance(NamedTuple):
    """One instance. ``start`` and ``finish`` are estimates, None where nothing is known to estimate them from."""

    job: SimulatedJob
    planned: datetime
    dry_run: bool
    waits: Sequence[Awaited]
    start: datetime | None
    finish: datetime | None


class _Prepared(NamedTuple):
    """A job with what is worked out of its schedule; jobs of the same schedule share it, and its number."""

    number: int
    period: Period
    times: Timetable
    dates: dict[datetime, date]

    def date_of(self, planned: datetime) -> date:
        """The date of a plan time on the clock of its schedule."""
        found = self.dates.get(planned)
        if found is None:
            found = self.dates[planned] = planned.astimezone(self.period.zone).date()
        return found


_BY_DATE = frozenset({Unit.DAY, Unit.WEEK, Unit.MONTH})  # their natural rules look at the date alone (decision 19)


_Key = tuple[SimulatedJob, datetime]  # an instance: its job and its plan time
_Estimate = tuple[datetime | None, datetime | None]


class _Link(NamedTuple):
    """A dependency of a job. ``number``: those alike share one; ``by_date``: the same for every plan time of a day."""

    number: int
    by_date: bool
    job: SimulatedJob
    prepared: _Prepared
    asked: UpstreamJob
    periods: Mode


class Simulation:
    """The jobs of an installation under a virtual clock. ``zone``: the service's.

    ``most``: instances that may be simulated at all; ten times as many may be waited for.
    """

    def __init__(self, jobs: Iterable[SimulatedJob], zone: tzinfo, most: int = MOST_INSTANCES) -> None:
        self._jobs = {(job.workspace_id, job.name): job for job in jobs}
        self._zone, self._most = zone, most
        self._prepared: dict[int, _Prepared | None] = {}
        self._by_schedule: dict[tuple[ScheduleDefinition, datetime | None], _Prepared] = {}
        self._links: dict[int, list[_Link]] = {}
        self._alike: dict[tuple[object, ...], int] = {}
        self._upstream: dict[tuple[int, datetime | date | None], Upstream] = {}
        self._waits: dict[_Key, list[Awaited]] = {}
        self._awaited = 0
        self._warned: dict[str, None] = {}

    @property
    def warnings(self) -> list[str]:
        """Which schedules and dependencies were found to have no effect."""
        return sorted(self._warned)

    def run(
        self, since: datetime, until: datetime, chosen: Sequence[SimulatedJob] | None = None
    ) -> list[SimulatedInstance]:
        """The instances planned ``since <= t <= until``, by plan time and job; of some jobs, or of all.

        Raises InvalidParameter where they, or what they wait for in the interval, are too many.
        """
        after = since.astimezone(UTC) - _MOMENT
        listed = list(self._planned(self._jobs.values() if chosen is None else chosen, after, until))
        clock = _Clock(self, after, until)
        with _without_collector():
            return [self._instance(each, clock) for each in listed]

    def waits_of(self, key: _Key) -> list[Awaited]:
        """What the instance of a job planned at a moment waits for; jobs with nothing to wait for are left out."""
        found = self._waits.get(key)
        if found is None:
            found = self._waits[key] = self._waits_of(*key)
            for _, upstream, _ in found:
                self._awaited += len(upstream.plan_times)
            if len(self._waits) > self._most or self._awaited > _AWAITED_EACH * self._most:
                self._refuse()
        return found

    def is_dry(self, job: SimulatedJob, planned: datetime) -> bool:
        """Whether the plan time is on a day off of the job's calendar."""
        if job.works is None:
            return False
        return not job.works(planned.astimezone(zone_of(job.schedule, self._zone)).date())

    def _planned(
        self, jobs: Iterable[SimulatedJob], after: datetime, until: datetime
    ) -> list[tuple[SimulatedJob, datetime]]:
        found: list[tuple[SimulatedJob, datetime]] = []
        for job in jobs:
            prepared = None if job.paused else self._prepare(job)
            if prepared is not None:
                if prepared.times.exceeds(after, until, self._most - len(found)):
                    self._refuse()
                found += [(job, planned) for planned in prepared.times.between(after, until)]
        found.sort(key=lambda each: (each[1], each[0].name))
        return found

    def _refuse(self) -> NoReturn:
        raise InvalidParameter(
            f"More than {self._most:,} instances, or {_AWAITED_EACH} times as many that they wait for, "
            "would have to be simulated; ask for a shorter interval or fewer jobs."
        )

    def _instance(self, key: _Key, clock: _Clock) -> SimulatedInstance:
        start, finish = clock.estimate(key)
        job, planned = key
        dry_run = job.works is not None and self.is_dry(job, planned)
        return SimulatedInstance(job, planned, dry_run, self.waits_of(key), start, finish)

    def _prepare(self, job: SimulatedJob) -> _Prepared | None:
        """None where the schedule cannot be read."""
        if job.key not in self._prepared:
            try:
                self._prepared[job.key] = self._of_schedule(job.schedule, job.since)
            except HeadraceError as error:
                self._warned[f"The job {job.name!r} cannot be scheduled: {error.message}"] = None
                self._prepared[job.key] = None
        return self._prepared[job.key]

    def _of_schedule(self, schedule: ScheduleDefinition, since: datetime | None) -> _Prepared:
        plain = ScheduleDefinition(
            expression=schedule.expression,
            expression_time_zone=schedule.expression_time_zone,
            start_time=schedule.start_time,
            end_time=schedule.end_time,
            interval_type=schedule.interval_type,
            period=schedule.period,
        )
        found = self._by_schedule.get((plain, since))
        if found is None:
            period, times = period_of(plain, self._zone), Timetable(plain, self._zone, since)
            found = self._by_schedule[plain, since] = _Prepared(len(self._by_schedule), period, times, {})
        return found

    def _waits_of(self, job: SimulatedJob, planned: datetime) -> list[Awaited]:
        own = self._prepare(job)
        if own is None:
            return []
        links = self._links.get(job.key)
        if links is None:
            links = self._links[job.key] = list(self._links_of(job, own))
        day = own.date_of(planned) if links else None
        found = []
        for link in links:
            key = (link.number, day if link.by_date else planned)
            upstream = self._upstream.get(key)
            if upstream is None:
                upstream = self._upstream[key] = self._upstream_of(own, planned, link)
            if upstream.plan_times or not upstream.runs_without:
                found.append(Awaited(link.job, upstream, job.schedule.upstream_fail_policy))
        if job.schedule.depends_on_itself and planned != job.alone_at:
            upstream = own_upstream(planned, own.times.between)
            if upstream.plan_times:
                found.append(Awaited(job, upstream, DependFailPolicy.SUSPEND))
        return found

    def _links_of(self, job: SimulatedJob, own: _Prepared) -> Iterator[_Link]:
        """The dependencies of a job that have an effect."""
        for asked in job.schedule.upstream:
            other = self._jobs.get((asked.workspace_id or job.workspace_id, asked.job))
            prepared = None if other is None else self._prepare(other)
            if other is None or prepared is None:
                self._warned[f"{job.name!r} does not wait for {asked.job!r}, which is not scheduled."] = None
                continue
            try:
                check_dependency(own.period, prepared.period, job.periods)
            except HeadraceError as error:
                self._warned[f"{job.name!r} does not wait for {asked.job!r}: {error.message}"] = None
                continue
            by_date = (
                own.period.unit in _BY_DATE and asked.type is not DependType.NEAREST and job.periods is Mode.NATURAL
            )
            mine = (own.period.unit, own.period.zone) if by_date else own.number
            alike = (mine, prepared.number, asked.period, asked.previous, asked.type, job.periods)
            number = self._alike.setdefault(alike, len(self._alike))
            yield _Link(number, by_date, other, prepared, asked, job.periods)

    def _upstream_of(self, own: _Prepared, planned: datetime, link: _Link) -> Upstream:
        """What is waited for by a link; links of one number share it at the same plan time, or date."""
        return upstream_plan_times(
            own.period,
            planned,
            link.prepared.period,
            link.prepared.times.between,
            period=link.asked.period,
            previous=link.asked.previous,
            depend_type=link.asked.type,
            mode=link.periods,
        )


class _Clock:
    """Estimates when instances begin and end. Those outside of the interval are taken to begin at their plan time."""

    def __init__(self, simulation: Simulation, after: datetime, until: datetime) -> None:
        self._simulation, self._after, self._until = simulation, after, until
        self._done: dict[_Key, _Estimate] = {}

    def estimate(self, wanted: _Key) -> _Estimate:
        """Start and finish of an instance; what it waits for comes first, without recursion: chains are long."""
        stack, opened = [wanted], set[_Key]()
        while stack:
            key = stack[-1]
            if key not in self._done:
                waits = self._simulation.waits_of(key)
                if waits and key not in opened and (before := self._before(waits, opened)):
                    opened.add(key)
                    stack += before
                    continue
                self._done[key] = self._of(key, waits)
            stack.pop()
        return self._done[wanted]

    def _before(self, waits: Sequence[Awaited], opened: Container[_Key]) -> list[_Key]:
        """The instances in the interval that one waits for and that are not estimated yet."""
        done, found = self._done, []
        for job, upstream, _ in waits:
            for moment in upstream.plan_times:
                key = (job, moment)
                if key not in done and self._after < moment <= self._until and not job.paused and key not in opened:
                    found.append(key)
        return found

    def _of(self, key: _Key, waits: Sequence[Awaited]) -> _Estimate:
        job, planned = key
        start = planned
        for other, upstream, _ in waits:
            times = upstream.plan_times
            if not times:  # it is cancelled
                return None, None
            released = self._finish(other, times[0]) if len(times) == 1 else self._released(other, upstream)
            if released is None:
                return None, None
            if released > start:
                start = released
        if job.schedule.confirm or listens_to(job, dry_run=self._is_dry(job, planned)):  # nobody knows when it begins
            return None, None
        duration = _NOTHING if self._is_dry(job, planned) else job.duration
        return start, None if duration is None else start + duration

    def _is_dry(self, job: SimulatedJob, planned: datetime) -> bool:
        return job.works is not None and self._simulation.is_dry(job, planned)

    def _released(self, job: SimulatedJob, upstream: Upstream) -> datetime | None:
        """When an upstream job does not keep an instance any more."""
        ends = [self._finish(job, moment) for moment in upstream.plan_times]
        known = [end for end in ends if end is not None]
        if upstream.any_suffices:
            return min(known, default=None)
        return max(known, default=None) if len(known) == len(ends) else None

    def _finish(self, job: SimulatedJob, planned: datetime) -> datetime | None:
        found = self._done.get((job, planned))
        if found is not None:
            return found[1]
        if job.paused or job.duration is None or self._after < planned <= self._until:  # they wait for each other
            return None
        return planned + job.duration


def listens_to(job: SimulatedJob, *, dry_run: bool) -> str:
    """The path at which an instance waits for a new file, as written; empty where it does not."""
    return "" if dry_run or job.schedule.listening is None else job.schedule.listening.path


@contextmanager
def _without_collector() -> Iterator[None]:
    """Instances make no cycles, and the collector would go over all of them again and again, for half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def usual_durations(durations: Mapping[int, Sequence[int]]) -> dict[int, timedelta]:
    """The median of the milliseconds that instances of jobs took, by job."""
    return {
        key: timedelta(milliseconds=sorted(listed)[len(listed) // 2]) for key, listed in durations.items() if listed
    }
