"""Job instances: list, show, stop, run again. Source: factory-v1-notes §12, reference on scheduling §6."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.identity import Caller
from headrace.domain.instance import (
    ENDED_JOB_STATES,
    UNENDED_JOB_STATES,
    JobState,
    NodeState,
    moved,
)
from headrace.domain.job import JobDefinition
from headrace.errors import InstanceNotFound, InvalidParameter
from headrace.factory import paging, runs
from headrace.services import Services
from headrace.storage import instances, jobs
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.storage.new_instances import new_nodes
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.instances import (
    JobInstance,
    JobInstanceDetail,
    JobInstanceList,
    ListInstancesQuery,
    NodeInstance,
    RestoreRequest,
)

MAX_WINDOW = timedelta(days=7)
MAX_MILLIS = 253_402_300_799_999  # the end of the year 9999
_FLAGGED = {"forceSuccess": "success", "ignoreSuccess": "success"}


def list_page(services: Services, caller: Caller, query: ListInstancesQuery) -> JobInstanceList:
    """One page of instances, newest plan time first. Raises InvalidParameter for a window of more than 7 days."""
    skip, limit = paging.rows(query)
    for member, value in (
        ("minPlanTime", query.min_plan_time),
        ("maxPlanTime", query.max_plan_time),
        ("instanceType", query.instance_type),
    ):
        if value is not None and not 0 <= value <= MAX_MILLIS:
            raise InvalidParameter(f"{member}: {value} is not between 0 and {MAX_MILLIS}.")
    after, until = _window(query, caller.now, ZoneInfo(services.settings.time_zone))
    with services.db.reading() as connection:
        total, found = instances.page(
            connection,
            caller.workspace.id,
            after=after,
            until=until,
            job_name=query.job_name,
            precise=query.precise_query,
            status=_FLAGGED.get(query.status, query.status),
            instance_type=query.instance_type,
            skip=skip,
            rows=limit,
        )
    return JobInstanceList(total=total, instances=[_row(record, caller.now) for record in found])


def _window(query: ListInstancesQuery, now: int, zone: ZoneInfo) -> tuple[int, int]:
    """Excluded lower and included upper bound of plan times: today 00:00 in the service's zone until now."""
    until = now if query.max_plan_time is None else query.max_plan_time - 1
    after = query.min_plan_time
    if after is None:
        midnight = from_millis(until).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        after = to_millis(midnight) - 1
    if until - after > MAX_WINDOW // timedelta(milliseconds=1):
        raise InvalidParameter(
            f"minPlanTime, maxPlanTime: {after} to {until} is more than {MAX_WINDOW.days} days; ask for less at once."
        )
    return after, until


def show(services: Services, caller: Caller, job_name: str, instance_id: str) -> JobInstanceDetail:
    """An instance with its nodes. Raises InstanceNotFound."""
    with services.db.reading() as connection:
        record = _found(connection, caller, job_name, instance_id)
        nodes = instances.nodes_of(connection, record.id)
    return JobInstanceDetail(
        job_id=record.job_id,
        job_name=record.job_name,
        job_instance_name=record.instance_name,
        instance_id=record.id,
        instances_id=record.id,
        instance_type=record.instance_type,
        status=record.status,
        plan_time=record.plan_time,
        submit_time=record.submit_time,
        version=record.version,
        force_success=bool(record.force_success),
        ignore_success=bool(record.ignore_success),
        total=len(nodes),
        nodes=[_node(node, caller.now) for node in nodes],
        start_time=_known(record.start_time),
        end_time=_known(record.end_time),
        execute_time=_elapsed(record, caller.now),
        error_message=record.error_message or UNSET,
    )


