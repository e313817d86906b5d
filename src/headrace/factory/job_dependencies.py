"""The jobs that a job depends on, and those that depend on it. Source: factory-v2-notes, "Dependencies"."""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.domain.job import JobDefinition
from headrace.errors import JobNotFound
from headrace.factory.dependency_graph import check_relation
from headrace.services import Services
from headrace.storage import jobs, workspaces
from headrace.storage.database import Connection
from headrace.storage.jobs import JobRecord
from headrace.wire.v1.definition import read_definition
from headrace.wire.v2.dependencies import DependJob


def neighbours(services: Services, caller: Caller, name: str, relation: str) -> list[DependJob]:
    """The direct upstream (parent) and downstream (child) jobs of a job, across workspaces.

    What their newest submitted versions say, or their drafts where there is none. Raises JobNotFound, InvalidParameter.
    """
    check_relation(relation)
    with services.db.reading() as connection:
        job = jobs.by_name(connection, caller.workspace.id, name)
        if job is None:
            raise JobNotFound(f"job_name: {name!r}.")
        names = {item.id: item.name for item in workspaces.all_of_project(connection, caller.project_id)}
        found = [("parent", each) for each in _parents(connection, job)] if relation in ("parent", "both") else []
        if relation in ("child", "both"):
            found += [("child", each) for each in _children(connection, job, list(names))]
    return [
        DependJob(
            job_name=each.name,
            job_path=each.directory,
            depend_layer=layer,
            workspace_name=names[each.workspace_id],
            owner=each.owner or each.create_user,
        )
        for layer, each in found
        if each.workspace_id in names
    ]


def _parents(connection: Connection, job: JobRecord) -> list[JobRecord]:
    named = [
        jobs.upstream(connection, job.workspace_id, each.workspace_id, each.job)
        for each in _definition(connection, job).schedule.upstream
    ]
    return list({each.id: each for each in named if each is not None}.values())


def _children(connection: Connection, job: JobRecord, workspace_ids: list[str]) -> list[JobRecord]:
    candidates = [each for number in workspace_ids for each in jobs.naming(connection, number, job.name)]
    return [
        each for each in candidates if any(each.id != job.id and up.id == job.id for up in _parents(connection, each))
    ]


def _definition(connection: Connection, job: JobRecord) -> JobDefinition:
    text = jobs.version_document(connection, job.id, job.version) or job.draft
    return JobDefinition(name=job.name) if text is None else read_definition(text)
