"""The server on PostgreSQL: what SQLite does, it does as well."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.packages.archive import write_archive

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def pg_server(start_server: Any, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with start_server(tmp_path_factory.mktemp("home"), database_url=postgres_url) as running:
        yield running


class Client:
    """The operations this needs, in one workspace."""

    def __init__(self, server: Any) -> None:
        self.server, self.headers = server, {"workspace": server.workspace()}

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.server.http.request(method, f"/v1/{{p}}{path}", headers=headers, **options)

    def bring(self, archive: bytes) -> dict[str, Any]:
        answer = self.call("POST", "/jobs/import", content=archive, headers={"content-type": "application/zip"})
        assert answer.status_code == 200, answer.text
        return self.until(f"/system-tasks/{answer.json()['taskId']}", "SUCCESSFUL", "FAILED")

    def until(self, path: str, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.call("GET", path).json()
            if found["status"] in states:
                return found
            time.sleep(0.02)
        raise AssertionError(found)


@pytest.fixture
def client(pg_server: Any) -> Client:
    return Client(pg_server)


def job(name: str, **members: Any) -> dict[str, Any]:
    statement = [{"name": "statementOrScript", "value": "SCRIPT"}, {"name": "scriptName", "value": "say"}]
    nodes = [
        {"name": "say", "type": "Shell", "properties": statement},
        {"name": "done", "type": "Dummy", "preNodeName": ["say"]},
    ]
    return {"name": name, "processType": "BATCH", "nodes": nodes, "directory": "/目录/深", **members}


def test_postgres__a_job_is_created_run_exported_and_imported(client: Client, pg_server: Any) -> None:
    script = {"name": "say", "type": "Shell", "content": "echo 你好"}
    assert client.call("POST", "/scripts", json=script).status_code == 204
    assert client.call("POST", "/jobs", json=job("daily", odd={"n": 1.5})).status_code == 204
    number = client.call("POST", "/jobs/daily/run-immediate").json()["instanceId"]
    ended = client.until(f"/jobs/daily/instances/{number}", "success", "fail")
    assert [(node["nodeName"], node["status"]) for node in ended["nodes"]] == [("say", "success"), ("done", "success")]
    listed = client.call("GET", "/jobs/instances/detail").json()["instances"]
    assert [(item["instanceId"], item["status"]) for item in listed] == [(number, "success")]

    archive = client.call("POST", "/jobs/daily/export").content
    assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["scripts/say.script", "jobs/daily.job"]
    elsewhere = Client(pg_server)
    task = elsewhere.bring(archive)
    assert (task["status"], task["message"]) == ("SUCCESSFUL", "2 created.")
    assert elsewhere.call("POST", "/jobs/daily/export").content == archive
    assert elsewhere.call("POST", "/packages/export").content == client.call("POST", "/packages/export").content


def test_postgres__exports_have_the_bytes_that_sqlite_gives(client: Client, server: Any) -> None:
    archive = write_archive([("jobs/日报.job", json.dumps(job("日报", odd=[1.50, None])).encode())])
    other = Client(server)
    for one in (client, other):
        assert one.bring(archive)["status"] == "SUCCESSFUL"
    answers = [one.call("POST", "/packages/export") for one in (client, other)]
    assert answers[0].status_code == 200
    assert answers[0].content == answers[1].content


def test_postgres__a_package_with_one_bad_job_imports_nothing(client: Client) -> None:
    bad = b'{"name":"z","processType":"BATCH","directory":"/x\\u0000y"}'
    task = client.bring(write_archive([("jobs/a.job", json.dumps(job("a")).encode()), ("jobs/z.job", bad)]))
    assert (task["status"], task["subtasks"]) == ("FAILED", [])
    assert "jobs/z.job" in task["message"]
    assert client.call("GET", "/jobs").json()["total"] == 0


def test_postgres__of_two_writers_of_the_same_job_one_is_told_that_it_exists(client: Client) -> None:
    answers: list[int] = []

    def write() -> None:
        for number in range(20):
            answers.append(client.call("POST", "/jobs", json=job(f"same{number}")).status_code)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert Counter(answers) == {204: 20, 400: 20}
    assert client.call("GET", "/jobs").json()["total"] == 20


def test_postgres__two_imports_of_the_same_package_at_once_both_succeed(client: Client) -> None:
    archive = write_archive((f"jobs/j{n}.job", json.dumps(job(f"j{n}")).encode()) for n in range(300))
    tasks: list[dict[str, Any]] = []
    imports = [threading.Thread(target=lambda: tasks.append(client.bring(archive))) for _ in range(2)]
    for one in imports:
        one.start()
    for one in imports:
        one.join(60)
    told = sorted((task["status"], task["message"].split(".")[0]) for task in tasks)
    assert told == [("SUCCESSFUL", "300 created"), ("SUCCESSFUL", "300 unchanged")]
    assert client.call("GET", "/jobs").json()["total"] == 300


def test_postgres__a_job_created_while_it_is_imported_is_there_once(client: Client) -> None:
    archive = write_archive((f"jobs/j{n:04}.job", json.dumps(job(f"j{n:04}")).encode()) for n in range(500))
    begun = client.call("POST", "/jobs/import", content=archive, headers={"content-type": "application/zip"})
    answers = [client.call("POST", "/jobs", json=job(f"j{n:04}")).status_code for n in range(499, 479, -1)]
    task = client.until(f"/system-tasks/{begun.json()['taskId']}", "SUCCESSFUL", "FAILED")
    assert set(answers) <= {204, 400}
    assert task["status"] == "SUCCESSFUL", task["message"]
    assert client.call("GET", "/jobs").json()["total"] == 500
