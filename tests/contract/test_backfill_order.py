"""Random backfills, ended in random order with random outcomes: slots, days, dependencies and ends hold throughout."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scheduled_jobs import START, ZONE, Factory, depending, moment

from headrace.app import open_installation
from headrace.factory import backfill
from headrace.settings import Settings
from headrace.storage import backfill_progress, backfills, instances
from headrace.storage.backfill_progress import Clockwork
from headrace.storage.backfills import DateShown
from headrace.wire.v2.supplement_data import CreateSupplementData, SupplementDataPreview

EXPRESSIONS = ("0 0 2 * * ?", "0 0 0/8 * * ?", "0 30 9,15 * * ?", "0 0 1 * * ?")
NOW = moment("20 12:00")


@pytest.fixture
def still(tmp_path: Path) -> Iterator[Factory]:
    """An installation whose engine is the test."""
    installation = open_installation(Settings.load({"home": tmp_path / "home"}, {}), {})
    yield Factory(installation)
    installation.services.db.close()


class Run:
    """One random backfill."""

    def __init__(self, factory: Factory, seed: int) -> None:
        self.factory, self.random = factory, random.Random(seed)  # noqa: S311
        self.policy = self.random.choice(("FAIL", "SUSPEND", "IGNORE"))
        names: list[str] = []
        for _ in range(self.random.randint(1, 3)):
            cron: dict[str, Any] = {"dependPrePeriod": self.random.random() < 0.3}
            if names and self.random.random() < 0.8:
                cron |= depending(self.random.choice(names), dependFailPolicy=self.policy)
            names.append(factory.create(self.random.choice(EXPRESSIONS), at=START, **cron))
        self.body = {
            "name": f"task_{seed}",
            "job_name": names[-1],
            "start_date": "2026-05-05T00:00:00 +08",
            "end_date": "2026-05-08T23:59:59 +08",
            "parallel": self.random.randint(1, 5),
            "depend_jobs": [{"job_name": name} for name in names[:-1]],
            "is_day_granularity": self.random.random() < 0.5,
            "is_stop_when_fail": self.random.random() < 0.3,
            "reverse_order": self.random.randint(0, 1),
        }
        self.caller = factory.caller(NOW)
        text = json.dumps(self.body).encode()
        asked = msgspec.json.decode(text, type=CreateSupplementData)
        self.plan: SupplementDataPreview = backfill.preview(factory.services, self.caller, asked)
        backfill.create(factory.services, self.caller, asked, text)

    @property
    def dates(self) -> list[DateShown]:
        with self.factory.services.db.reading() as connection:
            found = backfills.by_name(connection, self.caller.workspace.id, str(self.body["name"]))
            assert found is not None
            return backfills.dates_of(connection, found.id)

    @property
    def status(self) -> str:
        return backfill.progress(self.factory.services, self.caller, str(self.body["name"])).status

    def end_one(self, outcome: str) -> None:
        """Have a running instance end, as the engine does."""
        running = [each.instance_id for each in self.dates if each.state == "begun"]
        services = self.factory.services
        works = Clockwork(now=self.caller.now, zone=ZONE, next_number=services.next_number)
        with services.db.writing() as connection:
            record = instances.lock(connection, self.random.choice(running) or 0)
            assert record is not None
            ended = record._replace(status=outcome, wish="", end_time=self.caller.now)
            instances.update_instances(connection, [ended])
            backfill_progress.ended(connection, [ended], works)

    def check(self, before: dict[tuple[str, int], DateShown]) -> dict[tuple[str, int], DateShown]:
        """What must hold at every moment; the dates by job and plan time."""
        dates = {(each.job_name, each.plan_time): each for each in self.dates}
        assert len(dates) == self.plan.total == len(self.plan.dates)
        begun = [key for key, each in dates.items() if each.state == "begun"]
        assert len(begun) <= self.plan.parallel
        made = [each.instance_id for each in dates.values() if each.instance_id is not None]
        assert len(made) == len(set(made))
        day = {(each.job_name, each.plan_time): each.day for each in self.plan.dates}
        for key, each in dates.items():
            was = before.get(key)
            if was is not None and was.instance_id is not None:
                assert each.instance_id == was.instance_id
            if each.state == "begun" and (was is None or was.state != "begun"):
                self._may_have_begun(key, dates, day)
        return dates

    def _may_have_begun(
        self, key: tuple[str, int], dates: dict[tuple[str, int], DateShown], day: dict[tuple[str, int], int]
    ) -> None:
        unended = {other for other, each in dates.items() if each.state in ("waiting", "ready", "begun")}
        if self.body["is_day_granularity"]:
            assert not [other for other in unended if day[other] < day[key]]
        planned = next(each for each in self.plan.dates if (each.job_name, each.plan_time) == key)
        for awaited in planned.waits_for:
            state = dates[awaited.job_name, awaited.plan_time].state
            own = awaited.job_name == planned.job_name
            assert state == "success" or (self.policy == "IGNORE" and not own and state in ("fail", "dropped"))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_ends_first_and_however_the_order_holds(still: Factory, seed: int) -> None:
    run = Run(still, seed)
    chance = run.random.choice((0.0, 0.1, 0.5))
    dates = run.check({})
    for _ in range(run.plan.total):
        if not any(each.state == "begun" for each in dates.values()):
            break
        failed = run.random.random() < chance
        run.end_one("fail" if failed else "success")
        dates = run.check(dates)
    states = {each.state for each in dates.values()}
    assert "begun" not in states
    if run.status == "RUNNING":  # what is left waits for a person: something it needs has failed
        assert "fail" in states
        assert "ready" not in states or run.body["is_day_granularity"]
        assert "waiting" in states
    else:
        assert states <= {"success", "fail", "dropped"}
        assert run.status == ("SUCCESS" if states == {"success"} else "FAIL")
        assert chance > 0 or states == {"success"}
