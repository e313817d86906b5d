"""``Job``: the run the expression belongs to, and the results of earlier nodes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from headrace.el.declare import EmbeddedObject
from headrace.el.errors import CannotEvaluate
from headrace.el.java_calendar import add_days, in_zone
from headrace.el.java_date_format import format_date
from headrace.el.scope import Scope

JOB = EmbeddedObject("Job", "The run the expression belongs to, and the results of earlier nodes.", counted=True)

MAX_DAYS_SEARCHED = 3660  # a working day farther away than ten years is none


@JOB.property("name")
def name(scope: Scope) -> str:
    """The name of the job."""
    return scope.job_name


@JOB.property("planTime")
def plan_time(scope: Scope) -> datetime:
    """The time the schedule says; when data is supplemented, the plan time inside the chosen dates."""
    return scope.plan_time


@JOB.property("startTime")
def start_time(scope: Scope) -> datetime:
    """The time the instance really started."""
    return scope.start_time


@JOB.property("eventData")
def event_data(scope: Scope) -> str | None:
    """The message that triggered an event-driven job; null otherwise."""
    return scope.event_data


@JOB.property("projectId")
def project_id(scope: Scope) -> str:
    """The id of the project."""
    return scope.project_id


@JOB.property("trigger.obsNewFiles")
def obs_new_files(scope: Scope) -> str | None:
    """The paths of the new files that triggered an OBS event job, joined with commas; null otherwise."""
    return scope.obs_new_files


@JOB.method("getNodeStatus")
def get_node_status(scope: Scope, node_name: str) -> str | None:
    """``success`` when the upstream node ended well, ``fail`` when it failed; null when it did not run."""
    return scope.node_status(node_name)


@JOB.method("getNodeOutput")
def get_node_output(scope: Scope, node_name: str) -> str:
    """The output of an upstream node of this instance; the text ``null`` when there is none.

    A SELECT gives a two-dimensional JSON array of texts, Shell and Python the end of what they print, Rest Client
    the body of the answer. Source: user guide, "Job Object".
    """
    output = scope.node_output(node_name)
    return "null" if output is None else output


@JOB.method("getParam")
def get_param(scope: Scope, key: str) -> str | None:
    """The value configured in this job; what a parent job or the workspace gives is read with ``${key}``."""
    return scope.job_params.get(key)


@JOB.method("getPlanTime")
def get_plan_time(scope: Scope, pattern: str) -> str:
    """The plan time, formatted."""
    return format_date(scope.plan_time, pattern, scope.zone)


@JOB.method("getYesterday")
def get_yesterday(scope: Scope, pattern: str) -> str:
    """The plan time of the day before, formatted."""
    return format_date(add_days(scope.plan_time, -1, scope.zone), pattern, scope.zone)


@JOB.method("getLastHour")
def get_last_hour(scope: Scope, pattern: str) -> str:
    """The time an hour before the plan time, formatted."""
    return format_date(scope.plan_time - timedelta(hours=1), pattern, scope.zone)


@JOB.method("getRunningData")
def get_running_data(scope: Scope, node_name: str) -> str | None:
    """JSON about the run of an upstream DLI SQL node: ``{"jobIds":[...]}``, an id a statement, in order."""
    return scope.running_data(node_name)


@JOB.method("getInsertJobId")
def get_insert_job_id(scope: Scope, node_name: str) -> str | None:
    """The id of the first INSERT statement of a DLI SQL or Transform Load node; null when there is none."""
    return scope.insert_job_id(node_name)


@JOB.method("getInsertJobId")
def get_preceding_insert_job_id(scope: Scope) -> str | None:
    """The same of the preceding node."""
    return scope.insert_job_id(scope.preceding_node) if scope.preceding_node is not None else None


@JOB.method("getPreviousWorkday")
def get_previous_workday(scope: Scope, num: int, pattern: str) -> str | None:
    """The num-th working day before the plan time in the job's own calendar; null when there is none."""
    return _day(scope, None, num, pattern, step=-1, working=True)


@JOB.method("getPreviousNonWorkday")
def get_previous_non_workday(scope: Scope, num: int, pattern: str) -> str | None:
    """The num-th non-working day before the plan time in the job's own calendar; null when there is none."""
    return _day(scope, None, num, pattern, step=-1, working=False)


def _declare_calendar_methods(el_name: str, about: str, *, step: int, working: bool) -> None:
    """Declare ``getCalendar…`` with a calendar's name, and without, as the documented examples write it."""

    def in_named_calendar(scope: Scope, calendar_name: str, num: int, pattern: str) -> str | None:
        return _day(scope, calendar_name, num, pattern, step=step, working=working)

    def in_own_calendar(scope: Scope, num: int, pattern: str) -> str | None:
        return _day(scope, None, num, pattern, step=step, working=working)

    in_named_calendar.__doc__ = f"The num-th {about} the plan time in the named calendar; null when there is none."
    in_own_calendar.__doc__ = f"The num-th {about} the plan time in the job's own calendar; null when there is none."
    declare: Callable[[Callable[..., str | None]], Callable[..., str | None]] = JOB.method(el_name)
    declare(in_named_calendar)
    declare(in_own_calendar)


_declare_calendar_methods("getCalendarPreviousWorkday", "working day before", step=-1, working=True)
_declare_calendar_methods("getCalendarPreviousNonWorkday", "non-working day before", step=-1, working=False)
_declare_calendar_methods("getCalendarNextWorkday", "working day after", step=1, working=True)
_declare_calendar_methods("getCalendarNextNonWorkday", "non-working day after", step=1, working=False)


def _day(scope: Scope, calendar: str | None, num: int, pattern: str, *, step: int, working: bool) -> str | None:
    """The num-th day of a kind, walking from the plan date, which does not count; formatted with the plan's time."""
    if num < 1:
        raise CannotEvaluate(f"a num of at least 1, found {num}")
    is_workday = scope.workdays(calendar)
    if is_workday is None:
        return None
    start = in_zone(scope.plan_time, scope.zone).date()
    for days in range(1, MAX_DAYS_SEARCHED + 1):
        day = date.fromordinal(min(max(start.toordinal() + step * days, 1), date.max.toordinal()))
        if is_workday(day) is working:
            num -= 1
            if not num:
                return format_date(add_days(scope.plan_time, step * days, scope.zone), pattern, scope.zone)
    return None
