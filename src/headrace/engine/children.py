"""Instances of other jobs that a node runs: made when its attempt says so, begun and counted as they end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from headrace.domain.instance import InstanceType
from headrace.domain.job import JobDefinition, check_graph
from headrace.errors import HeadraceError
from headrace.nodes.base import Children, NodeFailed
from headrace.services import Services
from headrace.storage import instances, jobs, workspaces
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.storage.jobs import JobRecord
from headrace.storage.new_instances import Origin, Parent, child_of, new_instance
from headrace.wire.v1.definition import read_definition

ONE_AT_A_TIME = ("CDMJob", "DataMigration")  # a job with such a node is run serially. Source: nodes.md §5

Instance = tuple[InstanceRecord, list[NodeRecord]]


class Plan(NamedTuple):
    """The instances a node runs; ``note`` is what is kept with the node."""

    instances: Sequence[Instance]
    note: str


def plan_children(
    services: Services, connection: Connection, parent: InstanceRecord, node: NodeRecord, children: Children
) -> Plan:
    """New instances of the job a node names, in its newest version. Raises NodeFailed when that cannot run."""
    job = jobs.by_name(connection, parent.workspace_id, children.job_name)
    if job is None:
        raise NodeFailed(f"jobName: there is no job {children.job_name!r} in the workspace.")
    if job.process_type != "BATCH":
        raise NodeFailed(f"jobName: {children.job_name!r} is a real-time job; a subjob must be a batch job.")
    _check_ancestors(connection, parent, job)
    definition = _submitted(connection, job)
    serial = any(item.type in ONE_AT_A_TIME for item in definition.nodes)
    parallel = 1 if serial else children.parallel
    origin = Origin(
        kind=InstanceType.SUBJOB,
        project_id=parent.project_id,
        run_as=parent.run_as,
        log_root=definition.log_path or workspaces.log_location(connection, parent.project_id, parent.workspace_id),
        plan_time=parent.plan_time,
        submit_time=services.now(),
    )
    made: list[Instance] = []
    for number, child in enumerate(children.instances, start=1):
        instance, nodes = new_instance(job, definition, services.next_number(), origin, {})
        place = Parent(
            instance_id=parent.id,
            position=node.position,
            fence=node.fence,
            number=number,
            instance_name=child.instance_name,
            handed_down=child.parameters,
        )
        made.append((child_of(instance, place, begins=number <= parallel), nodes))
    note = json.dumps({"job": job.name, "total": len(made), "parallel": parallel}, ensure_ascii=False)
    return Plan(made, note)


def parallel_of(note: str) -> int:
    """How many instances a node runs at once, from what is kept with it."""
    return int(json.loads(note)["parallel"])


def _check_ancestors(connection: Connection, parent: InstanceRecord, job: JobRecord) -> None:
    """No job runs itself, at any depth. Raises NodeFailed."""
    path: list[str] = []
    above: InstanceRecord | None = parent
    while above is not None:
        path.insert(0, above.job_name)
        if above.job_id == job.id:
            raise NodeFailed(f"jobName: the jobs would run each other for ever: {' → '.join([*path, job.name])}.")
        above = None if above.parent_id is None else instances.by_id(connection, above.parent_id)


def _submitted(connection: Connection, job: JobRecord) -> JobDefinition:
    text = jobs.version_document(connection, job.id, job.version) if job.version else None
    if text is None:
        raise NodeFailed(f"jobName: the job {job.name!r} has not been submitted; submit it before it is run.")
    try:
        definition = read_definition(text)
        check_graph(definition)
    except HeadraceError as error:
        raise NodeFailed(f"jobName: the job {job.name!r} cannot run: {error.message}") from error
    if not definition.nodes:
        raise NodeFailed(f"jobName: the job {job.name!r} has no nodes.")
    return definition
