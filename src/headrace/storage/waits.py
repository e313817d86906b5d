"""What instances wait for, and their release: in the transaction that ends what they waited for.

A waiting instance without a wish is one that waits for others. Source: reference on scheduling §3 to §5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, exists, insert, literal_column, select

from headrace.domain.clock import from_millis
from headrace.domain.dependencies import FAILED, Upstream, Verdict, all_together, verdict
from headrace.domain.dependency_words import DependFailPolicy
from headrace.domain.instance import JobState, moved
from headrace.storage import alarms, instances, listenings, schedules
from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import instance_wait_times, instance_waits, job_instances


class WaitRecord(NamedTuple):
    """A row of ``instance_waits``."""

    instance_id: int
    number: int
    upstream_job_id: int
    upstream_job_name: str
    any_suffices: int
    fail_policy: str
    rule: str
    confirm: int


class Awaited(NamedTuple):
    """An upstream instance that counts for a wait; ``id`` and ``status`` are None while it does not exist."""

    number: int
    plan_time: int
    id: int | None
    status: str | None


Waits = Sequence[tuple[WaitRecord, Sequence[Awaited]]]

_SKIPPED = JobState.SKIP_BY_DEPEND.value
_INSERT = Statement(insert(instance_waits))
_INSERT_TIME = Statement(insert(instance_wait_times))
_of_instance = instance_waits.c.instance_id == bindparam("instance_id")
_WAITS = Statement(select(instance_waits).where(_of_instance).order_by(instance_waits.c.number))
_AWAITED = Statement(
    select(instance_wait_times.c.number, instance_wait_times.c.plan_time, job_instances.c.id, job_instances.c.status)
    .select_from(
        instance_wait_times.join(
            job_instances,
            and_(
                job_instances.c.job_id == instance_wait_times.c.upstream_job_id,
                job_instances.c.plan_time == instance_wait_times.c.plan_time,
                job_instances.c.instance_type == literal_column("0"),
            ),
            isouter=True,
        )
    )
    .where(instance_wait_times.c.instance_id == bindparam("instance_id"))
    .order_by(instance_wait_times.c.number, instance_wait_times.c.plan_time)
)
_DEPENDENTS = Statement(
    select(instance_wait_times.c.instance_id)
    .distinct()
    .where(
        instance_wait_times.c.upstream_job_id == bindparam("job_id"),
        instance_wait_times.c.plan_time == bindparam("plan_time"),
    )
    .order_by(instance_wait_times.c.instance_id)
)
_WAITING_FOR_JOB = Statement(
    select(instance_wait_times.c.instance_id)
    .distinct()
    .select_from(instance_wait_times.join(job_instances, job_instances.c.id == instance_wait_times.c.instance_id))
    .where(
        instance_wait_times.c.upstream_job_id == bindparam("job_id"),
        job_instances.c.job_id != bindparam("job_id"),
        job_instances.c.status == literal_column("'waiting'"),
        job_instances.c.wish == literal_column("''"),
    )
    .order_by(instance_wait_times.c.instance_id)
)
_ALL_WAITING = Statement(
    select(job_instances.c.id)
    .where(
        job_instances.c.status == literal_column("'waiting'"),
        job_instances.c.wish == literal_column("''"),
        job_instances.c.instance_type == literal_column("0"),
    )
    .order_by(job_instances.c.id)
)
_WAITING_OF_JOB = Statement(
    select(job_instances)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.status == literal_column("'waiting'"),
        job_instances.c.instance_type == literal_column("0"),
    )
    .order_by(job_instances.c.plan_time.desc())
)
_PARENTS = Statement(
    select(job_instances)
    .distinct()
    .select_from(
        instance_wait_times.join(
            job_instances,
            and_(
                job_instances.c.job_id == instance_wait_times.c.upstream_job_id,
                job_instances.c.plan_time == instance_wait_times.c.plan_time,
                job_instances.c.instance_type == literal_column("0"),
            ),
        )
    )
    .where(instance_wait_times.c.instance_id == bindparam("instance_id"))
    .order_by(job_instances.c.plan_time, job_instances.c.id)
)
_CHILDREN = Statement(
    select(job_instances)
    .distinct()
    .select_from(instance_wait_times.join(job_instances, job_instances.c.id == instance_wait_times.c.instance_id))
    .where(
        instance_wait_times.c.upstream_job_id == bindparam("job_id"),
        instance_wait_times.c.plan_time == bindparam("plan_time"),
    )
    .order_by(job_instances.c.plan_time, job_instances.c.id)
)
_DROP = Statement(delete(instance_waits).where(_of_instance))
_DROP_TIMES = Statement(
    delete(instance_wait_times).where(instance_wait_times.c.instance_id == bindparam("instance_id"))
)
_UNMADE = Statement(
    select(instance_wait_times.c.instance_id, instance_wait_times.c.number, instance_wait_times.c.plan_time)
    .where(
        instance_wait_times.c.upstream_job_id == bindparam("job_id"),
        instance_wait_times.c.plan_time >= bindparam("first"),
        instance_wait_times.c.plan_time < bindparam("until"),
        ~exists().where(
            job_instances.c.job_id == instance_wait_times.c.upstream_job_id,
            job_instances.c.plan_time == instance_wait_times.c.plan_time,
            job_instances.c.instance_type == literal_column("0"),
        ),
    )
    .order_by(instance_wait_times.c.instance_id)
)
_DROP_TIME = Statement(
    delete(instance_wait_times).where(
        instance_wait_times.c.instance_id == bindparam("instance_id"),
        instance_wait_times.c.number == bindparam("number"),
        instance_wait_times.c.plan_time == bindparam("plan_time"),
    )
)


def add(connection: Connection, wait: WaitRecord, plan_times: Iterable[int]) -> None:
    """Have an instance wait for those of an upstream job at these plan times."""
    connection.run(_INSERT, **wait._asdict())
    key = {"instance_id": wait.instance_id, "number": wait.number, "upstream_job_id": wait.upstream_job_id}
    connection.run_many(_INSERT_TIME, [{**key, "plan_time": moment} for moment in plan_times])


def drop(connection: Connection, instance_id: int) -> None:
    """The instance waits for nothing any more."""
    connection.run(_DROP_TIMES, instance_id=instance_id)
    connection.run(_DROP, instance_id=instance_id)


def ignore(connection: Connection, instance_id: int, upstream: Iterable[Awaited]) -> None:
    """An instance waits no longer for these; what it waited for stays known by its job."""
    rows = [{"instance_id": instance_id, "number": each.number, "plan_time": each.plan_time} for each in upstream]
    connection.run_many(_DROP_TIME, rows)


def ignore_unmade(connection: Connection, job_id: int, first: int, until: int, now: int) -> list[int]:
    """Plan times of a job, ``first <= t < until``, will never come: nobody waits for them; those the engine must see.

    What else an instance waits for still counts.
    """
    rows = [tuple(row) for row in connection.all(_UNMADE, job_id=job_id, first=first, until=until)]
    connection.run_many(
        _DROP_TIME, [dict(zip(("instance_id", "number", "plan_time"), row, strict=True)) for row in rows]
    )
    return settle(connection, list(dict.fromkeys(row[0] for row in rows)), now)


def parents(connection: Connection, instance_id: int) -> list[instances.InstanceRecord]:
    """The instances that exist of those that an instance waits or waited for."""
    return [instances.InstanceRecord(*row) for row in connection.all(_PARENTS, instance_id=instance_id)]


def children(connection: Connection, record: instances.InstanceRecord) -> list[instances.InstanceRecord]:
    """The instances that wait or waited for one."""
    if record.instance_type != 0:
        return []
    rows = connection.all(_CHILDREN, job_id=record.job_id, plan_time=record.plan_time)
    return [instances.InstanceRecord(*row) for row in rows]


def of_instance(connection: Connection, instance_id: int) -> list[tuple[WaitRecord, list[Awaited]]]:
    """What an instance waits or waited for, with the upstream instances as they are now."""
    found = [WaitRecord(*row) for row in connection.all(_WAITS, instance_id=instance_id)]
    awaited = [Awaited(*row) for row in connection.all(_AWAITED, instance_id=instance_id)] if found else []
    return [(wait, [each for each in awaited if each.number == wait.number]) for wait in found]


def all_waiting(connection: Connection) -> list[int]:
    """Every instance that waits for others."""
    return [row[0] for row in connection.all(_ALL_WAITING)]


def waiting_for_job(connection: Connection, job_id: int) -> list[int]:
    """Instances of other jobs that wait for instances of a job."""
    return [row[0] for row in connection.all(_WAITING_FOR_JOB, job_id=job_id)]


def release(connection: Connection, ended: instances.InstanceRecord, now: int) -> list[int]:
    """An instance has ended: begin or cancel those that waited for it, and so on; those the engine must look at."""
    if ended.instance_type != 0:
        return []
    return settle(connection, _dependents(connection, ended), now)


def settle(connection: Connection, waiting: Sequence[int], now: int) -> list[int]:
    """Look at instances that wait: begin or cancel them where that is clear now, and those that wait for them."""
    if connection.dialect != "sqlite":
        for number in sorted(set(waiting)):  # see lock_order
            instances.lock(connection, number)
    begun: list[int] = []
    queue = deque(waiting)
    while queue:
        record = instances.lock(connection, queue.popleft())
        if record is None or record.status != JobState.WAITING or record.wish:
            continue
        found = of_instance(connection, record.id)
        decided = _decided(connection, record, found)
        if decided is Verdict.RUN:
            chosen, older = _instead_of(connection, record)
            for each in _passed_over(connection, older, chosen, now):
                queue.extend(_dependents(connection, each))
                begun.append(each.id)
            if chosen.id == record.id:
                listened = listenings.of_instance(connection, record.id)
                confirm = any(wait.confirm for wait, _ in found) or (listened is not None and bool(listened.confirm))
                _begin(connection, record, confirm=confirm)
                begun.append(record.id)
            else:
                queue.append(chosen.id)
        elif decided is Verdict.CANCEL:
            cancelled = cancel(connection, record, _reason(found), now)
            queue.extend(_dependents(connection, cancelled))
    return begun


def _dependents(connection: Connection, record: instances.InstanceRecord) -> list[int]:
    return [row[0] for row in connection.all(_DEPENDENTS, job_id=record.job_id, plan_time=record.plan_time)]


def _decided(connection: Connection, record: instances.InstanceRecord, found: Waits) -> Verdict:
    """Whether an instance may begin; one that waits for nothing and is not the schedule's is its parent's to begin."""
    decided = all_together(verdict_of(wait, awaited) for wait, awaited in found)
    if decided is Verdict.RUN:
        listening = listenings.of_instance(connection, record.id)
        if listening is not None:
            return Verdict.RUN if listening.next_time is None else Verdict.WAIT
        if not found and record.instance_type != 0:
            return Verdict.WAIT
    return decided


def is_satisfied(connection: Connection, instance_id: int) -> bool:
    """Whether an instance may begin, for all it waits for."""
    found = of_instance(connection, instance_id)
    return all(verdict_of(wait, awaited) is Verdict.RUN for wait, awaited in found) and not listenings.is_listening(
        connection, instance_id
    )


def cancel(connection: Connection, record: instances.InstanceRecord, reason: str, now: int) -> instances.InstanceRecord:
    """Cancel a waiting instance, which is locked."""
    status = moved(JobState(record.status), JobState.MANUAL_STOP).value
    cancelled = record._replace(status=status, end_time=now, error_message=reason)
    instances.update_instances(connection, [cancelled])
    alarms.reached(connection, cancelled, now)
    return cancelled


def _instead_of(
    connection: Connection, record: instances.InstanceRecord
) -> tuple[instances.InstanceRecord, list[instances.InstanceRecord]]:
    """Which instance runs where this one may: where its job skips waiting ones, the newest that may; and those skipped.

    Source: reference on scheduling §3.1, "Skip waiting instances, run the latest".
    """
    schedule = schedules.by_job(connection, record.job_id) if record.instance_type == 0 else None
    if schedule is None or not schedule.skips_waiting:
        return record, []
    waiting = [instances.InstanceRecord(*row) for row in connection.all(_WAITING_OF_JOB, job_id=record.job_id)]
    for position, newest in enumerate(waiting):
        older = waiting[position + 1 :]
        if newest.id == record.id or newest.wish or _may_run_without(connection, newest, {each.id for each in older}):
            return newest, older
    return record, []


def _may_run_without(connection: Connection, record: instances.InstanceRecord, skipped: Container[int]) -> bool:
    """Whether an instance may run when others of its job have been skipped."""
    return not listenings.is_listening(connection, record.id) and all(
        verdict_of(wait, [each._replace(status=_SKIPPED) if each.id in skipped else each for each in awaited])
        is Verdict.RUN
        for wait, awaited in of_instance(connection, record.id)
    )


def _passed_over(
    connection: Connection, older: Iterable[instances.InstanceRecord], chosen: instances.InstanceRecord, now: int
) -> list[instances.InstanceRecord]:
    """Skip waiting instances; the engine is told of those that wait for their turn there."""
    skipped = []
    for key in sorted(each.id for each in older):
        record = instances.lock(connection, key)
        if record is not None and record.status == JobState.WAITING:
            skipped.append(
                record._replace(
                    status=moved(JobState.WAITING, JobState.SKIP_BY_DEPEND).value,
                    wish=instances.STOP if record.wish else "",
                    end_time=now,
                    error_message=f"Skipped: the instance {chosen.id}, which was planned later, runs instead.",
                )
            )
    instances.update_instances(connection, skipped)
    return skipped


def _begin(connection: Connection, record: instances.InstanceRecord, *, confirm: bool) -> None:
    if confirm:
        status = moved(JobState.WAITING, JobState.WAITING_CONFIRM).value
        instances.update_instances(connection, [record._replace(status=status)])
    else:
        instances.update_instances(connection, [record._replace(wish=instances.START)])


def verdict_of(wait: WaitRecord, awaited: Sequence[Awaited]) -> Verdict:
    """What follows for an instance from what it waits for in one upstream job."""
    upstream = Upstream(
        windows=(),
        plan_times=tuple(from_millis(each.plan_time) for each in awaited),
        any_suffices=bool(wait.any_suffices),
        runs_without=True,
        rule=wait.rule,
    )
    states = [None if each.status is None else JobState(each.status) for each in awaited]
    return verdict(upstream, states, DependFailPolicy(wait.fail_policy))


def _reason(found: Waits) -> str:
    for wait, awaited in found:
        if verdict_of(wait, awaited) is Verdict.CANCEL:
            bad = next((each for each in awaited if each.status in FAILED), None)
            named = "" if bad is None else f" {bad.id} is {bad.status}"
            return f"Cancelled: the upstream instance{named} of job {wait.upstream_job_name!r}."
    return "Cancelled."
