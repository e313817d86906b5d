"""What becomes of the dates of backfills: begun as slots free, in the transaction that ends what ran. Decision 21."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, select, update

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.instance import InstanceType, JobState
from headrace.domain.job import JobDefinition, NodeDefinition, ScheduleDefinition
from headrace.domain.obs_listening import ObsListening
from headrace.domain.run_window import RunWindow, read_run_window
from headrace.storage import backfill_waits, backfills, instances, jobs, listenings, waits
from headrace.storage.backfills import BackfillDate, BackfillJob, BackfillRecord, DateState, TaskState
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.new_instances import Origin, new_instance
from headrace.storage.statement import Statement
from headrace.storage.tables import backfill_dates


@dataclass(frozen=True, kw_only=True, slots=True)
class Clockwork:
    """What moving a backfill needs from outside: the time in milliseconds, the service's zone, ids of instances."""

    now: int
    zone: tzinfo
    next_number: Callable[[], int]


_of_task = backfill_dates.c.backfill_id == bindparam("backfill_id")
_OF_INSTANCE = Statement(
    select(backfill_dates.c.backfill_id, backfill_dates.c.position, backfill_dates.c.day).where(
        backfill_dates.c.instance_id == bindparam("instance_id")
    )
)


def _is_one_of(*states: DateState) -> ColumnElement[bool]:
    return backfill_dates.c.state.in_([literal_column(f"'{state}'") for state in states])


_UNFINISHED = _is_one_of(DateState.WAITING, DateState.READY, DateState.BEGUN)
_UNBEGUN = _is_one_of(DateState.WAITING, DateState.READY)
_NEXT_DAY = Statement(select(func.min(backfill_dates.c.day)).where(_of_task, _UNFINISHED))
_LEFT = Statement(select(backfill_dates.c.position).where(_of_task, _UNFINISHED).limit(1))
_RUNNING = Statement(select(func.count()).select_from(backfill_dates).where(_of_task, _is_one_of(DateState.BEGUN)))
_READY = Statement(
    select(backfill_dates)
    .where(_of_task, _is_one_of(DateState.READY), backfill_dates.c.day <= bindparam("last_day"))
    .order_by(backfill_dates.c.position)
    .limit(bindparam("rows"))
)
_of_date = and_(backfill_dates.c.backfill_id == bindparam("key"), backfill_dates.c.position == bindparam("at"))
_BEGIN = Statement(
    update(backfill_dates)
    .where(_of_date)
    .values(state=literal_column(f"'{DateState.BEGUN}'"), instance_id=bindparam("instance_id"))
)
_DROP_AFTER = Statement(
    update(backfill_dates)
    .where(backfill_dates.c.backfill_id == bindparam("key"), backfill_dates.c.day > bindparam("after"), _UNBEGUN)
    .values(state=literal_column(f"'{DateState.DROPPED}'"))
)
_HELD_AFTER = Statement(
    select(backfill_dates.c.instance_id).where(
        _of_task, _UNBEGUN, backfill_dates.c.day > bindparam("after"), backfill_dates.c.instance_id.is_not(None)
    )
)
_UNBEGUN_OF_JOB = Statement(
    select(backfill_dates.c.position).where(_of_task, _UNBEGUN, backfill_dates.c.job_number == bindparam("number"))
)
_UNMADE = Statement(
    select(backfill_dates.c.position, backfill_dates.c.instance_id)
    .where(_of_task, _is_one_of(DateState.FAIL, DateState.MANUAL_STOP, DateState.DROPPED))
    .order_by(backfill_dates.c.position)
)
_ALL_DAYS = 2**31 - 1
_MILLISECOND = timedelta(milliseconds=1)


def ended(connection: Connection, records: Iterable[InstanceRecord], works: Clockwork) -> list[int]:
    """Instances of backfills have ended: begin the next ones; their ids. Others are passed over.

    Tasks are locked in the order of their ids, so that several engines never wait for each other in a circle.
    """
    by_task = _by_task(connection, records)
    begun: list[int] = []
    for backfill_id in sorted(by_task):
        task = backfills.lock(connection, backfill_id)
        if task is None:
            continue
        for position, day, status in by_task[backfill_id]:
            backfill_waits.move(connection, task.id, position, status)
            if task.stops_on_failure and status != DateState.SUCCESS:
                _drop_after(connection, task.id, day if task.by_day else -1, works.now)
        backfill_waits.settle(connection, task.id, [position for position, _, _ in by_task[backfill_id]])
        begun += _proceed(connection, task, works)
    return begun


def lock_tasks(connection: Connection, records: Iterable[InstanceRecord]) -> None:
    """Lock the tasks of instances, before these: see ``lock_order``."""
    for backfill_id in sorted(_by_task(connection, records)):
        backfills.lock(connection, backfill_id)


