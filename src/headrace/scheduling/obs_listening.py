"""Looks for the files that waiting instances listen for, and lets these go. Decision 26.

Each path is listed once for all that look at the same time, outside of any transaction; several servers that look for
the same instance do no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from zoneinfo import ZoneInfo

import structlog

from headrace.domain.clock import from_millis
from headrace.domain.instance import HELD_JOB_STATES, JobState, moved
from headrace.domain.obs_listening import is_new
from headrace.errors import BucketNotFound, HeadraceError
from headrace.objectstore.base import ObjectInfo, ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.scheduling.sleeper import Sleeper
from headrace.services import Services
from headrace.storage import instances, listenings, waits
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.listenings import ListeningRecord

log = structlog.get_logger("headrace.scheduling")

Evaluate = Callable[[InstanceRecord, str], str]
"""The value of an expression for an instance that has not begun. Raises HeadraceError."""

LONGEST_SLEEP = 60.0  # seconds; another server may have ended that listened
AT_ONCE = 500  # instances of one look


class ListeningFailed(Exception):
    """What is listened for is no path; the text is for a person."""


class ObsListeners(Sleeper):
    """The listening of an installation. ``wake`` when instances may have begun to listen."""

    name = "obs-listening"

    def __init__(self, services: Services, evaluate: Evaluate) -> None:
        super().__init__()
        self._services = services
        self._evaluate = evaluate

    def look(self) -> float:
        if look_for_files(self._services, self._evaluate, self._services.now()):
            self._services.wake_engine()
        with self._services.db.reading() as connection:
            earliest = listenings.earliest(connection)
        if earliest is None:
            return LONGEST_SLEEP
        return min(max((earliest - self._services.now()) / 1000, 0.0), LONGEST_SLEEP)


def look_for_files(services: Services, evaluate: Evaluate, now: int) -> int:
    """Look for what is due; how many instances go on or have failed. The caller wakes the engine."""
    with services.db.reading() as connection:
        due = listenings.due(connection, now, AT_ONCE)
        records = [instances.by_id(connection, each.instance_id) for each in due]
    folders = _Folders(services.store)
    moved_on = 0
    for listening, record in zip(due, records, strict=True):
        seen, failed = listening, ""
        if record is not None and record.status == JobState.WAITING:
            try:
                seen = _look(services, evaluate, folders, listening, record)
            except ListeningFailed as error:
                failed = str(error)
        with services.db.writing(durable=False) as connection:
            moved_on += _write(connection, listening, seen, failed, now, ZoneInfo(services.settings.time_zone))
    return moved_on


def _look(
    services: Services, evaluate: Evaluate, folders: _Folders, listening: ListeningRecord, record: InstanceRecord
) -> ListeningRecord:
    """What is known after a look; a store that cannot be asked is asked again. Raises ListeningFailed."""
    try:
        path = listening.path or evaluate(record, listening.expression)
        ObsPath.parse(path, "schedule.cron.monitorObsPath")
    except HeadraceError as error:
        raise ListeningFailed(error.message) from error
    listening = listening._replace(path=path)
    try:
        newest = folders.newest(path)
    except HeadraceError as error:
        log.warning("a path cannot be listened to; it is tried again", job=record.job_name, reason=error.message)
        return listening
    if newest is None or not is_new(newest.modified_ms, listening.since):
        return listening
    return listening._replace(found=str(newest.path))


def _write(
    connection: Connection, before: ListeningRecord, seen: ListeningRecord, failed: str, now: int, zone: tzinfo
) -> int:
    """Write what a look means for an instance, unless somebody was faster; 1 if it goes on or has failed."""
    record = instances.lock(connection, before.instance_id)
    if listenings.lock(connection, before.instance_id) != before:
        return 0
    if record is not None and record.status in HELD_JOB_STATES:
        listenings.put(connection, before._replace(next_time=now + before.interval))
        return 0
    if record is None or record.status != JobState.WAITING or record.wish:
        listenings.end(connection, before.instance_id)
        return 0
    if not failed and not seen.found and now >= before.until:
        last = f"{from_millis(before.until).astimezone(zone):%Y-%m-%d %H:%M:%S}"
        failed = f"OBS listening: nothing new came below {seen.path!r} until {last}."
    if failed:
        _fail(connection, record, failed, now)
        return 1
    if not seen.found:
        listenings.put(connection, seen._replace(next_time=min(now + before.interval, before.until)))
        return 0
    listenings.put(connection, seen._replace(next_time=None))
    waits.settle(connection, [record.id], now)
    return 1


def _fail(connection: Connection, record: InstanceRecord, reason: str, now: int) -> None:
    """The engine tells those that depend on it, as of any end."""
    listenings.end(connection, record.id)
    status = moved(JobState.WAITING, JobState.FAIL).value
    instances.update_instances(
        connection, [record._replace(status=status, wish=instances.STOP, end_time=now, error_message=reason)]
    )


class _Folders:
    """What was found by listing, the newest object of each path."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._newest: dict[str, ObjectInfo | None] = {}

    def newest(self, path: str) -> ObjectInfo | None:
        """The object that was changed last below a folder, or of this name. Raises HeadraceError."""
        if path not in self._newest:
            place = ObsPath.parse(path, "schedule.cron.monitorObsPath")
            try:
                found = list(self._store.list(place))
                if place.key and not place.key.endswith("/") and self._store.exists(place):
                    parent = ObsPath(place.bucket, place.key.rpartition("/")[0])
                    found += [each for each in self._store.list(parent) if each.path == place]
            except BucketNotFound:
                found = []
            self._newest[path] = max(found, key=lambda each: each.modified_ms, default=None)
        return self._newest[path]
