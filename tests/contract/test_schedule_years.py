"""Years of schedules with restarts, jumps of the clock and failed transactions: each plan time has one instance.

What happens is random, but the same each time. The instances are compared with a model that steps from date to date
on the wall clock of each zone.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from scheduled_jobs import Factory
from sqlalchemy import select

from headrace.app import Installation, open_installation
from headrace.domain.clock import from_millis, to_millis
from headrace.scheduling import generation
from headrace.scheduling.generation import generate
from headrace.services import Services
from headrace.settings import Settings
from headrace.storage import schedules, waits
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai")
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
_MADE = Statement(select(job_instances.c.job_name, job_instances.c.plan_time))

DAYS: dict[str, Callable[[date], bool]] = {
    "* * ?": lambda day: True,
    "? * 2,5": lambda day: day.isoweekday() in (1, 4),
    "L * ?": lambda day: (day + timedelta(days=1)).day == 1,
    "29,30 * ?": lambda day: day.day in (29, 30),
}


class PowerCut(Exception):
    """A transaction that was not committed."""


@dataclass(frozen=True)
class Job:
    """A schedule as the model knows it."""

    zone: str
    hours: tuple[int, ...]
    minute: int
    days: str
    start: datetime
    end: datetime

    @property
    def expression(self) -> str:
        hours = "*" if len(self.hours) == 24 else ",".join(map(str, self.hours))
        return f"0 {self.minute} {hours} {self.days}"

    def plan_times(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Skipped wall times come later by as much, doubled ones once, but twice where every hour counts."""
        zone, found = ZoneInfo(self.zone), set()
        for number in range((self.end - self.start).days + 3):
            day = (self.start + timedelta(days=number - 1)).date()
            for hour in self.hours if DAYS[self.days](day) else ():
                wall = datetime(day.year, day.month, day.day, hour, self.minute, tzinfo=zone)
                moments = {wall.astimezone(UTC)}
                if len(self.hours) == 24:
                    moments.add(max(wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)))
                found |= moments
        return (each for each in sorted(found) if after < each <= until and self.start <= each <= self.end)


def random_job(chance: random.Random, zone: str) -> Job:
    """Most run at night, where clocks change; those of every hour for a month or so only."""
    start = BEGIN + timedelta(days=chance.randrange(100))
    days = chance.choice(tuple(DAYS))
    if chance.random() < 0.3:
        end = start + timedelta(days=chance.randrange(5, 60))
        return Job(zone, tuple(range(24)), chance.randrange(60), "* * ?", start, end)
    hours = tuple(sorted(chance.sample(range(5), k=chance.randint(1, 2))))
    return Job(zone, hours, chance.randrange(60), days, start, END - timedelta(days=chance.randrange(200)))


def create(factory: Factory, jobs: Iterable[Job]) -> dict[str, Job]:
    """The jobs, started, by name."""
    made = {}
    for job in jobs:
        limits = {"startTime": f"{job.start:%Y-%m-%dT%H:%M:%S+00}", "endTime": f"{job.end:%Y-%m-%dT%H:%M:%S+00}"}
        name = factory.create(job.expression, at=BEGIN, expressionTimeZone=job.zone, **limits)
        factory.start(name, BEGIN)
        made[name] = job
    return made


def assert_each_once(services: Services, jobs: dict[str, Job], until: datetime) -> None:
    with services.db.reading() as connection:
        made = Counter((row[0], from_millis(row[1])) for row in connection.all(_MADE))
    expected = Counter((name, each) for name, job in jobs.items() for each in job.plan_times(BEGIN, until))
    assert (made - expected, expected - made) == (Counter(), Counter())
    assert len(made) > 1000


class Unreliable:
    """A database whose transactions are rolled back at their end now and then."""

    def __init__(self, db: Any, chance: random.Random) -> None:
        self._db, self._chance = db, chance
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    @contextmanager
    def writing(self, **options: Any) -> Iterator[Any]:
        with self._db.writing(**options) as connection:
            yield connection
            if self._chance.random() < 0.1:
                self.lost += 1
                raise PowerCut


def opened(home: Path, url: str | None = None) -> Installation:
    values = {"home": home, "local_execution": True, "database_url": url, "misfire": "all"}
    return open_installation(Settings.load(values, {}), {})


def run_round(services: Services, now: datetime) -> None:
    """What the scheduler does when its clock shows a time; a failed transaction ends it."""
    due = 1
    while due:
        due, waiting = generate(services, to_millis(now))
        with services.db.writing() as connection:
            waits.settle(connection, waiting, to_millis(now))


def clock(chance: random.Random) -> Iterator[datetime]:
    """Two years in steps of hours, with jumps of days, and back an hour."""
    now = BEGIN
    while now < END:
        yield now
        what = chance.random()
        if what < 0.1:
            now -= timedelta(hours=1)
        elif what < 0.15:
            now += timedelta(days=chance.randrange(1, 20))
        else:
            now += timedelta(minutes=chance.randrange(1, 2880))
    yield END


@pytest.mark.parametrize("seed", [20260101, 20260102])
def test_each_plan_time_of_two_years_has_one_instance(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same years each time
    installation = opened(tmp_path)
    jobs = create(Factory(installation), [random_job(chance, zone) for zone in ZONES for _ in range(3)])
    lost = restarts = 0
    for now in clock(chance):
        unreliable = Unreliable(installation.services.db, chance)
        try:
            run_round(replace(installation.services, db=unreliable), now)
        except PowerCut:
            if chance.random() < 0.2:
                installation.stop()
                installation = opened(tmp_path)
                restarts += 1
        lost += unreliable.lost
    run_round(installation.services, END)
    assert_each_once(installation.services, jobs, END)
    with installation.services.db.reading() as connection:
        assert schedules.earliest(connection) is None, "every schedule has ended"
    installation.stop()
    assert (lost > 20, restarts > 2) == (True, True)


@pytest.mark.postgres
def test_two_schedulers_at_once_make_each_instance_once(
    tmp_path: Path, new_postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "JOBS_AT_ONCE", 3)  # so that there is something left for the other one
    monkeypatch.setattr(generation, "TIMES_AT_ONCE", 10)
    chance = random.Random(5)  # noqa: S311 - the same jobs each time
    url = new_postgres_url()
    both = [opened(tmp_path, url) for _ in range(2)]
    jobs = create(Factory(both[0]), [random_job(chance, zone) for zone in ZONES for _ in range(5)])
    until = BEGIN + timedelta(days=200)
    steps = [BEGIN + timedelta(days=each) for each in range(20, 201, 20)]
    together, found, failures = threading.Barrier(2), [0, 0], []

    def generate_all(number: int) -> None:
        try:
            for now in steps:
                together.wait(30)
                while due := generate(both[number].services, to_millis(now))[0]:
                    found[number] += due
        except Exception as error:
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=generate_all, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    run_round(both[0].services, until)
    assert_each_once(both[0].services, jobs, until)
    for installation in both:
        installation.stop()
    assert min(found) > 0, "only one of them had something to do"
