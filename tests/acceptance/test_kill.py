"""A server that is killed loses nothing it acknowledged, and leaves nothing half-done.

The server is a process of its own and gets SIGKILL in the middle of its work.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.packages.archive import write_archive

JOBS = "/v1/{p}/jobs"
NODES = [{"name": f"n{number}", "type": "Dummy"} for number in range(5)]


class Killable:
    """A server in a process of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "headrace", "up", "--home", str(home), "--port", str(port), "--auth", "none"]
        self._log = (home.parent / "server.log").open("ab")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self.http = self._answering(home, time.monotonic() + 30)

    def _answering(self, home: Path, deadline: float) -> httpx.Client:
        with httpx.Client(base_url=self.url) as probe:
            while time.monotonic() < deadline:
                assert self.process.poll() is None, "the server left"
                try:
                    probe.get("/healthz")
                    break
                except httpx.TransportError:
                    time.sleep(0.02)
        return self.client(json.loads((home / "credentials.json").read_text("utf-8"))["project_id"])

    def client(self, project_id: str) -> httpx.Client:
        self._project_id = project_id
        return httpx.Client(base_url=f"{self.url}/v1/{project_id}", timeout=30)

    def another(self) -> httpx.Client:
        return self.client(self._project_id)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.http.close()
        self._log.close()


@contextmanager
def serving(home: Path, port: int) -> Iterator[Killable]:
    server = Killable(home, port)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def port() -> int:
    """A free port; the same one serves after each restart."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def body(name: str) -> dict[str, Any]:
    return {"name": name, "processType": "BATCH", "nodes": NODES, "params": [{"name": "who", "value": name * 20}]}


def all_names(http: httpx.Client) -> list[str]:
    """The names of every job; the total agrees."""
    names: list[str] = []
    page = 0
    while True:
        answer = http.get("/jobs", params={"limit": 1000, "offset": page}).json()
        names += [item["name"] for item in answer["jobs"]]
        if not answer["jobs"]:
            assert answer["total"] == len(names)
            return names
        page += 1


def is_whole(http: httpx.Client, name: str) -> bool:
    """Whether a job can be read, is what was sent, and has its submitted version."""
    shown = http.get(f"/jobs/{name}").json()
    submitted = http.post(f"/jobs/{name}/export", json={"exportStatus": "SUBMIT"})
    return (
        [node["name"] for node in shown["nodes"]] == [node["name"] for node in NODES]
        and shown["params"][0]["value"] == name * 20
        and submitted.status_code == 200
    )


class Writer(threading.Thread):
    """Creates jobs one after the other until the server is gone; remembers what was acknowledged."""

    def __init__(self, http: httpx.Client, prefix: str) -> None:
        super().__init__(daemon=True)
        self._http, self._prefix = http, prefix
        self.acknowledged: list[str] = []
        self.refused: list[str] = []

    def run(self) -> None:
        number = 0
        while True:
            name = f"{self._prefix}{number}"
            try:
                answer = self._http.post("/jobs", json=body(name))
            except httpx.TransportError:
                return
            if answer.status_code == 204:
                self.acknowledged.append(name)
            else:
                self.refused.append(answer.text)
            number += 1


def until(count: int, *writers: Writer) -> None:
    deadline = time.monotonic() + 30
    while min(len(writer.acknowledged) for writer in writers) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_kill__during_writes_of_two_clients_keeps_every_job_that_was_acknowledged(tmp_path: Path, port: int) -> None:
    home = tmp_path / "home"
    known: set[str] = set()
    for round_ in range(2):
        with serving(home, port) as server:
            writers = [Writer(server.another(), f"r{round_}{name}") for name in "ab"]
            for writer in writers:
                writer.start()
            until(60, *writers)
        for writer in writers:
            writer.join(10)
            assert writer.refused == []
            known |= set(writer.acknowledged)
    with serving(home, port) as server:
        names = all_names(server.http)
        assert len(names) == len(set(names))
        assert known <= set(names)
        assert len(set(names) - known) <= 2 * 2  # one in flight for each client and round may have arrived
        assert [name for name in names if not is_whole(server.http, name)] == []


COUNT = 2000


def big_package(prefix: str) -> bytes:
    names = [f"{prefix}{number}" for number in range(COUNT)]
    return write_archive((f"jobs/{name}.job", json.dumps(body(name)).encode()) for name in names)


def begin_import(server: Killable, home: Path, prefix: str, *, upload: bool) -> str:
    """The id of the task; the archive is in the request, or in the object store."""
    if upload:
        headers = {"content-type": "application/zip"}
        answer = server.http.post("/jobs/import", content=big_package(prefix), headers=headers)
    else:
        folder = home / "obs" / "moves"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{prefix}.zip").write_bytes(big_package(prefix))
        answer = server.http.post("/jobs/import", json={"path": f"obs://moves/{prefix}.zip"})
    task_id: str = answer.json()["taskId"]
    return task_id


def left_behind(home: Path, task_id: str, prefix: str) -> tuple[str, int]:
    """What a killed server has in its database: the task's status, and how many jobs of the import."""
    with closing(sqlite3.connect(home / "headrace.db")) as database:
        (status,) = database.execute("SELECT status FROM tasks WHERE id = ?", [task_id]).fetchone()
        (count,) = database.execute("SELECT count(*) FROM jobs WHERE name LIKE ?", [f"{prefix}%"]).fetchone()
    return status, count


def ended(http: httpx.Client, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        task: dict[str, Any] = http.get(f"/system-tasks/{task_id}").json()
        if task["status"] != "RUNNING":
            return task
        time.sleep(0.02)
    raise AssertionError("the import never ended")


@pytest.mark.slow
def test_kill__during_imports_is_all_or_nothing_and_the_restart_completes_them(tmp_path: Path, port: int) -> None:
    home, tasks, seen = tmp_path / "home", {}, []
    for delay, prefix, upload in [(0.02, "a", True), (0.1, "b", False), (0.25, "c", True)]:
        with serving(home, port) as server:
            tasks[prefix] = begin_import(server, home, prefix, upload=upload)
            time.sleep(delay)
        seen.append(left_behind(home, tasks[prefix], prefix))
    assert set(seen) <= {("RUNNING", 0), ("SUCCESSFUL", COUNT)}
    assert ("RUNNING", 0) in seen
    with serving(home, port) as server:
        for task_id in tasks.values():
            task = ended(server.http, task_id)
            assert (task["status"], task["message"]) == ("SUCCESSFUL", f"{COUNT} created.")
            assert len(task["subtasks"]) == COUNT
        assert len(set(all_names(server.http))) == COUNT * len(tasks)
        assert all(is_whole(server.http, f"{prefix}{number}") for prefix in tasks for number in range(0, COUNT, 200))
        until_gone(home / "uploads")


def until_gone(folder: Path) -> None:
    """Archives of requests are kept until their import has ended, and no longer."""
    deadline = time.monotonic() + 10
    while any(folder.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_writers__of_two_that_create_the_same_job_one_is_told_that_it_exists(server: Any) -> None:
    headers = {"workspace": server.workspace()}
    answers: list[tuple[int, str]] = []

    def write(client: httpx.Client) -> None:
        for number in range(40):
            answer = client.post(JOBS, json=body(f"same{number}"), headers=headers)
            answers.append((answer.status_code, "" if answer.is_success else answer.json()["error_code"]))

    writers = [threading.Thread(target=write, args=[server.http]) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert Counter(answers) == {(204, ""): 40, (400, "DLF.0102"): 40}
    assert server.http.get(JOBS, headers=headers).json()["total"] == 40
