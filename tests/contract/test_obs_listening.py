"""Instances that wait for a new file, in every kind of database and of object store. The clock is an argument.

Source: reference on scheduling §2.4; decision 26.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from scheduled_jobs import START, Factory, depending, moment

from headrace.domain.clock import to_millis
from headrace.engine.early_expressions import evaluate_early
from headrace.errors import InvalidParameter, InvalidSchedule, ObsFileUnreadable
from headrace.factory import backfill, instance_operations, instance_reruns, waiting
from headrace.objectstore.base import ObjectInfo, ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.scheduling.obs_listening import look_for_files
from headrace.scheduling.simulated_workspace import simulate
from headrace.services import Services
from headrace.storage import listenings
from headrace.storage.instances import InstanceRecord
from headrace.wire.v1.instances import RestoreRequest
from headrace.wire.v1.simulation import SimulationRequest
from headrace.wire.v1.waiting import Listening
from headrace.wire.v2.supplement_data import CreateSupplementData

DAILY = "0 0 2 * * ?"
PLANNED = moment("05 02:00")
BEFORE, AFTER = moment("05 01:59"), moment("05 02:03")


class DatedStore:
    """Objects that have the times the test gives them."""

    def __init__(self) -> None:
        self.changed: dict[str, datetime] = {}
        self.listed = 0
        self.fails = False

    def list(self, prefix: ObsPath) -> Iterator[ObjectInfo]:
        self.listed += 1
        if self.fails:
            raise ObsFileUnreadable("the store is not there")
        for name, changed in sorted(self.changed.items()):
            path = ObsPath.parse(name)
            if path.bucket == prefix.bucket and path.key.startswith(prefix.folder_key()):
                yield ObjectInfo(path, 1, to_millis(changed))

    def exists(self, path: ObsPath) -> bool:
        return str(path) in self.changed


class Inbox:
    """A factory whose object store and looks are the test's."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.files = DatedStore()
        self.services: Services = replace(factory.services, store=self.files)  # type: ignore[arg-type]

    def job(self, path: str = "obs://inbox/a/", **cron: Any) -> str:
        members = {"monitorObsPath": path, "scanInterval": 5, "scanDuration": 30, **cron}
        name = self.factory.create(DAILY, at=START, **members)
        self.factory.start(name, moment("05 00:00"))
        return name

    def made(self, path: str = "obs://inbox/a/", **cron: Any) -> str:
        name = self.job(path, **cron)
        self.factory.tick(PLANNED)
        return name

    def look(self, at: datetime) -> int:
        return look_for_files(self.services, partial(evaluate_early, self.services), to_millis(at))

    def record(self, job: str) -> InstanceRecord:
        return self.factory.of(job)[-1]

    def why(self, job: str) -> Any:
        number = str(self.record(job).id)
        return waiting.why(self.services, self.factory.caller(START), job, number)

    def rerun(self, job: str, at: datetime, **asked: Any) -> None:
        number = str(self.record(job).id)
        instance_reruns.restore(self.services, self.factory.caller(at), job, number, RestoreRequest(**asked))


@pytest.fixture
def inbox(factory: Factory) -> Inbox:
    return Inbox(factory)


def test_an_instance_begins_when_a_new_file_has_come(inbox: Inbox) -> None:
    inbox.files.changed["obs://inbox/a/old.csv"] = BEFORE
    job = inbox.made()
    assert inbox.look(PLANNED) == 0
    assert inbox.record(job).status == "waiting"
    inbox.files.changed["obs://inbox/a/deep/new.csv"] = AFTER
    assert inbox.look(moment("05 02:04")) == 0, "it looks each interval only"
    assert inbox.look(moment("05 02:05")) == 1
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]
    assert inbox.why(job).listening.found == "obs://inbox/a/deep/new.csv"


