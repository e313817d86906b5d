"""Asks for operations on instances over HTTP, for the tests of what operators do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from running_jobs import Jobs, shell


def do(jobs: Jobs, name: str, number: int, operation: str, node: str = "") -> Any:
    below = f"/nodes/{node}" if node else ""
    return jobs.call("POST", f"/{name}/instances/{number}{below}/{operation}")


def done(jobs: Jobs, name: str, number: int, operation: str, node: str = "") -> None:
    answer = do(jobs, name, number, operation, node)
    assert answer.status_code == 204, answer.text


def unique(prefix: str) -> str:
    return f"{prefix}_{time.time_ns()}"


def passing_second(flag: Path) -> str:
    """Fails the first time."""
    return f"echo x >> {flag}.runs; test -e {flag} || {{ touch {flag}; exit 1; }}"


def abnormal(jobs: Jobs, *nodes: dict[str, Any]) -> tuple[str, int]:
    """An instance that a failed node has suspended."""
    name = jobs.create(unique("abnormal"), *nodes)
    number = jobs.run(name)
    shown = jobs.ended(name, number)
    assert shown["status"] == "running-exception", shown
    return name, number


def suspended(jobs: Jobs, flag: Path) -> tuple[str, int]:
    """An instance with a node that will not fail again, and one after it."""
    return abnormal(
        jobs,
        shell("first", f"echo x >> {flag}.first"),
        shell("bad", passing_second(flag), "first", failPolicy="SUSPEND"),
        shell("after", f"echo x >> {flag}.after", "bad"),
    )


def until(jobs: Jobs, name: str, number: int, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (shown := jobs.show(name, number))["status"] != status:
        assert time.monotonic() < deadline, shown
        time.sleep(0.01)
    return shown
