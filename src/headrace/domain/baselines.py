"""Baselines: jobs that are promised to have finished by a time of day, and how that promise stands. See decision 27."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from headrace.domain.instance import JobState

_DAY = timedelta(days=1)
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


def promised_at(hour: int, minute: int, now: datetime, zone: ZoneInfo) -> datetime:
    """The next moment after now at which the clock of a zone shows a time."""
    local = now.astimezone(zone)
    at = time(hour, minute, tzinfo=zone)
    today = datetime.combine(local.date(), at)
    return today if today > now else datetime.combine(local.date() + _DAY, at)


def begins_at(promised: datetime, zone: ZoneInfo) -> datetime:
    """From when on instances count that are planned before a promised moment: the same time of the day before."""
    local = promised.astimezone(zone)
    return datetime.combine(local.date() - _DAY, local.time(), tzinfo=zone)


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
