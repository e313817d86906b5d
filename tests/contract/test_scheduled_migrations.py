"""Migration jobs start at their times, each time once; on each kind of database."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.app import Installation, open_installation
from headrace.migration.clusters import DEFAULT_CLUSTER
from headrace.migration.history import forget_old
from headrace.migration.scheduled import start_due
from headrace.services import Services
from headrace.settings import Settings
from headrace.storage import cdm, identity, submissions, workspaces
from headrace.storage.cdm import CdmJobRecord
from headrace.storage.submissions import SubmissionRecord

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def millis(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


START = millis("2026-03-10 08:00:00")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("new_postgres_url")() if request.param == "postgresql" else None
    return Settings.load({"home": tmp_path / "home", "database_url": url, "time_zone": "UTC"}, {})


@pytest.fixture
def installation(settings: Settings) -> Iterator[Installation]:
    opened = open_installation(settings, {})
    yield opened
    opened.stop()


class Jobs:
    """The jobs of the default cluster, at a time that the test says."""

    def __init__(self, services: Services) -> None:
        self._services = services
        with services.db.reading() as connection:
            project = identity.all_projects(connection)[0].id
            found = cdm.cluster_by_name(connection, project, DEFAULT_CLUSTER)
            default = workspaces.default_of(connection, project)
        assert found is not None
        assert default is not None
        self.cluster, self.workspace = found.id, default.id

    def add(self, name: str, written: int = START, **values: str) -> CdmJobRecord:
        given = {"isSchedulerJob": "true", "cycleType": "minute", "cycle": "10", **values}
        inputs = [{"name": f"schedulerConfig.{member}", "value": value} for member, value in given.items()]
        document = {"name": name, "driver-config-values": {"configs": [{"name": "schedulerConfig", "inputs": inputs}]}}
        record = CdmJobRecord(
            id=self._services.next_number(),
            cluster_id=self.cluster,
            name=name,
            job_type="NORMAL_JOB",
            from_link="",
            to_link="",
            document=json.dumps(document),
            create_user="admin",
            create_time=written,
            update_user="admin",
            update_time=written,
        )
        with self._services.db.writing() as connection:
            cdm.insert_job(connection, record)
        return record

    def look(self, at: int) -> int | None:
        return start_due(replace(self._services, now=lambda: at), UTC)

    def runs(self, job: CdmJobRecord) -> list[SubmissionRecord]:
        with self._services.db.reading() as connection:
            return list(submissions.page(connection, job.id, skip=0, rows=100)[1])

    def end(self, job: CdmJobRecord, at: int) -> None:
        with self._services.db.writing() as connection:
            for one in self.runs(job):
                submissions.replace(connection, one._replace(status="SUCCEEDED", end_time=one.end_time or at))


@pytest.fixture
def jobs(installation: Installation) -> Jobs:
    return Jobs(installation.services)


def test_start_due__a_new_job_waits_for_its_first_time(jobs: Jobs) -> None:
    job = jobs.add("first")
    assert jobs.look(START + MINUTE) == START + 10 * MINUTE
    assert jobs.runs(job) == []
    assert jobs.look(START + 10 * MINUTE) == START + 20 * MINUTE
    (run,) = jobs.runs(job)
    assert (run.status, run.create_user, run.workspace_id) == ("BOOTING", "admin", jobs.workspace)
    assert run.source_key == f"schedule:{job.id}:{START + 10 * MINUTE}"
    assert run.reference_time == START + 10 * MINUTE


def test_start_due__times_that_went_by_are_one_start(jobs: Jobs) -> None:
    job = jobs.add("late")
    assert jobs.look(START + 65 * MINUTE) == START + 70 * MINUTE
    assert len(jobs.runs(job)) == 1


def test_start_due__a_job_that_runs_leaves_the_time_out(jobs: Jobs) -> None:
    job = jobs.add("busy")
    jobs.look(START + 10 * MINUTE)
    assert jobs.look(START + 20 * MINUTE) == START + 30 * MINUTE
    assert len(jobs.runs(job)) == 1
    jobs.end(job, START + 21 * MINUTE)
    jobs.look(START + 30 * MINUTE)
    assert len(jobs.runs(job)) == 2


def test_start_due__a_job_without_times_is_not_looked_at_again(jobs: Jobs) -> None:
    plain = jobs.add("plain", isSchedulerJob="false")
    wrong = jobs.add("wrong", cycleType="year")  # as an import may bring it
    over = jobs.add("over", stopDate="2026-03-10 08:05:00")
    assert jobs.look(START + DAY) is None
    assert [jobs.runs(job) for job in (plain, wrong, over)] == [[], [], []]


def test_start_due__a_changed_job_has_its_new_times(jobs: Jobs, installation: Installation) -> None:
    job = jobs.add("changed")
    jobs.look(START + MINUTE)
    changed = job._replace(document=job.document.replace('"minute"', '"hour"'), update_time=START + 2 * MINUTE)
    with installation.services.db.writing() as connection:
        cdm.replace_job(connection, changed)
    assert jobs.look(START + 11 * MINUTE) == START + 2 * MINUTE + 10 * HOUR
    assert jobs.runs(job) == []


def test_start_due__several_processes_start_a_job_once_at_each_time(settings: Settings, jobs: Jobs) -> None:
    made = [jobs.add(f"shared_{number}") for number in range(20)]
    jobs.look(START)
    others = [open_installation(settings, {}) for _ in range(3)]
    failed: list[Exception] = []
    barrier = threading.Barrier(len(others))

    def look(services: Services) -> None:
        try:
            barrier.wait(30)
            start_due(replace(services, now=lambda: START + 10 * MINUTE), UTC)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=look, args=[one.services]) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for one in others:
        one.stop()
    assert failed == []
    assert [len(jobs.runs(job)) for job in made] == [1] * 20


def test_start_due__the_jobs_of_a_stopped_cluster_leave_their_times_out(jobs: Jobs, installation: Installation) -> None:
    job = jobs.add("stopped")
    jobs.look(START)
    with installation.services.db.writing() as connection:
        cdm.set_cluster(connection, jobs.cluster, '{"status":"900"}', START)
    assert jobs.look(START + 10 * MINUTE) == START + 20 * MINUTE
    assert jobs.runs(job) == []


def test_forget_old__keeps_what_ended_within_30_days_and_the_last_run_of_a_job(
    jobs: Jobs, installation: Installation
) -> None:
    job, gone = jobs.add("kept"), jobs.add("deleted")
    for number in range(1, 4):
        jobs.look(START + number * 10 * MINUTE)
        jobs.end(job, START + number * DAY)
        jobs.end(gone, START + number * DAY)
    with installation.services.db.writing() as connection:
        cdm.delete_job(connection, gone.id)
    forget_old(replace(installation.services, now=lambda: START + 32 * DAY))
    assert [run.end_time for run in jobs.runs(job)] == [START + 3 * DAY, START + 2 * DAY]
    assert len(jobs.runs(gone)) == 2
    forget_old(replace(installation.services, now=lambda: START + 99 * DAY))
    assert [run.end_time for run in jobs.runs(job)] == [START + 3 * DAY]
    assert jobs.runs(gone) == []
