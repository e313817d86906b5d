"""Begins what runs by itself, once it is started: a job that runs once, by a cron schedule, or at events."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.domain.identity import Caller
from headrace.domain.instance import InstanceType
from headrace.domain.job import JobDefinition
from headrace.factory import event_jobs, job_schedules
from headrace.factory.job_schedules import Beginning
from headrace.services import Services
from headrace.storage import instances, workspaces
from headrace.storage.database import Connection
from headrace.storage.jobs import JobRecord
from headrace.storage.new_instances import Origin, new_instance


def begin(
    services: Services,
    connection: Connection,
    caller: Caller,
    job: JobRecord,
    definition: JobDefinition,
    values: Mapping[str, str],
    beginning: Beginning,
) -> None:
    """Have instances made: one now, or those of the schedule. Raises InvalidSchedule, InvalidParameter."""
    if definition.schedule.kind == "CRON":
        job_schedules.begin(services, connection, caller, job, definition, values, beginning)
    elif definition.schedule.kind == "EVENT":
        event_jobs.begin(connection, caller, job, definition, values)
    else:
        once = origin(connection, caller, definition, InstanceType.RUN_ONCE)
        instances.insert_instance(connection, *new_instance(job, definition, services.next_number(), once, values))


def origin(
    connection: Connection, caller: Caller, definition: JobDefinition, kind: InstanceType, plan_time: int | None = None
) -> Origin:
    """An instance that the caller starts now; planned for now unless another time is given.

    What is scheduled runs as the job's execution user, or else as the one who started it; what a person runs by hand
    runs as that person.
    """
    user = "" if kind is InstanceType.MANUAL else definition.execution_user
    return Origin(
        kind=kind,
        project_id=caller.project_id,
        run_as=user or caller.user.name,
        log_root=definition.log_path or workspaces.log_location(connection, caller.project_id, caller.workspace.id),
        plan_time=caller.now if plan_time is None else plan_time,
        submit_time=caller.now,
    )
