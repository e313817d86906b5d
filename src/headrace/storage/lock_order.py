"""The order in which transactions lock rows of several kinds, so that they never wait for each other in a circle.

First tasks of backfills, then jobs, their schedules, and instances; those of one kind by id. Who changes an instance
may change those that wait for it, that it runs and that runs it, so these are locked with it. What only shows then (an
instance that waits for one that is cancelled now) is locked out of order: PostgreSQL ends one of two transactions that
meet there, and whoever began it tries again. SQLite has one writer, so nothing is done there.
"""

from __future__ import annotations

from collections.abc import Iterable

from headrace.domain.instance import ENDED_JOB_STATES, JobState
from headrace.storage import instance_children, instances, turns, waits
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord


def lock_jobs(connection: Connection, job_ids: Iterable[int]) -> None:
    """Lock jobs before what belongs to them."""
    if connection.dialect != "sqlite":
        for job_id in sorted(set(job_ids)):
            turns.lock_job(connection, job_id)


def lock_instances(connection: Connection, ids: Iterable[int]) -> None:
    """Lock instances, each of which may be changed then."""
    if connection.dialect != "sqlite":
        for number in sorted(set(ids)):
            instances.lock(connection, number)


def lock_with_others(connection: Connection, ids: Iterable[int], *, of_job: bool = False) -> None:
    """Lock instances and those that a change of them concerns; ``of_job``: first their jobs."""
    if connection.dialect == "sqlite":
        return
    found = [record for number in ids if (record := instances.by_id(connection, number)) is not None]
    if of_job:
        lock_jobs(connection, (record.job_id for record in found))
    lock_instances(connection, {each for record in found for each in (record.id, *concerned(connection, record))})


def concerned(connection: Connection, record: InstanceRecord) -> set[int]:
    """The instances that may change with one: those that wait for it, that it runs, and the one that runs it."""
    found = {each.id for each in waits.children(connection, record) if each.status not in _SETTLED}
    found |= set(instance_children.open_of(connection, record.id))
    return found if record.parent_id is None else found | {record.parent_id}


_SETTLED = ENDED_JOB_STATES | {JobState.SKIP_BY_DEPEND}
