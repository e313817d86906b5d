"""What a backfill is asked to do, read and checked. Source: API reference, "Creating a Supplement Data Instance"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import chain
from zoneinfo import ZoneInfo

from headrace.domain.clock import from_millis
from headrace.domain.identity import Caller, Workspace
from headrace.domain.names import JOB_NAME
from headrace.domain.periods import period_of
from headrace.domain.run_window import RunWindow, read_run_window, read_time_of_day
from headrace.domain.steps import MOST as MOST_STEPS
from headrace.domain.steps import Step, StepUnit
from headrace.errors import (
    BackfillNeedsPeriods,
    InvalidBackfillName,
    InvalidBackfillRange,
    InvalidParameter,
    JobNotFound,
    WorkspaceNotFound,
)
from headrace.factory import runs
from headrace.factory.backfill_plan import Part, Patched, Plan, check_size, plan, plan_times_in, stepped
from headrace.services import Services
from headrace.storage import calendars, default_items, jobs, workspaces
from headrace.storage.database import Connection
from headrace.wire.v2.supplement_data import CreateSupplementData, StepTime

MOST_AT_ONCE = 5
ONE_AT_A_TIME = ("CDMJob", "DataMigration")  # a task with such a node runs serially. Source: scheduling §9
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d) ([+-]\d\d)(?::?(\d\d))?")
_DAYS = re.compile(r"(\d{4}/\d\d/\d\d)(?:-(\d{4}/\d\d/\d\d))?")
_SHORTEST = timedelta(seconds=2)
_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Backfill:
    """A request that was checked. ``first``, ``last``: the range; ``parallel``: as many as really run at once.

    ``dry_runs``: positions of dates that are no working days of their jobs' calendars.
    """

    name: str
    first: datetime
    last: datetime
    parallel: int
    window: RunWindow
    plan: Plan
    dry_runs: frozenset[int]


def read_backfill(services: Services, connection: Connection, caller: Caller, asked: CreateSupplementData) -> Backfill:
    """Check a request and find its dates.

    Raises InvalidBackfillName, JobNotFound, WorkspaceNotFound, BackfillNeedsPeriods, InvalidBackfillRange,
    BackfillTooLarge, InvalidParameter, and what a job without a submitted version that can run raises.
    """
    name = asked.name or ""
    if not JOB_NAME.fullmatch(name):
        raise InvalidBackfillName(f"name: {name!r} is not 1 to 128 letters, digits, '-', '_' or '.'.")
    parallel = _parallel(asked)
    zone = ZoneInfo(services.settings.time_zone)
    first, last = _range(asked, from_millis(caller.now))
    found = _jobs(connection, caller, asked)
    wall = period_of(found[-1].definition.schedule, zone).zone
    parts = _parts(asked, first, last, from_millis(caller.now), wall)
    if asked.supplement_data_period is not None:
        parts = _stepped(asked.supplement_data_period, found, parts, zone)
    patched = [replace(each, plan_times=plan_times_in(each.definition, parts, zone)) for each in found]
    check_size(sum(len(each.plan_times) for each in patched))
    if not any(each.plan_times for each in patched):
        raise InvalidParameter("start_date, end_date: the jobs have no plan time in this range that is past.")
    serial = any(node.type in ONE_AT_A_TIME for each in patched for node in each.definition.nodes)
    found_plan = plan(patched, wall, zone, by_day=bool(asked.is_day_granularity), reverse=asked.reverse_order == 1)
    return Backfill(
        name=name,
        first=first,
        last=last,
        parallel=1 if serial else parallel,
        window=_window(asked),
        plan=found_plan,
        dry_runs=_dry_runs(connection, found_plan, zone),
    )


def _dry_runs(connection: Connection, found: Plan, zone: tzinfo) -> frozenset[int]:
    """Source: reference on scheduling §2.3: "also in PatchData"."""
    positions = set()
    for position, each in enumerate(found.dates):
        job = found.jobs[each.number]
        schedule = job.definition.schedule
        if not calendars.is_working_time(connection, job.record.workspace_id, schedule, each.plan_time, zone):
            positions.add(position)
    return frozenset(positions)


def is_forced(asked: CreateSupplementData) -> bool:
    """Whether it begins though the job runs in another task already. Raises InvalidParameter."""
    if asked.force not in (None, True, False, "true", "false", ""):
        raise InvalidParameter(f"force: {asked.force!r} is neither true nor false.")
    return asked.force in (True, "true")


def _parallel(asked: CreateSupplementData) -> int:
    if asked.parallel is None or not 1 <= asked.parallel <= MOST_AT_ONCE:
        raise InvalidParameter(f"parallel: {asked.parallel} is not a number from 1 to {MOST_AT_ONCE}.")
    if asked.reverse_order not in (None, 0, 1):
        raise InvalidParameter(f"reverse_order: {asked.reverse_order} is neither 0 nor 1.")
    return asked.parallel


def _window(asked: CreateSupplementData) -> RunWindow:
    given = asked.supplement_data_run_time
    return RunWindow() if given is None else read_run_window(given.time_of_day, given.day_of_week, given.day_of_month)


# ---- when


def _range(asked: CreateSupplementData, now: datetime) -> tuple[datetime, datetime]:
    first, last = _moment(asked.start_date, "start_date"), _moment(asked.end_date, "end_date")
    if last - first < _SHORTEST:
        raise InvalidBackfillRange(f"start_date {asked.start_date!r}, end_date {asked.end_date!r}.")
    return first, min(last, now)


def _moment(text: str | None, member: str) -> datetime:
    found = _DATE.fullmatch(text or "")
    try:
        if found is not None:
            moment: datetime = datetime.fromisoformat(f"{found[1]}{found[2]}:{found[3] or '00'}")
            return moment
    except ValueError:
        pass
    raise InvalidBackfillRange(f"{member}: {text!r} is not of the form 2023-08-21T00:00:00 +08.")


def _parts(asked: CreateSupplementData, first: datetime, last: datetime, now: datetime, wall: tzinfo) -> Sequence[Part]:
    """The range, or else the days that are named, by the clock of the job's zone; nothing that is still to come."""
    given = asked.supplement_data_instance_time
    if given is None:
        return [Part(first, last)]
    member = "supplement_data_instance_time"
    time_of_day = read_time_of_day(given.time_of_day, f"{member}.time_of_day")
    if not given.days:
        return [Part(first, last, time_of_day)]
    parts = []
    for text in given.days:
        begin, end = _days(text, f"{member}.days")
        after = datetime.combine(end + _DAY, time(), tzinfo=wall) - _MOMENT
        parts.append(Part(datetime.combine(begin, time(), tzinfo=wall), min(after, now), time_of_day))
    return parts


