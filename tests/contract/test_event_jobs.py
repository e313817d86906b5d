"""EVENT jobs: an instance for each message and each new object, exactly once, in both databases.

Kafka is librdkafka's mock cluster: it speaks the protocol on loopback, it is no real broker.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import structlog
from scheduled_jobs import Factory
from sqlalchemy import bindparam, select

from headrace.errors import InvalidParameter, InvalidSchedule
from headrace.factory import alarms, event_jobs, instance_operations, instance_reruns, job_schedules, jobs, runs
from headrace.nodes.base import BoundConnection
from headrace.objectstore.path import ObsPath
from headrace.scheduling import event_instances, event_listeners, kafka_events
from headrace.scheduling.event_instances import Event, Found, Listening, ListeningEnded
from headrace.scheduling.event_listeners import EventListeners
from headrace.storage import alarms as stored_alarms
from headrace.storage import event_triggers, instances
from headrace.storage import jobs as stored_jobs
from headrace.storage.statement import Statement
from headrace.storage.tables import event_positions
from headrace.wire.v1.jobs import JobInfo
from headrace.wire.v2.alarms import PutAlarmRuleRequest

FOLDER = ObsPath.parse("obs://drop/in/")
KAFKA = {"eventType": "KAFKA", "channel": "t", "connectionName": "k"}
OBS = {"eventType": "OBS", "channel": str(FOLDER), "interval": 0.05}
SHOW = [{"name": "statement", "value": "cat <<'E'\n#{Job.eventData}|#{Job.trigger.obsNewFiles}\nE"}]
_LOOKED = Statement(
    select(event_positions.c.source).where(
        event_positions.c.job_id == bindparam("job_id"), event_positions.c.place == ""
    )
)


def until(met: Callable[[], bool], what: Callable[[], Any] = lambda: "") -> None:
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


class Listened:
    """EVENT jobs and the listeners of their server."""

    def __init__(self, factory: Factory, brokers: str = "") -> None:
        self.factory = factory
        self.services = factory.services
        self._connection = BoundConnection(name="k", type="KAFKA", config={"ip": brokers, "authentication": "NONE"})
        self.listeners = self.another()
        replaced = replace(self.services, wake_engine=self._wake)
        self.started = replaced

    def _wake(self) -> None:
        self.factory.installation.engine.wake()
        self.listeners.wake()

    def another(self) -> EventListeners:
        return EventListeners(self.services, lambda _, name: self._connection if name == "k" else None)

    def create(self, name: str, event: Mapping[str, Any], node: Mapping[str, Any] | None = None) -> None:
        text = self._document(name, event, node or {})
        jobs.create(self.services, self.caller, msgspec.json.decode(text, type=JobInfo), text)

    def replace(self, name: str, event: Mapping[str, Any]) -> None:
        text = self._document(name, event, {})
        jobs.replace(self.started, self.caller, name, msgspec.json.decode(text, type=JobInfo), text)

    def _document(self, name: str, event: Mapping[str, Any], node: Mapping[str, Any]) -> bytes:
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy", **node}],
            "schedule": {"type": "EVENT", "event": dict(event)},
        }
        return json.dumps(body).encode()

    @property
    def caller(self) -> Any:
        return self.factory.caller(datetime.now(UTC))

    def job_id(self, name: str) -> int:
        with self.services.db.reading() as connection:
            found = stored_jobs.by_name(connection, self.caller.workspace.id, name)
        assert found is not None
        return found.id

    def start(self, name: str) -> None:
        """Start a job and wait until it has looked at its source, as the API does but for longer."""
        runs.start(self.started, self.caller, name, ())
        self.listeners.start()
        until(lambda: self.has_looked(name))

    def stop(self, name: str) -> None:
        runs.stop(self.started, self.caller, name)

    def has_looked(self, name: str) -> bool:
        with self.services.db.reading() as connection:
            return event_triggers.has_looked(connection, self.job_id(name))

    def looked(self, name: str, source: str = "") -> bool:
        with self.services.db.reading() as connection:
            found = [row[0] for row in connection.all(_LOOKED, job_id=self.job_id(name))]
        return source in found if source else bool(found)

    def listening(self, name: str) -> Listening:
        job_id = self.job_id(name)
        with self.services.db.reading() as connection:
            started, version = event_triggers.listening(connection)[job_id]
        return Listening(job_id=job_id, started=started, version=version)

    def data(self, name: str) -> list[str]:
        """The events of the instances of a job, in the order of these."""
        with self.services.db.reading() as connection:
            events = [event_triggers.event_of(connection, item.id) for item in self.factory.of(name)]
        return [event.data for event in events if event is not None]

    def expect(self, name: str, expected: list[str]) -> None:
        until(lambda: self.data(name) == expected, lambda: (self.data(name), self.factory.states(name)))

    def expect_states(self, name: str, expected: list[str]) -> None:
        until(lambda: self.factory.states(name) == expected, lambda: self.factory.states(name))


@pytest.fixture
def obs(factory: Factory) -> Iterator[Listened]:
    listened = Listened(factory)
    yield listened
    listened.listeners.stop()


class Cluster:
    """The mock cluster, and a producer to it."""

    def __init__(self) -> None:
        library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
        self._owner = library.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
        found = self._owner.list_topics(timeout=10).brokers.values()
        self.brokers = ",".join(f"{broker.host}:{broker.port}" for broker in found)
        self._producer = library.Producer({"bootstrap.servers": self.brokers, "log_level": 0})

    def send(self, topic: str, *texts: bytes, partition: int = 0) -> None:
        for text in texts:
            self._producer.produce(topic, text, partition=partition)
        assert self._producer.flush(10) == 0


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def kafka(factory: Factory, cluster: Cluster) -> Iterator[Listened]:
    listened = Listened(factory, cluster.brokers)
    yield listened
    listened.listeners.stop()


# ---- Kafka


def test_kafka__each_message_since_the_start_is_an_instance(kafka: Listened, cluster: Cluster) -> None:
    cluster.send("t", b"before")
    kafka.create("j", {**KAFKA, "concurrent": 2}, {"type": "Shell", "properties": SHOW})
    kafka.start("j")
    cluster.send("t", b"one", "zwölf\0".encode(), b"\xff")
    kafka.expect("j", ["one", "zwölf\ufffd", "\ufffd"])
    kafka.expect_states("j", ["success"] * 3)
    with kafka.services.db.reading() as connection:
        output = instances.nodes_of(connection, kafka.factory.of("j")[0].id)[0].output
    assert "one|" in (output or "")
    assert len(set(kafka.factory.plan_times("j"))) <= 3
    assert len({item.plan_time for item in kafka.factory.of("j")}) == 3


def test_kafka__a_listener_that_ends_in_the_middle_loses_nothing_and_repeats_nothing(
    kafka: Listened, cluster: Cluster
) -> None:
    cluster.send("t", b"before")
    kafka.create("j", {**KAFKA, "concurrent": 8, "failPolicy": "IGNORE"})
    kafka.start("j")
    sent = [str(number).encode() for number in range(60)]
    for first in range(0, 60, 20):
        cluster.send("t", *sent[first : first + 20])
        until(lambda first=first: len(kafka.data("j")) > first)  # type: ignore[misc]
        kafka.listeners.stop()
        kafka.listeners = kafka.another()
        kafka.listeners.start()
    kafka.expect("j", [text.decode() for text in sent])


def test_kafka__every_partition_is_read_in_its_order(kafka: Listened, cluster: Cluster) -> None:
    cluster.send("t", b"before")
    kafka.create("j", {**KAFKA, "concurrent": 8})
    kafka.start("j")
    for number in range(6):
        cluster.send("t", str(number).encode(), partition=number % 2)
    until(lambda: len(kafka.data("j")) == 6, lambda: kafka.data("j"))
    assert [text for text in kafka.data("j") if int(text) % 2] == ["1", "3", "5"]
    assert [text for text in kafka.data("j") if not int(text) % 2] == ["0", "2", "4"]


def test_kafka__brokers_that_are_down_are_told_once_and_do_not_keep_the_server_from_stopping(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
    monkeypatch.setattr(event_listeners, "TROUBLE_SECONDS", 0.05)
    monkeypatch.setattr(kafka_events, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        listened = Listened(factory, f"127.0.0.1:{free.getsockname()[1]}")
    listened.create("j", KAFKA)
    with structlog.testing.capture_logs() as logs:
        runs.start(listened.started, listened.caller, "j", ())
        listened.listeners.start()
        until(lambda: bool(logs), lambda: "nothing is told")
        time.sleep(0.6)
        begun = time.monotonic()
        listened.listeners.stop()
    assert time.monotonic() - begun < 5
    told = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["event"] for entry in told] == ["events cannot be read; it is tried again"]
    assert told[0]["reason"].startswith("kafka:k/t: ")


def test_a_rerun_reads_the_same_event(obs: Listened) -> None:
    obs.create("j", OBS, {"type": "Shell", "properties": SHOW})
    obs.start("j")
    obs.services.store.put(FOLDER / "a", b"1")
    obs.expect_states("j", ["success"])
    (instance,) = obs.factory.of("j")
    instance_reruns.restore(obs.started, obs.caller, "j", str(instance.id), None)
    until(lambda: obs.factory.of("j")[0].end_time not in (None, instance.end_time))
    with obs.services.db.reading() as connection:
        output = instances.nodes_of(connection, instance.id)[0].output
    assert obs.factory.states("j") == ["success"]
    assert f"{FOLDER / 'a'}|" in (output or "")


def test_kafka__two_servers_share_the_messages(kafka: Listened, cluster: Cluster) -> None:
    cluster.send("t", b"before")
    kafka.create("j", {**KAFKA, "concurrent": 16, "failPolicy": "IGNORE"})
    kafka.start("j")
    other = kafka.another()
    other.start()
    try:
        sent = [str(number).encode() for number in range(80)]
        for first in range(0, 80, 10):
            cluster.send("t", *sent[first : first + 10])
        kafka.expect("j", [text.decode() for text in sent])
    finally:
        other.stop()


@pytest.mark.parametrize(("policy", "expected"), [("LAST", ["1", "2", "3"]), ("NEW", ["1", "3"])])
def test_kafka__the_read_policy_says_what_a_restart_makes_of_missed_messages(
    kafka: Listened, cluster: Cluster, policy: str, expected: list[str]
) -> None:
    cluster.send("t", b"before")
    kafka.create("j", {**KAFKA, "readPolicy": policy})
    kafka.start("j")
    cluster.send("t", b"1")
    kafka.expect("j", ["1"])
    kafka.stop("j")
    cluster.send("t", b"2")
    kafka.start("j")
    cluster.send("t", b"3")
    kafka.expect("j", expected)


def test_kafka__a_topic_that_comes_later_is_read_from_its_beginning(
    kafka: Listened, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.create("j", {**KAFKA, "channel": "later"})
    kafka.start("j")
    cluster.send("later", b"1")
    kafka.expect("j", ["1"])


def test_kafka__messages_that_are_gone_are_passed_over(kafka: Listened, cluster: Cluster) -> None:
    cluster.send("t", b"1")
    kafka.create("j", KAFKA)
    kafka.start("j")
    kafka.listeners.stop()
    with kafka.services.db.writing() as connection:
        event_triggers.set_positions(connection, kafka.job_id("j"), "kafka:k/t", {"0": 1000})
    cluster.send("t", b"2")
    kafka.listeners = kafka.another()
    kafka.listeners.start()
    kafka.expect("j", ["1", "2"])


def test_kafka__a_job_without_a_connection_goes_on_when_it_has_one(
    kafka: Listened, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_listeners, "TROUBLE_SECONDS", 0.05)
    cluster.send("stream", b"0")
    kafka.create("j", {"eventType": "DIS", "channel": "stream"})
    runs.start(kafka.started, kafka.caller, "j", ())
    kafka.listeners.start()
    time.sleep(0.2)
    assert not kafka.looked("j")
    kafka.listeners.stop()
    kafka.services = replace(kafka.services, settings=replace(kafka.services.settings, dis_connection="k"))
    kafka.listeners = kafka.another()
    kafka.listeners.start()
    until(lambda: kafka.looked("j"))
    cluster.send("stream", b"1")
    kafka.expect("j", ["1"])


# ---- OBS


def test_obs__each_new_or_changed_object_is_an_instance(obs: Listened) -> None:
    store = obs.services.store
    store.put(FOLDER / "old.csv", b"0")
    obs.create("j", OBS, {"type": "Shell", "properties": SHOW})
    obs.start("j")
    store.put(FOLDER / "deep/a.csv", b"1")
    store.put(ObsPath.parse("obs://drop/elsewhere.csv"), b"1")
    obs.expect("j", ["obs://drop/in/deep/a.csv"])
    store.put(FOLDER / "old.csv", b"1")
    obs.expect("j", ["obs://drop/in/deep/a.csv", "obs://drop/in/old.csv"])
    obs.expect_states("j", ["success", "success"])
    with obs.services.db.reading() as connection:
        output = instances.nodes_of(connection, obs.factory.of("j")[1].id)[0].output
    assert "obs://drop/in/old.csv|obs://drop/in/old.csv" in (output or "")


def test_obs__a_deleted_object_is_new_when_it_comes_back(obs: Listened) -> None:
    store = obs.services.store
    obs.create("j", OBS)
    obs.start("j")
    for count in (1, 2):
        store.put(FOLDER / "a", b"1")
        obs.expect("j", [str(FOLDER / "a")] * count)
        store.delete(FOLDER / "a")
        until(lambda: not event_places(obs))


def event_places(obs: Listened) -> list[str]:
    with obs.services.db.reading() as connection:
        found = event_triggers.positions(connection, obs.job_id("j"), str(FOLDER))
    return [place for place in found if place]


def test_fail_policy_suspend__events_wait_until_the_failed_instance_has_succeeded(obs: Listened) -> None:
    obs.create("j", OBS, {"type": "Shell", "properties": [{"name": "statement", "value": "exit 1"}]})
    obs.start("j")
    for name in ("a", "b"):
        obs.services.store.put(FOLDER / name, b"1")
    with structlog.testing.capture_logs() as logs:
        obs.expect_states("j", ["fail"])
        time.sleep(0.8)
    told = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert told.count("no events are taken: an instance of the job has failed") == 1
    assert obs.factory.states("j") == ["fail"]
    instance_operations.force_success(obs.services, obs.caller, "j", str(obs.factory.of("j")[0].id))
    obs.expect_states("j", ["success", "fail"])


def test_fail_policy_suspend__a_new_start_goes_on(obs: Listened) -> None:
    obs.create("j", OBS, {"type": "Shell", "properties": [{"name": "statement", "value": "exit 1"}]})
    obs.start("j")
    for name in ("a", "b"):
        obs.services.store.put(FOLDER / name, b"1")
    obs.expect_states("j", ["fail"])
    obs.stop("j")
    obs.start("j")
    obs.expect_states("j", ["fail", "fail"])


def test_fail_policy_ignore__the_next_event_comes(obs: Listened) -> None:
    failing = {"type": "Shell", "properties": [{"name": "statement", "value": "exit 1"}]}
    obs.create("j", {**OBS, "failPolicy": "IGNORE"}, failing)
    obs.start("j")
    for name in ("a", "b", "c"):
        obs.services.store.put(FOLDER / name, b"1")
    obs.expect_states("j", ["fail"] * 3)


def test_pause__events_that_come_meanwhile_are_taken_when_the_job_is_restored(obs: Listened) -> None:
    obs.create("j", OBS)
    obs.start("j")
    job_schedules.pause(obs.started, obs.caller, "j")
    obs.services.store.put(FOLDER / "a", b"1")
    time.sleep(0.4)
    assert obs.data("j") == []
    job_schedules.restore(obs.started, obs.caller, "j")
    obs.expect("j", [str(FOLDER / "a")])


def test_pause__a_job_that_is_not_started_is_refused(obs: Listened) -> None:
    obs.create("j", OBS)
    with pytest.raises(InvalidParameter, match="no schedule or trigger that is SCHEDULING; it is STOPPED"):
        job_schedules.pause(obs.started, obs.caller, "j")


def test_a_new_version_runs_for_the_next_event(obs: Listened) -> None:
    obs.create("j", OBS)
    obs.start("j")
    obs.replace("j", {**OBS, "channel": "obs://drop/other"})
    until(lambda: obs.looked("j", "obs://drop/other/"))
    obs.services.store.put(ObsPath.parse("obs://drop/other/b"), b"1")
    obs.services.store.put(FOLDER / "a", b"1")
    obs.expect("j", ["obs://drop/other/b"])
    assert [item.version for item in obs.factory.of("j")] == [2]


def test_a_deleted_job_is_forgotten(obs: Listened) -> None:
    obs.create("j", OBS)
    obs.start("j")
    number = obs.job_id("j")
    jobs.delete(obs.started, obs.caller, "j")
    with obs.services.db.reading() as connection:
        assert event_triggers.positions(connection, number, str(FOLDER)) == {}
        assert event_triggers.listening(connection) == {}


# ---- taking events


def test_a_start_is_over_when_it_is_known_from_where_on_events_count(obs: Listened) -> None:
    store = obs.services.store
    obs.create("j", OBS)
    runs.start(obs.started, obs.caller, "j", ())
    assert not obs.has_looked("j")
    obs.listeners.start()
    until(lambda: obs.has_looked("j"))
    event_jobs.wait_for_first_look(obs.services, obs.caller, "j")
    store.put(FOLDER / "new.csv", b"1")
    obs.expect("j", ["obs://drop/in/new.csv"])
    obs.stop("j")
    assert obs.has_looked("j"), "nobody waits for a job that is stopped"
    obs.start("j")
    assert obs.data("j") == ["obs://drop/in/new.csv"]


def started(obs: Listened, **event: Any) -> Listening:
    obs.create("j", {**OBS, **event})
    runs.start(obs.started, obs.caller, "j", ())
    return obs.listening("j")


def test_take__rules_on_late_instances_are_about_those_of_events_too(obs: Listened) -> None:
    obs.factory.installation.engine.stop()
    request = PutAlarmRuleRequest(remind_type=102, topics=["ops"], minutes=5)
    alarms.put_rule(obs.services, obs.caller, "late", request)
    assert event_instances.take(obs.services, started(obs), "s", Found([Event("0", 1, "k", "x")])) == 1
    with obs.services.db.reading() as connection:
        due = stored_alarms.earliest(connection)
    assert due == obs.factory.of("j")[0].plan_time + 300_000


def test_take__stops_where_there_is_no_more_room(obs: Listened) -> None:
    obs.factory.installation.engine.stop()
    listening = started(obs, concurrent=3)
    found = Found([Event("0", at, f"k{at}", str(at)) for at in range(1, 6)])
    assert [event_instances.take(obs.services, listening, "s", found) for _ in range(2)] == [3, 0]
    assert obs.data("j") == ["1", "2", "3"]
    with obs.services.db.reading() as connection:
        assert event_triggers.positions(connection, listening.job_id, "s") == {"0": 3}


def test_take__an_event_that_has_an_instance_gets_no_other(obs: Listened) -> None:
    """Also where the position was lost."""
    obs.factory.installation.engine.stop()
    listening = started(obs, concurrent=9)
    found = Found([Event("0", 1, "k1", "1")])
    assert event_instances.take(obs.services, listening, "s", found) == 1
    with obs.services.db.writing() as connection:
        event_triggers.forget(connection, listening.job_id)
    assert event_instances.take(obs.services, listening, "s", found) == 0


def test_take__a_listener_of_an_earlier_start_takes_nothing(obs: Listened) -> None:
    listening = started(obs)
    obs.stop("j")
    with pytest.raises(ListeningEnded):
        event_instances.take(obs.services, listening, "s", Found([Event("0", 1, "k", "1")]))
    time.sleep(0.002)
    runs.start(obs.started, obs.caller, "j", ())
    with pytest.raises(ListeningEnded):
        event_instances.take(obs.services, listening, "s", Found([Event("0", 1, "k", "1")]))
    assert obs.factory.of("j") == []


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"channel": "t"}, "schedule.event.eventType"),
        ({"eventType": "KAFKA"}, "schedule.event.channel"),
        ({"eventType": "OBS", "channel": "/in"}, "schedule.event.channel: '/in'"),
    ],
)
def test_start__a_job_whose_events_cannot_come_is_refused(obs: Listened, event: Mapping[str, Any], named: str) -> None:
    obs.create("j", event)
    with pytest.raises(InvalidSchedule) as refused:
        runs.start(obs.started, obs.caller, "j", ())
    assert named in refused.value.message
