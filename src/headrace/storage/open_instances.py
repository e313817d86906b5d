"""The instances that have not ended: what an engine looks for, and what waited too long."""

from __future__ import annotations

from sqlalchemy import bindparam, func, literal_column, select, update

from headrace.domain.instance import HELD_JOB_STATES, UNENDED_JOB_STATES
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.statement import Statement
from headrace.storage.tables import engines, job_instances

# Written out, so that the database sees that its partial index serves.
_unended = job_instances.c.status.in_(
    [literal_column(f"'{state}'") for state in ("waiting", "running", "running-exception")]
)
unended_or_held = job_instances.c.status.in_(
    [literal_column(f"'{state}'") for state in sorted(UNENDED_JOB_STATES | HELD_JOB_STATES)]
)
_mine = job_instances.c.owner == bindparam("owner")
_nobodys = job_instances.c.owner == literal_column("''")
_OPEN = Statement(select(job_instances.c.id).where(_unended, _mine).order_by(job_instances.c.id))
_WISHING = Statement(
    select(job_instances.c.id, job_instances.c.wish)
    .where(job_instances.c.wish != literal_column("''"), _nobodys | _mine)
    .order_by(job_instances.c.id)
)
_begun = job_instances.c.status.in_([literal_column("'running'"), literal_column("'running-exception'")])
_orphaned = (job_instances.c.owner != literal_column("''")) & job_instances.c.owner.not_in(select(engines.c.id))
_ADOPT = Statement(update(job_instances).where(_orphaned).values(owner=bindparam("heir")))
_ADOPT_OWNERLESS = Statement(update(job_instances).where(_unended, _begun, _nobodys).values(owner=bindparam("heir")))
_UNENDED_OF_JOB = Statement(
    select(job_instances.c.id)
    .where(job_instances.c.job_id == bindparam("job_id"), unended_or_held)
    .order_by(job_instances.c.id)
)

_too_long = job_instances.c.status.in_([literal_column("'waiting'"), literal_column("'waiting-confirm'")])
_FIRST_OVERDUE = Statement(
    select(func.min(job_instances.c.cancel_at)).where(_too_long, job_instances.c.cancel_at.is_not(None))
)
_OVERDUE = Statement(
    select(job_instances)
    .where(_too_long, job_instances.c.cancel_at <= bindparam("now"))
    .order_by(job_instances.c.cancel_at, job_instances.c.id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)


def open_ids(connection: Connection, owner: str) -> list[int]:
    """Instances of an engine that have not ended, oldest first."""
    return [row[0] for row in connection.all(_OPEN, owner=owner)]


def wishes(connection: Connection, owner: str) -> dict[int, str]:
    """What is wished of instances that an engine must look at: its own, and those of none; oldest first."""
    return {row[0]: row[1] for row in connection.all(_WISHING, owner=owner)}


def adopt(connection: Connection, heir: str) -> int:
    """Give what engines had that are gone, and what runs without one, to an engine; how many instances."""
    return connection.run(_ADOPT, heir=heir) + connection.run(_ADOPT_OWNERLESS, heir=heir)


def unended_of_job(connection: Connection, job_id: int) -> list[int]:
    """Instances of a job that have not ended or are held back, oldest first."""
    return [row[0] for row in connection.all(_UNENDED_OF_JOB, job_id=job_id)]


def first_overdue(connection: Connection) -> int | None:
    """When the next waiting instance will have waited too long."""
    found: int | None = connection.value(_FIRST_OVERDUE)
    return found


def overdue(connection: Connection, now: int, rows: int) -> list[InstanceRecord]:
    """Instances that have waited too long, locked; those that somebody else looks at are left out."""
    return [InstanceRecord(*row) for row in connection.all(_OVERDUE, now=now, rows=rows)]