def _stepped(given: StepTime, found: Sequence[Patched], parts: Sequence[Part], zone: tzinfo) -> Sequence[Part]:
    """Every so many days of the range. Source: reference on scheduling §9, "Run periodically"."""
    member = "supplement_data_period"
    if given.unit not in set(StepUnit) or given.step is None or not 1 <= given.step <= MOST_STEPS:
        raise InvalidParameter(
            f"{member}: every {given.step} {given.unit} is not every 1 to {MOST_STEPS} DAY, WEEK or MONTH."
        )
    if len(parts) > 1:
        raise InvalidParameter(f"{member}: it counts from the first day of one range, not of several days.")
    unit = period_of(found[-1].definition.schedule, zone).unit
    for each in found:
        if (other := period_of(each.definition.schedule, zone).unit) is not unit:
            raise InvalidParameter(
                f"depend_jobs: {each.record.name!r} runs every {other}, not every {unit}; {member} wants one period."
            )
    return stepped(found[-1].definition, parts[0], Step(given.step, StepUnit(given.unit)), zone)


def _days(text: str, member: str) -> tuple[date, date]:
    found = _DAYS.fullmatch(text.strip())
    try:
        if found is not None:
            first, last = (datetime.strptime(day, "%Y/%m/%d").date() for day in (found[1], found[2] or found[1]))  # noqa: DTZ007
            if first <= last and last.year < date.max.year:
                return first, last
    except ValueError:
        pass
    raise InvalidParameter(f"{member}: {text!r} is not of the form 2023/09/05-2023/09/07.")


# ---- what


def _jobs(connection: Connection, caller: Caller, asked: CreateSupplementData) -> list[Patched]:
    """The jobs of a task, each once; the one that is named comes last."""
    found: dict[int, Patched] = {}
    others = ((each.workspace_id, each.job_name, "depend_jobs: ") for each in asked.depend_jobs or ())
    for workspace_id, name, member in chain(others, [(None, asked.job_name, "job_name: ")]):
        place = _workspace(connection, caller, workspace_id)
        record = jobs.by_name(connection, place.id, name or "")
        if record is None:
            raise JobNotFound(f"{member}{name!r}.")
        definition = runs.submitted_definition(connection, record)
        if record.process_type != "BATCH" or definition.schedule.kind != "CRON" or not definition.schedule.expression:
            raise BackfillNeedsPeriods(f"{member}{name!r}.")
        found.pop(record.id, None)
        periods = default_items.of_workspace(connection, record.workspace_id).periods
        found[record.id] = Patched(record, definition, (), periods)
    return list(found.values())


def _workspace(connection: Connection, caller: Caller, workspace_id: str | None) -> Workspace:
    if not workspace_id or workspace_id == caller.workspace.id:
        return caller.workspace
    record = workspaces.by_id(connection, caller.project_id, workspace_id)
    if record is None:
        raise WorkspaceNotFound(f"depend_jobs: workspace_id {workspace_id!r}.")
    return Workspace(id=record.id, project_id=record.project_id, name=record.name)
