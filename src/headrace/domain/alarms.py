"""What alarms are about, and when those are due that are about time. Source: reference on scheduling §10."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from headrace.domain.clock import from_millis
from headrace.domain.day_hours import moment_of, read_hours
from headrace.domain.instance import InstanceType, JobState


class AlarmKind(IntEnum):
    """What an alarm is about, in the numbers of the API; from 101 on they are ours."""

    SUCCESS = 0
    FAILURE = 1
    NOT_FINISHED = 3
    BASELINE_ERROR = 5
    BASELINE_WARNING = 6
    BASELINE_BROKEN = 7
    PERIOD_NOT_FINISHED = 12
    CANCELLED = 13
    RECOVERED = 14
    MODIFIED = 15
    TIMEOUT = 101
    LATE = 102


_UNFINISHED = frozenset({AlarmKind.NOT_FINISHED, AlarmKind.PERIOD_NOT_FINISHED})
WATCHED = _UNFINISHED | {AlarmKind.LATE}  # looked at when they are due, not when something ends

OF_BASELINES = frozenset({AlarmKind.BASELINE_ERROR, AlarmKind.BASELINE_WARNING, AlarmKind.BASELINE_BROKEN})

_OF_STATE = {
    JobState.SUCCESS: (AlarmKind.SUCCESS, AlarmKind.RECOVERED),
    JobState.FAIL: (AlarmKind.FAILURE,),
    JobState.RUNNING_EXCEPTION: (AlarmKind.FAILURE,),
    JobState.MANUAL_STOP: (AlarmKind.CANCELLED,),
}

_SAYS = {
    AlarmKind.SUCCESS: "succeeded",
    AlarmKind.FAILURE: "failed",
    AlarmKind.NOT_FINISHED: "is not finished in time",
    AlarmKind.BASELINE_ERROR: "cannot be kept without help",
    AlarmKind.BASELINE_WARNING: "is in danger",
    AlarmKind.BASELINE_BROKEN: "was missed",
    AlarmKind.PERIOD_NOT_FINISHED: "is not finished in time",
    AlarmKind.CANCELLED: "was cancelled",
    AlarmKind.RECOVERED: "succeeded after it had failed",
    AlarmKind.MODIFIED: "was changed or deleted by somebody who does not own it",
    AlarmKind.TIMEOUT: "takes longer than its timeout; it goes on",
    AlarmKind.LATE: "has not begun in time",
}


def kinds_of(state: JobState, instance_type: int) -> tuple[AlarmKind, ...]:
    """What the state an instance has reached means; none for a backfill that succeeded."""
    if state is JobState.SUCCESS and instance_type == InstanceType.PATCH_DATA:
        return ()
    return _OF_STATE.get(state, ())


def still_so(kind: AlarmKind, state: JobState) -> bool:
    """Whether what an alarm was to be about is so when it is looked at."""
    if kind in _UNFINISHED:
        return state not in (JobState.SUCCESS, JobState.MANUAL_STOP, JobState.SKIP_BY_DEPEND)
    if kind is AlarmKind.LATE:
        return state in (JobState.WAITING, JobState.WAITING_CONFIRM)
    return state in (JobState.FAIL, JobState.RUNNING_EXCEPTION)


def due_at(kind: AlarmKind, plan_time: int, zone: ZoneInfo, finished_by: str, minutes: int) -> datetime | None:
    """When to look at an instance; None where a rule is not about it.

    NOT_FINISHED: at ``HH:MM`` of its plan date (or the next, where that was before). PERIOD_NOT_FINISHED: at the time
    that JSON, ``[[8, "08:20"]]``, has for the hour in which it is planned. LATE: so many minutes after its plan time.
    """
    planned = from_millis(plan_time).astimezone(zone)
    if kind is AlarmKind.LATE:
        return from_millis(plan_time) + timedelta(minutes=minutes)
    if kind is AlarmKind.PERIOD_NOT_FINISHED:
        after_midnight = read_hours(json.loads(finished_by), "alarm_periods").get(planned.hour)
        return None if after_midnight is None else moment_of(planned.date(), after_midnight, zone)
    hour, _, minute = finished_by.partition(":")
    at = time(int(hour), int(minute), tzinfo=zone)
    due = datetime.combine(planned.date(), at)
    return due if due > planned else datetime.combine(planned.date() + timedelta(days=1), at)


def message_of(kind: AlarmKind, job: str, instance_id: int, plan_time: int, zone: ZoneInfo, error: str) -> str:
    """What an alarm says. ``error``: what the instance shows, in which secrets are masked; of a job, who did what."""
    planned = from_millis(plan_time).astimezone(zone)
    if kind is AlarmKind.MODIFIED:
        return f"The job {job} {error}, who does not own it."
    if kind in OF_BASELINES:
        return f"The baseline {job}, promised for {planned:%Y-%m-%d %H:%M %Z}, {_SAYS[kind]}. {error[:_ERROR_LENGTH]}"
    text = f"The instance {instance_id} of job {job}, planned at {planned:%Y-%m-%d %H:%M:%S %Z}, {_SAYS[kind]}."
    return f"{text} {error[:_ERROR_LENGTH]}" if error and kind in (AlarmKind.FAILURE, AlarmKind.CANCELLED) else text


def subject_of(kind: AlarmKind, job: str) -> str:
    """The subject of its message."""
    return f"{'Baseline' if kind in OF_BASELINES else 'Job'} {job} {_SAYS[kind]}"


_ERROR_LENGTH = 500
