"""Running jobs: once now, by starting them, and what they say of themselves meanwhile.

Source: factory-v1-notes §11; a job runs its newest submitted version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.identity import Caller
from headrace.domain.instance import InstanceType
from headrace.domain.job import JobDefinition, NodeDefinition, check_graph
from headrace.domain.names import PARAMETER_NAME
from headrace.errors import BatchJobsOnly, InvalidParameter, JobHasNoNodes, JobNotFound
from headrace.factory import job_schedules, job_starts, real_time
from headrace.factory.job_schedules import Beginning
from headrace.factory.real_time import Standing
from headrace.services import Services
from headrace.storage import instances, jobs
from headrace.storage.database import Connection
from headrace.storage.jobs import JobRecord
from headrace.storage.lock_order import lock_jobs
from headrace.storage.new_instances import new_instance
from headrace.wire.document import as_text
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.runs import JobStatus, NodeStatus, RunParameter

STOPPED, SCHEDULING, PAUSED, NORMAL = "STOPPED", "SCHEDULING", "PAUSED", "NORMAL"
_STARTED = (SCHEDULING, PAUSED, NORMAL, "STARTING", "EXCEPTION")


def run_once(
    services: Services,
    caller: Caller,
    name: str,
    parameters: Sequence[RunParameter],
    plan_time: int | None = None,
    *,
    use_execution_user: bool = False,
) -> int:
    """Run a batch job once, now; the id of its instance. ``plan_time`` (ms) is now unless another one is given.

    It runs as the caller, or as the job's execution user where there is one.

    Raises JobNotFound, BatchJobsOnly, JobHasNoNodes, InvalidParameter (no submitted version among others).
    """
    values = _values(parameters)
    with services.db.writing() as connection:
        record = _found(connection, caller, name)
        if record.process_type != "BATCH":
            raise BatchJobsOnly(f"{name!r} is a REAL_TIME job.")
        definition = submitted_definition(connection, record)
        number = services.next_number()
        start = job_starts.origin(connection, caller, definition, InstanceType.MANUAL, plan_time)
        if use_execution_user and definition.execution_user:
            start = replace(start, run_as=definition.execution_user)
        instance = new_instance(record, definition, number, start, values)
        instances.insert_instance(connection, *instance)
    services.wake_engine()
    return number


def start(
    services: Services,
    caller: Caller,
    name: str,
    parameters: Sequence[RunParameter],
    start_date: int | None = None,
    *,
    first_alone: bool = False,
) -> None:
    """Start a job: a run-once batch job runs now, one with a cron schedule when it is due,
    one with events at each of them; a real-time job does so node by node.

    ``start_date`` (yyyyMMdd): the first day with instances; ``first_alone``: the first one does not wait for the one
    before. Both only for cron schedules.

    Raises JobNotFound, JobHasNoNodes, InvalidSchedule, InvalidParameter ("is running" for one that is started).
    """
    values = _values(parameters)
    beginning = Beginning(not_before=_day(services, start_date), first_alone=first_alone)
    with services.db.writing() as connection:
        record = _locked(connection, caller, name)
        if record.status in _STARTED:
            raise InvalidParameter(f"The job {name!r} is running; stop it before you start it again.")
        definition = submitted_definition(connection, record)
        batch = record.process_type == "BATCH"
        if batch:
            job_starts.begin(services, connection, caller, record, definition, values, beginning)
        else:
            real_time.begin(services, connection, caller, record, values, beginning)
        jobs.set_status(connection, record.id, SCHEDULING if batch else NORMAL, start_time=caller.now)
    services.wake_engine()


def stop(services: Services, caller: Caller, name: str) -> None:
    """End the scheduling of a job; what runs goes on, unless the job is a real-time one.

    Nothing happens to a stopped job. Raises JobNotFound.
    """
    with services.db.writing() as connection:
        record = _locked(connection, caller, name)
        if record.status != STOPPED:
            jobs.set_status(connection, record.id, STOPPED, end_time=caller.now)
        job_schedules.end(connection, record, caller.now)
        real_time.end(connection, record, caller.now)
    services.wake_engine()


def show_status(services: Services, caller: Caller, name: str) -> JobStatus:
    """The status of a job and of its nodes; batch jobs answer as in the list. Raises JobNotFound."""
    with services.db.reading() as connection:
        record = _found(connection, caller, name)
        text = record.draft or jobs.version_document(connection, record.id, record.version)
        status = real_time.status_of(connection, record)
        standings = real_time.standings(connection, record) if record.process_type == "REAL_TIME" else {}
    nodes = read_definition(text).nodes if text else ()
    zone = ZoneInfo(services.settings.time_zone)
    started = _moment(record.start_time, zone)
    batch = Standing(status=record.status) if record.process_type == "BATCH" else Standing(status=STOPPED)
    return JobStatus(
        name=record.name,
        status=status,
        start_time=started,
        starttime=started,
        end_time=_moment(record.end_time, zone),
        last_update_time=_moment(record.update_time, zone),
        create_user=record.create_user,
        last_modifiy_user=record.update_user,
        nodes=[_node_status(node, record.last_instance_status, standings.get(node.name, batch)) for node in nodes],
    )


def _node_status(node: NodeDefinition, last_of_job: str | None, standing: Standing) -> NodeStatus:
    """A node of a real-time job has its own last instance; one of a batch job shares that of the job."""
    own = standing.last
    last = last_of_job if own is None else own.status
    return NodeStatus(
        name=node.name,
        status=str(standing.status),
        type=node.type,
        node_type=node.type,
        last_instance_status=last,
        last_instance_status_capital=last,
        job_instance_id=None if own is None else own.id,
        log_path=own.log_path or None if own is not None else None,
    )


# ---- shared with instances


def submitted_definition(connection: Connection, record: JobRecord) -> JobDefinition:
    """The newest submitted version of a job, fit to run. Raises InvalidParameter, JobHasNoNodes."""
    if record.version == 0:
        raise InvalidParameter(f"The job {record.name!r} has not been submitted; submit it before it is run.")
    text = jobs.version_document(connection, record.id, record.version)
    if text is None:
        raise InvalidParameter(f"The job {record.name!r} has no version {record.version}.")
    definition = read_definition(text)
    if not definition.nodes:
        raise JobHasNoNodes(f"The job {record.name!r} has no nodes.")
    check_graph(definition)
    return definition


def _locked(connection: Connection, caller: Caller, name: str) -> JobRecord:
    """A job that nobody else starts or stops until the transaction ends. Raises JobNotFound."""
    lock_jobs(connection, [_found(connection, caller, name).id])
    return _found(connection, caller, name)


def _found(connection: Connection, caller: Caller, name: str) -> JobRecord:
    record = jobs.by_name(connection, caller.workspace.id, name)
    if record is None:
        raise JobNotFound(f"name: {name!r}.")
    return record


def _values(parameters: Sequence[RunParameter]) -> dict[str, str]:
    """Values by name. Raises InvalidParameter for a name that no parameter can have."""
    values = {}
    for index, parameter in enumerate(parameters):
        if not parameter.name or not PARAMETER_NAME.fullmatch(parameter.name):
            raise InvalidParameter(
                f"jobParams[{index}].name: {parameter.name!r} is not 1 to 64 letters, digits, '-', '_' or '.'."
            )
        values[parameter.name] = as_text(parameter.value)
    return values


def _day(services: Services, start_date: int | None) -> int:
    """When a day of the service's zone begins. Raises InvalidParameter."""
    if start_date is None:
        return 0
    try:
        day = datetime.strptime(str(start_date), "%Y%m%d").replace(tzinfo=ZoneInfo(services.settings.time_zone))
    except ValueError as error:
        raise InvalidParameter(f"start_date: {start_date} is no day like 20241030.") from error
    return to_millis(day)


def _moment(millis: int | None, zone: ZoneInfo) -> str | None:
    if millis is None:
        return None
    moment: datetime = from_millis(millis).astimezone(zone)
    return moment.isoformat(timespec="seconds")
