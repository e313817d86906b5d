"""What expressions of a running instance can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import msgspec

from headrace.domain.clock import from_millis
from headrace.domain.instance import ENDED_NODE_STATES
from headrace.domain.job import JobDefinition
from headrace.el.language import with_parameters
from headrace.el.scope import Scope
from headrace.objectstore.path import ObsPath
from headrace.services import Services
from headrace.storage import calendars, default_items, event_triggers
from headrace.storage.default_items import DefaultItems
from headrace.storage.instances import InstanceRecord, NodeRecord


def node_scope(
    services: Services,
    record: InstanceRecord,
    job: JobDefinition,
    nodes: Sequence[NodeRecord],
    position: int,
    environment: Mapping[str, str],
) -> Scope:
    """The scope of a node's properties and conditions: parameters, and the nodes before it that have ended."""
    scope = _of_instance(services, record, job)
    by_name = {nodes[index].name: nodes[index] for index in job.upstream(position)}
    before = job.nodes[position].predecessors

    def output(name: str) -> str | None:
        node = by_name.get(name)
        return node.output if node is not None and node.status in ENDED_NODE_STATES else None

    def status(name: str) -> str | None:
        node = by_name.get(name)
        return None if node is None else node.status

    def running_data(name: str) -> str | None:
        node = by_name.get(name)
        return None if node is None else node.running_data

    scope = replace(
        scope,
        node_output=output,
        node_status=status,
        running_data=running_data,
        insert_job_id=lambda name: _insert_job_id(running_data(name)),
        preceding_node=before[0] if len(before) == 1 else None,
    )
    given: dict[str, str] = msgspec.json.decode(record.parameters)
    handed_down: dict[str, str] = msgspec.json.decode(record.handed_down)
    return with_parameters(
        scope,
        job_params={**job.parameters, **given},
        environment=environment,
        handed_down={**handed_down, **_extracted(by_name.values())},
    )


def instance_scope(
    services: Services, record: InstanceRecord, job: JobDefinition, environment: Mapping[str, str]
) -> Scope:
    """The scope of an instance that has not begun: its parameters."""
    given: dict[str, str] = msgspec.json.decode(record.parameters)
    return with_parameters(
        _of_instance(services, record, job), job_params={**job.parameters, **given}, environment=environment
    )


def _of_instance(services: Services, record: InstanceRecord, job: JobDefinition) -> Scope:
    with services.db.reading() as connection:
        items = default_items.of_workspace(connection, record.workspace_id)
        event = event_triggers.event_of(connection, record.id) if job.schedule.kind == "EVENT" else None
    return Scope(
        plan_time=from_millis(record.plan_time),
        start_time=from_millis(record.start_time or record.plan_time),
        zone=ZoneInfo(services.settings.time_zone),
        now=lambda: from_millis(services.now()),
        project_id=record.project_id,
        obs_exists=lambda path: obs_exists(services, path),
        job_name=record.job_name,
        job_id=str(record.job_id),
        instance_id=str(record.id),
        workdays=calendars.lookup(services.db, record.workspace_id, job.schedule.calendar),
        event_data=None if event is None else event.data,
        obs_new_files=None if event is None else event.files or None,
        prefix_only_dlf=bool(items.prefix_only_dlf),
        simple_variables=bool(items.simple_variables),
    )


def _extracted(nodes: Iterable[NodeRecord]) -> dict[str, str]:
    """What nodes took from answers for those after them; of one name the value of the node that ended last."""
    found: dict[str, str] = {}
    for node in sorted(nodes, key=lambda node: (node.end_time or 0, node.position)):
        if node.variables is not None and node.status in ENDED_NODE_STATES:
            found |= msgspec.json.decode(node.variables, type=dict[str, str])
    return found


def script_scope(
    services: Services,
    project_id: str,
    created: int,
    parameters: Mapping[str, str],
    environment: Mapping[str, str],
    items: DefaultItems = DefaultItems(),  # noqa: B008  # frozen
) -> Scope:
    """The scope of a script that is run by itself: its plan time is the moment it was started.

    ``items``: the default items of its workspace.
    """
    moment = from_millis(created)
    scope = Scope(
        plan_time=moment,
        start_time=moment,
        zone=ZoneInfo(services.settings.time_zone),
        now=lambda: from_millis(services.now()),
        project_id=project_id,
        obs_exists=lambda path: obs_exists(services, path),
        prefix_only_dlf=bool(items.prefix_only_dlf),
        simple_variables=bool(items.simple_variables),
    )
    return with_parameters(scope, job_params=parameters, environment=environment)


def obs_exists(services: Services, path: str) -> bool:
    """Whether there is an object, or, for a path that ends in a slash, a folder: one that was made, or holds any.

    Raises InvalidObsPath, and ObsFileUnreadable when the store fails: neither says that nothing is there.
    """
    place = ObsPath.parse(path)
    if not place.key:
        return services.store.bucket_exists(place.bucket)
    if not place.key.endswith("/"):
        return services.store.exists(place)
    return services.store.folder_exists(place)


def _insert_job_id(running_data: str | None) -> str | None:
    """The id of the first INSERT statement of a DLI SQL node, which its running data tell."""
    found = msgspec.json.decode(running_data) if running_data else None
    number = found.get("insertJobId") if isinstance(found, dict) else None
    return number if isinstance(number, str) else None
