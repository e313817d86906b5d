"""Migration jobs: their definitions. Running them comes with the migration engine."""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.errors_cdm import CdmError, CdmJobNameExists, CdmJobNotFound
from headrace.migration import clusters, values
from headrace.migration.elements import elements, job_head
from headrace.packages.cdm import seal_cdm
from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import CdmJobRecord
from headrace.storage.database import Duplicate
from headrace.wire.cdm import JobHead, JobList, ShowJobsQuery, SubmissionsQuery
from headrace.wire.document import Document

JOB_TYPES = ("NORMAL_JOB", "BATCH_JOB", "SCENARIO_JOB")
ALL = "all"


def create(services: Services, caller: Caller, cluster_id: str, body: JobList) -> str:
    """Create jobs; the name of the first. Links need not exist yet. Raises CdmJobNameExists, CdmContentInvalid."""
    texts = elements(body.jobs, "jobs")
    heads = [job_head(text) for text in texts]
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
            )
            try:
                cdm.insert_job(connection, record)
            except Duplicate as error:
                raise CdmJobNameExists(record.name) from error
    return heads[0].name or ""


def _type(head: JobHead) -> str:
    kind = head.job_type or "NORMAL_JOB"
    if kind not in JOB_TYPES:
        raise CdmError(f"job_type: {kind!r} is none of {', '.join(JOB_TYPES)}.")
    return kind


def show(services: Services, caller: Caller, cluster_id: str, name: str, query: ShowJobsQuery) -> Document:
    """One job, or a page of jobs for the reserved name ``all``. Raises CdmJobNotFound, CdmError."""
    if query.job_type not in JOB_TYPES:
        raise CdmError(f"jobType: {query.job_type!r} is none of {', '.join(JOB_TYPES)}.")
    size = _page_size(query.page_no, query.page_size)
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
                "jobs": [_view(record) for record in found],
                "page_no": query.page_no,
                "page_size": size,
                "simple": False,
            }
        record = cdm.job_by_name(connection, cluster_id, name)
    if record is None:
        raise CdmJobNotFound(name)
    return {"total": 1, "jobs": [_view(record)], "page_no": 1, "page_size": size, "simple": False}


def _page_size(page_no: int, page_size: int) -> int:
    if not 1 <= page_no <= 2**31 - 1 or not 1 <= page_size <= 100:
        raise CdmError(f"page_no {page_no} starts at 1, page_size {page_size} is 1 to 100.")
    return page_size


def _view(record: CdmJobRecord) -> Document:
    return {
        **values.view(record.document),
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
        "flag": 0,
    }


def replace(services: Services, caller: Caller, cluster_id: str, name: str, body: JobList) -> None:
    """Replace a job; the body may carry a new name. Raises CdmJobNotFound, CdmJobNameExists, CdmContentInvalid."""
    text = elements(body.jobs, "jobs")[0]
    head = job_head(text)
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
        )
        try:
            cdm.replace_job(connection, record)
        except Duplicate as error:
            raise CdmJobNameExists(record.name) from error


def delete(services: Services, caller: Caller, cluster_id: str, name: str) -> None:
    """Delete a job. Raises CdmJobNotFound."""
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.job_by_name(connection, cluster_id, name)
        if record is None:
            raise CdmJobNotFound(name)
        cdm.delete_job(connection, record.id)


def status(services: Services, caller: Caller, cluster_id: str, name: str) -> Document:
    """The latest submission; a job that never ran has one that says so. Raises CdmJobNotFound."""
    record = _found(services, caller, cluster_id, name)
    submission = {
        "job-name": record.name,
        "status": "NEVER_EXECUTED",
        "progress": 0,
        "creation-user": record.create_user,
        "creation-date": record.create_time,
        "last-update-date": record.update_time,
        "last-update-user": record.update_user,
        "last-udpate-user": record.update_user,
        "isIncrementing": False,
        "isStopingIncrement": "",
        "is-execute-auto": False,
        "isDeleteJob": False,
        "delete_rows": 0,
        "update_rows": 0,
        "write_rows": 0,
    }
    return {"submissions": [submission]}


def submissions(services: Services, caller: Caller, cluster_id: str, query: SubmissionsQuery) -> Document:
    """The runs of a job, newest first: none in this release. Raises CdmJobNotFound, CdmError."""
    size = _page_size(query.page_no, query.page_size)
    _found(services, caller, cluster_id, query.jname)
    return {"submissions": [], "total": 0, "page_no": query.page_no, "page_size": size}


def _found(services: Services, caller: Caller, cluster_id: str, name: str) -> CdmJobRecord:
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.job_by_name(connection, cluster_id, name)
    if record is None:
        raise CdmJobNotFound(name)
    return record
