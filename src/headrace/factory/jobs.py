"""Authoring of jobs: create, read, list, replace, delete.

A job has a draft, submitted versions 1…n, and what runs: the newest submitted version. Without the review function a
save without ``targetStatus`` submits at once, because clients start or run a job right after they created it.
Source: factory-v1-notes §10.4.
"""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.domain.names import directory_key
from headrace.errors import (
    InvalidParameter,
    InvalidSchedule,
    JobNameExists,
    JobNotFound,
    JobQuotaReached,
)
from headrace.factory import instance_operations, job_checks, job_schedules, paging, real_time
from headrace.factory.answers import AnswerCache
from headrace.factory.job_secrets import seal_job
from headrace.factory.quota import has_room
from headrace.factory.received import received
from headrace.services import Services
from headrace.storage import alarms, directories, event_triggers, jobs
from headrace.storage.database import Connection, Duplicate
from headrace.storage.jobs import JobRecord, Names
from headrace.storage.lock_order import lock_jobs
from headrace.wire.document import write_document
from headrace.wire.v1.job_view import job_view, without_echoes
from headrace.wire.v1.jobs import JobInfo, JobList, JobListItem, ListJobsQuery, ShowJobQuery

STOPPED = "STOPPED"
MAX_VERSION = 2**31 - 1
LONGEST_NAME = 256  # characters of a tag, an owner or a name in a job
CACHED_BYTES = 64 * 2**20  # of answers of ShowJob that are kept in memory


def record_of(job: JobInfo, caller: Caller, job_id: int, name: str) -> JobRecord:
    """The columns that are kept beside the text of a new job; not submitted yet, stopped."""
    owner, priority = (job.basic_config.owner, job.basic_config.priority) if job.basic_config else (None, None)
    return JobRecord(
        id=job_id,
        workspace_id=caller.workspace.id,
        name=name,
        process_type=job_checks.process_type(job),
        directory=directory_key(job.directory or "/"),
        owner=owner if owner and _fits(owner) else caller.user.name,
        priority=priority if priority in (1, 2) else 0,
        single_node=int(bool(job.single_node_job_flag)),
        draft=None,
        version=0,
        status=STOPPED,
        create_user=caller.user.name,
        create_time=caller.now,
        update_user=caller.user.name,
        update_time=caller.now,
    )


def names_of(job: JobInfo) -> Names:
    """The tags, upstream jobs and resources a job names; what no index can hold stays in the document only."""
    config = job.basic_config
    tags = config.tags if config is not None and isinstance(config.tags, list) else []
    resources = [
        str(item.value)
        for node in job.nodes or ()
        for item in node.properties or ()
        if item.name in ("resourceName", "resource", "jarName") and item.value
    ]
    upstream = job_checks.upstream_jobs(job.schedule)
    return Names(
        tags=[tag for tag in tags if _fits(tag)],
        upstream=[name for name in upstream if _fits(name)],
        resources=[name for name in resources if _fits(name)],
    )


def _fits(text: str) -> bool:
    """Whether a column with an index takes it: PostgreSQL's text holds no NUL, its index no more than 2,700 bytes."""
    return len(text) <= LONGEST_NAME and "\0" not in text


def create(services: Services, caller: Caller, job: JobInfo, text: bytes) -> int:
    """Create a job; its id. Raises JobNameExists, JobQuotaReached and what the checks raise."""
    name = job_checks.check_name(job.name)
    job_checks.check_job(job, services.settings)
    received(text)
    stored = seal_job(without_echoes(text), services.sealer)
    record = record_of(job, caller, services.next_number(), name)
    with services.db.writing() as connection:
        _check_upstream(connection, caller, job, name)
        _check_quota(services, connection, caller.workspace.id)
        directories.ensure(connection, caller.workspace.id, "job", record.directory, services.next_id())
        try:
            save_text(connection, record, names_of(job), stored, submit=job.target_status != "SAVED", new=True)
        except Duplicate as error:
            raise JobNameExists(f"name: {name!r}.") from error
    return record.id


def _check_quota(services: Services, connection: Connection, workspace: str) -> None:
    limit = services.settings.max_jobs_per_workspace
    if not has_room(services.db, "job", workspace, limit, lambda: jobs.count(connection, workspace)):
        raise JobQuotaReached(f"The workspace holds {limit} jobs.")


def save_text(
    connection: Connection,
    record: JobRecord,
    names: Names,
    text: str,
    *,
    submit: bool,
    new: bool,
    package_form: bool = False,
) -> int:
    """Store a job's text, as a new submitted version or as a draft; the newest version. Raises Duplicate."""
    version = record.version + 1 if submit else record.version
    record = record._replace(draft=None if submit else text, version=version)
    if new:
        jobs.insert_job(connection, record, names)
    else:
        jobs.replace_job(connection, record, names)
    if submit:
        user, now = record.update_user, record.update_time
        jobs.add_version(connection, record.id, version, text, user, now, package_form=package_form)
    return version


def _check_upstream(connection: Connection, caller: Caller, job: JobInfo, name: str) -> None:
    """Jobs of the same workspace that a schedule depends on must exist. Raises InvalidSchedule."""
    for upstream in job_checks.upstream_jobs(job.schedule):
        if upstream == name:
            continue
        if not _fits(upstream) or jobs.by_name(connection, caller.workspace.id, upstream) is None:
            raise InvalidSchedule(f"schedule.cron.dependJobs.jobs: there is no job {upstream!r}.")


