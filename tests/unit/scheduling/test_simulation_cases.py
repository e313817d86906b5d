"""The documented examples of dependencies (tests/cases/dependencies), told by one simulation of all their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from headrace.domain.dependency_words import DependPeriod, DependType, UpstreamJob
from headrace.domain.job import ScheduleDefinition
from headrace.scheduling.simulation import SimulatedJob, Simulation

CASES = Path(__file__).parents[2] / "cases" / "dependencies"
FILES = ("natural_same", "natural_previous", "discrete_hours", "clock_changes")


class Case(NamedTuple):
    """An instance of the job ``place``-A that is planned at a moment, and what it waits for."""

    place: str
    planned: datetime
    answer: str
    words: dict[str, str]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.words["zone"])

    def jobs(self) -> list[SimulatedJob]:
        zone = self.words["zone"]
        asked = UpstreamJob(
            job=f"{self.place} B",
            period=DependPeriod(self.words["period"]),
            previous=int(self.words.get("N", "1")),
            type=DependType(self.words.get("type", "default")),
        )
        since = moment(self.words["B from"], self.zone) if "B from" in self.words else None
        schedules = [
            ScheduleDefinition(expression=self.words["A"], expression_time_zone=zone, upstream=(asked,)),
            ScheduleDefinition(expression=self.words["B"], expression_time_zone=zone),
        ]
        return [
            SimulatedJob(
                key=hash((self.place, name)),
                workspace_id="w",
                name=f"{self.place} {name}",
                schedule=schedule,
                since=since if name == "B" else None,
            )
            for name, schedule in zip("AB", schedules, strict=True)
        ]


def cases_of(name: str) -> Iterator[Case]:
    """Words before the first evidence line hold for the file, others for their paragraph."""
    of_file: dict[str, str] = {}
    words, question = of_file, ""
    for number, line in enumerate((CASES / f"{name}.txt").read_text("utf-8").splitlines(), 1):
        line = line.strip()
        if line.partition(" #")[0] in ("documented", "inferred"):
            words = dict(of_file)
        elif " = " in line and not line.startswith("#"):
            key, _, value = line.partition(" = ")
            words[key] = value
        elif line and not line.startswith("#"):
            if question and words.get("mode") == "natural":
                yield Case(f"{name}:{number}", moment(question, ZoneInfo(words["zone"])), line, dict(words))
            question = "" if question else line


def moment(text: str, zone: ZoneInfo) -> datetime:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def shown(time: datetime, planned: datetime) -> str:
    """The day only where it is another one, the offset only where the clock shows the time twice."""
    offset = f"{time:%z}"
    twice = time.utcoffset() != time.replace(fold=1 - time.fold).utcoffset()
    day = "" if time.date() == planned.date() else f"{time:%m-%d}/"
    return f"{day}{time:%H:%M}" + (f"{offset[:3]}:{offset[3:]}" if twice else "")


ALL = [case for name in FILES for case in cases_of(name)]
JOBS = {case.place: case.jobs() for case in ALL}
SIMULATION = Simulation([job for jobs in JOBS.values() for job in jobs], ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.place)
def test_what_an_instance_waits_for(case: Case) -> None:
    (found,) = SIMULATION.run(case.planned, case.planned, JOBS[case.place][:1])
    times = [time.astimezone(case.zone) for each in found.waits for time in each.upstream.plan_times]
    planned = case.planned.astimezone(case.zone)
    assert (" ".join(shown(time, planned) for time in times) or "run at once") == case.answer


def test_every_file_has_cases() -> None:
    assert {case.place.partition(":")[0] for case in ALL} == set(FILES)
