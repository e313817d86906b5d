"""Migration jobs: their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from headrace.domain.clock import from_millis
from headrace.domain.identity import Caller
from headrace.errors_cdm import CdmError, CdmJobNameExists, CdmJobNotFound, CdmJobRunning
from headrace.migration import answers, clusters, values
from headrace.migration.elements import check_job_name, job_head, job_texts, only
from headrace.migration.job_times import job_times
from headrace.packages.cdm import seal_cdm
from headrace.services import Services
from headrace.storage import cdm, submissions
from headrace.storage.cdm import CdmJobRecord
from headrace.storage.database import Duplicate
from headrace.storage.submissions import OPEN, SubmissionRecord
from headrace.wire.cdm import JOB_SET_BY_SERVER, JOB_TYPES, JobHead, JobList, ShowJobsQuery
from headrace.wire.document import Document, as_truth, read_document

ALL = "all"


def create(services: Services, caller: Caller, cluster_id: str, body: JobList) -> str:
    """Create jobs, all or none; the name of the first. Their links need not exist yet.

    Raises CdmJobNameExists, CdmContentInvalid, CdmError, ClusterNotFound.
    """
    texts = job_texts(body)
    heads = [job_head(text) for text in texts]
    for text, head in zip(texts, heads, strict=True):
        check_job_name(head.name or "")
        check_times(text, caller.now)
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        for text, head in zip(texts, heads, strict=True):
            record = CdmJobRecord(
                id=services.next_number(),
                cluster_id=cluster_id,
                name=head.name or "",
                job_type=_type(head),
                from_link=head.from_link_name or "",
                to_link=head.to_link_name or "",
                document=seal_cdm(values.received(text), services.sealer),
                create_user=caller.user.name,
                create_time=caller.now,
                update_user=caller.user.name,
                update_time=caller.now,
                workspace_id=caller.workspace.id,
            )
            try:
                cdm.insert_job(connection, record)
            except Duplicate as error:
                raise CdmJobNameExists(record.name) from error
    services.wake_migrations()
    return heads[0].name or ""


def check_times(text: bytes, now: int) -> None:
    """Raises CdmError for a job that starts by itself at no times that can be understood."""
    job_times(values.inputs(read_document(values.received(text))), from_millis(now), UTC)


def _type(head: JobHead) -> str:
    kind = head.job_type or "NORMAL_JOB"
    if kind not in JOB_TYPES:
        raise CdmError(f"job_type: {kind!r} is none of {', '.join(JOB_TYPES)}.")
    return kind


def show(services: Services, caller: Caller, cluster_id: str, name: str, query: ShowJobsQuery) -> Document:
    """One job, or a page of jobs for the reserved name ``all``. Raises CdmJobNotFound, CdmError."""
    if query.job_type not in JOB_TYPES:
        raise CdmError(f"jobType: {query.job_type!r} is none of {', '.join(JOB_TYPES)}.")
    size = page_size(query.page_no, query.page_size)
    encode = services.settings.encode_cdm_values
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        if name == ALL:
            total, found = cdm.page_of_jobs(
                connection,
                cluster_id,
                job_type=query.job_type,
                name=query.filter,
                skip=(query.page_no - 1) * size,
                rows=size,
            )
            return {
                "total": total,
                "jobs": [_view(one, submissions.last(connection, one.id), encode=encode) for one in found],
                "page_no": query.page_no,
                "page_size": size,
                "simple": False,
            }
        record = cdm.job_by_name(connection, cluster_id, name)
        if record is None:
            raise CdmJobNotFound(name)
        job = _view(record, submissions.last(connection, record.id), encode=encode)
    return {"total": 1, "jobs": [job], "page_no": 1, "page_size": size, "simple": False}


def page_size(page_no: int, page_size: int) -> int:
    """The rows of a page. Raises CdmError when there is no such page."""
    if not 1 <= page_no <= 2**31 - 1 or not 1 <= page_size <= 100:
        raise CdmError(f"page_no {page_no} starts at 1, page_size {page_size} is 1 to 100.")
    return page_size


def _view(record: CdmJobRecord, last: SubmissionRecord | None, *, encode: bool) -> Document:
    """Members that runs set are those of the last run here, whatever the document holds."""
    stored = values.inputs(read_document(record.document))
    document = values.view(record.document, encode=encode)
    return {
        **{member: value for member, value in document.items() if member not in JOB_SET_BY_SERVER},
        "name": record.name,
        "job_type": record.job_type,
        "type": record.job_type,
        "id": record.id,
        "enabled": True,
        "status": "NEW",
        "creation-user": record.create_user,
        "creation-date": record.create_time,
        "update-user": record.update_user,
        "update-date": record.update_time,
        "is_incre_job": False,
        "is_incrementing": False,
        "is_use_sql": as_truth(stored.get("fromJobConfig.useSql")),
        "flag": int(as_truth(stored.get("schedulerConfig.isSchedulerJob"))),
        "group_name": stored.get("groupJobConfig.groupName") or "DEFAULT",
        **({} if last is None else answers.last_run(last)),
    }


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who writes jobs, and when; ``workspace_id``: whose tables they see when they start by themselves."""

    user: str
    workspace_id: str
    now: int


