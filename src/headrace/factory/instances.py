"""Job instances as they are read: the list, and one with its nodes. Source: factory-v1-notes §12."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET, UnsetType

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.identity import Caller
from headrace.domain.instance import JobState
from headrace.domain.job import JobDefinition
from headrace.errors import InstanceNotFound, InvalidParameter
from headrace.factory import paging
from headrace.services import Services
from headrace.storage import instance_lists, instances, jobs
from headrace.storage.database import Connection
from headrace.storage.instances import AttemptRecord, InstanceRecord, NodeRecord
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.instances import (
    JobInstance,
    JobInstanceDetail,
    JobInstanceList,
    ListInstancesQuery,
    NodeAttempt,
    NodeAttemptList,
    NodeInstance,
)

MAX_WINDOW = timedelta(days=7)
MAX_MILLIS = 253_402_300_799_999  # the end of the year 9999
_FLAGS = {"forceSuccess": "force_success", "ignoreSuccess": "ignore_success"}


def list_page(
    services: Services,
    caller: Caller,
    query: ListInstancesQuery,
    *,
    flags: Collection[str] = (),
    most: timedelta = MAX_WINDOW,
) -> JobInstanceList:
    """One page of instances, newest plan time first. Raises InvalidParameter for a window longer than ``most``.

    ``flags``: force_success or ignore_success, for only those that have them.
    """
    skip, limit = paging.rows(query)
    for member, value in (
        ("minPlanTime", query.min_plan_time),
        ("maxPlanTime", query.max_plan_time),
        ("instanceType", query.instance_type),
    ):
        if value is not None and not 0 <= value <= MAX_MILLIS:
            raise InvalidParameter(f"{member}: {value} is not between 0 and {MAX_MILLIS}.")
    after, until = _window(query, caller.now, ZoneInfo(services.settings.time_zone), most)
    flag = _FLAGS.get(query.status)
    with services.db.reading() as connection:
        total, found = instance_lists.page(
            connection,
            caller.workspace.id,
            after=after,
            until=until,
            job_name=query.job_name,
            precise=query.precise_query,
            status=query.status if flag is None else JobState.SUCCESS.value,
            instance_type=query.instance_type,
            skip=skip,
            rows=limit,
            flags={*flags, flag} if flag is not None else flags,
        )
    return JobInstanceList(total=total, instances=[_row(record, caller.now) for record in found])


def _window(query: ListInstancesQuery, now: int, zone: ZoneInfo, most: timedelta) -> tuple[int, int]:
    """Excluded lower and included upper bound of plan times: today 00:00 in the service's zone until now."""
    until = now if query.max_plan_time is None else query.max_plan_time - 1
    after = query.min_plan_time
    if after is None:
        midnight = from_millis(until).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        after = to_millis(midnight) - 1
    if until - after > most // timedelta(milliseconds=1):
        raise InvalidParameter(
            f"minPlanTime, maxPlanTime: {after} to {until} is more than {most.days} days; ask for less at once."
        )
    return after, until


def show(services: Services, caller: Caller, job_name: str, instance_id: str) -> JobInstanceDetail:
    """An instance with its nodes. Raises InstanceNotFound."""
    with services.db.reading() as connection:
        record = found(connection, caller, job_name, instance_id)
        nodes = instances.nodes_of(connection, record.id)
        text = jobs.version_document(connection, record.job_id, record.version)
    definition = None if text is None else read_definition(text)
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
        execute_user=record.run_as,
        empty_running_job=bool(record.dry_run) or (definition is not None and definition.dry_run),
        timed_out=definition is not None and _took_too_long(record, definition, caller.now),
        start_time=_known(record.start_time),
        end_time=_known(record.end_time),
        execute_time=_elapsed(record, caller.now),
        error_message=record.error_message or UNSET,
    )


def attempts(services: Services, caller: Caller, job_name: str, instance_id: str, node_name: str) -> NodeAttemptList:
    """How the attempts of a node ended. Raises InstanceNotFound, InvalidParameter for an unknown node."""
    with services.db.reading() as connection:
        record = found(connection, caller, job_name, instance_id)
        node = node_named(connection, record, node_name)
        ended = instances.attempts_of(connection, record.id, node.position)
    listed = [
        _attempt(item, number) for number, item in enumerate((item for item in ended if item.name == node.name), 1)
    ]
    return NodeAttemptList(node_name=node.name, total=len(listed), attempts=listed)


def node_named(connection: Connection, record: InstanceRecord, name: str) -> NodeRecord:
    """A node of an instance. Raises InvalidParameter."""
    for node in instances.nodes_of(connection, record.id):
        if node.name == name:
            return node
    raise InvalidParameter(f"node_name: the instance {record.id} has no node {name!r}.")


def _number(instance_id: str) -> int:
    """Digits only, as jobs' instances are numbered. Raises InstanceNotFound."""
    if not (instance_id.isascii() and instance_id.isdigit() and len(instance_id) <= 18):
        raise InstanceNotFound(f"instance {instance_id!r}.")
    return int(instance_id)


def found(connection: Connection, caller: Caller, job_name: str, instance_id: str) -> InstanceRecord:
    """An instance of a job of the workspace. Raises InstanceNotFound."""
    return _checked(instances.by_id(connection, _number(instance_id)), caller, job_name, instance_id)


def locked(connection: Connection, caller: Caller, job_name: str, instance_id: str) -> InstanceRecord:
    """The same, and nobody else can change it until the transaction ends. Raises InstanceNotFound."""
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


def _took_too_long(record: InstanceRecord, definition: JobDefinition, now: int) -> bool:
    due = definition.overdue_at(record.submit_time, record.start_time)
    return due is not None and (now if record.end_time is None else record.end_time) > due


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


def _attempt(ended: AttemptRecord, number: int) -> NodeAttempt:
    return NodeAttempt(
        number=number,
        outcome=ended.outcome,
        start_time=ended.start_time,
        end_time=ended.end_time,
        execute_time=max(0, ended.end_time - ended.start_time),
        log_path=ended.log_path or UNSET,
        error_message=ended.message or UNSET,
    )
