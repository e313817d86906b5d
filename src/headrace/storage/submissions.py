"""Runs of migration jobs: what was started, how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, exists, func, insert, literal_column, or_, select, update

from headrace.storage.database import Connection, Row
from headrace.storage.statement import Statement
from headrace.storage.tables import cdm_jobs, cdm_submissions

BOOTING, RUNNING, SUCCEEDED, FAILED = "BOOTING", "RUNNING", "SUCCEEDED", "FAILED"
FAILED_TO_SUBMIT = "FAILURE_ON_SUBMIT"
OPEN = (BOOTING, RUNNING)
READING, PREPARED, MOVING = "", "prepared", "moving"  # how far a run is, for a recovery


class SubmissionRecord(NamedTuple):
    """A run of a migration job; times in milliseconds.

    ``source_key``: names who started it, so that the same attempt finds it again; empty for a caller of the API.
    ``variables``, ``destination`` (what the target prepared) and ``counts``: JSON. ``reference_time``: of date macros.
    ``phase``: how far it is. ``owner``: the engine that runs it; ``stop``: somebody wants it to end.
    ``workspace_id``: whose embedded engine it uses.
    """

    id: int
    cluster_id: str
    workspace_id: str
    job_id: int
    job_name: str
    source_key: str
    status: str
    phase: str
    owner: str
    stop: int
    variables: str
    reference_time: int
    destination: str
    counts: str
    progress: int
    error_summary: str
    error_details: str
    create_user: str
    create_time: int
    start_time: int | None
    update_time: int
    end_time: int | None


_TABLE = cdm_submissions.c
_IS_OPEN = _TABLE.status.in_([literal_column(f"'{status}'") for status in OPEN])  # as in the index
_INSERT = Statement(insert(cdm_submissions))
_BY_ID = Statement(select(cdm_submissions).where(_TABLE.id == bindparam("id")))
_LOCKED = Statement(select(cdm_submissions).where(_TABLE.id == bindparam("id")).with_for_update())
_LAST = Statement(
    select(cdm_submissions).where(_TABLE.job_id == bindparam("job_id")).order_by(_TABLE.id.desc()).limit(1)
)
_LAST_OF_KEY = Statement(
    select(cdm_submissions).where(_TABLE.source_key == bindparam("source_key")).order_by(_TABLE.id.desc()).limit(1)
)
_COUNT = Statement(select(func.count()).select_from(cdm_submissions).where(_TABLE.job_id == bindparam("job_id")))
_PAGE = Statement(
    select(cdm_submissions)
    .where(_TABLE.job_id == bindparam("job_id"))
    .order_by(_TABLE.id.desc())
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
_OPEN = Statement(select(cdm_submissions).where(_IS_OPEN).order_by(_TABLE.id))
_OPEN_OF_CLUSTER = Statement(select(_TABLE.id).where(_TABLE.cluster_id == bindparam("cluster_id"), _IS_OPEN))
_STOPPED = Statement(select(_TABLE.id).where(_TABLE.owner == bindparam("owner"), _TABLE.stop == 1, _IS_OPEN))
_STOP = Statement(update(cdm_submissions).where(_TABLE.id == bindparam("key"), _IS_OPEN).values(stop=1))
_COUNTED = Statement(
    update(cdm_submissions)
    .where(_TABLE.id == bindparam("key"), _IS_OPEN, _TABLE.owner == bindparam("holder"))
    .values({name: bindparam(name) for name in ("counts", "progress", "update_time")})
)
_NEWER = cdm_submissions.alias("newer")
_HAS_NEWER = select(_NEWER.c.id).where(_NEWER.c.job_id == _TABLE.job_id, _NEWER.c.id > _TABLE.id)
_HAS_JOB = select(cdm_jobs.c.id).where(cdm_jobs.c.id == _TABLE.job_id)
_OLD = Statement(
    select(_TABLE.id)
    .where(_TABLE.end_time < bindparam("before"), or_(exists(_HAS_NEWER), ~exists(_HAS_JOB)))
    .order_by(_TABLE.id)
    .limit(bindparam("rows"))
)
_FORGET = Statement(delete(cdm_submissions).where(_TABLE.id == bindparam("id")))
_CHANGED = ("status", "phase", "owner", "destination", "counts", "progress", "error_summary", "error_details")
_UPDATE = Statement(
    update(cdm_submissions)
    .where(_TABLE.id == bindparam("key"))
    .values({name: bindparam(name) for name in (*_CHANGED, "start_time", "update_time", "end_time")})
)


def _record(row: Row | None) -> SubmissionRecord | None:
    return None if row is None else SubmissionRecord(*row)


def add(connection: Connection, record: SubmissionRecord) -> None:
    """A run begins."""
    connection.run(_INSERT, **record._asdict())


def by_id(connection: Connection, submission_id: int) -> SubmissionRecord | None:
    """One run."""
    return _record(connection.one(_BY_ID, id=submission_id))


def locked(connection: Connection, submission_id: int) -> SubmissionRecord | None:
    """One run, for nobody else until the transaction ends."""
    return _record(connection.one(_LOCKED, id=submission_id))


def last(connection: Connection, job_id: int) -> SubmissionRecord | None:
    """The newest run of a job."""
    return _record(connection.one(_LAST, job_id=job_id))


def last_of_key(connection: Connection, source_key: str) -> SubmissionRecord | None:
    """The newest run that somebody started."""
    return _record(connection.one(_LAST_OF_KEY, source_key=source_key))


def page(connection: Connection, job_id: int, *, skip: int, rows: int) -> tuple[int, Sequence[SubmissionRecord]]:
    """How many runs a job has had, and a page of them, newest first."""
    found = connection.all(_PAGE, job_id=job_id, rows=rows, skip=skip)
    return int(connection.value(_COUNT, job_id=job_id)), [SubmissionRecord(*row) for row in found]


def unended(connection: Connection) -> Sequence[SubmissionRecord]:
    """Every run that has not ended, oldest first."""
    return [SubmissionRecord(*row) for row in connection.all(_OPEN)]


def unended_of_cluster(connection: Connection, cluster_id: str) -> Sequence[int]:
    """The runs of a cluster that have not ended."""
    return [row[0] for row in connection.all(_OPEN_OF_CLUSTER, cluster_id=cluster_id)]


def to_stop(connection: Connection, owner: str) -> Sequence[int]:
    """Which runs of an owner somebody wants to end."""
    return [row[0] for row in connection.all(_STOPPED, owner=owner)]


def wish_stop(connection: Connection, submission_id: int) -> bool:
    """Have a run end; False for one that has."""
    return connection.run(_STOP, key=submission_id) > 0


def ended_before(connection: Connection, before: int, rows: int) -> Sequence[int]:
    """Some of the runs that ended before a time, oldest first; the last run of a job that is there is none of them."""
    return [row[0] for row in connection.all(_OLD, before=before, rows=rows)]


def forget(connection: Connection, submission_id: int) -> None:
    """Remove a run from the history."""
    connection.run(_FORGET, id=submission_id)


def set_counts(connection: Connection, submission_id: int, owner: str, counts: str, progress: int, now: int) -> None:
    """Write how far an open run is; nothing where it is another owner's."""
    connection.run(_COUNTED, key=submission_id, holder=owner, counts=counts, progress=progress, update_time=now)


def replace(connection: Connection, record: SubmissionRecord) -> None:
    """Write what changes while a run goes on."""
    values = record._asdict()
    names = (*_CHANGED, "start_time", "update_time", "end_time")
    connection.run(_UPDATE, key=record.id, **{name: values[name] for name in names})
