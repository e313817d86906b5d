"""Which dates a backfill has, in which order they begin, and which wait for which. Decision 21."""

from __future__ import annotations

import graphlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from itertools import islice
from typing import NamedTuple

import structlog

from headrace.domain.dependencies import upstream_plan_times
from headrace.domain.dependency_rules import Mode
from headrace.domain.dependency_words import DependFailPolicy
from headrace.domain.job import JobDefinition
from headrace.domain.periods import day_start, period_of
from headrace.domain.plan_times import schedule_times
from headrace.domain.run_window import WHOLE_DAY, TimeOfDay
from headrace.domain.steps import Step
from headrace.errors import BackfillTooLarge, HeadraceError, InvalidParameter
from headrace.storage.jobs import JobRecord

log = structlog.get_logger("headrace.factory")

MAX_DATES = 10_000
_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a job's history: from ``first`` to ``last``, both included, at a time of its zone's day."""

    first: datetime
    last: datetime
    time_of_day: TimeOfDay = WHOLE_DAY


@dataclass(frozen=True, slots=True)
class Patched:
    """A job of a task, the plan times that are run (ascending, in UTC), and how its dependencies are matched."""

    record: JobRecord
    definition: JobDefinition
    plan_times: tuple[datetime, ...]
    periods: Mode = Mode.NATURAL


class Planned(NamedTuple):
    """A date. ``number``: which job; ``day``: counted in the order in which days run."""

    number: int
    plan_time: datetime
    day: int


class Waiting(NamedTuple):
    """One date waits for another; those with one ``number`` count together."""

    position: int
    number: int
    upstream: int
    any_suffices: bool
    policy: DependFailPolicy


@dataclass(frozen=True, slots=True)
class Plan:
    """The dates in their order; waits name them by their positions."""

    jobs: Sequence[Patched]
    dates: Sequence[Planned]
    waits: Sequence[Waiting]


def plan_times_in(definition: JobDefinition, parts: Sequence[Part], zone: tzinfo) -> tuple[datetime, ...]:
    """The plan times of a job in parts of its history, whatever its schedule's start and end.

    Raises InvalidSchedule, BackfillTooLarge.
    """
    found: set[datetime] = set()
    for moment in _times(definition, parts, zone):
        found.add(moment)
        check_size(len(found))
    return tuple(sorted(found))


def stepped(definition: JobDefinition, part: Part, step: Step, zone: tzinfo) -> list[Part]:
    """A part cut down to every so many days, weeks or months, from the day of a job's first plan time in it on.

    Raises InvalidSchedule, BackfillTooLarge.
    """
    first = next(_times(definition, [part], zone), None)
    if first is None:
        return []
    wall = period_of(definition.schedule, zone).zone
    days = list(islice(step.days(_day(first, wall), _day(part.last, wall)), MAX_DATES + 1))
    check_size(len(days))
    begins = [(day_start(day, wall), day_start(day + _DAY, wall) - _MOMENT) for day in days]
    return [replace(part, first=max(part.first, begin), last=min(part.last, end)) for begin, end in begins]


def _times(definition: JobDefinition, parts: Sequence[Part], zone: tzinfo) -> Iterator[datetime]:
    schedule = replace(definition.schedule, start_time="", end_time="")
    wall = period_of(schedule, zone).zone
    for part in parts:
        for moment in schedule_times(schedule, part.first - _MOMENT, part.last, zone):
            if part.time_of_day.has(moment.astimezone(wall).time()):
                yield moment


def check_size(count: int) -> None:
    """Raises BackfillTooLarge."""
    if count > MAX_DATES:
        raise BackfillTooLarge(f"One task has at most {MAX_DATES:,} dates; choose a shorter range.")


def plan(jobs: Sequence[Patched], wall: tzinfo, zone: tzinfo, *, by_day: bool, reverse: bool) -> Plan:
    """Order the dates of jobs, the days by the clock of ``wall``; ``zone`` is the service's.

    Raises BackfillTooLarge; InvalidParameter for dates that wait for each other.
    """
    every = [(moment, number) for number, job in enumerate(jobs) for moment in job.plan_times]
    check_size(len(every))
    days = sorted({_day(moment, wall) for moment, _ in every}, reverse=reverse)
    ranks = {day: rank for rank, day in enumerate(days)}
    dates = sorted(
        (Planned(number, moment, ranks[_day(moment, wall)]) for moment, number in every),
        key=lambda each: (each.day, each.plan_time, each.number),
    )
    positions = {(each.number, each.plan_time): at for at, each in enumerate(dates)}
    waits = [each for number in range(len(jobs)) for each in _waits(jobs, number, positions, zone)]
    if by_day or reverse:  # a day that runs later cannot be waited for
        waits = [each for each in waits if dates[each.upstream].day <= dates[each.position].day]
    _check_circles(jobs, dates, waits)
    return Plan(jobs, dates, waits)


def _day(moment: datetime, wall: tzinfo) -> date:
    day: date = moment.astimezone(wall).date()
    return day


Positions = dict[tuple[int, datetime], int]


def _waits(jobs: Sequence[Patched], number: int, positions: Positions, zone: tzinfo) -> Iterator[Waiting]:
    """What the dates of one job wait for among those of the task."""
    job = jobs[number]
    numbers = {(each.record.workspace_id, each.record.name): at for at, each in enumerate(jobs)}
    schedule = job.definition.schedule
    for order, asked in enumerate(schedule.upstream):
        upstream = numbers.get((asked.workspace_id or job.record.workspace_id, asked.job))
        if upstream is None or upstream == number:
            continue
        other = jobs[upstream]
        try:
            period, others = period_of(schedule, zone), period_of(other.definition.schedule, zone)
            for moment in job.plan_times:
                found = upstream_plan_times(
                    period,
                    moment,
                    others,
                    partial(_between, other.plan_times),
                    period=asked.period,
                    previous=asked.previous,
                    depend_type=asked.type,
                    mode=job.periods,
                )
                for each in found.plan_times:
                    yield Waiting(
                        positions[number, moment],
                        order,
                        positions[upstream, each],
                        found.any_suffices,
                        schedule.upstream_fail_policy,
                    )
        except HeadraceError as error:
            log.warning("a dependency has no effect", job=job.record.name, upstream=asked.job, reason=error.message)
    if schedule.depends_on_itself:
        for before, moment in zip(job.plan_times, job.plan_times[1:], strict=False):
            at = positions[number, moment], positions[number, before]
            yield Waiting(at[0], len(schedule.upstream), at[1], any_suffices=False, policy=DependFailPolicy.SUSPEND)


def _between(times: Sequence[datetime], after: datetime, until: datetime) -> Sequence[datetime]:
    return times[bisect_right(times, after) : bisect_right(times, until)]


def _check_circles(jobs: Sequence[Patched], dates: Sequence[Planned], waits: Sequence[Waiting]) -> None:
    graph: dict[int, set[int]] = {}
    for each in waits:
        graph.setdefault(each.position, set()).add(each.upstream)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        names = " → ".join(jobs[dates[at].number].record.name for at in error.args[1])
        raise InvalidParameter(f"depend_jobs: the jobs wait for each other: {names}.") from error
