"""Makes the rows of a new instance, whoever starts it: a person, a schedule, or a node of another job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from headrace.domain.instance import InstanceType, JobState, NodeState
from headrace.domain.job import JobDefinition
from headrace.storage.instances import START, InstanceRecord, NodeRecord
from headrace.storage.jobs import JobRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What an instance has from where it was started. Times in milliseconds; ``log_root`` empty for the project's."""

    kind: InstanceType
    project_id: str
    run_as: str
    log_root: str
    plan_time: int
    submit_time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """The attempt of a node that runs an instance as its ``number``-th, and the values it hands down."""

    instance_id: int
    position: int
    fence: int
    number: int
    instance_name: str
    handed_down: Mapping[str, str]


def new_instance(
    job: JobRecord, definition: JobDefinition, number: int, origin: Origin, parameters: Mapping[str, str]
) -> tuple[InstanceRecord, list[NodeRecord]]:
    """A waiting instance of a job's newest version with its nodes; the engine begins it as soon as it may."""
    status = first_state(definition, origin.kind)
    instance = InstanceRecord(
        id=number,
        workspace_id=job.workspace_id,
        job_id=job.id,
        job_name=job.instance_name,
        instance_name=job.instance_name,
        instance_type=int(origin.kind),
        status=status.value,
        wish=START if status is JobState.WAITING else "",
        version=job.version,
        parameters=_as_json(parameters),
        run_as=origin.run_as,
        project_id=origin.project_id,
        log_root=origin.log_root,
        plan_time=origin.plan_time,
        submit_time=origin.submit_time,
    )
    return instance, new_nodes(definition, number, origin.plan_time)


def first_state(definition: JobDefinition, kind: InstanceType) -> JobState:
    """How an instance waits before it runs, also when it is run again: for its turn, or first for a person.

    What a node of another job runs was confirmed with that. Source: reference on scheduling §2.
    """
    confirm = definition.schedule.confirm and kind is not InstanceType.SUBJOB
    return JobState.WAITING_CONFIRM if confirm else JobState.WAITING


def child_of(instance: InstanceRecord, parent: Parent, *, begins: bool) -> InstanceRecord:
    """The instance as a child of a node; unless it ``begins`` at once, its parent begins it later."""
    return instance._replace(
        instance_name=parent.instance_name,
        wish=START if begins else "",
        handed_down=_as_json(parent.handed_down),
        parent_id=parent.instance_id,
        parent_position=parent.position,
        parent_fence=parent.fence,
        child_number=parent.number,
    )


def new_nodes(definition: JobDefinition, number: int, plan_time: int) -> list[NodeRecord]:
    """The waiting nodes of an instance."""
    return [
        NodeRecord(
            instance_id=number,
            position=position,
            name=node.name,
            type=node.type,
            status=NodeState.WAITING.value,
            plan_time=plan_time,
        )
        for position, node in enumerate(definition.nodes)
    ]


def _as_json(values: Mapping[str, str]) -> str:
    return json.dumps(dict(values), ensure_ascii=False, separators=(",", ":"))
