"""People and engines change the same instances, jobs and tasks at once, and never wait for each other in a circle.

PostgreSQL ends one of two transactions that do; it counts them, and this test asks it afterwards.
"""

from __future__ import annotations

import importlib
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scheduled_jobs import START, Factory, moment

from headrace.app import Installation, open_installation
from headrace.errors import HeadraceError
from headrace.factory import backfill, imports, instance_operations, instance_reruns, jobs, runs
from headrace.packages.archive import write_archive
from headrace.packages.layout import single_members
from headrace.packages.model import Kind, PackageObject
from headrace.settings import Settings
from headrace.storage import jobs as stored_jobs
from headrace.storage.database import Deadlock, Duplicate
from headrace.wire.v1.jobs import JobInfo
from headrace.wire.v2.supplement_data import CreateSupplementData

pytestmark = pytest.mark.postgres

SECONDS = 4.0
MINUTELY = "0 * * * * ?"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@contextmanager
def engine(home: Path, url: str) -> Iterator[Factory]:
    """An installation whose engine runs, and whose scheduler is the test."""
    values = {"home": home, "local_execution": True, "database_url": url}
    installation: Installation = open_installation(Settings.load(values, {"HEADRACE_SECRET_KEY": ""}), {})
    installation.engine.start()
    try:
        yield Factory(installation)
    finally:
        installation.stop()


class Hammer:
    """Calls functions from a thread each, over and over; what the API would answer with an error is passed over."""

    def __init__(self) -> None:
        self._until = time.monotonic() + SECONDS
        self._threads: list[threading.Thread] = []
        self.broken: list[BaseException] = []

    def begin(self, act: Callable[[random.Random], None]) -> None:
        thread = threading.Thread(target=self._loop, args=(act, random.Random(len(self._threads))))  # noqa: S311 - nothing secret
        self._threads.append(thread)
        thread.start()

    def _loop(self, act: Callable[[random.Random], None], choice: random.Random) -> None:
        while time.monotonic() < self._until:
            try:
                act(choice)
            except (HeadraceError, Deadlock, Duplicate):  # deadlocks are counted by the database; clocks go back here
                continue
            except Exception as error:
                self.broken.append(error)

    def end(self) -> None:
        for thread in self._threads:
            thread.join()
        assert self.broken == []


@contextmanager
def few_deadlocks(url: str, most: int) -> Iterator[None]:
    """Asks the database at the end how many there were."""
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.execute("SELECT current_database()").fetchone()[0]
        connection.execute(f'ALTER DATABASE "{name}" SET deadlock_timeout = 20')  # milliseconds
    yield
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(DEADLOCKS).fetchone()[0] <= most


def test_stopping_and_repeating_a_backfill_while_its_instances_end(tmp_path: Path, new_postgres_url: Any) -> None:
    url = new_postgres_url()
    with few_deadlocks(url, 0), engine(tmp_path / "one", url) as one, engine(tmp_path / "two", url) as two:
        job = one.create(MINUTELY, at=START)
        one.start(job, moment("20 12:00"))
        hammer = Hammer()
        names = itertools.count()
        current = [""]

        def begin() -> None:
            body = {
                "name": f"task_{next(names)}",
                "job_name": job,
                "start_date": "2026-05-05T00:00:00 +08",
                "end_date": "2026-05-05T00:30:00 +08",
                "parallel": 5,
                "force": True,
            }
            text = json.dumps(body).encode()
            asked = msgspec.json.decode(text, type=CreateSupplementData)
            backfill.create(one.services, one.caller(moment("20 12:00")), asked, text)
            current[0] = str(body["name"])

        def stop(choice: random.Random) -> None:
            time.sleep(choice.random() / 50)
            factory = choice.choice((one, two))
            backfill.stop(factory.services, factory.caller(moment("20 12:00")), current[0])

        def repeat(choice: random.Random) -> None:
            time.sleep(choice.random() / 100)
            factory = choice.choice((one, two))
            if choice.random() < 0.1:
                begin()
            backfill.retry(factory.services, factory.caller(moment("20 12:00")), current[0])

        begin()
        for act in (stop, repeat, stop, repeat):
            hammer.begin(act)
        hammer.end()
        assert next(names) > 1


