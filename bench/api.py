"""Start, memory, and the operations of authoring, beside an empty Starlette handler behind the same server."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bench import documents
from bench.measure import Table, Target, headrace, load, median_of, percentile, serving

EMPTY = [
    sys.executable,
    "-m",
    "uvicorn",
    "bench.empty:app",
    "--port",
    "{port}",
    "--no-access-log",
    "--log-level",
    "error",
]
JOBS = 1500
READS = 10_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        command = headrace("up", "--home", str(home), "--port", "{port}")
        with serving(command, home):
            pass
        start_and_memory(command, home)
        operations(command, home)


def start_and_memory(command: list[str], home: Path) -> None:
    table = Table("Start and idle", ["what", "measured", "bar"])

    def start() -> float:
        with serving(command, home) as target:
            return target.seconds_to_healthy

    def start_empty() -> float:
        with serving(EMPTY, health="/") as target:
            return target.seconds_to_healthy

    table.add("start to healthy, existing home, s", f"{median_of(start):.2f}", "≤ 0.7")
    table.add("an empty Starlette application, s", f"{median_of(start_empty):.2f}", "")
    with serving(command, home) as target:
        time.sleep(2)
        before, began = target.cpu_seconds(), time.monotonic()
        time.sleep(20)
        idle = (target.cpu_seconds() - before) / (time.monotonic() - began)
        table.add("idle memory, MB (PSS)", f"{target.memory_mb():.0f}", "≤ 90")
        table.add("idle CPU, %", f"{idle * 100:.2f}", "≤ 0.2")
    with serving(EMPTY, health="/") as target:
        table.add("an empty Starlette application, MB", f"{target.memory_mb():.0f}", "")
    table.print()


def operations(command: list[str], home: Path) -> None:
    table = Table(
        "Operations, one process, SQLite, durable; 16 connections, signed requests",
        ["operation", "a second", "p50 ms", "p99 ms", "of the empty handler", "bar a second"],
    )
    body = documents.text(documents.job(0))
    with serving(EMPTY, health="/") as target:
        head = f"POST /v1/x/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        empty, seconds = best_of(target, lambda run: [head + body] * READS)
    table.add("empty Starlette handler, same body", f"{empty:,.0f}", *_milliseconds(seconds), "1.00", "")
    with serving(command, home) as target:
        rows = [
            (f"create job ({len(body) / 1024:.0f} KB)", _creates(target), "3,000"),
            ("read job, 1,500 different ones", _reads(target, JOBS), "5,000"),
            ("read job, one", _reads(target, 1), "5,000"),
            ("list jobs, 10 a page", lambda run: [target.request("GET", "/v1/{p}/jobs?limit=10")] * 3000, ""),
            ("list jobs, 100 a page", lambda run: [target.request("GET", "/v1/{p}/jobs?limit=100")] * 1000, ""),
        ]
        for name, requests, bar in rows:
            rate, seconds = best_of(target, requests)
            table.add(name, f"{rate:,.0f}", *_milliseconds(seconds), f"{rate / empty:.2f}", bar)
    table.print()


def best_of(target: Target, requests: object, runs: int = 5) -> tuple[float, list[float]]:
    """The run with the median rate, after one that does not count."""
    assert callable(requests)
    results = [load(target.port, requests(run)) for run in range(runs + 1)][1:]
    return sorted(results)[len(results) // 2]


def _creates(target: Target) -> object:
    def requests(run: int) -> list[bytes]:
        made = []
        for number in range(JOBS):
            job = documents.job(number)
            job["name"] = f"run{run}_{number}"
            made.append(target.request("POST", "/v1/{p}/jobs", documents.text(job)))
        return made

    return requests


def _reads(target: Target, different: int) -> object:
    signed: list[bytes] = []

    def requests(run: int) -> list[bytes]:
        if not signed:
            signed.extend(target.request("GET", f"/v1/{{p}}/jobs/run1_{n}") for n in range(different))
        return (signed * (READS // different + 1))[:READS]

    return requests


def _milliseconds(seconds: list[float]) -> tuple[str, str]:
    return f"{percentile(seconds, 0.5) * 1000:.1f}", f"{percentile(seconds, 0.99) * 1000:.1f}"
