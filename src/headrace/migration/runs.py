"""Runs of migration jobs (submissions): start, stop, and how they went."""

from __future__ import annotations

from typing import Any

from headrace.domain.identity import Caller
from headrace.errors_cdm import CdmError, CdmJobNotFound, CdmJobNotRunning, ClusterNotFound
from headrace.migration import answers, clusters
from headrace.migration.elements import job_head, job_texts
from headrace.migration.jobs import Author, page_size, put, stored_job
from headrace.migration.starting import Start, add
from headrace.services import Services
from headrace.storage import cdm, submissions
from headrace.wire.cdm import JobList, RandomStart, StartVariables, SubmissionsQuery
from headrace.wire.document import Document, as_text


def start(services: Services, caller: Caller, cluster_id: str, name: str, body: StartVariables | None) -> Document:
    """Start a job; its submission, which is about to begin.

    Raises CdmJobNotFound, CdmJobRunning, ClusterNotFound, SubmissionFailed.
    """
    given: dict[str, Any] = {} if body is None or body.variables is None else body.variables
    wanted = Start(
        user=caller.user.name,
        workspace_id=caller.workspace.id,
        variables={key: as_text(value) for key, value in given.items()},
    )
    with services.db.writing() as connection:
        clusters.running(connection, caller, cluster_id)
        record = add(services, connection, cluster_id, name, wanted)
        job = cdm.job_by_name(connection, cluster_id, name)
    services.wake_migrations()
    disposable = job is not None and answers.is_disposable(job)
    return {"submissions": [answers.submission_view(record, disposable=disposable)]}


def start_random(services: Services, caller: Caller, body: RandomStart) -> Document:
    """Create or replace jobs in one of the clusters that run, and start them; all or none are created.

    Raises CdmContentInvalid, CdmError, CdmJobRunning; ClusterNotFound when none of the clusters runs.
    """
    texts = job_texts(JobList(jobs=body.jobs))
    names = [job_head(text).name or "" for text in texts]
    wanted = body.clusters or []
    with services.db.reading() as connection:
        found = [cdm.cluster_by_id(connection, caller.project_id, key) for key in wanted]
    running = [one.id for one in found if one is not None and clusters.is_running(one)]
    if not running:
        raise ClusterNotFound(f"none of the clusters {', '.join(wanted) or '(none is named)'} runs.")
    chosen = running[services.next_number() % len(running)]
    put(services, chosen, texts, Author(user=caller.user.name, workspace_id=caller.workspace.id, now=caller.now))
    started = [start(services, caller, chosen, name, None)["submissions"][0] for name in names]
    return {"submissions": started}


def stop(services: Services, caller: Caller, cluster_id: str, name: str) -> Document:
    """Have the run of a job end. Raises CdmJobNotFound, CdmJobNotRunning, ClusterNotFound."""
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        job = cdm.job_by_name(connection, cluster_id, name)
        if job is None:
            raise CdmJobNotFound(name)
        last = submissions.last(connection, job.id)
        if last is None or not submissions.wish_stop(connection, last.id):
            raise CdmJobNotRunning(f"[{name}]")
    services.wake_migrations()
    return {}


def status(services: Services, caller: Caller, cluster_id: str, name: str) -> Document:
    """The latest submission; a job that never ran has one that says so. Raises CdmJobNotFound, ClusterNotFound."""
    job = stored_job(services, caller, cluster_id, name)
    with services.db.reading() as connection:
        last = submissions.last(connection, job.id)
    if last is None:
        return {"submissions": [answers.never_executed(job)]}
    return {"submissions": [answers.submission_view(last, disposable=answers.is_disposable(job))]}


def history(services: Services, caller: Caller, cluster_id: str, query: SubmissionsQuery) -> Document:
    """The runs of a job, newest first. Raises CdmJobNotFound, CdmError, ClusterNotFound."""
    if not query.jname:
        raise CdmError("jname: missing; it names the job.")
    size = page_size(query.page_no, query.page_size)
    job = stored_job(services, caller, cluster_id, query.jname)
    with services.db.reading() as connection:
        total, found = submissions.page(connection, job.id, skip=(query.page_no - 1) * size, rows=size)
    disposable = answers.is_disposable(job)
    views = [answers.submission_view(record, disposable=disposable) for record in found]
    return {"submissions": views, "total": total, "page_no": query.page_no, "page_size": size}
