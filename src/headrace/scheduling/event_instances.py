"""Makes an instance for each event of a job, exactly once, with the note of how far the job has come. Decision 24."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import msgspec
import structlog

from headrace.domain.event_words import EventFailPolicy
from headrace.domain.instance import InstanceType
from headrace.domain.job import JobDefinition
from headrace.errors import HeadraceError
from headrace.services import Services
from headrace.storage import alarms, event_triggers, instances, jobs, workspaces
from headrace.storage.database import Connection
from headrace.storage.event_triggers import LOOKED_AT, EventRecord, TriggerRecord
from headrace.storage.jobs import JobRecord
from headrace.storage.new_instances import Origin, new_instance
from headrace.wire.v1.definition import read_definition

log = structlog.get_logger("headrace.scheduling")

_SUSPENDED = -1  # room after a failure


class ListeningEnded(Exception):
    """The job was stopped, paused, started again or changed: whoever listened for it must end."""


class SourceFailed(Exception):
    """A source cannot be read now; the text is for a person."""


class PositionLost(Exception):
    """What a job would read next is not there: it goes on at ``position``."""

    def __init__(self, place: str, position: int) -> None:
        super().__init__(f"{place}: {position}")
        self.place, self.position = place, position


class Event(NamedTuple):
    """One event. ``position``: what its ``place`` of the source has reached after it; ``key``: once for a job.

    ``ordered``: in its place come higher positions after lower ones.
    """

    place: str
    position: int
    key: str
    data: str
    files: str = ""
    ordered: bool = True

    def is_behind(self, reached: int | None) -> bool:
        """Whether a job has had it."""
        if reached is None:
            return False
        return reached == self.position or (self.ordered and reached > self.position)


class Found(NamedTuple):
    """What a look at a source found; ``gone``: places that are no more."""

    events: Sequence[Event] = ()
    gone: Sequence[str] = ()


class Source(Protocol):
    """Where events come from. ``name`` is the key of the positions in it."""

    name: str

    def newest(self) -> Mapping[str, int]:
        """Positions behind all there is now."""

    def look(self, reached: Mapping[str, int], most: int, wait: Callable[[float], bool]) -> Found:
        """Events after what was reached, at most so many; waits a while for one. Raises PositionLost, SourceFailed.

        ``wait``: sleeps for seconds; true when the listener shall end.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """For what a listener listens: a job, as it was started, in a version."""

    job_id: int
    started: int
    version: int

    def read(self, connection: Connection) -> tuple[JobRecord, JobDefinition]:
        """The job. Raises ListeningEnded where it cannot be listened for."""
        job = jobs.by_id(connection, self.job_id)
        text = None if job is None else jobs.version_document(connection, job.id, self.version)
        try:
            definition = None if text is None else read_definition(text)
        except HeadraceError as error:
            log.error("an event job cannot be read", job=self.job_id, reason=error.message)
            definition = None
        if job is None or definition is None or definition.schedule.kind != "EVENT" or job.version != self.version:
            raise ListeningEnded
        return job, definition

    def lock(self, connection: Connection) -> TriggerRecord:
        """The trigger, locked. Raises ListeningEnded where it is not that of this start any more."""
        trigger = event_triggers.lock(connection, self.job_id)
        if trigger is None or trigger.held or trigger.started != self.started:
            raise ListeningEnded
        return trigger


def begin(services: Services, listening: Listening, source: Source) -> None:
    """At the first look at a source leave out all that is in it, and note the start. Raises ListeningEnded."""
    with services.db.reading() as connection:
        looked = event_triggers.position_at(connection, listening.job_id, source.name, LOOKED_AT)
    if looked == listening.started:
        return
    newest = source.newest() if looked is None else {}
    with services.db.writing() as connection:
        listening.lock(connection)
        if event_triggers.position_at(connection, listening.job_id, source.name, LOOKED_AT) == looked:
            event_triggers.set_positions(
                connection, listening.job_id, source.name, {**newest, LOOKED_AT: listening.started}
            )