def put(services: Services, cluster_id: str, texts: Sequence[bytes], author: Author) -> None:
    """Create jobs, or replace those whose names are there. Raises CdmContentInvalid, CdmError."""
    with services.db.writing() as connection:
        for text in texts:
            head = job_head(text)
            check_job_name(head.name or "")
            check_times(text, author.now)
            before = cdm.job_by_name(connection, cluster_id, head.name or "")
            document = seal_cdm(values.received(text), services.sealer, None if before is None else before.document)
            record = CdmJobRecord(
                id=services.next_number() if before is None else before.id,
                cluster_id=cluster_id,
                name=head.name or "",
                job_type=_type(head),
                from_link=head.from_link_name or "",
                to_link=head.to_link_name or "",
                document=document,
                create_user=author.user,
                create_time=author.now,
                update_user=author.user,
                update_time=author.now,
                workspace_id=author.workspace_id,
            )
            (cdm.insert_job if before is None else cdm.replace_job)(connection, record)
    services.wake_migrations()


def replace(services: Services, caller: Caller, cluster_id: str, name: str, body: JobList) -> None:
    """Replace a job; the body may carry a new name. Raises CdmJobNotFound, CdmJobNameExists, CdmContentInvalid."""
    text = only(job_texts(body), "jobs")
    head = job_head(text)
    if head.name and head.name != name:
        check_job_name(head.name)
    check_times(text, caller.now)
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        before = cdm.job_by_name(connection, cluster_id, name)
        if before is None:
            raise CdmJobNotFound(name)
        record = before._replace(
            name=head.name or name,
            job_type=_type(head),
            from_link=head.from_link_name or "",
            to_link=head.to_link_name or "",
            document=seal_cdm(values.received(text), services.sealer, before.document),
            update_user=caller.user.name,
            update_time=caller.now,
            workspace_id=caller.workspace.id,
            next_time=cdm.UNKNOWN_TIME,
        )
        try:
            cdm.replace_job(connection, record)
        except Duplicate as error:
            raise CdmJobNameExists(record.name) from error
    services.wake_migrations()


def delete(services: Services, caller: Caller, cluster_id: str, name: str) -> None:
    """Delete a job. Raises CdmJobNotFound, CdmJobRunning."""
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.job_by_name(connection, cluster_id, name)
        if record is None:
            raise CdmJobNotFound(name)
        last = submissions.last(connection, record.id)
        if last is not None and last.status in OPEN:
            raise CdmJobRunning(f"[{name}] cannot be deleted.")
        cdm.delete_job(connection, record.id)


def stored_job(services: Services, caller: Caller, cluster_id: str, name: str) -> CdmJobRecord:
    """One job. Raises CdmJobNotFound, ClusterNotFound."""
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.job_by_name(connection, cluster_id, name)
    if record is None:
        raise CdmJobNotFound(name)
    return record
