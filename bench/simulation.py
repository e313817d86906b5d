"""Simulation: what a month of ten thousand jobs will be, told from their definitions."""

from __future__ import annotations

import random
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from bench.measure import Table
from headrace.domain.dependency_words import UpstreamJob
from headrace.domain.job import ScheduleDefinition
from headrace.scheduling.simulation import SimulatedJob, Simulation, usual_durations

SIMULATED_JOBS = 10_000
SIMULATION_BAR = 10.0  # seconds
ZONE = ZoneInfo("Asia/Shanghai")


def main() -> None:
    simulation()


def simulation() -> None:
    """A month of daily jobs at random minutes, each of which waits for two others."""
    table = Table(
        f"Simulation of {SIMULATED_JOBS:,} daily jobs with two dependencies each", ["span", "instances", "s", "bar"]
    )
    for days, bar in ((1, ""), (31, f"≤ {SIMULATION_BAR:.0f}")):
        jobs = _simulated_jobs()
        began = time.perf_counter()
        simulated = Simulation(jobs, ZONE, most=1_000_000)
        found = simulated.run(datetime(2026, 5, 1, tzinfo=ZONE), datetime(2026, 5, days, 23, 59, tzinfo=ZONE))
        seconds = time.perf_counter() - began
        assert len(found) == days * SIMULATED_JOBS, len(found)
        table.add(f"{days} days", f"{len(found):,}", f"{seconds:.2f}", bar)
    table.print()


def _simulated_jobs() -> list[SimulatedJob]:
    chance = random.Random(5)  # noqa: S311 - the same jobs each time
    durations = usual_durations({key: [chance.randrange(600_000)] for key in range(SIMULATED_JOBS)})
    return [
        SimulatedJob(
            key=key,
            workspace_id="w",
            name=f"job_{key}",
            schedule=ScheduleDefinition(
                kind="CRON",
                expression=f"0 {chance.randrange(60)} {chance.randrange(24)} * * ?",
                upstream=tuple(UpstreamJob(job=f"job_{chance.randrange(key)}") for _ in range(2 if key else 0)),
            ),
            duration=durations[key],
        )
        for key in range(SIMULATED_JOBS)
    ]


if __name__ == "__main__":
    main()