class Progress(NamedTuple):
    """How far a job has come, for how many more events there is room, and whether it takes none after a failure."""

    reached: Mapping[str, int]
    room: int
    suspended: bool


def progress(services: Services, listening: Listening, source: Source) -> Progress:
    """Where a job is now. Raises ListeningEnded."""
    with services.db.reading() as connection:
        _, definition = listening.read(connection)
        found = event_triggers.positions(connection, listening.job_id, source.name)
        room = _room(connection, definition, listening)
    found.pop(LOOKED_AT, None)
    return Progress(found, max(room, 0), room == _SUSPENDED)


def _room(connection: Connection, definition: JobDefinition, listening: Listening) -> int:
    """Under SUSPEND none after a failure; under IGNORE a few that wait for their turn are made ahead."""
    waits = definition.schedule.event.fail_policy is EventFailPolicy.SUSPEND
    if waits and event_triggers.has_failed(connection, listening.job_id, listening.started):
        return _SUSPENDED
    most = definition.schedule.concurrent * (1 if waits else 2)
    return max(most - event_triggers.unended(connection, listening.job_id), 0)


def take(services: Services, listening: Listening, source: str, found: Found) -> int:
    """Make the instances of events in their order, as far as there is room; how many. Raises ListeningEnded.

    The instances and how far the job has come are one commit, which survives a power cut.
    """
    made = 0
    now = services.now()
    with services.db.writing() as connection:
        trigger = listening.lock(connection)
        job, definition = listening.read(connection)
        event_triggers.remove_positions(connection, job.id, source, found.gone)
        room = _room(connection, definition, listening)
        for event in found.events:
            if made >= room:
                break
            if event.is_behind(event_triggers.position_at(connection, job.id, source, event.place)):
                continue
            event_triggers.set_positions(connection, job.id, source, {event.place: event.position})
            if not event_triggers.has_event(connection, job.id, event.key):
                trigger = trigger._replace(last_time=max(now, trigger.last_time + 1))
                _make(services, connection, trigger, job, definition, event, now)
                made += 1
        if made:
            event_triggers.go_on(connection, job.id, trigger.last_time)
    if made:
        services.wake_engine()
    return made


def move(services: Services, listening: Listening, source: str, lost: PositionLost) -> None:
    """Go on elsewhere than where the job had come. Raises ListeningEnded."""
    with services.db.writing() as connection:
        listening.lock(connection)
        event_triggers.set_positions(connection, listening.job_id, source, {lost.place: lost.position})
    log.warning("events that would come next are not there any more", job=listening.job_id, source=source, at=str(lost))


def _make(
    services: Services,
    connection: Connection,
    trigger: TriggerRecord,
    job: JobRecord,
    definition: JobDefinition,
    event: Event,
    now: int,
) -> None:
    origin = Origin(
        kind=InstanceType.SCHEDULED,
        project_id=trigger.project_id,
        run_as=definition.execution_user or trigger.run_as,
        log_root=definition.log_path or workspaces.log_location(connection, trigger.project_id, job.workspace_id),
        plan_time=trigger.last_time,
        submit_time=now,
    )
    parameters: dict[str, str] = msgspec.json.decode(trigger.parameters)
    instance, nodes = new_instance(job, definition, services.next_number(), origin, parameters)
    longest = definition.waits_at_most or timedelta(days=services.settings.waiting_days)
    instance = instance._replace(cancel_at=now + longest // timedelta(milliseconds=1))
    alarms.watch(connection, instance, ZoneInfo(services.settings.time_zone))
    instances.insert_instance(connection, instance, nodes)
    record = EventRecord(instance.id, job.id, event.key, storable(event.data), event.files)
    event_triggers.add_event(connection, record)


def storable(text: str) -> str:
    """A text that every database keeps: PostgreSQL has no NUL in one."""
    return text.replace("\x00", "\ufffd")
