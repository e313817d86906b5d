"""Instances that listen for a file: what for, and when to look next. Decision 26."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select

from headrace.domain.obs_listening import ObsListening
from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import instance_listenings


class ListeningRecord(NamedTuple):
    """A row of ``instance_listenings``. Times in milliseconds.

    ``expression``: the path as the job has it; ``path``: evaluated, empty before the first look. ``since``: when an
    object was changed that counts as new; ``until``: the last look. ``next_time``: None when the listening is over.
    ``confirm``: whether a person is asked before it runs. ``found``: the new object.
    """

    instance_id: int
    expression: str
    path: str
    since: int
    interval: int
    until: int
    next_time: int | None
    confirm: int
    found: str


_MILLISECOND = timedelta(milliseconds=1)
_PUT = InsertStatement(
    instance_listenings,
    ListeningRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("instance_id",), set_={name: new.excluded[name] for name in ListeningRecord._fields[1:]}
    ),
)
_of_instance = instance_listenings.c.instance_id == bindparam("instance_id")
_BY_INSTANCE = Statement(select(instance_listenings).where(_of_instance))
_LOCKED = Statement(select(instance_listenings).where(_of_instance).with_for_update())
_DELETE = Statement(delete(instance_listenings).where(_of_instance))
_EARLIEST = Statement(select(func.min(instance_listenings.c.next_time)))
_DUE = Statement(
    select(instance_listenings)
    .where(instance_listenings.c.next_time <= bindparam("now"))
    .order_by(instance_listenings.c.next_time, instance_listenings.c.instance_id)
    .limit(bindparam("rows"))
)


def begin(
    connection: Connection, instance_id: int, listening: ObsListening, since: int, now: int, *, confirm: bool
) -> None:
    """Have a waiting instance listen from now on, for what was changed since a moment."""
    record = ListeningRecord(
        instance_id=instance_id,
        expression=listening.path,
        path="",
        since=since,
        interval=listening.interval // _MILLISECOND,
        until=now + listening.longest // _MILLISECOND,
        next_time=now,
        confirm=int(confirm),
        found="",
    )
    put(connection, record)


def put(connection: Connection, record: ListeningRecord) -> None:
    """Write what has become of a listening, or a new one."""
    connection.run(_PUT, **record._asdict())


def end(connection: Connection, instance_id: int) -> None:
    """An instance does not listen, and what it found does not count any more."""
    connection.run(_DELETE, instance_id=instance_id)


def of_instance(connection: Connection, instance_id: int) -> ListeningRecord | None:
    """For what an instance listens, or listened since it was begun last."""
    row = connection.one(_BY_INSTANCE, instance_id=instance_id)
    return None if row is None else ListeningRecord(*row)


def lock(connection: Connection, instance_id: int) -> ListeningRecord | None:
    """The same, which nobody else changes until the transaction ends."""
    row = connection.one(_LOCKED, instance_id=instance_id)
    return None if row is None else ListeningRecord(*row)


def is_listening(connection: Connection, instance_id: int) -> bool:
    """Whether an instance still listens."""
    record = of_instance(connection, instance_id)
    return record is not None and record.next_time is not None


def due(connection: Connection, now: int, rows: int) -> list[ListeningRecord]:
    """Those that are to look now."""
    return [ListeningRecord(*row) for row in connection.all(_DUE, now=now, rows=rows)]


def earliest(connection: Connection) -> int | None:
    """When the next one is to look."""
    found: int | None = connection.value(_EARLIEST)
    return found
