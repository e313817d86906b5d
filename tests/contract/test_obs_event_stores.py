"""Events of new objects in every kind of object store: each object once, oldest first, nothing of before."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from scheduled_jobs import Factory

from headrace.domain.clock import to_millis
from headrace.domain.identity import Caller
from headrace.factory import jobs, runs
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.scheduling.event_listeners import EventListeners
from headrace.scheduling.obs_events import ObsSource
from headrace.storage import event_triggers
from headrace.storage import jobs as stored_jobs
from headrace.wire.v1.jobs import JobInfo


def until(met: Callable[[], Any], told: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def source(store: ObjectStore, folder: ObsPath) -> ObsSource:
    return ObsSource(store, folder, timedelta(milliseconds=1))


def never(_: float) -> bool:
    return False


def test_a_first_look_knows_what_is_there_and_a_later_one_finds_what_is_new(
    store: ObjectStore, bucket: ObsPath
) -> None:
    folder = bucket / "in/"
    store.put(folder / "old.csv", b"1")
    found = source(store, folder)
    reached = dict(found.newest())
    assert list(reached) == [f"{folder}old.csv"]
    store.put(folder / "deep/new.csv", b"1")
    store.put(bucket / "beside.csv", b"1")
    events = found.look(reached, 10, never).events
    assert [(event.place, event.data, event.files) for event in events] == [(f"{folder}deep/new.csv",) * 3]
    reached |= {event.place: event.position for event in events}
    assert not found.look(reached, 10, never).events
    store.delete(folder / "old.csv")
    assert found.look(reached, 10, never).gone == [f"{folder}old.csv"]


def test_folders_that_were_made_are_no_events(store: ObjectStore, bucket: ObsPath) -> None:
    store.make_folder(bucket / "in/empty/")
    store.put(bucket / "in/empty/new.csv", b"")
    events = source(store, bucket / "in/").look({}, 10, never).events
    assert [event.data for event in events] == [f"{bucket}in/empty/new.csv"]


def test_a_bucket_that_does_not_exist_yet_has_nothing(store: ObjectStore, bucket: ObsPath) -> None:
    folder = ObsPath(f"{bucket.bucket}-later", "in/")
    found = source(store, folder)
    assert found.newest() == {}
    assert not found.look({}, 10, never).events
    store.create_bucket(folder.bucket)
    store.put(folder / "new.csv", b"1")
    assert [event.data for event in found.look({}, 10, never).events] == [f"{folder}new.csv"]


@pytest.fixture
def listeners(factory: Factory, store: ObjectStore) -> Iterator[EventListeners]:
    made = EventListeners(replace(factory.services, store=store), lambda workspace, name: None)
    yield made
    made.stop()


def test_an_instance_is_made_for_each_new_object(
    factory: Factory, listeners: EventListeners, store: ObjectStore, bucket: ObsPath
) -> None:
    store.put(bucket / "in/old.csv", b"1")
    services, caller = factory.services, factory.caller(datetime.now(UTC))
    create(factory, caller, {"eventType": "OBS", "channel": f"{bucket}in/", "interval": 0.05})
    runs.start(services, caller, "events", ())
    with services.db.reading() as connection:
        job = stored_jobs.by_name(connection, caller.workspace.id, "events")
    assert job is not None

    def looked() -> bool:
        with services.db.reading() as connection:
            return event_triggers.has_looked(connection, job.id)

    def paths() -> list[str]:
        with services.db.reading() as connection:
            found = [event_triggers.event_of(connection, each.id) for each in factory.of("events")]
        return sorted(each.files for each in found if each is not None)

    listeners.start()
    until(looked, paths)
    names = [f"{bucket}in/{number}.csv" for number in range(3)]
    for name in names:
        store.put(ObsPath.parse(name), b"1")
    until(lambda: paths() == names, paths)
    factory.run_all()
    assert factory.states("events") == ["success"] * 3


def create(factory: Factory, caller: Caller, event: dict[str, Any]) -> None:
    body = {
        "name": "events",
        "processType": "BATCH",
        "nodes": [{"name": "n", "type": "Dummy"}],
        "schedule": {"type": "EVENT", "event": event},
    }
    text = json.dumps(body).encode()
    at = to_millis(datetime.now(UTC))
    jobs.create(replace(factory.services, now=lambda: at), caller, msgspec.json.decode(text, type=JobInfo), text)