def test_an_instance_that_waits_says_for_which_file(inbox: Inbox) -> None:
    job = inbox.made('obs://inbox/#{DateUtil.format(Job.planTime,"yyyyMMdd")}/')
    inbox.look(PLANNED)
    told = inbox.why(job)
    assert told.reasons == [
        "It listens for a file below 'obs://inbox/20260505/' that is new since 2026-05-05 02:00:00, every 5 minutes "
        "until 2026-05-05 02:30:00."
    ]
    assert told.listening == Listening(
        path="obs://inbox/20260505/",
        since=to_millis(PLANNED),
        until=to_millis(moment("05 02:30")),
        next_time=to_millis(moment("05 02:05")),
        found=UNSET,
    )


def test_an_instance_fails_when_no_file_has_come_in_time_and_what_depends_on_it_is_told(inbox: Inbox) -> None:
    job = inbox.job()
    after = inbox.factory.create("0 0 3 * * ?", at=START, **depending(job))
    inbox.factory.start(after, moment("05 00:00"))
    inbox.factory.tick(moment("05 02:00"))
    inbox.factory.tick(moment("05 03:00"))
    inbox.look(moment("05 02:29"))
    assert inbox.record(job).status == "waiting"
    assert inbox.look(moment("05 02:30")) == 1
    inbox.factory.run_all()
    record = inbox.record(job)
    assert (record.status, record.end_time) == ("fail", to_millis(moment("05 02:30")))
    assert record.error_message == "OBS listening: nothing new came below 'obs://inbox/a/' until 2026-05-05 02:30:00."
    assert inbox.factory.states(after) == ["manual-stop"]


def test_a_file_in_the_last_moment_counts(inbox: Inbox) -> None:
    job = inbox.made()
    inbox.files.changed["obs://inbox/a/new.csv"] = AFTER
    inbox.look(moment("05 09:00"))
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


def test_the_path_may_name_one_object(inbox: Inbox) -> None:
    job = inbox.made("obs://inbox/a/done.txt")
    inbox.files.changed |= {"obs://inbox/a/done.txt": BEFORE, "obs://inbox/a/other.txt": AFTER}
    assert inbox.look(PLANNED) == 0
    inbox.files.changed["obs://inbox/a/done.txt"] = AFTER
    assert inbox.look(moment("05 02:05")) == 1
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("#{Job.plantime}", "The expression cannot be evaluated."), ("inbox/a", "is not of the form obs://bucket/key")],
)
def test_a_path_that_is_none_fails_the_instance_at_once(inbox: Inbox, path: str, reason: str) -> None:
    job = inbox.made(path)
    assert inbox.look(PLANNED) == 1
    inbox.factory.run_all()
    assert inbox.record(job).status == "fail"
    assert reason in inbox.record(job).error_message


def test_a_store_that_cannot_be_asked_is_asked_again(inbox: Inbox) -> None:
    job = inbox.made()
    inbox.files.fails = True
    assert inbox.look(PLANNED) == 0
    inbox.files.fails = False
    inbox.files.changed["obs://inbox/a/new.csv"] = AFTER
    assert inbox.look(moment("05 02:05")) == 1
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


def test_a_path_is_listed_once_for_all_that_look_at_the_same_time(inbox: Inbox) -> None:
    names = [inbox.job() for _ in range(3)]
    inbox.factory.tick(PLANNED)
    assert inbox.look(PLANNED) == 0
    assert inbox.files.listed == 1
    assert [inbox.record(name).status for name in names] == ["waiting"] * 3


def test_an_instance_waits_for_its_file_and_for_its_upstream(inbox: Inbox) -> None:
    upstream = inbox.factory.create("0 30 2 * * ?", at=START)
    inbox.factory.start(upstream, moment("05 00:00"))
    job = inbox.made(**depending(upstream))
    inbox.files.changed["obs://inbox/a/new.csv"] = AFTER
    assert inbox.look(moment("05 02:05")) == 1
    assert inbox.record(job).status == "waiting"
    assert inbox.why(job).reasons[0].startswith("It waits for 1 instance of the job")
    inbox.factory.tick(moment("05 02:30"))
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