def stop(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Stop an instance that waits, runs or was suspended; what runs is killed.

    Raises InstanceNotFound, InvalidParameter for one that has ended.
    """
    with services.db.writing() as connection:
        record = _locked(connection, caller, job_name, instance_id)
        if record.status not in UNENDED_JOB_STATES:
            raise InvalidParameter(f"The instance {record.id} is {record.status}; only a running one can be stopped.")
        stop_locked(connection, record, caller.now)
    services.wake_engine()


def stop_of_job(connection: Connection, job_id: int, now: int) -> None:
    """Stop every open instance of a job; the caller wakes the engine after the transaction."""
    for number in instances.unended_of_job(connection, job_id):
        record = instances.lock(connection, number)
        if record is not None and record.status in UNENDED_JOB_STATES:
            stop_locked(connection, record, now)


def stop_locked(connection: Connection, record: InstanceRecord, now: int) -> None:
    """Move an instance and its running nodes to manual-stop; results of their attempts are refused from here on."""
    stopped = []
    for node in instances.nodes_of(connection, record.id):
        if node.status == NodeState.RUNNING:
            state = moved(NodeState.RUNNING, NodeState.MANUAL_STOP)
            stopped.append(
                node._replace(status=state.value, end_time=now, fence=node.fence + 1, lease_until=None, retry_at=None)
            )
        elif node.retry_at is not None:
            stopped.append(node._replace(retry_at=None))
    instances.update_nodes(connection, stopped)
    ended = moved(JobState(record.status), JobState.MANUAL_STOP)
    instances.update_instances(
        connection, [record._replace(status=ended.value, wish=instances.STOP, end_time=now, error_message="Stopped.")]
    )


def restore(
    services: Services, caller: Caller, job_name: str, instance_id: str, request: RestoreRequest | None
) -> None:
    """Run an ended instance again: the same id and plan time, from its first, failed or a named node.

    Raises InstanceNotFound, InvalidParameter, JobNotFound when the latest parameters of a deleted job are asked for.
    """
    asked = request or RestoreRequest()
    with services.db.writing() as connection:
        record = _locked(connection, caller, job_name, instance_id)
        if record.status not in ENDED_JOB_STATES:
            raise InvalidParameter(f"The instance {record.id} is {record.status}; only an ended one can be run again.")
        record, nodes = _reset(connection, caller, record, asked)
        state = moved(JobState(record.status), JobState.WAITING)
        again = record._replace(
            status=state.value,
            wish=instances.START,
            start_time=None,
            end_time=None,
            force_success=0,
            ignore_success=0,
            error_message="",
        )
        instances.replace_nodes(connection, record.id, nodes)
        instances.update_instances(connection, [again])
    services.wake_engine()


def _reset(
    connection: Connection, caller: Caller, record: InstanceRecord, asked: RestoreRequest
) -> tuple[InstanceRecord, list[NodeRecord]]:
    """The instance with the version it will run, and its nodes as they are before it runs."""
    nodes = instances.nodes_of(connection, record.id)
    version = asked.job_param_version or "original_version"
    if version not in ("original_version", "latest_version"):
        raise InvalidParameter(f"job_param_version: {version!r} is neither original_version nor latest_version.")
    text = jobs.version_document(connection, record.job_id, record.version)
    if version == "latest_version":
        job = jobs.by_id(connection, record.job_id)
        if job is None or job.workspace_id != caller.workspace.id:
            raise InvalidParameter("job_param_version: the job was deleted and has no latest version.")
        definition = runs.submitted_definition(connection, job)
        record = record._replace(version=job.version)
    elif text is None:
        raise InvalidParameter(f"The version {record.version} of the job, which the instance ran, is gone.")
    else:
        definition = read_definition(text)
    return record, reset_nodes(definition, record, nodes, asked)


def reset_nodes(
    definition: JobDefinition, record: InstanceRecord, nodes: Sequence[NodeRecord], asked: RestoreRequest
) -> list[NodeRecord]:
    """The nodes of an instance before it is run again. Raises InvalidParameter.

    A successful instance, and one whose nodes have changed, starts from its first node whatever was asked.
    """
    fresh = new_nodes(definition, record.id, record.plan_time)
    kept = {node.position: node for node in nodes}
    fresh = [node._replace(fence=kept[node.position].fence + 1 if node.position in kept else 0) for node in fresh]
    location = asked.retry_location or "first_node"
    if location not in ("first_node", "error_node", "specified_node"):
        raise InvalidParameter(f"retry_location: {location!r} is none of first_node, error_node, specified_node.")
    if location == "specified_node" and asked.node_name not in definition.positions:
        raise InvalidParameter(f"node_name: the job has no node {asked.node_name!r}.")
    changed = [node.name for node in nodes] != [node.name for node in definition.nodes]
    if location == "first_node" or record.status == JobState.SUCCESS or changed:
        return fresh
    if location == "error_node":
        return _from_errors(definition, nodes, fresh)
    return _from_node(definition, nodes, fresh, definition.positions[asked.node_name or ""])


def _from_errors(definition: JobDefinition, nodes: Sequence[NodeRecord], fresh: list[NodeRecord]) -> list[NodeRecord]:
    """What did not end well is run again, with all that comes after it."""
    bad = [node.position for node in nodes if node.status not in (NodeState.SUCCESS, NodeState.SKIP)]
    again = set(bad) | definition.descendants(bad)
    return [fresh[node.position] if node.position in again else node for node in nodes]


def _from_node(
    definition: JobDefinition, nodes: Sequence[NodeRecord], fresh: list[NodeRecord], position: int
) -> list[NodeRecord]:
    """The named node and all that comes after it; of the rest, what did not succeed is skipped."""
    again = {position} | definition.descendants([position])
    result = []
    for node in nodes:
        if node.position in again:
            result.append(fresh[node.position])
        elif node.status == NodeState.SUCCESS:
            result.append(node)
        else:
            state = moved(NodeState.WAITING, NodeState.SKIP)
            result.append(fresh[node.position]._replace(status=state.value))
    return result


def _number(instance_id: str) -> int:
    """Digits only, as jobs' instances are numbered. Raises InstanceNotFound."""
    if not (instance_id.isascii() and instance_id.isdigit() and len(instance_id) <= 18):
        raise InstanceNotFound(f"instance {instance_id!r}.")
    return int(instance_id)


def _found(connection: Connection, caller: Caller, job_name: str, instance_id: str) -> InstanceRecord:
    return _checked(instances.by_id(connection, _number(instance_id)), caller, job_name, instance_id)


def _locked(connection: Connection, caller: Caller, job_name: str, instance_id: str) -> InstanceRecord:
    return _checked(instances.lock(connection, _number(instance_id)), caller, job_name, instance_id)


def _checked(record: InstanceRecord | None, caller: Caller, job_name: str, instance_id: str) -> InstanceRecord:
    if record is None or record.workspace_id != caller.workspace.id or record.job_name != job_name:
        raise InstanceNotFound(f"Job {job_name!r} has no instance {instance_id!r}.")
    return record


def _known(value: int | None) -> int | UnsetType:
    return UNSET if value is None else value


def _elapsed(record: InstanceRecord | NodeRecord, now: int) -> int | UnsetType:
    """Milliseconds from the start to the end, or to now."""
    if record.start_time is None:
        return UNSET
    return max(0, (now if record.end_time is None else record.end_time) - record.start_time)


def _row(record: InstanceRecord, now: int) -> JobInstance:
    return JobInstance(
        job_id=record.job_id,
        job_name=record.job_name,
        job_instance_name=record.instance_name,
        instance_id=record.id,
        instances_id=record.id,
        instance_type=record.instance_type,
        status=record.status,
        plan_time=record.plan_time,
        submit_time=record.submit_time,
        version=record.version,
        force_success=bool(record.force_success),
        ignore_success=bool(record.ignore_success),
        start_time=_known(record.start_time),
        end_time=_known(record.end_time),
        execute_time=_elapsed(record, now),
        error_message=record.error_message or UNSET,
    )


def _node(node: NodeRecord, now: int) -> NodeInstance:
    return NodeInstance(
        node_name=node.name,
        status=node.status,
        type=node.type,
        node_type=node.type,
        queue="",
        instance_id=node.instance_id,
        plan_time=node.plan_time,
        retry_times=node.retry_times,
        start_time=_known(node.start_time),
        end_time=_known(node.end_time),
        execute_time=_elapsed(node, now),
        input_row_count=_known(node.input_row_count),
        log_path=node.log_path or UNSET,
        error_message=node.error_message or UNSET,
    )
