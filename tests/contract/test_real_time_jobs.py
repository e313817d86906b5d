"""Real-time jobs: each node by its own trigger, in both databases.

Kafka is librdkafka's mock cluster: it speaks the protocol on loopback, it is no real broker.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from scheduled_jobs import Factory, moment
from sqlalchemy import bindparam, select

from headrace.app import open_installation
from headrace.domain.alarms import AlarmKind
from headrace.domain.clock import to_millis
from headrace.errors import InvalidParameter, InvalidSchedule, JobNotFound
from headrace.factory import instance_reruns, jobs, runs
from headrace.nodes.base import BoundConnection
from headrace.objectstore.path import ObsPath
from headrace.scheduling.event_listeners import EventListeners
from headrace.scheduling.simulated_workspace import simulate
from headrace.settings import Settings
from headrace.storage import alarm_rules, event_triggers, instance_lists, instances, schedules, waits
from headrace.storage import jobs as stored_jobs
from headrace.storage.alarm_rules import RuleRecord
from headrace.storage.instances import InstanceRecord
from headrace.storage.jobs import JobRecord
from headrace.storage.statement import Statement
from headrace.storage.tables import event_positions
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.jobs import JobInfo, ListJobsQuery
from headrace.wire.v1.simulation import SimulationRequest

AT = moment("04 10:20")
CRON = {"expression": "0 0/30 * * * ?", "expressionTimeZone": "GMT+8", "startTime": "2024-01-01T00:00:00+08"}
FOLDER = ObsPath.parse("obs://drop/in/")
OBS = {"eventType": "OBS", "channel": str(FOLDER), "interval": 0.05, "failPolicy": "IGNORE"}
_LOOKED = Statement(
    select(event_positions.c.source).where(
        event_positions.c.job_id == bindparam("job_id"), event_positions.c.place == ""
    )
)
KAFKA = {"eventType": "KAFKA", "channel": "t", "connectionName": "k"}


def until(met: Callable[[], bool], what: Callable[[], Any] = lambda: "") -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def node(name: str, statement: str = "", **members: Any) -> dict[str, Any]:
    shell = {"type": "Shell", "properties": [{"name": "statement", "value": statement}]} if statement else {}
    return {"name": name, "type": "Dummy", **shell, **members}


class RealTime:
    """Real-time jobs of an installation whose scheduler is the test."""

    def __init__(self, factory: Factory) -> None:
        self.factory, self.services = factory, factory.services

    def caller(self, at: datetime = AT) -> Any:
        return self.factory.caller(at)

    def create(self, *nodes: dict[str, Any], name: str = "rt", save: Any = jobs.create, **members: Any) -> None:
        body = {"name": name, "processType": "REAL_TIME", "nodes": list(nodes), **members}
        text = json.dumps(body).encode()
        given = (name,) if save is jobs.replace else ()
        save(self.services, self.caller(), *given, msgspec.json.decode(text, type=JobInfo), text)

    def start(self, at: datetime = AT, name: str = "rt") -> None:
        runs.start(self.services, self.caller(at), name, ())

    def stop(self, at: datetime = AT, name: str = "rt") -> None:
        runs.stop(self.services, self.caller(at), name)

    def tick(self, at: datetime) -> None:
        self.factory.tick(at)
        self.factory.installation.engine.wake()

    def statuses(self, name: str = "rt") -> dict[str, str]:
        shown = runs.show_status(self.services, self.caller(), name)
        return {"": shown.status, **{each.name: each.status for each in shown.nodes}}

    def status(self, name: str = "rt") -> str:
        found = jobs.list_page(self.services, self.caller(), ListJobsQuery(job_type="REAL_TIME", job_name=name))
        return found.jobs[0].status or ""

    def expect(self, **statuses: str) -> None:
        wanted = {name.removeprefix("job"): status for name, status in statuses.items()}
        until(lambda: self.statuses() == wanted, self.statuses)
        assert self.status() == wanted[""]

    def node_of(self, node_name: str, name: str = "rt") -> JobRecord:
        with self.services.db.reading() as connection:
            parent = stored_jobs.by_name(connection, self.caller().workspace.id, name)
            assert parent is not None
            found = {each.name: each for each in stored_jobs.nodes_of(connection, parent.id)}
        return found[f"{name}/{node_name}"]

    def all_of(self, job_name: str) -> list[InstanceRecord]:
        with self.services.db.reading() as connection:
            _, found = instance_lists.page(
                connection,
                self.caller().workspace.id,
                after=0,
                until=2**53,
                job_name=job_name,
                precise=True,
                status="",
                instance_type=None,
                skip=0,
                rows=1000,
            )
        return found[::-1]

    def states(self, job_name: str) -> list[str]:
        return [each.status for each in self.all_of(job_name)]


@pytest.fixture
def real_time(factory: Factory) -> RealTime:
    return RealTime(factory)


def test_start__a_node_with_a_cron_trigger_has_instances_of_its_own(real_time: RealTime) -> None:
    every_hour = {**CRON, "expression": "0 0 * * * ?"}
    real_time.create(node("a", cronTrigger=CRON), node("b", cronTrigger=every_hour, preNodeName=["a"]))
    real_time.start()
    real_time.tick(moment("04 11:00"))
    assert real_time.factory.plan_times("rt_a") == ["04 10:30", "04 11:00"]
    assert real_time.factory.plan_times("rt_b") == ["04 11:00"]
    assert real_time.factory.of("rt") == []
    real_time.factory.run_all()
    assert real_time.factory.states("rt_a") == ["success", "success"]
    assert real_time.statuses() == {"": "NORMAL", "a": "NORMAL", "b": "NORMAL"}


def test_start__a_node_without_a_trigger_runs_until_the_job_is_stopped(real_time: RealTime) -> None:
    never = {"preNodeName": "endless", "expression": "#{1 == 2}"}
    real_time.create(
        node("endless", "sleep 1000", maxExecutionTime=5),
        node("short", "true", preNodeName=["endless"], conditions=[never]),
        basicConfig={"instanceTimeout": 5},
    )
    real_time.start()
    real_time.expect(job="NORMAL", endless="NORMAL", short="NORMAL")
    until(lambda: real_time.states("rt_short") == ["success"], lambda: real_time.states("rt_short"))
    until(lambda: real_time.states("rt_endless") == ["running"], lambda: real_time.states("rt_endless"))
    real_time.stop()
    assert real_time.states("rt_endless") == ["manual-stop"]
    real_time.expect(job="STOPPED", endless="STOPPED", short="STOPPED")
    real_time.start(moment("04 10:21"))
    until(lambda: real_time.states("rt_endless") == ["manual-stop", "running"])
    real_time.expect(job="NORMAL", endless="NORMAL", short="NORMAL")


def test_start__a_failed_node_makes_the_job_an_exception_until_it_runs_well(real_time: RealTime, tmp_path: Any) -> None:
    flag = tmp_path / "well"
    real_time.create(node("a", f"test -e {flag}"), node("b", f"test -e {flag}", cronTrigger=CRON))
    real_time.start()
    real_time.tick(moment("04 10:30"))
    real_time.expect(job="EXCEPTION", a="EXCEPTION", b="EXCEPTION")
    flag.touch()
    real_time.tick(moment("04 11:00"))
    real_time.expect(job="EXCEPTION", a="EXCEPTION", b="NORMAL")
    failed = real_time.all_of("rt_a")[0]
    instance_reruns.restore(real_time.services, real_time.caller(), "rt_a", str(failed.id), None)
    real_time.factory.installation.engine.wake()
    real_time.expect(job="NORMAL", a="NORMAL", b="NORMAL")


def test_start__twice_while_it_runs_is_refused(real_time: RealTime) -> None:
    real_time.create(node("a", cronTrigger=CRON))
    real_time.start()
    with pytest.raises(InvalidParameter, match="'rt' is running"):
        real_time.start()


def test_stop__no_more_instances_come(real_time: RealTime) -> None:
    real_time.create(node("a", cronTrigger=CRON))
    real_time.start()
    real_time.stop(moment("04 10:31"))
    real_time.tick(moment("04 12:00"))
    assert real_time.factory.of("rt_a") == []
    real_time.start(moment("04 12:10"))
    real_time.tick(moment("04 12:30"))
    assert real_time.factory.plan_times("rt_a") == ["04 12:30"]


def test_stop__a_job_is_stopping_until_what_it_runs_has_ended(
    real_time: RealTime, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.nodes.process.GRACE_SECONDS", 600.0)
    begun, asked, let_go = tmp_path / "begun", tmp_path / "asked", tmp_path / "let_go"
    last_words = f"touch {asked}; until test -e {let_go}; do sleep 0.1; done; exit 1"
    real_time.create(node("a", f"trap '{last_words}' TERM; touch {begun}; sleep 1000 & wait"))
    try:
        real_time.start()
        until(begun.exists)
        real_time.stop()
        assert real_time.statuses() == {"": "STOPPING", "a": "STOPPING"}
        until(asked.exists)
        text = json.dumps({"name": "other", "processType": "BATCH", "nodes": [node("n")]}).encode()
        jobs.create(real_time.services, real_time.caller(), msgspec.json.decode(text, type=JobInfo), text)
        number = runs.run_once(real_time.services, real_time.caller(), "other", ())
        assert real_time.factory.installation.engine.wait(number, 30).status == "success"
        assert real_time.statuses() == {"": "STOPPING", "a": "STOPPING"}
        with pytest.raises(InvalidParameter, match="'rt' is stopping"):
            real_time.start()
    finally:
        let_go.touch()
    real_time.expect(job="STOPPED", a="STOPPED")
    real_time.start(moment("04 10:21"))


def test_stop__what_waits_for_the_instance_before_is_stopped_too(real_time: RealTime) -> None:
    real_time.create(node("a", "sleep 1000", cronTrigger={**CRON, "dependPrePeriod": True}))
    real_time.start()
    real_time.tick(moment("04 11:30"))
    until(lambda: real_time.states("rt_a")[0] == "running", lambda: real_time.states("rt_a"))
    assert real_time.states("rt_a") == ["running", "waiting", "waiting"]
    real_time.stop()
    assert real_time.states("rt_a") == ["manual-stop"] * 3
    real_time.expect(job="STOPPED", a="STOPPED")


def test_cron_trigger__as_many_run_at_once_as_it_says(real_time: RealTime) -> None:
    real_time.create(node("a", "sleep 1000", cronTrigger={**CRON, "concurrent": 1}), node("b", cronTrigger=CRON))
    real_time.start()
    real_time.tick(moment("04 11:00"))
    until(lambda: real_time.states("rt_b") == ["success"] * 2, lambda: real_time.states("rt_b"))
    until(lambda: real_time.states("rt_a") == ["running", "waiting"], lambda: real_time.states("rt_a"))
    real_time.stop()


def test_cron_trigger__a_job_it_depends_on_must_be_started(real_time: RealTime) -> None:
    upstream = real_time.factory.create("0 0 * * * ?", at=AT)
    depends = {**CRON, "expression": "0 0 * * * ?", "dependJobs": {"jobs": [upstream]}}
    real_time.create(node("first"), node("a", cronTrigger=depends))
    with pytest.raises(InvalidParameter, match=r"nodes\[1\], 'a': depend job \[job_1\] is not running"):
        real_time.start()
    assert (real_time.status(), real_time.states("rt_first")) == ("STOPPED", [])
    real_time.factory.start(upstream, AT)
    real_time.start()
    real_time.tick(moment("04 11:00"))
    real_time.factory.run_all()
    assert real_time.states("rt_a") == ["success"]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"cronTrigger": {"startTime": CRON["startTime"]}}, "nodes[0].cronTrigger.expression: a CRON job cannot"),
        ({"eventTrigger": {"channel": "t"}}, "nodes[0].eventTrigger.eventType: an EVENT job is started with"),
        ({"eventTrigger": {"eventType": "KAFKA"}}, "nodes[0].eventTrigger.channel: an EVENT job cannot"),
        ({"eventTrigger": {"eventType": "OBS", "channel": "here"}}, "nodes[0].eventTrigger.channel: 'here'"),
    ],
)
def test_start__a_trigger_that_cannot_begin_is_named(real_time: RealTime, members: dict[str, Any], told: str) -> None:
    real_time.create(node("a", **members), node("b"))
    with pytest.raises(InvalidSchedule) as raised:
        real_time.start()
    assert (raised.value.detail or "").startswith(told)
    assert (real_time.status(), real_time.all_of("rt_b")) == ("STOPPED", [])


def test_new_version__counts_from_the_next_start(real_time: RealTime) -> None:
    real_time.create(node("a", cronTrigger=CRON), node("gone", cronTrigger=CRON))
    real_time.start()
    real_time.create(node("a", cronTrigger={**CRON, "expression": "0 10 * * * ?"}), save=jobs.replace)
    real_time.tick(moment("04 10:30"))
    real_time.stop(moment("04 10:31"))
    real_time.factory.run_all()
    real_time.start(moment("04 10:32"))
    real_time.tick(moment("04 11:30"))
    real_time.factory.run_all()
    assert real_time.factory.plan_times("rt_a") == ["04 10:30", "04 11:10"]
    assert real_time.factory.plan_times("rt_gone") == ["04 10:30"]
    assert real_time.statuses() == {"": "NORMAL", "a": "NORMAL"}


def test_hidden__a_node_is_found_by_nothing_that_looks_for_jobs(real_time: RealTime) -> None:
    real_time.create(node("a", cronTrigger=CRON))
    real_time.start()
    hidden, workspace = real_time.node_of("a"), real_time.caller().workspace.id
    with real_time.services.db.reading() as connection:
        assert stored_jobs.by_id(connection, hidden.id) == hidden
        assert stored_jobs.by_name(connection, workspace, hidden.name) is None
        assert stored_jobs.upstream(connection, workspace, workspace, hidden.name) is None
        assert stored_jobs.with_text(connection, workspace, hidden.name) is None
        assert stored_jobs.names(connection, workspace) == ["rt"]
        assert stored_jobs.count(connection, workspace) == 1
        assert [name for name, *_ in stored_jobs.all_texts(connection, workspace, submitted=True)] == ["rt"]
        assert [name for name, *_ in stored_jobs.all_texts(connection, workspace, submitted=False)] == ["rt"]
        assert [name for name, *_ in stored_jobs.texts_holding(connection, workspace, "Dummy")] == ["rt"]
    for kind in ("BATCH", "REAL_TIME"):
        query = ListJobsQuery(job_type=kind)
        found = jobs.list_page(real_time.services, real_time.caller(), query).jobs
        assert [each.name for each in found] == (["rt"] if kind == "REAL_TIME" else [])
    with pytest.raises(JobNotFound):
        runs.start(real_time.services, real_time.caller(), hidden.name, ())


def test_batch_job__may_have_the_name_of_a_node_in_lists(real_time: RealTime) -> None:
    real_time.create(node("a", cronTrigger=CRON))
    real_time.start()
    text = json.dumps({"name": "rt_a", "processType": "BATCH", "nodes": [node("n")]}).encode()
    jobs.create(real_time.services, real_time.caller(), msgspec.json.decode(text, type=JobInfo), text)
    number = runs.run_once(real_time.services, real_time.caller(), "rt_a", ())
    real_time.factory.run_all()
    assert [each.id for each in real_time.all_of("rt_a")] == [number]


def test_delete__ends_the_nodes_and_keeps_their_history(real_time: RealTime) -> None:
    real_time.create(node("a", "sleep 1000"), node("b", cronTrigger=CRON))
    real_time.start()
    until(lambda: real_time.states("rt_a") == ["running"], lambda: real_time.states("rt_a"))
    hidden = real_time.node_of("b")
    jobs.delete(real_time.services, real_time.caller(), "rt")
    assert real_time.states("rt_a") == ["manual-stop"]
    with real_time.services.db.reading() as connection:
        assert stored_jobs.by_id(connection, hidden.id) is None
        assert schedules.by_job(connection, hidden.id) is None
    real_time.create(node("a"))
    real_time.start(moment("04 10:21"))
    real_time.expect(job="NORMAL", a="NORMAL")


def test_alarms__failures_of_nodes_count_for_rules_on_the_job(real_time: RealTime) -> None:
    real_time.create(node("a", cronTrigger=CRON))
    real_time.start()
    parent = real_time.node_of("a").parent_id
    workspace = real_time.caller().workspace.id
    with real_time.services.db.writing() as connection:
        for number, (job_id, kind) in enumerate(itertools.product((parent, None, -1), AlarmKind)):
            rule = RuleRecord(number, workspace, f"r{number}", job_id, int(kind), "[]", "", 1, 1, 5, 1, "u", 0)
            alarm_rules.put(connection, rule)
        found = alarm_rules.for_job(connection, workspace, real_time.node_of("a").id)
        of_parent = alarm_rules.for_job(connection, workspace, parent or 0)
    assert [(each.job_id, each.kind) for each in found] == [(parent, AlarmKind.FAILURE), (None, AlarmKind.FAILURE)]
    assert len(of_parent) == 2 * len(AlarmKind)


def test_why__a_node_that_waits_for_itself_is_named_as_in_lists(real_time: RealTime) -> None:
    real_time.create(node("a", "sleep 1000", cronTrigger={**CRON, "dependPrePeriod": True}))
    real_time.start()
    real_time.tick(moment("04 11:00"))
    with real_time.services.db.reading() as connection:
        found = waits.of_instance(connection, real_time.all_of("rt_a")[1].id)
    assert [wait.upstream_job_name for wait, _ in found] == ["rt_a"]
    real_time.stop()


# ---- events


class Listened:
    """The listeners of the server, with a connection to the mock cluster."""

    def __init__(self, real_time: RealTime, brokers: str = "") -> None:
        self._connection = BoundConnection(name="k", type="KAFKA", config={"ip": brokers, "authentication": "NONE"})
        self._real_time = real_time
        self.listeners = self.another()
        real_time.services = replace(real_time.services, wake_engine=self._wake)

    def _wake(self) -> None:
        self._real_time.factory.installation.engine.wake()
        self.listeners.wake()

    def another(self) -> EventListeners:
        find = self._connection
        return EventListeners(self._real_time.factory.services, lambda _, name: find if name == "k" else None)

    def start(self, *nodes: str) -> None:
        """Start the job, and wait until its nodes have looked at their sources."""
        self._real_time.start(datetime.now(UTC))
        self.listeners.start()
        for name in nodes:
            until(lambda name=name: self._looked(name))  # type: ignore[misc]

    def _looked(self, name: str) -> bool:
        with self._real_time.services.db.reading() as connection:
            found = connection.all(_LOOKED, job_id=self._real_time.node_of(name).id)
        return bool(found)

    def data(self, name: str) -> list[str]:
        """The events of the instances of a node, in the order of these."""
        with self._real_time.services.db.reading() as connection:
            found = [event_triggers.event_of(connection, each.id) for each in self._real_time.all_of(name)]
        return [event.data for event in found if event is not None]

    def expect(self, name: str, expected: list[str]) -> None:
        until(lambda: self.data(name) == expected, lambda: (self.data(name), self._real_time.states(name)))


@pytest.fixture
def obs(real_time: RealTime) -> Iterator[Listened]:
    listened = Listened(real_time)
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

    def send(self, topic: str, *texts: bytes) -> None:
        for text in texts:
            self._producer.produce(topic, text, partition=0)
        assert self._producer.flush(10) == 0


def test_event_trigger__each_new_object_is_an_instance_of_the_node(real_time: RealTime, obs: Listened) -> None:
    store = real_time.services.store
    store.put(FOLDER / "before", b"")
    show = "echo '#{Job.eventData}|#{Job.trigger.obsNewFiles}'"
    real_time.create(node("a", show, eventTrigger=OBS), node("b", cronTrigger=CRON))
    obs.start("a")
    store.put(FOLDER / "one", b"")
    obs.expect("rt_a", ["obs://drop/in/one"])
    until(lambda: real_time.states("rt_a") == ["success"], lambda: real_time.states("rt_a"))
    with real_time.services.db.reading() as connection:
        output = instances.nodes_of(connection, real_time.all_of("rt_a")[0].id)[0].output
    assert (output or "").strip() == "obs://drop/in/one|obs://drop/in/one"
    real_time.stop(datetime.now(UTC))
    store.put(FOLDER / "two", b"")
    obs.start("a")
    obs.expect("rt_a", ["obs://drop/in/one", "obs://drop/in/two"])


def test_event_trigger__messages_come_once_however_often_the_listeners_end(real_time: RealTime) -> None:
    cluster = Cluster()
    kafka = Listened(real_time, cluster.brokers)
    cluster.send("t", b"before")
    policy = {"failPolicy": "IGNORE", "concurrent": 128}
    real_time.create(node("a", eventTrigger=KAFKA | policy), node("b", eventTrigger=KAFKA | policy))
    try:
        kafka.start("a", "b")
        sent = [str(number).encode() for number in range(40)]
        for first in range(0, 40, 20):
            cluster.send("t", *sent[first : first + 20])
            until(lambda first=first: len(kafka.data("rt_a")) > first)  # type: ignore[misc]
            kafka.listeners.stop()
            kafka.listeners = kafka.another()
            kafka.listeners.start()
        for name in ("rt_a", "rt_b"):
            kafka.expect(name, [text.decode() for text in sent])
    finally:
        kafka.listeners.stop()


def test_event_trigger__a_failure_under_suspend_holds_the_next_events_back(
    real_time: RealTime, obs: Listened, tmp_path: Any
) -> None:
    flag = tmp_path / "well"
    real_time.create(node("a", f"test -e {flag}", eventTrigger=OBS | {"failPolicy": "SUSPEND"}))
    obs.start("a")
    store = real_time.services.store
    store.put(FOLDER / "one", b"")
    real_time.expect(job="EXCEPTION", a="EXCEPTION")
    store.put(FOLDER / "two", b"")
    flag.touch()
    failed = real_time.all_of("rt_a")[0]
    instance_reruns.restore(real_time.services, real_time.caller(), "rt_a", str(failed.id), None)
    obs.expect("rt_a", ["obs://drop/in/one", "obs://drop/in/two"])
    real_time.expect(job="NORMAL", a="NORMAL")


def test_event_trigger__no_more_than_ten_run_at_once(real_time: RealTime, obs: Listened) -> None:
    event = OBS | {"failPolicy": "SUSPEND", "concurrent": 128}
    real_time.create(node("a", "sleep 1000", eventTrigger=event))
    obs.start("a")
    for number in range(14):
        real_time.services.store.put(FOLDER / f"{number:02}", b"")
    until(lambda: len(real_time.states("rt_a")) == 10, lambda: real_time.states("rt_a"))
    with real_time.services.db.reading() as connection:
        text = stored_jobs.version_document(connection, real_time.node_of("a").id, 1)
    assert read_definition(text or "").schedule.concurrent == 10
    real_time.stop(datetime.now(UTC))
    assert set(real_time.states("rt_a")) == {"manual-stop"}


# ---- a server that ends in the middle


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_restart__a_job_goes_on_and_a_stopped_one_ends(
    request: pytest.FixtureRequest, tmp_path: Any, kind: str
) -> None:
    url = request.getfixturevalue("new_postgres_url")() if kind == "postgresql" else None
    settings = Settings.load({"home": tmp_path / "home", "local_execution": True, "database_url": url}, {})
    first = RealTime(Factory(open_installation(settings, {})))
    first.factory.installation.engine.start()
    first.create(node("a", "sleep 1000", retryTimes=3, retryInterval=5), node("b", cronTrigger=CRON))
    first.start()
    until(lambda: first.states("rt_a") == ["running"], lambda: first.states("rt_a"))
    first.factory.installation.stop()

    second = RealTime(Factory(open_installation(settings, {})))
    assert second.states("rt_a") == ["running"]
    second.stop()  # while no engine runs
    assert second.statuses() == {"": "STOPPING", "a": "STOPPING", "b": "STOPPED"}
    with pytest.raises(InvalidParameter, match="'rt' is stopping"):
        second.start()
    second.factory.installation.engine.start()
    second.expect(job="STOPPED", a="STOPPED", b="STOPPED")
    second.start(moment("04 10:21"))
    second.tick(moment("04 10:30"))
    second.expect(job="NORMAL", a="NORMAL", b="NORMAL")
    until(lambda: second.states("rt_a") == ["manual-stop", "running"], lambda: second.states("rt_a"))
    second.factory.installation.stop()

    third = RealTime(Factory(open_installation(settings, {})))
    third.factory.installation.engine.start()
    third.tick(moment("04 11:00"))
    until(lambda: third.states("rt_b") == ["success"] * 2, lambda: third.states("rt_b"))
    third.expect(job="NORMAL", a="NORMAL", b="NORMAL")
    third.stop()
    third.expect(job="STOPPED", a="STOPPED", b="STOPPED")
    third.factory.installation.stop()


# ---- simulation


def test_simulation__nodes_with_a_cron_trigger_are_what_the_scheduler_makes(real_time: RealTime) -> None:
    every_hour = {**CRON, "expression": "0 0 * * * ?", "dependPrePeriod": True}
    real_time.create(node("a", cronTrigger=CRON), node("b", cronTrigger=every_hour), node("c"))
    until_time = moment("04 11:30")

    def simulated(*names: str, as_if_started: bool = False) -> list[tuple[str, int]]:
        request = SimulationRequest(
            min_plan_time=to_millis(AT), max_plan_time=to_millis(until_time), jobs=list(names) or None
        )
        request.as_if_started = as_if_started
        found = simulate(real_time.services, real_time.caller(), request)
        return sorted((each.job_name, each.plan_time) for each in found.instances)

    assert simulated() == []
    with pytest.raises(InvalidParameter, match="not started"):
        simulated("rt")
    before = simulated("rt", as_if_started=True)
    real_time.start()
    assert simulated() == simulated("rt") == simulated(as_if_started=True) == before
    real_time.tick(until_time)
    made = [(each.job_name, each.plan_time) for name in ("rt_a", "rt_b") for each in real_time.factory.of(name)]
    assert sorted(made) == before
    assert len(made) == 4
