"""Backfills: made, looked at, stopped, and run again where dates failed. Decision 21."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from headrace.domain.clock import to_millis
from headrace.domain.identity import Caller
from headrace.domain.instance import ENDED_JOB_STATES, HELD_JOB_STATES, UNENDED_JOB_STATES
from headrace.domain.obs_listening import ObsListening
from headrace.errors import BackfillNameExists, BackfillNotFound, BackfillRunning, InvalidParameter
from headrace.factory.backfill_request import Backfill, is_forced, read_backfill
from headrace.factory.instance_operations import stop_locked
from headrace.factory.instance_reruns import ignores_listening, rerun_locked
from headrace.services import Services
from headrace.storage import backfill_progress, backfills, instances, lock_order, workspaces
from headrace.storage.backfill_progress import Clockwork
from headrace.storage.backfills import (
    BackfillDate,
    BackfillJob,
    BackfillRecord,
    BackfillWait,
    DateState,
    TaskState,
)
from headrace.storage.database import Connection
from headrace.wire.v1.instances import RestoreRequest
from headrace.wire.v2.supplement_data import (
    AwaitedDate,
    CreateSupplementData,
    InstanceTime,
    InstanceTimeShown,
    ListSupplementDataQuery,
    PlannedDate,
    RunTime,
    RunTimeShown,
    SupplementData,
    SupplementDataDate,
    SupplementDataList,
    SupplementDataPreview,
    SupplementDataProgress,
)

MAX_ROWS = 1000
_BOTH_SPELLINGS = {"CANCEL": TaskState.CANCLE.value}


def create(services: Services, caller: Caller, asked: CreateSupplementData, text: bytes) -> None:
    """Begin a backfill; ``text`` is the request as received.

    Raises BackfillNameExists, BackfillRunning unless it is forced, and as ``read_backfill``.
    """
    forced, listens = is_forced(asked), not ignores_listening(asked.ignore_obs_monitor)
    with services.db.reading() as connection:  # not while others want to write: years of dates take a while
        found = read_backfill(services, connection, caller, asked)
    with services.db.writing() as connection:
        if backfills.by_name(connection, caller.workspace.id, found.name) is not None:
            raise BackfillNameExists(f"name: {found.name!r}.")
        for job in found.plan.jobs:
            running = None if forced else backfills.running_of_job(connection, job.record.id)
            if running is not None:
                raise BackfillRunning(f"{running!r} runs the job {job.record.name!r}; force begins another beside it.")
        task = _task(services, caller, asked, found, text)
        jobs = _jobs(connection, caller, task, found, listens=listens)
        if not backfills.add(connection, task, jobs, _dates(task, found), _waits(task, found)):
            raise BackfillNameExists(f"name: {found.name!r}.")  # begun by somebody else at this moment
        backfill_progress.proceed(connection, task.id, _clockwork(services, caller))
    services.wake_engine()


def preview(services: Services, caller: Caller, asked: CreateSupplementData) -> SupplementDataPreview:
    """What would run; nothing is begun. Raises as ``read_backfill``."""
    with services.db.reading() as connection:
        found = read_backfill(services, connection, caller, asked)
    return SupplementDataPreview(parallel=found.parallel, total=len(found.plan.dates), dates=_shown_dates(found))


def list_page(services: Services, caller: Caller, query: ListSupplementDataQuery) -> SupplementDataList:
    """One page of the tasks of a workspace by the time of creation. Raises InvalidParameter."""
    status = _BOTH_SPELLINGS.get(query.status, query.status)
    if status and status not in set(TaskState):
        raise InvalidParameter(f"status: {query.status!r} is none of {', '.join(TaskState)}.")
    if query.sort not in ("asc", "desc"):
        raise InvalidParameter(f"sort: {query.sort!r} is neither asc nor desc.")
    if not 1 <= query.size <= MAX_ROWS or not 0 <= query.page < 2**31:
        raise InvalidParameter(f"page {query.page}, size {query.size}: pages from 0, of 1 to {MAX_ROWS} rows.")
    with services.db.reading() as connection:
        total, found = backfills.page(
            connection,
            caller.workspace.id,
            name=query.name,
            user_name=query.user_name,
            status=status,
            first=query.start_date,
            last=query.end_date,
            descending=query.sort == "desc",
            skip=query.page * query.size,
            rows=query.size,
        )
        rows = [_shown(connection, task) for task in found]
    return SupplementDataList(msg="success", success=True, total=total, rows=rows)


def progress(services: Services, caller: Caller, name: str) -> SupplementDataProgress:
    """A task with all its dates. Raises BackfillNotFound."""
    with services.db.snapshot() as connection:
        task = _found(connection, caller, name)
        dates = backfills.dates_of(connection, task.id)
        counts = backfills.counts(connection, task.id)
    return SupplementDataProgress(
        name=task.name,
        status=task.status,
        counts=counts,
        dates=[
            SupplementDataDate(
                job_name=each.job_name,
                plan_time=each.plan_time,
                state=each.state,
                instance_id=msgspec.UNSET if each.instance_id is None else each.instance_id,
                instance_status=msgspec.UNSET if each.status is None else each.status,
            )
            for each in dates
        ],
    )


def stop(services: Services, caller: Caller, name: str) -> None:
    """Stop a running task: what runs is stopped, what has not begun does not begin.

    Raises BackfillNotFound, InvalidParameter.
    """
    with services.db.writing() as connection:
        task = _found(connection, caller, name)
        task = backfills.lock(connection, task.id) or task
        if task.status != TaskState.RUNNING:
            raise InvalidParameter(
                f"The supplement data {name!r} is {task.status}; only what is RUNNING can be stopped."
            )
        numbers = _instances(connection, task)
        lock_order.lock_with_others(connection, numbers)
        for number in numbers:
            record = instances.lock(connection, number)
            if record is not None and record.status in UNENDED_JOB_STATES | HELD_JOB_STATES:
                stop_locked(connection, record, caller.now)
        backfill_progress.drop_unbegun(connection, task.id, caller.now)
        backfills.change(
            connection, task._replace(status=TaskState.CANCLE.value, finish_time=caller.now, next_time=None)
        )
    services.wake_engine()


def retry(services: Services, caller: Caller, name: str) -> int:
    """Run the dates again that failed, were stopped or never began; how many. The version stays that of the task.

    Raises BackfillNotFound, InvalidParameter where there are none.
    """
    with services.db.writing() as connection:
        task = _found(connection, caller, name)
        task = backfills.lock(connection, task.id) or task
        unmade = backfill_progress.unmade(connection, task.id)
        if not unmade:
            raise InvalidParameter(f"The supplement data {name!r} has no dates to run again.")
        numbers = sorted(number for number in unmade.values() if number is not None)
        for number in numbers:
            record = instances.lock(connection, number)
            if record is not None and record.status in ENDED_JOB_STATES:
                rerun_locked(services, connection, caller, record, RestoreRequest())
                backfill_progress.hold(connection, number)
        backfills.change(connection, task._replace(status=TaskState.RUNNING.value, finish_time=None))
        backfill_progress.again(connection, task.id, list(unmade), _clockwork(services, caller))
    services.wake_engine()
    return len(unmade)


# ---- parts


def _found(connection: Connection, caller: Caller, name: str) -> BackfillRecord:
    task = backfills.by_name(connection, caller.workspace.id, name)
    if task is None:
        raise BackfillNotFound(name)
    return task


def _instances(connection: Connection, task: BackfillRecord) -> list[int]:
    ended = {state.value for state in (DateState.SUCCESS, DateState.FAIL, DateState.MANUAL_STOP)}
    dates = backfills.dates_of(connection, task.id)
    return sorted(each.instance_id for each in dates if each.instance_id is not None and each.state not in ended)


def _clockwork(services: Services, caller: Caller) -> Clockwork:
    return Clockwork(now=caller.now, zone=ZoneInfo(services.settings.time_zone), next_number=services.next_number)


def _task(
    services: Services, caller: Caller, asked: CreateSupplementData, found: Backfill, text: bytes
) -> BackfillRecord:
    return BackfillRecord(
        id=services.next_number(),
        workspace_id=caller.workspace.id,
        project_id=caller.project_id,
        name=found.name,
        job_name=asked.job_name or "",
        status=TaskState.RUNNING.value,
        document=text.decode(),
        parallel=found.parallel,
        by_day=int(bool(asked.is_day_granularity)),
        stops_on_failure=int(bool(asked.is_stop_when_fail)),
        run_time=msgspec.json.encode(asked.supplement_data_run_time or RunTime()).decode(),
        user_name=caller.user.name,
        start_time=to_millis(found.first),
        end_time=to_millis(found.last),
        create_time=caller.now,
    )


def _jobs(
    connection: Connection, caller: Caller, task: BackfillRecord, found: Backfill, *, listens: bool
) -> list[BackfillJob]:
    return [
        BackfillJob(
            backfill_id=task.id,
            number=number,
            job_id=each.record.id,
            job_name=each.record.name,
            workspace_id=each.record.workspace_id,
            version=each.record.version,
            run_as=each.definition.execution_user or caller.user.name,
            log_root=each.definition.log_path
            or workspaces.log_location(connection, caller.project_id, each.record.workspace_id),
            confirm=int(each.definition.schedule.confirm),
            nodes=msgspec.json.encode([[node.name, node.type] for node in each.definition.nodes]).decode(),
            listening=_listening(each.definition.schedule.listening) if listens else "",
        )
        for number, each in enumerate(found.plan.jobs)
    ]


def _listening(asked: ObsListening | None) -> str:
    if asked is None:
        return ""
    millis = [each // timedelta(milliseconds=1) for each in (asked.interval, asked.longest)]
    return msgspec.json.encode([asked.path, *millis]).decode()


def _dates(task: BackfillRecord, found: Backfill) -> list[BackfillDate]:
    waiting = {each.position for each in found.plan.waits}
    return [
        BackfillDate(
            backfill_id=task.id,
            position=position,
            job_number=each.number,
            plan_time=to_millis(each.plan_time),
            day=each.day,
            state=(DateState.WAITING if position in waiting else DateState.READY).value,
        )
        for position, each in enumerate(found.plan.dates)
    ]


def _waits(task: BackfillRecord, found: Backfill) -> list[BackfillWait]:
    return [
        BackfillWait(task.id, each.position, each.number, each.upstream, int(each.any_suffices), each.policy.value)
        for each in found.plan.waits
    ]


def _shown(connection: Connection, task: BackfillRecord) -> SupplementData:
    asked = msgspec.json.decode(task.document, type=CreateSupplementData)
    given = asked.supplement_data_instance_time or InstanceTime()
    run_time = asked.supplement_data_run_time or RunTime()
    return SupplementData(
        name=task.name,
        job_list=[each.job_name for each in reversed(backfills.jobs_of(connection, task.id))],
        status=task.status,
        start_date=task.start_time,
        end_date=task.end_time,
        submitted_date=task.create_time,
        parallel=task.parallel,
        type=0,
        user_name=task.user_name,
        supplement_data_instance_time=InstanceTimeShown(days=given.days or [], time_of_day=given.time_of_day or ""),
        supplement_data_run_time=RunTimeShown(
            time_of_day=run_time.time_of_day or "00:00-00:00",
            day_of_week=run_time.day_of_week or "",
            day_of_month=run_time.day_of_month or "",
        ),
    )


def _shown_dates(asked: Backfill) -> list[PlannedDate]:
    found, waits = asked.plan, dict[int, list[AwaitedDate]]()
    for each in found.waits:
        upstream = found.dates[each.upstream]
        awaited = AwaitedDate(job_name=found.jobs[upstream.number].record.name, plan_time=to_millis(upstream.plan_time))
        waits.setdefault(each.position, []).append(awaited)
    return [
        PlannedDate(
            job_name=found.jobs[each.number].record.name,
            plan_time=to_millis(each.plan_time),
            day=each.day,
            waits_for=waits.get(position, []),
            dry_run=position in asked.dry_runs,
        )
        for position, each in enumerate(found.dates)
    ]
