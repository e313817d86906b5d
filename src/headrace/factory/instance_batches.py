"""Job instances as v2 asks for them: the list of one job, and several that are run again at once.

Source: factory-v2-notes, "Job instances and rerun".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from headrace.domain.identity import Caller, Workspace
from headrace.domain.instance import JobOperation
from headrace.errors import InstanceNotFound, InvalidParameter, JobNotFound, WorkspaceNotFound
from headrace.factory import instances as reading
from headrace.factory.instance_operations import allowed
from headrace.factory.instance_reruns import rerun_locked
from headrace.services import Services
from headrace.storage import instance_lists, instances, jobs, workspaces
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.wire.v1.instances import JobInstanceList, ListInstancesQuery, RestoreRequest
from headrace.wire.v2.instances import (
    InstanceToRetry,
    JobToRetry,
    ListInstancesByNameQuery,
    RetryInstancesRequest,
)

MAX_WINDOW = timedelta(days=31)
MAX_INSTANCES = 1000  # run again by one call
_LOCATIONS = {"firstNode": "first_node", "errorNode": "error_node", "specifiedNode": "specified_node"}
_VERSIONS = {"original_version": "original_version", "current_version": "latest_version"}


def list_of_job(services: Services, caller: Caller, job_name: str, query: ListInstancesByNameQuery) -> JobInstanceList:
    """One page of the instances of a job, newest plan time first. Raises JobNotFound, InvalidParameter."""
    first = query.min_plan_time if query.min_plan_time is not None else query.min_plain_time
    last = query.max_plan_time if query.max_plan_time is not None else query.max_plain_time
    asked = ListInstancesQuery(
        offset=query.offset,
        limit=query.limit,
        job_name=job_name,
        precise_query=True,
        min_plan_time=first,
        max_plan_time=last,
        status=query.status,
        instance_type=query.instance_type,
    )
    flags = [name for name in ("force_success", "ignore_success") if getattr(query, name)]
    found = reading.list_page(services, caller, asked, flags=flags, most=MAX_WINDOW)
    if not found.total:
        with services.db.reading() as connection:
            if jobs.by_name(connection, caller.workspace.id, job_name) is None:
                raise JobNotFound(f"name: {job_name!r}.")
    return found


def rerun(services: Services, caller: Caller, job_name: str, request: RetryInstancesRequest) -> None:
    """Run instances again, all of those that are named or none.

    Raises JobNotFound, InstanceNotFound, WorkspaceNotFound; InvalidParameter among others for an instance that has not
    ended, and where there is none to run again.
    """
    asked = _as_v1(request)
    with services.db.writing() as connection:
        if request.task_retrys:
            found = _named(connection, caller, request.task_retrys)
        else:
            found = _of_jobs(connection, caller, job_name, request)
        if len(found) > MAX_INSTANCES:
            raise InvalidParameter(f"{len(found)} instances are more than {MAX_INSTANCES}; ask for less at once.")
        for owner, record in found:
            locked = allowed(connection, owner, record.job_name, str(record.id), JobOperation.RERUN)
            rerun_locked(services, connection, owner, locked, asked)
    services.wake_engine()


def _as_v1(request: RetryInstancesRequest) -> RestoreRequest:
    """Where to begin and with which version. Raises InvalidParameter."""
    if request.retry_location not in _LOCATIONS:
        raise InvalidParameter(f"retry_location: {request.retry_location!r} is none of {', '.join(_LOCATIONS)}.")
    if request.retry_task_version not in _VERSIONS:
        raise InvalidParameter(f"retry_task_version: {request.retry_task_version!r} is none of {', '.join(_VERSIONS)}.")
    return RestoreRequest(
        retry_location=_LOCATIONS[request.retry_location],
        node_name=request.node_name,
        job_param_version=_VERSIONS[request.retry_task_version],
        ignore_obs_monitor=request.ignore_obs_monitor,
    )


Found = list[tuple[Caller, InstanceRecord]]


def _named(connection: Connection, caller: Caller, named: Sequence[InstanceToRetry]) -> Found:
    """The instances that a request names. Raises InstanceNotFound."""
    found: dict[int, InstanceRecord] = {}
    for at, item in enumerate(named):
        record = None
        if item.job_id is not None and item.plan_time is not None and item.submit_time is not None:
            record = instance_lists.planned_at(
                connection, caller.workspace.id, item.job_id, item.plan_time, item.submit_time
            )
        if record is None:
            raise InstanceNotFound(
                f"task_retrys[{at}]: the job {item.job_id} has no instance planned for {item.plan_time} and submitted "
                f"at {item.submit_time}."
            )
        found[record.id] = record
    return [(caller, found[number]) for number in sorted(found)]


def _of_jobs(connection: Connection, caller: Caller, job_name: str, request: RetryInstancesRequest) -> Found:
    """The ended instances of jobs in a range of plan times. Raises WorkspaceNotFound, JobNotFound, InvalidParameter."""
    first, last = request.begin_time, request.end_time
    if first is None or last is None or first > last:
        raise InvalidParameter(
            "task_retrys, or jobs with begin_time and end_time: one of them says which instances are run again; "
            f"begin_time {first}, end_time {last}."
        )
    found: Found = []
    for item in request.jobs or [JobToRetry(job_name=job_name)]:
        owner = _in_workspace(connection, caller, item.workspace_id)
        name = item.job_name or ""
        if jobs.by_name(connection, owner.workspace.id, name) is None:
            raise JobNotFound(f"jobs: {name!r}.")
        for number in instance_lists.ended_between(connection, owner.workspace.id, name, first, last):
            record = instances.by_id(connection, number)
            if record is not None:
                found.append((owner, record))
    if not found:
        raise InvalidParameter(f"Job {job_name} have no instances to rerun.")
    return found


def _in_workspace(connection: Connection, caller: Caller, workspace_id: str | None) -> Caller:
    """The caller in another workspace of the project. Raises WorkspaceNotFound."""
    if not workspace_id or workspace_id == caller.workspace.id:
        return caller
    record = workspaces.by_id(connection, caller.project_id, workspace_id)
    if record is None:
        raise WorkspaceNotFound(f"jobs: workspace_id {workspace_id!r}.")
    return replace(caller, workspace=Workspace(id=record.id, project_id=record.project_id, name=record.name))
