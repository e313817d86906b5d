"""What a person does with a job instance that exists: stop, retry, continue, force, hold back and let go.

Each operation is one transaction; the engine is told by the wish. Source: reference on scheduling §6.2.
"""

from __future__ import annotations

from collections.abc import Iterable

from headrace.domain.identity import Caller
from headrace.domain.instance import (
    ENDED_JOB_STATES,
    HELD_JOB_STATES,
    JOB_OPERATIONS,
    UNENDED_JOB_STATES,
    JobOperation,
    JobState,
    NodeState,
    Passage,
    moved,
)
from headrace.domain.job import FailPolicy, JobDefinition
from headrace.errors import InvalidParameter
from headrace.factory.instances import locked
from headrace.services import Services
from headrace.storage import instance_children, instances, jobs, lock_order, open_instances, waits
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.wire.v1.definition import read_definition


def stop(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Stop an instance that waits, runs or was suspended; what runs is killed.

    Raises InstanceNotFound, InvalidParameter for one that has ended.
    """
    with services.db.writing() as connection:
        lock_order.lock_with_others(connection, _numbers(instance_id))
        record = allowed(connection, caller, job_name, instance_id, JobOperation.STOP)
        stop_locked(connection, record, caller.now)
    services.wake_engine()


def stop_of_job(connection: Connection, job_id: int, now: int) -> None:
    """Stop every open or held instance of a job; the caller wakes the engine after the transaction."""
    numbers = open_instances.unended_of_job(connection, job_id)
    lock_order.lock_with_others(connection, numbers)
    for number in numbers:
        record = instances.lock(connection, number)
        if record is not None and record.status in UNENDED_JOB_STATES | HELD_JOB_STATES:
            stop_locked(connection, record, now)


def stop_locked(connection: Connection, record: InstanceRecord, now: int) -> None:
    """Move an instance and its running nodes to manual-stop; results of their attempts are refused from here on."""
    _stop_nodes(connection, record.id, now)
    ended = moved(JobState(record.status), JobState.MANUAL_STOP)
    instances.update_instances(
        connection, [record._replace(status=ended.value, wish=instances.STOP, end_time=now, error_message="Stopped.")]
    )


def retry(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Run the failed nodes of an abnormal instance again. Raises InstanceNotFound, InvalidParameter."""
    with services.db.writing() as connection:
        record = allowed(connection, caller, job_name, instance_id, JobOperation.RETRY)
        definition = definition_of(connection, record)
        failed = _undecided(definition, instances.nodes_of(connection, record.id))
        instances.update_nodes(connection, [run_again(node) for node in failed])
        go_on(services, connection, record, JobState.RUNNING)
    services.wake_engine()


def go_on_after_failure(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Let an abnormal instance go on with the nodes after the failed ones, which stay failed and count as ignored.

    Raises InstanceNotFound, InvalidParameter.
    """
    with services.db.writing() as connection:
        record = allowed(connection, caller, job_name, instance_id, JobOperation.CONTINUE)
        definition = definition_of(connection, record)
        passed = [
            node._replace(closed=int(Passage.PASSED))
            for node in _undecided(definition, instances.nodes_of(connection, record.id))
            if definition.nodes[node.position].fail_policy is FailPolicy.SUSPEND
        ]
        instances.update_nodes(connection, passed)
        go_on(services, connection, record, JobState.RUNNING)
    services.wake_engine()


def force_success(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Declare an abnormal, stopped or failed instance successful; what still runs of it is killed.

    Raises InstanceNotFound, InvalidParameter.
    """
    with services.db.writing() as connection:
        lock_order.lock_with_others(connection, _numbers(instance_id), of_job=True)
        record = allowed(connection, caller, job_name, instance_id, JobOperation.FORCE_SUCCESS)
        _stop_nodes(connection, record.id, caller.now)
        ended = caller.now if record.end_time is None else record.end_time
        go_on(services, connection, record, JobState.SUCCESS, end_time=ended, force_success=1)
        jobs.set_last_instance(connection, record.job_id, JobState.SUCCESS.value, ended)
    services.wake_engine()


def confirm(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Let an instance run that waits for a person's confirmation. Raises InstanceNotFound, InvalidParameter."""
    _change(services, caller, job_name, instance_id, JobOperation.CONFIRM, JobState.WAITING)


def freeze(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Hold back a waiting instance; for its dependents it has failed. Raises InstanceNotFound, InvalidParameter."""
    _change(services, caller, job_name, instance_id, JobOperation.FREEZE, JobState.FREEZE)


def unfreeze(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Let a frozen instance wait again for what it needs. Raises InstanceNotFound, InvalidParameter."""
    _change(services, caller, job_name, instance_id, JobOperation.UNFREEZE, JobState.WAITING)


def pause(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Hold back a waiting instance; what depends on it waits on. Raises InstanceNotFound, InvalidParameter."""
    _change(services, caller, job_name, instance_id, JobOperation.PAUSE, JobState.PAUSE)


def resume(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Let a paused instance go on, with its paused nodes. Raises InstanceNotFound, InvalidParameter."""
    with services.db.writing() as connection:
        record = allowed(connection, caller, job_name, instance_id, JobOperation.RESUME)
        state = JobState.WAITING if record.start_time is None else JobState.RUNNING
        paused = [node for node in instances.nodes_of(connection, record.id) if node.status == NodeState.PAUSE]
        resumed = moved(NodeState.PAUSE, NodeState.WAITING)
        instances.update_nodes(connection, [node._replace(status=resumed.value) for node in paused])
        go_on(services, connection, record, state)
    services.wake_engine()


# ---- shared with operations on nodes and with reruns


def allowed(
    connection: Connection, caller: Caller, job_name: str, instance_id: str, operation: JobOperation
) -> InstanceRecord:
    """The instance, locked, if its state allows the operation. Raises InstanceNotFound, InvalidParameter."""
    record = locked(connection, caller, job_name, instance_id)
    if record.status not in JOB_OPERATIONS[operation]:
        raise InvalidParameter(
            f"The instance {record.id} is {record.status}; {operation} is possible when it is "
            f"{in_words(JOB_OPERATIONS[operation])}."
        )
    check_not_stopping(record)
    return record


def check_not_stopping(record: InstanceRecord) -> None:
    """Nothing else is done with an instance that the engine is about to stop. Raises InvalidParameter."""
    if record.wish == instances.STOP and record.status in UNENDED_JOB_STATES:
        raise InvalidParameter(f"The instance {record.id} is about to be stopped, as what it belongs to has ended.")


def in_words(states: Iterable[JobState | NodeState]) -> str:
    """States as a sentence lists them."""
    words = sorted(states)
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def definition_of(connection: Connection, record: InstanceRecord) -> JobDefinition:
    """The version of the job that an instance runs. Raises InvalidParameter."""
    text = jobs.version_document(connection, record.job_id, record.version)
    if text is None:
        raise InvalidParameter(f"The version {record.version} of the job, which the instance runs, is gone.")
    return read_definition(text)


def go_on(
    services: Services,
    connection: Connection,
    record: InstanceRecord,
    state: JobState,
    *,
    end_time: int | None = None,
    force_success: int = 0,
) -> None:
    """Give a locked instance another state, or the same one after its nodes were changed; the engine reads it again."""
    before = JobState(record.status)
    after = state if state is before else moved(before, state)
    waits_on = after is JobState.WAITING and not waits.is_satisfied(connection, record.id)
    again = record._replace(
        status=after.value,
        wish="" if waits_on else wish(after, services.next_number()),
        end_time=end_time,
        force_success=force_success,
        error_message="" if state is not before else record.error_message,
        cancel_at=None,  # a person has looked after it
    )
    instances.update_instances(connection, [again])


def wish(state: JobState, number: int) -> str:
    """What the engine must see: an instance to begin, one that has ended, or one that it must read again.

    The last is never twice the same: the engine could not tell the change of a node from what it has read already.
    """
    if state is JobState.WAITING:
        return instances.START
    return instances.STOP if state in ENDED_JOB_STATES else f"CHANGED {number}"


def run_again(node: NodeRecord) -> NodeRecord:
    """A failed node before it is run again; the numbers of its attempts go on."""
    state = moved(NodeState(node.status), NodeState.WAITING)
    return NodeRecord(
        instance_id=node.instance_id,
        position=node.position,
        name=node.name,
        type=node.type,
        status=state.value,
        plan_time=node.plan_time,
        fence=node.fence + 1,
    )


def _change(
    services: Services, caller: Caller, job_name: str, instance_id: str, operation: JobOperation, state: JobState
) -> None:
    with services.db.writing() as connection:
        if state is JobState.FREEZE:
            lock_order.lock_with_others(connection, _numbers(instance_id))
        record = allowed(connection, caller, job_name, instance_id, operation)
        go_on(services, connection, record, state)
        if state is JobState.FREEZE:
            waits.release(connection, record._replace(status=state.value), caller.now)
    services.wake_engine()


def _numbers(instance_id: str) -> list[int]:
    """The number of an instance, if it is one; what else is wrong with it is said when it is looked for."""
    return [int(instance_id)] if instance_id.isascii() and instance_id.isdigit() and len(instance_id) <= 18 else []


def _undecided(definition: JobDefinition, nodes: Iterable[NodeRecord]) -> list[NodeRecord]:
    """The nodes that failed, and whose failure neither their policy nor a person passed over."""
    return [
        node
        for node in nodes
        if node.status == NodeState.FAIL
        and node.closed != Passage.PASSED
        and definition.nodes[node.position].fail_policy is not FailPolicy.IGNORE
    ]


def _stop_nodes(connection: Connection, instance_id: int, now: int) -> None:
    """End what runs, what nodes run as child instances, and what waits for another attempt."""
    stopped, attempts, parents = [], [], set()
    for node in instances.nodes_of(connection, instance_id):
        if node.status == NodeState.RUNNING:
            attempts.append(instances.attempt_ended(node, "stopped", now))
            if node.children is not None:
                parents.add(node.position)
            state = moved(NodeState.RUNNING, NodeState.MANUAL_STOP)
            stopped.append(
                node._replace(status=state.value, end_time=now, fence=node.fence + 1, lease_until=None, retry_at=None)
            )
        elif node.retry_at is not None:
            stopped.append(node._replace(retry_at=None))
    instances.update_nodes(connection, stopped)
    instances.add_attempts(connection, attempts)
    if parents:
        instance_children.end_children(connection, instance_id, parents, now)
