"""Backfills of a job that does nothing: from the call until the last date has ended."""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.measure import Table, Target, headrace, serving

DAYS = 365
BAR = 2.0  # seconds
RUNS = 3
LOOK_SECONDS = 0.02
LARGEST = 10_000  # dates a task may have


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        command = headrace("up", "--home", str(home), "--port", "{port}", "--auth", "none")
        with serving(command, home):
            pass
        with serving(command, home) as target:
            client = Client(target)
            client.create("upstream", "0 0 1 * * ?")
            client.create("days", "0 0 2 * * ?")
            client.create("after", "0 0 3 * * ?", dependJobs={"jobs": "upstream"})
            client.create("minutes", "0 0/5 * * * ?")
            table = Table("Backfills of a job of one Dummy node", ["work", "s", "dates/s", "bar"])
            for parallel in (1, 5):
                seconds = statistics.median(client.seconds("days", parallel=parallel) for _ in range(RUNS))
                table.add(
                    f"{DAYS} days, {parallel} at once", f"{seconds:.2f}", f"{DAYS / seconds:,.0f}", f"≤ {BAR:.0f}"
                )
            depend = [{"job_name": "upstream"}]
            seconds = client.seconds("after", parallel=5, depend_jobs=depend)
            table.add(f"{DAYS} days of two jobs, 5 at once", f"{seconds:.2f}", f"{2 * DAYS / seconds:,.0f}", "")
            days = {"start_date": "2025-01-01T00:00:00 +08", "end_date": "2025-02-04T17:19:00 +08"}
            seconds = client.seconds("minutes", parallel=5, **days)
            table.add(f"{LARGEST:,} dates, 5 at once", f"{seconds:.2f}", f"{LARGEST / seconds:,.0f}", "")
            table.print()


class Client:
    """Begins backfills and looks until they have ended."""

    def __init__(self, target: Target) -> None:
        self._base = f"http://127.0.0.1:{target.port}"
        self._project = target.project_id
        self._numbers = itertools.count()

    def call(self, method: str, version: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self._base}/{version}/{self._project}{path}",
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def create(self, name: str, expression: str, **cron: Any) -> None:
        body = {
            "name": name,
            "processType": "BATCH",
            "nodes": [{"name": "n", "type": "Dummy"}],
            "schedule": {"type": "CRON", "cron": {"expression": expression, **cron}},
        }
        self.call("POST", "v1", "/jobs", body)

    def seconds(self, job: str, **members: Any) -> float:
        name = f"task_{next(self._numbers)}"
        body = {
            "name": name,
            "job_name": job,
            "start_date": "2025-01-01T00:00:00 +08",
            "end_date": "2025-12-31T23:59:59 +08",
            **members,
        }
        began = time.perf_counter()
        self.call("POST", "v2", "/factory/supplement-data", body)
        while True:
            (row,) = self.call("GET", "v2", f"/factory/supplement-data?name={name}")["rows"]
            if row["status"] != "RUNNING":
                assert row["status"] == "SUCCESS", row
                return time.perf_counter() - began
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
