"""Jobs whose schedule has changed while instances of others wait for plan times that it had. See decision 19."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, literal_column, select

from headrace.domain.instance import JobState
from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import changed_schedules, instance_wait_times, instance_waits, job_instances

_ADD = InsertStatement(
    changed_schedules, ("job_id",), lambda new: new.on_conflict_do_nothing(index_elements=("job_id",))
)
_COUNT = Statement(select(func.count()).select_from(changed_schedules))
_TAKE = Statement(
    select(changed_schedules.c.job_id)
    .order_by(changed_schedules.c.job_id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)
_DROP = Statement(delete(changed_schedules).where(changed_schedules.c.job_id == bindparam("job_id")))
_states: list[ColumnElement[str]] = [
    literal_column(f"'{state}'") for state in (JobState.WAITING, JobState.FREEZE, JobState.PAUSE)
]
_made = job_instances.alias("made")
_WAITING = Statement(
    select(instance_wait_times.c.instance_id)
    .distinct()
    .select_from(instance_wait_times.join(job_instances, job_instances.c.id == instance_wait_times.c.instance_id))
    .where(
        instance_wait_times.c.upstream_job_id == bindparam("job_id"),
        job_instances.c.job_id != bindparam("job_id"),
        job_instances.c.status.in_(_states),
        job_instances.c.wish == literal_column("''"),
        job_instances.c.start_time.is_(None),
        ~exists().where(
            _made.c.job_id == instance_wait_times.c.upstream_job_id,
            _made.c.plan_time == instance_wait_times.c.plan_time,
            _made.c.instance_type == literal_column("0"),
        ),
    )
    .order_by(instance_wait_times.c.instance_id)
)
_on_job = and_(
    instance_waits.c.instance_id == bindparam("instance_id"), instance_waits.c.upstream_job_id == bindparam("job_id")
)
_DROP_WAITS = Statement(delete(instance_waits).where(_on_job))
_DROP_TIMES = Statement(
    delete(instance_wait_times).where(
        instance_wait_times.c.instance_id == bindparam("instance_id"),
        instance_wait_times.c.upstream_job_id == bindparam("job_id"),
    )
)


def add(connection: Connection, job_id: int) -> None:
    """The schedule of a job is another one now: those that wait for it are to be looked at."""
    connection.run(_ADD, job_id=job_id)


def are_any(connection: Connection) -> bool:
    """Whether there are schedules that have changed."""
    return bool(connection.value(_COUNT))


def take(connection: Connection, rows: int) -> list[int]:
    """Some of the jobs, which nobody else takes, and which are forgotten when the transaction ends well."""
    found = [row[0] for row in connection.all(_TAKE, rows=rows)]
    for job_id in found:
        connection.run(_DROP, job_id=job_id)
    return found


def waiting_for(connection: Connection, job_id: int) -> list[int]:
    """The instances of other jobs that wait, or are held back, for plan times of a job that have no instance yet."""
    return [row[0] for row in connection.all(_WAITING, job_id=job_id)]


def drop_waits(connection: Connection, instance_id: int, job_id: int) -> None:
    """An instance waits for nothing of a job."""
    connection.run(_DROP_TIMES, instance_id=instance_id, job_id=job_id)
    connection.run(_DROP_WAITS, instance_id=instance_id, job_id=job_id)