def replace(services: Services, caller: Caller, name: str, job: JobInfo, text: bytes) -> None:
    """Replace the draft of a job; a name in the body does not rename. Raises JobNotFound and what the checks raise."""
    with services.db.reading() as connection:
        if jobs.by_name(connection, caller.workspace.id, name) is None:
            raise JobNotFound(f"name: {name!r}.")
    job_checks.check_job(job, services.settings)
    received(text)
    cleaned = without_echoes(text)
    with services.db.writing() as connection:
        found = jobs.with_text(connection, caller.workspace.id, name)
        if found is None:
            raise JobNotFound(f"name: {name!r}.")
        before, stored = found
        _check_upstream(connection, caller, job, name)
        fresh = record_of(job, caller, before.id, name)
        record = fresh._replace(version=before.version)
        directories.ensure(connection, caller.workspace.id, "job", record.directory, services.next_id())
        sealed = seal_job(cleaned, services.sealer, stored)
        save_text(connection, record, names_of(job), sealed, submit=job.target_status != "SAVED", new=False)
        alarms.modified(connection, before, caller.user.name, "changed", caller.now)
        due_changed = job.target_status != "SAVED" and job_schedules.change(services, connection, record.id, sealed)
    services.wake_alarms()
    if due_changed:
        services.wake_engine()


def show(services: Services, caller: Caller, name: str, query: ShowJobQuery) -> bytes:
    """The JSON of a job: its draft, or the submitted version asked for. Raises JobNotFound, InvalidParameter."""
    if not -1 <= query.version <= MAX_VERSION:
        raise InvalidParameter(f"version: {query.version} is not between 1 and {MAX_VERSION}.")
    with services.db.reading() as connection:
        found = jobs.with_text(connection, caller.workspace.id, name)
        if found is None:
            raise JobNotFound(f"name: {name!r}.")
        record, text = found
        shown = record.version
        if query.version != -1 or query.get_job_submit_version:
            shown = query.version if query.version != -1 else record.version
            submitted = jobs.version_document(connection, record.id, shown)
            if submitted is None:
                raise InvalidParameter(f"version: job {name!r} has no submitted version {shown}.")
            text = submitted
        users = jobs.users_of(connection, caller.workspace.id, jobs.UPSTREAM, name) if query.dependencies else None
    server = (record.id, name, str(shown), record.create_time, record.update_user)
    if users is None:
        return _answers.get((text, *server), len(text), lambda: _render(text, *server))
    downstream = [{"workSpace": caller.workspace.name, "jobName": user[1], "jobId": user[0]} for user in users]
    return write_document(job_view(text, {**_server_members(*server), "downstreamJobs": downstream}))


def _server_members(job_id: int, name: str, version: str, create_time: int, user: str) -> dict[str, object]:
    return {"id": job_id, "name": name, "version": version, "createTime": create_time, "lastUpdateUser": user}


def _render(text: str, job_id: int, name: str, version: str, create_time: int, user: str) -> bytes:
    return write_document(job_view(text, _server_members(job_id, name, version, create_time, user)))


_answers = AnswerCache(CACHED_BYTES)


def list_page(services: Services, caller: Caller, query: ListJobsQuery) -> JobList:
    """One page of jobs of one type, newest first. Raises InvalidJobType, InvalidParameter."""
    job_checks.process_type(JobInfo(process_type=query.job_type))
    skip, limit = paging.rows(query)
    with services.db.reading() as connection:
        total, found = jobs.page(
            connection,
            caller.workspace.id,
            process_type=query.job_type,
            name=query.job_name,
            tags=[tag.strip() for tag in query.tags.split(",") if tag.strip()],
            skip=skip,
            rows=limit,
        )
        items = [_list_item(record, real_time.status_of(connection, record)) for record in found]
    return JobList(total=total, jobs=items)


def _list_item(record: JobRecord, status: str) -> JobListItem:
    batch = record.process_type == "BATCH"
    return JobListItem(
        name=record.name,
        job_type=record.process_type,
        status=status,
        owner=record.owner,
        priority=record.priority,
        path=record.directory,
        single_node_job_flag=bool(record.single_node),
        create_user=record.create_user,
        create_time=record.create_time,
        last_update_time=record.update_time,
        last_update_user=record.update_user,
        start_time=record.start_time,
        end_time=record.end_time,
        last_instance_status=record.last_instance_status if batch else None,
        last_instance_end_time=record.last_instance_end_time if batch else None,
    )


def delete(services: Services, caller: Caller, name: str) -> None:
    """Delete a job; running instances are stopped, their history stays. Raises JobNotFound."""
    with services.db.writing() as connection:
        record = jobs.by_name(connection, caller.workspace.id, name)
        if record is None:
            raise JobNotFound(f"name: {name!r}.")
        lock_jobs(connection, [record.id])
        instance_operations.stop_of_job(connection, record.id, caller.now)
        job_schedules.end(connection, record, caller.now)
        real_time.forget(connection, record, caller.now)
        event_triggers.forget(connection, record.id)
        alarms.modified(connection, record, caller.user.name, "deleted", caller.now)
        jobs.delete_job(connection, record.id)
    services.wake_alarms()
    services.wake_engine()