def test_the_end_of_an_upstream_instance_does_not_begin_one_that_still_listens(inbox: Inbox) -> None:
    upstream = inbox.factory.create("0 0 1 * * ?", at=START)
    inbox.factory.start(upstream, moment("05 00:00"))
    job = inbox.job(**depending(upstream))
    inbox.factory.tick(moment("05 02:00"))
    inbox.factory.run_all()
    assert (inbox.factory.states(upstream), inbox.factory.states(job)) == (["success"], ["waiting"])


def test_a_person_is_asked_when_the_file_has_come(inbox: Inbox) -> None:
    cron = {"expression": DAILY, "monitorObsPath": "obs://inbox/a/"}
    schedule = {"type": "CRON", "cron": cron, "requireManualConfirmBeforeExecute": True}
    job = inbox.factory.create(DAILY, at=START, members={"schedule": schedule})
    inbox.factory.start(job, moment("05 00:00"))
    inbox.factory.tick(PLANNED)
    assert inbox.record(job).status == "waiting"
    inbox.files.changed["obs://inbox/a/new.csv"] = AFTER
    inbox.look(moment("05 02:05"))
    assert inbox.record(job).status == "waiting-confirm"


def test_a_frozen_instance_goes_on_listening_when_it_is_let_go(inbox: Inbox) -> None:
    job = inbox.made()
    number, caller = str(inbox.record(job).id), inbox.factory.caller(PLANNED)
    instance_operations.freeze(inbox.services, caller, job, number)
    inbox.files.changed["obs://inbox/a/new.csv"] = AFTER
    assert inbox.look(moment("05 02:05")) == 0
    instance_operations.unfreeze(inbox.services, caller, job, number)
    assert inbox.record(job).status == "waiting"
    assert inbox.record(job).wish == ""
    assert inbox.look(moment("05 02:10")) == 1
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


def test_a_person_can_let_it_run_without_its_file(inbox: Inbox) -> None:
    job = inbox.made()
    number, caller = str(inbox.record(job).id), inbox.factory.caller(PLANNED)
    waiting.run_without_dependencies(inbox.services, caller, job, number)
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


def test_a_stopped_instance_is_not_looked_for_any_more(inbox: Inbox) -> None:
    job = inbox.made()
    instance_operations.stop(inbox.services, inbox.factory.caller(PLANNED), job, str(inbox.record(job).id))
    inbox.factory.run_all()
    assert inbox.look(moment("05 02:05")) == 0
    with inbox.services.db.reading() as connection:
        assert listenings.earliest(connection) is None


def test_what_is_run_again_does_not_listen_unless_somebody_says_so(inbox: Inbox) -> None:
    job = inbox.made()
    inbox.look(moment("05 02:30"))
    inbox.factory.run_all()
    inbox.rerun(job, moment("05 06:00"))
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]
    inbox.files.changed["obs://inbox/a/new.csv"] = AFTER
    inbox.rerun(job, moment("05 07:00"), ignore_obs_monitor="false")
    assert inbox.look(moment("05 07:00")) == 0, "the file came before"
    inbox.files.changed["obs://inbox/a/newer.csv"] = moment("05 07:01")
    assert inbox.look(moment("05 07:05")) == 1
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]
    with pytest.raises(InvalidParameter, match="ignore_obs_monitor: 'maybe' is neither true nor false"):
        inbox.rerun(job, moment("05 08:00"), ignore_obs_monitor="maybe")


def patch(inbox: Inbox, job: str, name: str, **members: Any) -> None:
    body = {
        "name": name,
        "job_name": job,
        "start_date": "2026-05-03T00:00:00 +08",
        "end_date": "2026-05-03T23:59:59 +08",
        "parallel": 1,
        **members,
    }
    text = json.dumps(body).encode()
    asked = msgspec.json.decode(text, type=CreateSupplementData)
    backfill.create(inbox.services, inbox.factory.caller(moment("06 00:00")), asked, text)


def progress(inbox: Inbox, name: str) -> tuple[str, list[str]]:
    found = backfill.progress(inbox.services, inbox.factory.caller(START), name)
    return found.status, [each.state for each in found.dates]


