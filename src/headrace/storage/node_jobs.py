"""The nodes of real-time jobs, each a job of its own, and how their instances stand. See decision 25."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select

from headrace.domain.instance import InstanceType
from headrace.storage import jobs
from headrace.storage.database import Connection
from headrace.storage.instances import STOP
from headrace.storage.jobs import JobRecord
from headrace.storage.open_instances import unended_or_held
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import job_instances, node_instances
from headrace.storage.tables import jobs as job_rows

PROCESS_TYPE = "NODE"


class LastInstance(NamedTuple):
    """The newest instance of a node."""

    id: int
    status: str
    log_path: str


_of_parent = job_rows.c.parent_id == bindparam("parent_id")
_PUT = InsertStatement(
    job_rows,
    JobRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("id",), set_={name: new.excluded[name] for name in JobRecord._fields[1:]}
    ),
)
_GOING = Statement(
    select(job_instances.c.job_id, job_instances.c.status)
    .distinct()
    .join(job_rows, job_rows.c.id == job_instances.c.job_id)
    .where(_of_parent, unended_or_held)
)
_ENDING = Statement(
    select(job_instances.c.job_id)
    .distinct()
    .join(job_rows, job_rows.c.id == job_instances.c.job_id)
    .where(
        _of_parent, job_instances.c.wish != literal_column("''"), job_instances.c.wish == literal_column(f"'{STOP}'")
    )
)
_scheduled_or_once = job_instances.c.instance_type.in_(
    [literal_column(str(int(kind))) for kind in (InstanceType.SCHEDULED, InstanceType.RUN_ONCE)]
)
_LAST = Statement(
    select(job_instances.c.id, job_instances.c.status, node_instances.c.log_path)
    .join(node_instances, node_instances.c.instance_id == job_instances.c.id)
    .where(
        job_instances.c.workspace_id == bindparam("workspace_id"),
        job_instances.c.job_name == bindparam("job_name"),
        job_instances.c.job_id == bindparam("job_id"),
        _scheduled_or_once,
    )
    .order_by(job_instances.c.plan_time.desc(), job_instances.c.id.desc())
    .limit(literal_column("1"))
)


def put(connection: Connection, node: JobRecord, document: str, user: str, now: int) -> None:
    """Write a node as a job, as it is when it starts; a version that is there stays as it is.

    Raises Duplicate where another job has its name.
    """
    connection.run(_PUT, **node._asdict())
    if jobs.version_document(connection, node.id, node.version) is None:
        jobs.add_version(connection, node.id, node.version, document, user, now)


def going(connection: Connection, job_id: int) -> dict[int, set[str]]:
    """The states of the instances that have not ended, by the nodes of a real-time job."""
    found: dict[int, set[str]] = {}
    for node_id, state in connection.all(_GOING, parent_id=job_id):
        found.setdefault(node_id, set()).add(state)
    return found


def ending(connection: Connection, job_id: int) -> set[int]:
    """The nodes of a real-time job that have an instance which was stopped, and which an engine still may run."""
    return {row[0] for row in connection.all(_ENDING, parent_id=job_id)}


def last_instance(connection: Connection, node: JobRecord) -> LastInstance | None:
    """The newest instance of a node."""
    row = connection.one(_LAST, workspace_id=node.workspace_id, job_name=node.instance_name, job_id=node.id)
    return None if row is None else LastInstance(*row)
