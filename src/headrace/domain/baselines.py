"""Baselines: jobs that are promised to have finished by a time of day, and how that promise stands. See decision 27.

A promise of the type DAY is about the 24 hours before it; one of HOUR about the instances planned in one hour of a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from headrace.domain.day_hours import moment_of, read_hours
from headrace.domain.instance import JobState

_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
_WELL = frozenset({JobState.SUCCESS, JobState.SKIP_BY_DEPEND})
_BADLY = frozenset({JobState.FAIL, JobState.RUNNING_EXCEPTION, JobState.MANUAL_STOP, JobState.FREEZE})


class Standing(StrEnum):
    """How a promise stands, in the words of the API."""

    SAFE = "SAFE"
    DANGEROUS = "DANGEROUS"  # it may be broken: not finished, or not expected to be, at the time of warning
    ERROR = "ERROR"  # an instance failed or will not come, so that a person must help
    OVER = "OVER"  # broken


class PromisedRun(NamedTuple):
    """An instance that must have ended well. ``state``: None while it is not made; ``end``: when it did, or may."""

    job: str
    instance_id: int | None
    planned: datetime
    state: JobState | None
    end: datetime | None


class Judgement(NamedTuple):
    """What is found of a promise. ``finish``: when all ended, or may; None where that is not known."""

    standing: Standing
    finished: bool
    finish: datetime | None
    reason: str


class Terms(NamedTuple):
    """What a baseline promises, in minutes after the midnight of a day; 2,879 at most.

    ``daily``: of the type DAY, else None. ``hourly``: of the type HOUR, by the hour of the day (0 to 23).
    """

    buffer: timedelta
    daily: int | None
    hourly: Mapping[int, int]


def terms_of(document: Mapping[str, Any]) -> Terms:
    """The terms that a request states, which was checked. The hour n - 1 is the period n of the API."""
    buffer = timedelta(milliseconds=document["buffer"])
    if document["type"] == "DAY":
        return Terms(buffer, int(document["sla_hour"]) * 60 + int(document["sla_min"]), {})
    periods = ((each["period_num"], each["period_time"]) for each in document["period"])
    return Terms(buffer, None, read_hours(periods, "period"))


class Promise(NamedTuple):
    """What is planned in ``begins <= t < ends`` has ended well when ``promised``; ``warned``: when to warn."""

    promised: datetime
    warned: datetime
    begins: datetime
    ends: datetime


def open_promises(terms: Terms, since: datetime, until: datetime, zone: ZoneInfo) -> list[Promise]:
    """The promises for ``since`` or later whose instances are planned from before ``until`` on, by promised time.

    Hours are those of the clock of a zone: one that is left out has no promise, one that comes twice has one for both.
    """
    day, last = since.astimezone(zone).date() - 2 * _DAY, until.astimezone(zone).date() + _DAY
    found = []
    while day <= last:
        for promised, begins, ends in _spans(terms, day, zone):
            if since <= promised and begins < min(until, ends):
                found.append(Promise(promised, promised - terms.buffer, begins, ends))
        day += _DAY
    return sorted(found)


def _spans(terms: Terms, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Promised time, begin and end of a day's promises, in UTC so that they compare as moments."""
    if terms.daily is not None:
        promised = moment_of(day, terms.daily, zone)
        yield promised, moment_of(day - _DAY, terms.daily, zone), promised
    for hour, minutes in terms.hourly.items():
        begins, ends = moment_of(day, hour * 60, zone), moment_of(day, hour * 60 + 60, zone)
        yield moment_of(day, minutes, zone), begins, ends


def next_promised(terms: Terms, now: datetime, zone: ZoneInfo) -> datetime:
    """The first promised moment after now."""
    return open_promises(terms, now + _MOMENT, now + 4 * _DAY, zone)[0].promised


def topic_of(receiver: Mapping[str, Any], owner: str) -> str:
    """The topic that stands for who is to be told: its URN or name; else that of a roster, a robot or the owner."""
    names = (receiver.get(name) for name in ("urn", "name", "duty_schedule_name", "smn_config_name"))
    return next((name for name in names if name), owner if receiver.get("notify_method") == "OWNER" else "")


def judge(
    runs: Sequence[PromisedRun], unscheduled: Sequence[str], promised: datetime, warned: datetime, now: datetime
) -> Judgement:
    """How a promise stands. ``unscheduled``: jobs that get no instances; ``warned``: when to warn of what is open."""
    open_runs = [run for run in runs if run.state not in _WELL]
    ends = [run.end for run in runs]
    finish = None if None in ends else max((end for end in ends if end is not None), default=None)
    if not open_runs and not unscheduled:
        late = finish is not None and finish > promised
        return Judgement(Standing.OVER if late else Standing.SAFE, True, finish, "")
    reason = _reason(open_runs, unscheduled)
    if now >= promised:
        return Judgement(Standing.OVER, False, finish, reason)
    if unscheduled or any(run.state in _BADLY for run in open_runs):
        return Judgement(Standing.ERROR, False, finish, reason)
    if now >= warned or (finish is not None and finish > warned):
        return Judgement(Standing.DANGEROUS, False, finish, reason)
    return Judgement(Standing.SAFE, False, finish, "")


def _reason(open_runs: Sequence[PromisedRun], unscheduled: Sequence[str]) -> str:
    """What stands in the way: the jobs that are not scheduled, else the worst instance, else the one that ends last."""
    if unscheduled:
        return f"Not scheduled: {', '.join(unscheduled)}."
    worst = max(open_runs, key=lambda run: (run.state in _BADLY, run.end is None, run.end or run.planned, run.job))
    named = f"the instance {worst.instance_id}" if worst.instance_id is not None else "the instance"
    state = "is not made yet" if worst.state is None else f"is {worst.state}"
    more = f" {len(open_runs)} instances have not ended well." if len(open_runs) > 1 else ""
    return f"{worst.job}: {named} planned at {worst.planned:%Y-%m-%d %H:%M %Z} {state}.{more}"
