"""The instances that an instance depends on, and those that depend on it, over several levels.

Source: API reference, "Querying Job Instance Dependencies (v2)"; factory-v2-notes, "Dependencies".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from msgspec import UNSET

from headrace.domain.identity import Caller
from headrace.errors import InstanceNotFound, InvalidParameter
from headrace.services import Services
from headrace.storage import instance_lists, instances, jobs, waits, workspaces
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.wire.v2.dependencies import DependInstance, DependInstances, DependInstancesQuery

RELATIONS = ("parent", "child", "both")
MAX_DEPTH = 50
MAX_INSTANCES = 5000  # of one answer
AVERAGE_OF = 30  # instances

Step = Callable[[InstanceRecord], list[InstanceRecord]]


def walk(services: Services, caller: Caller, instance_id: str, query: DependInstancesQuery) -> DependInstances:
    """What an instance depends on, and what depends on it, level by level, across workspaces.

    Raises InstanceNotFound, InvalidParameter.
    """
    check_relation(query.relation)
    if not 1 <= query.depth <= MAX_DEPTH:
        raise InvalidParameter(f"depth: {query.depth} is not between 1 and {MAX_DEPTH}.")
    with services.db.reading() as connection:
        start = _found(connection, caller, instance_id)
        reached: dict[int, InstanceRecord] = {}
        for relation, step in (
            ("parent", lambda record: waits.parents(connection, record.id)),
            ("child", partial(waits.children, connection)),
        ):
            if query.relation in (relation, "both"):
                reached |= _reached(start, step, query)
        names = {item.id: item.name for item in workspaces.all_of_project(connection, caller.project_id)}
        shown = [_shown(connection, record, names, caller.now) for record in reached.values()]
    return DependInstances(total=len(shown), depend_instances_info=shown)


def check_relation(relation: str) -> None:
    """Raises InvalidParameter for a word that is none."""
    if relation not in RELATIONS:
        raise InvalidParameter(f"relation: {relation!r} is none of {', '.join(RELATIONS)}.")


def _reached(start: InstanceRecord, step: Step, query: DependInstancesQuery) -> dict[int, InstanceRecord]:
    """The instances at most so many steps away, nearest first."""
    reached: dict[int, InstanceRecord] = {}
    level = [start]
    for _ in range(query.depth):
        following: dict[int, InstanceRecord] = {}
        for record in level:
            found = step(record)
            following |= {each.id: each for each in (_latest(found) if query.latest else found)}
        level = [each for each in following.values() if each.id not in reached and each.id != start.id]
        reached |= {each.id: each for each in level}
        if len(reached) > MAX_INSTANCES:
            raise InvalidParameter(
                f"depth: {query.depth} levels are more than {MAX_INSTANCES} instances; ask for fewer."
            )
    return reached


def _latest(found: Iterable[InstanceRecord]) -> list[InstanceRecord]:
    """Of each job the instance that ended last; one that has not ended is later than all that have."""
    latest: dict[int, InstanceRecord] = {}
    for record in found:
        known = latest.get(record.job_id)
        if known is None or _when(record) > _when(known):
            latest[record.job_id] = record
    return list(latest.values())


def _when(record: InstanceRecord) -> tuple[bool, int, int, int]:
    return record.end_time is None, record.end_time or 0, record.plan_time, record.id


def _found(connection: Connection, caller: Caller, instance_id: str) -> InstanceRecord:
    known = instance_id.isascii() and instance_id.isdigit() and len(instance_id) <= 18
    record = instances.by_id(connection, int(instance_id)) if known else None
    if record is None or record.workspace_id != caller.workspace.id:
        raise InstanceNotFound(f"There is no instance {instance_id!r} in the workspace.")
    return record


def _shown(connection: Connection, record: InstanceRecord, workspaces: dict[str, str], now: int) -> DependInstance:
    job = jobs.by_id(connection, record.job_id)
    began, ended = record.start_time, record.end_time
    average = instance_lists.average_run(connection, record.job_id, AVERAGE_OF)
    return DependInstance(
        id=record.id,
        job_id=record.job_id,
        job_name=record.job_name,
        directory_path="/" if job is None else job.directory,
        force_success=bool(record.force_success),
        ignore_success=bool(record.ignore_success),
        parent_instance_ids=[each.id for each in waits.parents(connection, record.id)],
        plan_time=record.plan_time,
        status=record.status,
        submit_time=record.submit_time,
        version=record.version,
        workspace_id=record.workspace_id,
        workspace_name=workspaces.get(record.workspace_id, ""),
        running_time=UNSET if began is None else max(0, (now if ended is None else ended) - began),
        start_time=UNSET if began is None else began,
        end_time=UNSET if ended is None else ended,
        avg_execute_time_ms=UNSET if average is None else average,
    )