def test_an_import_that_the_database_ends_begins_again(
    tmp_path: Path, new_postgres_url: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, ends = imports._write, itertools.count()

    def ended_twice(*arguments: Any) -> None:
        if next(ends) < 2:
            raise Deadlock
        write(*arguments)

    monkeypatch.setattr(imports, "_write", ended_twice)
    with engine(tmp_path / "one", new_postgres_url()) as one:
        item = PackageObject.made(Kind.JOB, "j", json.dumps({"name": "j", "processType": "BATCH", "nodes": []}))
        upload = imports.keep_upload(one.services, write_archive(single_members([item])))
        imports.apply(one.services, one.caller(START), imports.Wanted(path="package.zip", upload=upload))
        with one.services.db.reading() as connection:
            assert stored_jobs.by_name(connection, one.caller(START).workspace.id, "j") is not None
    assert next(ends) == 3


def test_changing_jobs_and_instances_that_run_and_wait_for_each_other(tmp_path: Path, new_postgres_url: Any) -> None:
    """Only what shows when an instance is cancelled for another is locked out of order; the API tries again then."""
    url = new_postgres_url()
    with few_deadlocks(url, 2), engine(tmp_path / "one", url) as one, engine(tmp_path / "two", url) as two:
        first, second = one.create(MINUTELY, at=START), one.create(MINUTELY, at=START)
        waiting = [one.create(MINUTELY, at=START, dependJobs={"jobs": [first, second]}) for _ in range(3)]
        chain = [first, second, *waiting]
        for name in chain:
            one.start(name, moment("08 00:00"))
        child = one.create(MINUTELY, at=START)
        parent = "parent"
        nodes = [
            {"name": f"n{at}", "type": "SubJob", "properties": [{"name": "subJobName", "value": child}]}
            for at in range(3)
        ]
        text = json.dumps({"name": parent, "processType": "BATCH", "nodes": nodes}).encode()
        jobs.create(one.services, one.caller(START), msgspec.json.decode(text, type=JobInfo), text)
        minutes = itertools.count()
        one.tick(moment("08 00:00") + timedelta(minutes=next(minutes)))
        hammer = Hammer()

        def tick(choice: random.Random) -> None:
            choice.choice((one, two)).tick(moment("08 00:00") + timedelta(minutes=next(minutes)))

        def halt(choice: random.Random) -> None:
            name, at = choice.choice(chain), moment("08 00:00") + timedelta(minutes=next(minutes) + 10)
            factory = choice.choice((one, two))
            choice.choice((factory.stop, factory.pause, factory.restore))(name, at)
            factory.start(name, at)

        def operate(choice: random.Random) -> None:
            factory = choice.choice((one, two))
            name = choice.choice(chain)
            record = choice.choice(factory.of(name) or factory.of(first))
            services, caller = factory.services, factory.caller(moment("08 00:00"))
            operations: tuple[Callable[..., None], ...] = (
                instance_operations.stop,
                instance_operations.freeze,
                instance_operations.unfreeze,
                instance_operations.force_success,
            )
            choice.choice(operations)(services, caller, record.job_name, str(record.id))

        def repeat(choice: random.Random) -> None:
            factory = choice.choice((one, two))
            record = choice.choice(factory.of(choice.choice(chain)) or factory.of(first))
            caller = factory.caller(moment("08 00:00"))
            instance_reruns.restore(factory.services, caller, record.job_name, str(record.id), None)

        def run(choice: random.Random) -> None:
            factory = choice.choice((one, two))
            number = runs.run_once(factory.services, factory.caller(moment("08 00:00")), parent, ())
            time.sleep(choice.random() / 20)
            instance_operations.stop(factory.services, factory.caller(moment("08 00:00")), parent, str(number))

        for act in (tick, tick, halt, halt, operate, operate, repeat, run, run):
            hammer.begin(act)
        hammer.end()
        assert next(minutes) > 1
