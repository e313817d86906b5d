"""Started jobs that events trigger, how far each has come, and the event of each instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, delete, exists, func, insert, literal_column, or_, select, update

from headrace.domain.instance import HELD_JOB_STATES, UNENDED_JOB_STATES
from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import event_positions, event_triggers, instance_events, job_instances, jobs

LOOKED_AT = ""  # the place of a source whose position says at which start the job has looked at it


class TriggerRecord(NamedTuple):
    """A row of ``event_triggers``. ``parameters``: JSON of values; times in milliseconds."""

    job_id: int
    workspace_id: str
    project_id: str
    run_as: str
    parameters: str
    started: int
    last_time: int = 0
    held: int = 0


class EventRecord(NamedTuple):
    """A row of ``instance_events``: ``key`` is the event's place in its source, once for each job."""

    instance_id: int
    job_id: int
    key: str
    data: str
    files: str


_of_job = event_triggers.c.job_id == bindparam("job_id")
_PUT = InsertStatement(
    event_triggers,
    TriggerRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("job_id",), set_={name: new.excluded[name] for name in TriggerRecord._fields[1:]}
    ),
)
_LOCK = Statement(select(event_triggers).where(_of_job).with_for_update())
_REMOVE = Statement(delete(event_triggers).where(_of_job))
_GO_ON = Statement(
    update(event_triggers).where(event_triggers.c.job_id == bindparam("key")).values(last_time=bindparam("last_time"))
)
_LISTENING = Statement(
    select(event_triggers.c.job_id, event_triggers.c.started, jobs.c.version)
    .join(jobs, jobs.c.id == event_triggers.c.job_id)
    .where(event_triggers.c.held == literal_column("0"))
)

_UNLOOKED = Statement(
    select(event_triggers.c.job_id)
    .join(jobs, jobs.c.id == event_triggers.c.job_id)
    .where(
        or_(jobs.c.id == bindparam("job_id"), jobs.c.parent_id == bindparam("job_id")),
        event_triggers.c.held == literal_column("0"),
        ~exists().where(
            event_positions.c.job_id == event_triggers.c.job_id,
            event_positions.c.place == literal_column(f"'{LOOKED_AT}'"),
            event_positions.c.position == event_triggers.c.started,
        ),
    )
    .limit(literal_column("1"))
)

_PUT_POSITION = InsertStatement(
    event_positions,
    ("job_id", "source", "place", "position"),
    lambda new: new.on_conflict_do_update(
        index_elements=("job_id", "source", "place"), set_={"position": new.excluded["position"]}
    ),
)
_POSITIONS = Statement(
    select(event_positions.c.place, event_positions.c.position).where(
        event_positions.c.job_id == bindparam("job_id"), event_positions.c.source == bindparam("source")
    )
)
_POSITION = Statement(
    select(event_positions.c.position).where(
        event_positions.c.job_id == bindparam("job_id"),
        event_positions.c.source == bindparam("source"),
        event_positions.c.place == bindparam("place"),
    )
)
_REMOVE_POSITION = Statement(
    delete(event_positions).where(
        event_positions.c.job_id == bindparam("job_id"),
        event_positions.c.source == bindparam("source"),
        event_positions.c.place == bindparam("place"),
    )
)
_FORGET = Statement(delete(event_positions).where(event_positions.c.job_id == bindparam("job_id")))

_ADD_EVENT = Statement(insert(instance_events))
_HAS_EVENT = Statement(
    select(instance_events.c.instance_id).where(
        instance_events.c.job_id == bindparam("job_id"), instance_events.c.key == bindparam("key")
    )
)
_EVENT = Statement(select(instance_events).where(instance_events.c.instance_id == bindparam("instance_id")))

