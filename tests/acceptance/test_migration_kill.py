"""A server that is killed while migration jobs run: each ends with exactly the right rows, or says why it did not.

The server is a process of its own and gets SIGKILL in the middle of a job that the API started.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from free_port import free_port

ROWS = 200_000  # four batches
SLOW = "10000"  # rows a second: twenty seconds a table
ENDED = ("SUCCEEDED", "FAILED", "FAILURE_ON_SUBMIT")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
Json = dict[str, Any]


class Server:
    """A server in a process of its own, with the systems that its jobs move rows between."""

    def __init__(self, home: Path, database_url: str | None) -> None:
        self._home, self._port, self._database_url = home, free_port(), database_url
        self._fast: dict[str, Json] = {}
        (home / "files").mkdir(parents=True)
        with self.source() as connection:
            for table in ("many", "other"):
                connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
                connection.executemany(f"INSERT INTO {table} VALUES (?)", [(n,) for n in range(ROWS)])
        with self.target() as connection:
            for table in ("many", "other"):
                connection.execute(f"CREATE TABLE {table} (id INTEGER)")
        self.start()
        project = json.loads((home / "credentials.json").read_text("utf-8"))["project_id"]
        self._base = f"http://127.0.0.1:{self._port}/v1.1/{project}/clusters"
        self._base += f"/{self.call('GET', '')['clusters'][0]['id']}/cdm"
        for name in ("source", "target"):
            values = {"databaseType": "SQLITE", "database": f"{name}.db"}
            link = {"name": name, "connector-name": "generic-jdbc-connector"}
            link |= {"link-config-values": values_of("linkConfig", values)}
            self.call("POST", "/link", {"links": [link]})

    def source(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self._home / "files/source.db")

    def target(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self._home / "files/target.db")

    def start(self) -> None:
        command = [sys.executable, "-m", "headrace", "up", "--home", str(self._home), "--port", str(self._port)]
        environment = {**os.environ, "HEADRACE_AUTH": "none", "HEADRACE_ENGINE_LEASE_SECONDS": "3"}
        if self._database_url:
            environment["HEADRACE_DATABASE_URL"] = self._database_url
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, "the server left"
            try:
                if httpx.get(f"http://127.0.0.1:{self._port}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                assert time.monotonic() < deadline, "it never answered"
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def call(self, method: str, path: str, body: Any = None) -> Json:
        answer = httpx.request(method, self._base + path, json=body, timeout=60)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())

    def job(self, name: str, source: Json, target: Json, job_type: str = "NORMAL_JOB") -> None:
        limits = {"throttling": "true", "recordRate": SLOW, "concurrentSubJobs": "1"}
        one = {
            "name": name,
            "job_type": job_type,
            "from-connector-name": "generic-jdbc-connector",
            "to-connector-name": "generic-jdbc-connector",
            "from-link-name": "source",
            "to-link-name": "target",
            "from-config-values": values_of("fromJobConfig", source),
            "to-config-values": values_of("toJobConfig", target),
            "driver-config-values": values_of("throttlingConfig", limits),
        }
        self.call("POST", "/job", {"jobs": [one]})
        self._fast[name] = one | {
            "driver-config-values": values_of("throttlingConfig", limits | {"throttling": "false"})
        }

    def status(self, name: str) -> Json:
        return dict(self.call("GET", f"/job/{name}/status")["submissions"][0])

    def awaited(self, name: str, fits: Callable[[Json], bool]) -> Json:
        deadline = time.monotonic() + 120
        while not fits(shown := self.status(name)):
            assert time.monotonic() < deadline, shown
            time.sleep(0.05)
        return shown

    def killed_in(self, name: str, written: int = 1) -> Json:
        """Start a job, kill the server once rows have been written, start it again, and wait for the job's end.

        What runs again need not wait: the limits of the job are lifted while it runs.
        """
        self.call("PUT", f"/job/{name}/start")
        self.awaited(name, lambda one: one["status"] in ENDED or one["counters"]["ROWS_WRITTEN"] >= written)
        self.call("PUT", f"/job/{name}", {"jobs": [self._fast[name]]})
        self.kill()
        self.start()
        return self.awaited(name, lambda one: one["status"] in ENDED)

    def rows(self, table: str) -> tuple[int, int]:
        """How many rows there are, and how many different ones."""
        with self.target() as connection:
            found: tuple[int, int] = connection.execute(f"SELECT COUNT(*), COUNT(DISTINCT id) FROM {table}").fetchone()
            return found

    def stages(self) -> list[str]:
        with self.target() as connection:
            found = connection.execute("SELECT name FROM sqlite_master WHERE name NOT IN ('many', 'other')").fetchall()
        return [name for (name,) in found]


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A file of SQLite, committed and closed at the end of a block."""
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        yield connection
        connection.commit()


def values_of(section: str, values: Json) -> Json:
    inputs = [{"name": f"{section}.{name}", "value": value} for name, value in values.items()]
    return {"configs": [{"name": section, "inputs": inputs}]}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    url = request.getfixturevalue("new_postgres_url")() if request.param == "postgresql" else None
    running = Server(tmp_path / "home", url)
    yield running
    running.kill()


def test_kill__a_job_that_is_staged_is_run_again_and_has_exactly_its_rows(server: Server) -> None:
    server.job("staged", {"tableName": "many"}, {"tableName": "many"})
    ended = server.killed_in("staged")
    assert (ended["status"], ended["counters"]["ROWS_WRITTEN"]) == ("SUCCEEDED", ROWS), ended
    assert server.rows("many") == (ROWS, ROWS)
    assert server.stages() == []


def test_kill__a_job_that_appends_at_once_fails_with_the_reason(server: Server) -> None:
    server.job("direct", {"tableName": "many"}, {"tableName": "many", "useStageTable": "false"})
    ended = server.killed_in("direct")
    assert (ended["status"], ended["progress"]) == ("FAILED", -1), ended
    assert "The server ended while the job ran." in ended["error-summary"]
    total, different = server.rows("many")
    assert 0 < total == different < ROWS


def test_kill__a_whole_database_goes_on_with_the_tables_that_are_left(server: Server) -> None:
    server.job("whole", {}, {}, "BATCH_JOB")
    ended = server.killed_in("whole", written=ROWS + 1)
    assert (ended["status"], ended["counters"]["ROWS_WRITTEN"]) == ("SUCCEEDED", 2 * ROWS), ended
    assert [server.rows(table) for table in ("many", "other")] == [(ROWS, ROWS)] * 2
    assert server.stages() == []