def _by_task(connection: Connection, records: Iterable[InstanceRecord]) -> dict[int, list[tuple[int, int, str]]]:
    """The dates of instances, with their days and what became of them, by task."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    for record in records:
        if record.instance_type == InstanceType.PATCH_DATA:
            row = connection.one(_OF_INSTANCE, instance_id=record.id)
            if row is not None:
                found.setdefault(row[0], []).append((row[1], row[2], record.status))
    return found


def proceed(connection: Connection, backfill_id: int, works: Clockwork) -> list[int]:
    """Begin what may begin of a task; the ids of the instances, which the engine must look at."""
    task = backfills.lock(connection, backfill_id)
    return [] if task is None else _proceed(connection, task, works)


def drop_unbegun(connection: Connection, backfill_id: int, now: int) -> None:
    """Nothing more of a task, which is locked, begins."""
    _drop_after(connection, backfill_id, -1, now)


def unmade(connection: Connection, backfill_id: int) -> dict[int, int | None]:
    """The dates of a task that failed, were stopped or never began: their instances by position."""
    return {row[0]: row[1] for row in connection.all(_UNMADE, backfill_id=backfill_id)}


def hold(connection: Connection, instance_id: int) -> None:
    """Have an instance that is to run again wait for a slot of its task."""
    record = instances.lock(connection, instance_id)
    if record is not None and record.status == JobState.WAITING:
        instances.update_instances(connection, [record._replace(wish="")])


def again(connection: Connection, backfill_id: int, positions: Iterable[int], works: Clockwork) -> None:
    """Let dates of a task, which is locked, begin once more."""
    backfill_waits.wait_again(connection, backfill_id, positions)
    proceed(connection, backfill_id, works)


def window_of(task: BackfillRecord) -> RunWindow:
    """When instances of a task may begin."""
    kept: dict[str, str] = json.loads(task.run_time)
    return read_run_window(kept.get("time_of_day"), kept.get("day_of_week"), kept.get("day_of_month"))


def _proceed(connection: Connection, task: BackfillRecord, works: Clockwork) -> list[int]:
    if task.status == TaskState.CANCLE:
        return []
    window, moment = window_of(task), from_millis(works.now)
    begun: list[int] = []
    if task.status == TaskState.RUNNING and window.is_open(moment, works.zone):
        begun = _begin_ready(connection, task, works)
    opening = window.next_opening(moment, works.zone)
    after = task._replace(next_time=None if opening is None else to_millis(opening))
    if connection.one(_LEFT, backfill_id=task.id) is None:
        all_well = backfills.counts(connection, task.id).keys() == {DateState.SUCCESS}
        done = TaskState.SUCCESS if all_well else TaskState.FAIL
        after = after._replace(status=done.value, finish_time=works.now, next_time=None)
    if after != task:
        backfills.change(connection, after)
    return begun


def _drop_after(connection: Connection, backfill_id: int, day: int, now: int) -> None:
    """Nothing of the days after one begins any more; an instance that was to run again is cancelled."""
    for (number,) in connection.all(_HELD_AFTER, backfill_id=backfill_id, after=day):
        record = instances.lock(connection, number)
        if record is not None and record.status == JobState.WAITING:
            waits.cancel(connection, record, "Not begun again: its backfill has ended.", now)
    connection.run(_DROP_AFTER, key=backfill_id, after=day)


def _begin_ready(connection: Connection, task: BackfillRecord, works: Clockwork) -> list[int]:
    """Fill the free slots of a task."""
    of_number = {item.number: item for item in backfills.jobs_of(connection, task.id)}
    begun: list[int] = []
    while (free := task.parallel - int(connection.value(_RUNNING, backfill_id=task.id))) > 0:
        last_day = connection.value(_NEXT_DAY, backfill_id=task.id) if task.by_day else _ALL_DAYS
        rows = connection.all(_READY, backfill_id=task.id, last_day=last_day, rows=free)
        if last_day is None or not rows:
            break
        for date in (BackfillDate(*row) for row in rows):
            number = _go_on(connection, date) or _make(connection, task, of_number[date.job_number], date, works)
            if number is None:
                _drop_job(connection, task.id, date.job_number)
                break
            if not listenings.is_listening(connection, number):
                begun.append(number)
    return begun


def _go_on(connection: Connection, date: BackfillDate) -> int | None:
    """Begin the instance that a date has already; None where it has none."""
    record = None if date.instance_id is None else instances.lock(connection, date.instance_id)
    if record is None:
        return None
    if record.status == JobState.WAITING:
        instances.update_instances(connection, [record._replace(wish=instances.START)])
    connection.run(_BEGIN, key=date.backfill_id, at=date.position, instance_id=record.id)
    return record.id


def _make(
    connection: Connection, task: BackfillRecord, item: BackfillJob, date: BackfillDate, works: Clockwork
) -> int | None:
    """The instance of a date, which begins at once, or when its file has come; None where its job was deleted."""
    job = jobs.by_id(connection, item.job_id)
    if job is None:
        return None
    definition = JobDefinition(
        name=job.name,
        nodes=tuple(NodeDefinition(name=name, type=kind) for name, kind in json.loads(item.nodes)),
        schedule=ScheduleDefinition(confirm=bool(item.confirm)),
    )
    origin = Origin(
        kind=InstanceType.PATCH_DATA,
        project_id=task.project_id,
        run_as=item.run_as,
        log_root=item.log_root,
        plan_time=date.plan_time,
        submit_time=works.now,
    )
    instance, nodes = new_instance(job._replace(version=item.version), definition, works.next_number(), origin, {})
    instance = instance._replace(instance_name=task.name)
    if item.listening:
        path, interval, longest = json.loads(item.listening)
        listening = ObsListening(path=path, interval=interval * _MILLISECOND, longest=longest * _MILLISECOND)
        listenings.begin(connection, instance.id, listening, works.now, works.now, confirm=bool(item.confirm))
        instance = instance._replace(status=JobState.WAITING.value, wish="")
    instances.insert_instance(connection, instance, nodes)
    connection.run(_BEGIN, key=task.id, at=date.position, instance_id=instance.id)
    return instance.id


def _drop_job(connection: Connection, backfill_id: int, number: int) -> None:
    """A job of a task was deleted: its dates get no instances, and those that wait for them are told."""
    dropped = [row[0] for row in connection.all(_UNBEGUN_OF_JOB, backfill_id=backfill_id, number=number)]
    for position in dropped:
        backfill_waits.move(connection, backfill_id, position, DateState.DROPPED)
    backfill_waits.settle(connection, backfill_id, dropped)