_UNENDED = Statement(
    select(func.count())
    .select_from(job_instances)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.status.in_(
            [literal_column(f"'{state}'") for state in sorted(UNENDED_JOB_STATES | HELD_JOB_STATES)]
        ),
        job_instances.c.instance_type == literal_column("0"),
    )
)
_FAILED = Statement(
    select(job_instances.c.id)
    .where(
        job_instances.c.job_id == bindparam("job_id"),
        job_instances.c.status.in_([literal_column("'fail'"), literal_column("'running-exception'")]),
        job_instances.c.instance_type == literal_column("0"),
        job_instances.c.submit_time >= bindparam("since"),
    )
    .limit(literal_column("1"))
)


def put(connection: Connection, trigger: TriggerRecord) -> None:
    """Have events trigger a job, or change how they do."""
    connection.run(_PUT, **trigger._asdict())


def lock(connection: Connection, job_id: int) -> TriggerRecord | None:
    """The trigger of a started job, which nobody else uses until the transaction ends."""
    row = connection.one(_LOCK, job_id=job_id)
    return None if row is None else TriggerRecord(*row)


def has_looked(connection: Connection, job_id: int) -> bool:
    """Whether a started job, with its nodes that events trigger, knows from where on events count."""
    return connection.one(_UNLOOKED, job_id=job_id) is None


def remove(connection: Connection, job_id: int) -> None:
    """Events trigger the job no more; how far it has come is kept."""
    connection.run(_REMOVE, job_id=job_id)


def go_on(connection: Connection, job_id: int, last_time: int) -> None:
    """Note the plan time of the newest instance."""
    connection.run(_GO_ON, key=job_id, last_time=last_time)


def listening(connection: Connection) -> dict[int, tuple[int, int]]:
    """The jobs whose events count now, each with when it was started and its newest version."""
    return {row[0]: (row[1], row[2]) for row in connection.all(_LISTENING)}


def positions(connection: Connection, job_id: int, source: str) -> dict[str, int]:
    """How far a job has come in each place of a source."""
    return {row[0]: row[1] for row in connection.all(_POSITIONS, job_id=job_id, source=source)}


def position_at(connection: Connection, job_id: int, source: str, place: str) -> int | None:
    """How far a job has come in one place of a source."""
    found: int | None = connection.value(_POSITION, job_id=job_id, source=source, place=place)
    return found


def set_positions(connection: Connection, job_id: int, source: str, reached: Mapping[str, int]) -> None:
    """Note how far a job has come."""
    connection.run_many(
        _PUT_POSITION,
        [{"job_id": job_id, "source": source, "place": key, "position": at} for key, at in reached.items()],
    )


def remove_positions(connection: Connection, job_id: int, source: str, places: Iterable[str]) -> None:
    """Forget places that are gone."""
    connection.run_many(_REMOVE_POSITION, [{"job_id": job_id, "source": source, "place": key} for key in places])


def forget(connection: Connection, job_id: int) -> None:
    """Forget how far a job has come."""
    connection.run(_FORGET, job_id=job_id)


def add_event(connection: Connection, event: EventRecord) -> None:
    """Record the event of a new instance. Raises Duplicate for one that has an instance of the job already."""
    connection.run(_ADD_EVENT, **event._asdict())


def has_event(connection: Connection, job_id: int, key: str) -> bool:
    """Whether an event has an instance of a job."""
    return connection.one(_HAS_EVENT, job_id=job_id, key=key) is not None


def event_of(connection: Connection, instance_id: int) -> EventRecord | None:
    """The event that an instance was made for."""
    row = connection.one(_EVENT, instance_id=instance_id)
    return None if row is None else EventRecord(*row)


def unended(connection: Connection, job_id: int) -> int:
    """How many instances that events made of a job have not ended."""
    return int(connection.value(_UNENDED, job_id=job_id))


def has_failed(connection: Connection, job_id: int, since: int) -> bool:
    """Whether an instance made since a moment has failed and has not succeeded in another run."""
    return connection.one(_FAILED, job_id=job_id, since=since) is not None
