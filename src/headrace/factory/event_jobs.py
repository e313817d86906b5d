"""Begins, pauses and restores jobs that events trigger. Source: reference on scheduling §2.5."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import structlog

from headrace.domain.event_words import EventType, ReadPolicy
from headrace.domain.identity import Caller
from headrace.domain.job import JobDefinition
from headrace.errors import InvalidObsPath, InvalidSchedule
from headrace.objectstore.path import ObsPath
from headrace.services import Services
from headrace.storage import event_triggers, jobs
from headrace.storage.database import Connection
from headrace.storage.event_triggers import TriggerRecord
from headrace.storage.jobs import JobRecord

log = structlog.get_logger("headrace.factory")

FIRST_LOOK_SECONDS = 5.0  # how long a start waits for the source
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


def begin(
    connection: Connection, caller: Caller, job: JobRecord, definition: JobDefinition, values: Mapping[str, str]
) -> None:
    """Have an instance of a job made for each event from now on. Raises InvalidSchedule.

    Whether the source can be read shows later: it may come after the job.
    """
    event = definition.schedule.event
    if event.type is None:
        raise InvalidSchedule("schedule.event.eventType: an EVENT job is started with KAFKA, DIS or OBS.")
    if not event.channel:
        raise InvalidSchedule("schedule.event.channel: an EVENT job cannot be started without it.")
    if event.type is EventType.OBS:
        try:
            ObsPath.parse(event.channel, "schedule.event.channel")
        except InvalidObsPath as error:
            raise InvalidSchedule(error.detail or error.message) from error
    if event.read_policy is ReadPolicy.NEW:
        event_triggers.forget(connection, job.id)
    trigger = TriggerRecord(
        job_id=job.id,
        workspace_id=job.workspace_id,
        project_id=caller.project_id,
        run_as=caller.user.name,
        parameters=msgspec.json.encode(values).decode(),
        started=caller.now,
    )
    event_triggers.put(connection, trigger)


def wait_for_first_look(services: Services, caller: Caller, name: str) -> None:
    """Wait until a job that was started knows from where on events count for it, or until its source takes too long.

    Then the listener goes on trying. Decision 26.
    """
    with services.db.reading() as connection:
        job = jobs.by_name(connection, caller.workspace.id, name)
    waited, pause = 0.0, _FIRST_PAUSE
    while job is not None:
        with services.db.reading() as connection:
            if event_triggers.has_looked(connection, job.id):
                return
        if waited >= FIRST_LOOK_SECONDS or services.stopping.wait(pause):
            log.warning("a job was started whose source of events has not answered yet", job=name)
            return
        waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE)


def pause(connection: Connection, job: JobRecord) -> None:
    """Take no more events of a job."""
    trigger = event_triggers.lock(connection, job.id)
    if trigger is not None:
        event_triggers.put(connection, trigger._replace(held=1))


def restore(connection: Connection, job: JobRecord, now: int) -> None:
    """Take the events of a paused job again, first those that came meanwhile; failures of before do not hold it."""
    trigger = event_triggers.lock(connection, job.id)
    if trigger is not None:
        event_triggers.put(connection, trigger._replace(held=0, started=now))
