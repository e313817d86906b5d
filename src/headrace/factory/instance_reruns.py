"""Running an ended job instance again. Source: API reference, "Rerunning a Job Instance"; scheduling §6.2."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.domain.identity import Caller
from headrace.domain.instance import InstanceType, JobOperation, JobState, NodeState, moved
from headrace.domain.job import JobDefinition
from headrace.errors import InvalidParameter
from headrace.factory import runs
from headrace.factory.instance_operations import allowed, definition_of, wish
from headrace.services import Services
from headrace.storage import instances, jobs, listenings
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.storage.new_instances import first_state, new_nodes
from headrace.wire.v1.instances import RestoreRequest

_LISTENING = (InstanceType.SCHEDULED, InstanceType.PATCH_DATA)


def restore(
    services: Services, caller: Caller, job_name: str, instance_id: str, request: RestoreRequest | None
) -> None:
    """Run an ended instance again: the same id and plan time, from its first, failed or a named node.

    Raises InstanceNotFound, InvalidParameter, JobNotFound when the latest parameters of a deleted job are asked for.
    """
    with services.db.writing() as connection:
        record = allowed(connection, caller, job_name, instance_id, JobOperation.RERUN)
        rerun_locked(services, connection, caller, record, request or RestoreRequest())
    services.wake_engine()


def rerun_locked(
    services: Services, connection: Connection, caller: Caller, record: InstanceRecord, asked: RestoreRequest
) -> None:
    """Make an ended instance wait again; the caller wakes the engine after the transaction. Raises as ``restore``."""
    ignored = ignores_listening(asked.ignore_obs_monitor)
    record, definition, nodes = _reset(connection, caller, record, asked)
    listening = None if ignored or record.instance_type not in _LISTENING else definition.schedule.listening
    state = moved(JobState(record.status), first_state(definition, InstanceType(record.instance_type)))
    again = record._replace(
        status=state.value,
        wish=wish(state, services.next_number()),
        start_time=None,
        end_time=None,
        force_success=0,
        ignore_success=0,
        error_message="",
        cancel_at=None,
    )
    listenings.end(connection, record.id)
    if listening is not None:
        confirm, again = definition.schedule.confirm, again._replace(status=JobState.WAITING.value, wish="")
        listenings.begin(connection, record.id, listening, caller.now, caller.now, confirm=confirm)
    instances.replace_nodes(connection, record.id, nodes)
    instances.update_instances(connection, [again])


def ignores_listening(value: str | bool | None) -> bool:
    """Whether what is run again does not wait for a file this time, which is so unless somebody says otherwise.

    Raises InvalidParameter. Source: reference on scheduling §6.2, "Ignore OBS Listening".
    """
    if value not in (None, True, False, "true", "false", ""):
        raise InvalidParameter(f"ignore_obs_monitor: {value!r} is neither true nor false.")
    return value not in (False, "false")


def _reset(
    connection: Connection, caller: Caller, record: InstanceRecord, asked: RestoreRequest
) -> tuple[InstanceRecord, JobDefinition, list[NodeRecord]]:
    """The instance with the version it will run, and its nodes as they are before it runs."""
    nodes = instances.nodes_of(connection, record.id)
    version = asked.job_param_version or "original_version"
    if version not in ("original_version", "latest_version"):
        raise InvalidParameter(f"job_param_version: {version!r} is neither original_version nor latest_version.")
    if version == "latest_version":
        job = jobs.by_id(connection, record.job_id)
        if job is None or job.workspace_id != caller.workspace.id:
            raise InvalidParameter("job_param_version: the job was deleted and has no latest version.")
        definition = runs.submitted_definition(connection, job)
        record = record._replace(version=job.version)
    else:
        definition = definition_of(connection, record)
    return record, definition, reset_nodes(definition, record, nodes, asked)


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
