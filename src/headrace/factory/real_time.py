"""Real-time jobs: begun and ended node by node, and what they and their nodes are meanwhile. See decision 25."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.domain.event_words import EventFailPolicy
from headrace.domain.identity import Caller
from headrace.domain.instance import JobState
from headrace.domain.real_time import RunStatus, Trigger, ending_status, job_status, node_status
from headrace.errors import InvalidParameter, InvalidSchedule
from headrace.factory import instance_operations, job_starts
from headrace.factory.job_schedules import Beginning
from headrace.services import Services
from headrace.storage import event_triggers, jobs, node_jobs, open_instances, schedules
from headrace.storage.database import Connection, Duplicate
from headrace.storage.jobs import JobRecord
from headrace.storage.lock_order import lock_jobs, lock_with_others
from headrace.storage.node_jobs import LastInstance
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.node_jobs import NodeJob
from headrace.wire.v1.node_jobs import node_jobs as nodes_in

STOPPED, STARTED, NODE_STARTED = "STOPPED", "NORMAL", "SCHEDULING"  # as they are stored


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a node of a real-time job is now. ``last``: its newest instance since the start."""

    status: str
    last: LastInstance | None = None


def begin(
    services: Services,
    connection: Connection,
    caller: Caller,
    job: JobRecord,
    values: Mapping[str, str],
    beginning: Beginning,
) -> None:
    """Begin every node of the newest submitted version. Raises InvalidSchedule, InvalidParameter."""
    if node_jobs.going(connection, job.id) or node_jobs.ending(connection, job.id):
        raise InvalidParameter(f"The job {job.name!r} is stopping; start it when it is STOPPED.")
    known = {node.name: node for node in jobs.nodes_of(connection, job.id)}
    text = jobs.version_document(connection, job.id, job.version) or "{}"
    for node in nodes_in(text):
        name = f"{job.name}/{node.name}"
        before = known.get(name)
        number = services.next_number() if before is None else before.id
        _begin_node(services, connection, caller, _row(job, number, name, caller.now), node, values, beginning)


def _row(job: JobRecord, number: int, name: str, now: int) -> JobRecord:
    """A node that starts now, as the job that it is."""
    return job._replace(
        id=number,
        name=name,
        process_type=node_jobs.PROCESS_TYPE,
        parent_id=job.id,
        single_node=1,
        draft=None,
        status=NODE_STARTED,
        start_time=now,
        end_time=None,
        last_instance_status=None,
        last_instance_end_time=None,
    )


def _begin_node(
    services: Services,
    connection: Connection,
    caller: Caller,
    row: JobRecord,
    node: NodeJob,
    values: Mapping[str, str],
    beginning: Beginning,
) -> None:
    """Errors name the member of the node, not that of the job which it becomes."""
    try:
        node_jobs.put(connection, row, node.document, row.update_user, caller.now)
        job_starts.begin(services, connection, caller, row, read_definition(node.document), values, beginning)
    except Duplicate as error:
        raise InvalidParameter(f"{node.where}: the name {row.name!r} is taken.") from error
    except (InvalidSchedule, InvalidParameter) as error:
        raise type(error)(_of_node(node, error.detail or "")) from error


def _of_node(node: NodeJob, detail: str) -> str:
    for member, trigger in (("schedule.cron", "cronTrigger"), ("schedule.event", "eventTrigger")):
        if detail.startswith(member):
            return f"{node.where}.{trigger}{detail.removeprefix(member)}"
    return f"{node.where}, {node.name!r}: {detail}"


def end(connection: Connection, job: JobRecord, now: int) -> None:
    """End every node, also what runs; the caller wakes the engine after the transaction."""
    nodes = jobs.nodes_of(connection, job.id)
    lock_jobs(connection, (node.id for node in nodes))
    for node in nodes:
        schedules.remove(connection, node.id)
        event_triggers.remove(connection, node.id)
    lock_with_others(
        connection, [each for node in nodes for each in open_instances.unended_of_job(connection, node.id)]
    )
    for node in nodes:
        instance_operations.stop_of_job(connection, node.id, now)
        if node.status != STOPPED:
            jobs.set_status(connection, node.id, STOPPED, end_time=now)


def forget(connection: Connection, job: JobRecord, now: int) -> None:
    """End every node of a job that is deleted."""
    end(connection, job, now)
    for node in jobs.nodes_of(connection, job.id):
        event_triggers.forget(connection, node.id)


def status_of(connection: Connection, job: JobRecord) -> str:
    """What a job is: of a real-time job, by its nodes; of any other, as it is stored."""
    if job.process_type != "REAL_TIME":
        return job.status
    if job.status == STOPPED:
        return ending_status(
            going=bool(node_jobs.going(connection, job.id) or node_jobs.ending(connection, job.id))
        ).value
    return job_status(each.status for each in standings(connection, job).values()).value


def standings(connection: Connection, job: JobRecord) -> dict[str, Standing]:
    """What each node of a real-time job is that has been started with it, by name."""
    going, ending = node_jobs.going(connection, job.id), node_jobs.ending(connection, job.id)
    found = {}
    for node in jobs.nodes_of(connection, job.id):
        last = node_jobs.last_instance(connection, node)
        if job.status == STOPPED or node.start_time != job.start_time:  # or it is no node of the job any more
            status = ending_status(going=node.id in going or node.id in ending)
        else:
            status = _started(connection, node, last, going.get(node.id, set()))
        found[node.name.partition("/")[2]] = Standing(status=status, last=last)
    return found


def _started(connection: Connection, node: JobRecord, last: LastInstance | None, going: set[str]) -> RunStatus:
    text = jobs.version_document(connection, node.id, node.version)
    schedule = read_definition(text or "{}").schedule
    failed = node.last_instance_status == JobState.FAIL
    if schedule.kind == "EVENT" and schedule.event.fail_policy is EventFailPolicy.SUSPEND:
        failed = event_triggers.has_failed(connection, node.id, node.start_time or 0)
    return node_status(Trigger(schedule.kind), last=None if last is None else last.status, going=going, failed=failed)
