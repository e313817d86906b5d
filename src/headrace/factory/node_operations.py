"""What a person does with one node of a job instance: retry, succeed, skip, pause, resume.

Source: reference on scheduling §6.2.
"""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.domain.instance import NODE_OPERATIONS, JobState, NodeOperation, NodeState, moved
from headrace.errors import InvalidParameter
from headrace.factory.instance_operations import check_not_stopping, go_on, in_words, run_again
from headrace.factory.instances import locked, node_named
from headrace.services import Services
from headrace.storage import instances
from headrace.storage.instances import InstanceRecord, NodeRecord


def operate(
    services: Services, caller: Caller, job_name: str, instance_id: str, node_name: str, operation: NodeOperation
) -> None:
    """Do something with one node; its instance goes on where it waited for that.

    Raises InstanceNotFound; InvalidParameter for an unknown node, and where the states do not allow the operation.
    """
    with services.db.writing() as connection:
        record = locked(connection, caller, job_name, instance_id)
        node = node_named(connection, record, node_name)
        _check(record, node, operation)
        if operation is NodeOperation.SKIP and len(instances.nodes_of(connection, record.id)) == 1:
            raise InvalidParameter(f"node_name: {node_name!r} is the only node of its instance and cannot be skipped.")
        instances.update_nodes(connection, [_after(node, operation, caller.now)])
        go_on(services, connection, record, _state_after(JobState(record.status), operation))
    services.wake_engine()


def _check(record: InstanceRecord, node: NodeRecord, operation: NodeOperation) -> None:
    of_instance, of_node = NODE_OPERATIONS[operation]
    if record.status not in of_instance or node.status not in of_node:
        raise InvalidParameter(
            f"The node {node.name!r} is {node.status} and its instance {record.id} is {record.status}; {operation} is "
            f"possible when the node is {in_words(of_node)} and the instance is {in_words(of_instance)}."
        )
    check_not_stopping(record)


def _after(node: NodeRecord, operation: NodeOperation, now: int) -> NodeRecord:
    """The node after the operation."""
    before = NodeState(node.status)
    if operation is NodeOperation.RETRY:
        return run_again(node)
    if operation is NodeOperation.SUCCEED:
        return node._replace(status=moved(before, NodeState.SUCCESS).value, error_message="")
    if operation is NodeOperation.SKIP:
        return node._replace(status=moved(before, NodeState.SKIP).value, end_time=now, retry_at=None)
    if operation is NodeOperation.PAUSE:
        return node._replace(status=moved(before, NodeState.PAUSE).value, retry_at=None)
    return node._replace(status=moved(before, NodeState.WAITING).value)


def _state_after(before: JobState, operation: NodeOperation) -> JobState:
    """A decision about a failed or paused node lets the instance go on; whether more is to be decided shows then."""
    if operation in (NodeOperation.RETRY, NodeOperation.SUCCEED) or before is JobState.PAUSE:
        return JobState.RUNNING
    return before
