"""How many instances of a job run, for jobs that run only so many at once."""

from __future__ import annotations

from sqlalchemy import bindparam, func, literal_column, select

from headrace.domain.instance import LIMITED_TYPES, JobState
from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances, jobs

# what a person or a schedule began and what has not ended, also where it waits for a person since
_RUNNING = Statement(
    select(func.count())
    .select_from(job_instances)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.status.in_(
            [literal_column(f"'{state}'") for state in (JobState.RUNNING, JobState.RUNNING_EXCEPTION, JobState.PAUSE)]
        ),
        job_instances.c.start_time.is_not(None),
        job_instances.c.instance_type.in_([literal_column(str(int(kind))) for kind in sorted(LIMITED_TYPES)]),
    )
)
_LOCK = Statement(select(jobs.c.id).where(jobs.c.id == bindparam("id")).with_for_update())


def running_of_job(connection: Connection, job_id: int) -> int:
    """How many instances of a job run that count for its concurrency."""
    return int(connection.value(_RUNNING, job_id=job_id))


def lock_job(connection: Connection, job_id: int) -> None:
    """Have other engines wait with the instances of a job until the transaction ends."""
    connection.one(_LOCK, id=job_id)