def test_a_backfill_does_not_listen_unless_somebody_says_so(inbox: Inbox) -> None:
    job = inbox.job()
    inbox.factory.stop(job, moment("05 00:10"))
    patch(inbox, job, "deaf")
    inbox.factory.run_all()
    assert progress(inbox, "deaf") == ("SUCCESS", ["success"])
    patch(inbox, job, "hears", ignore_obs_monitor=False)
    inbox.factory.run_all()
    assert inbox.look(moment("06 00:00")) == 0
    assert progress(inbox, "hears")[0] == "RUNNING"
    inbox.files.changed["obs://inbox/a/new.csv"] = moment("06 00:01")
    assert inbox.look(moment("06 00:05")) == 1
    inbox.factory.run_all()
    assert progress(inbox, "hears") == ("SUCCESS", ["success"])


def test_a_date_of_a_backfill_fails_when_no_file_comes(inbox: Inbox) -> None:
    job = inbox.job()
    patch(inbox, job, "in_vain", ignore_obs_monitor="false")
    assert inbox.look(moment("06 00:30")) == 1
    inbox.factory.run_all()
    assert progress(inbox, "in_vain") == ("FAIL", ["fail"])


def test_a_dry_run_does_not_listen(inbox: Inbox) -> None:
    cron = {"expression": DAILY, "monitorObsPath": "obs://inbox/a/"}
    job = inbox.factory.create(
        DAILY, at=START, members={"emptyRunningJob": "1", "schedule": {"type": "CRON", "cron": cron}}
    )
    inbox.factory.start(job, moment("05 00:00"))
    inbox.factory.tick(PLANNED)
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success"]


def test_a_job_that_names_no_path_cannot_be_started(inbox: Inbox) -> None:
    with pytest.raises(InvalidSchedule, match=r"schedule\.cron\.monitorObsPath: true names no path"):
        inbox.job(True)  # type: ignore[arg-type]


def test_of_several_that_may_be_skipped_one_that_listens_does_not_run_instead(inbox: Inbox) -> None:
    path = 'obs://inbox/#{DateUtil.format(Job.planTime,"HH")}/'
    members: dict[str, Any] = {"monitorObsPath": path, "isSkipSelfDepJob": "true"}
    job = inbox.factory.create("0 0 * * * ?", at=START, **members)
    inbox.factory.start(job, moment("05 01:30"))
    inbox.factory.tick(moment("05 03:00"))
    inbox.look(moment("05 03:00"))
    inbox.files.changed["obs://inbox/02/new.csv"] = moment("05 03:00")
    assert inbox.look(moment("05 03:01")) == 1
    inbox.factory.run_all()
    assert inbox.factory.states(job) == ["success", "waiting"]


def test_a_simulation_tells_that_an_instance_would_wait_for_a_file(inbox: Inbox) -> None:
    job = inbox.job()
    request = SimulationRequest(min_plan_time=to_millis(PLANNED), max_plan_time=to_millis(PLANNED), jobs=[job])
    (found,) = simulate(inbox.services, inbox.factory.caller(START), request).instances
    assert (found.waits_for_file, found.estimated_start_time) == ("obs://inbox/a/", UNSET)


def test_the_thread_of_a_server_finds_a_file_in_the_object_store(
    factory: Factory, store: ObjectStore, bucket: ObsPath
) -> None:
    installation = factory.installation
    now = datetime.now(UTC).replace(microsecond=0)
    job = factory.create("0 * * * * ?", at=START, monitorObsPath=f"{bucket}in/", scanInterval=1)
    factory.start(job, now - timedelta(seconds=60))
    store.put(bucket / "in/new.csv", b"1")
    factory.tick(now)
    services = replace(factory.services, store=store)
    listener = type(installation.obs_listeners)(services, partial(evaluate_early, services))
    listener.start()
    try:
        deadline = time.monotonic() + 30
        while factory.states(job)[0] == "waiting" and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        listener.stop()
    factory.run_all()
    assert factory.states(job)[0] == "success"
