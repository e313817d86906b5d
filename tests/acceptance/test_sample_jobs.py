"""The constructed sample jobs run through the official client and by ``headrace run``: their nodes end as told.

The hosts that the samples name are doubles on this machine. Nodes whose system is not there say what to set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huaweicloudsdkdgc.v1 as dgc
import pytest
from sample_jobs import CASES, REFUSED, Case, members_of, preparing_job

from headrace.packages.archive import write_archive

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it

TEMPLATES = {"disk_digest": "All disks of the week."}
HOSTS = ("https://cmdb.example.com", "https://tickets.example.com", "https://ops.example.com")


class Hosts:
    """Stands for the CMDB, the tickets and the mail of the operators; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        hosts = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Tests are silent."""

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                hosts.asked.append((self.command, self.path, body))
                told = b'{"total":1,"items":[{"name":"gw-01","owner":{"mail":"ann@example.org"}}]}'
                self.send_response(200)
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = do_PUT = do_DELETE = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def topics(self) -> dict[str, list[str]]:
        return {name: [self.url.replace("http", "json")] for name in ("ops-oncall", "ops-managers")}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    opened = Hosts()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def told_server(tmp_path_factory: pytest.TempPathFactory, start_server: Any, hosts: Hosts) -> Iterator[Any]:
    """A server that knows where topics lead."""
    with start_server(tmp_path_factory.mktemp("home"), topics=hosts.topics, message_templates=TEMPLATES) as running:
        yield running


def members(samples: Path, case: Case, hosts: Hosts) -> dict[str, bytes]:
    changed = {**case.changed, **dict.fromkeys(HOSTS, hosts.url)}
    prepare = json.dumps(preparing_job(case)).encode() if case.prepared else b""
    return members_of(samples, case.package, changed, case.dry_type) | (
        {"jobs/prepare.job": prepare} if prepare else {}
    )


class Program:
    """A workspace with a package, used by the official client."""

    def __init__(self, server: Any, archive: dict[str, bytes]) -> None:
        self._http, self._client, self.workspace = server.http, server.sdk_dgc(), server.workspace()
        headers = {"workspace": self.workspace, "content-type": "application/zip"}
        answer = self._http.post(
            "/v1/{p}/jobs/import",
            content=write_archive(archive.items()),
            headers=headers,
            params={"targetStatus": "SUBMITTED"},
        )
        task = self._until(
            lambda: self._client.list_system_tasks(
                dgc.ListSystemTasksRequest(workspace=self.workspace, task_id=answer.json()["taskId"])
            ),
            "RUNNING",
        )
        assert task.status == "SUCCESSFUL", task

    @staticmethod
    def _until(ask: Any, *unended: str) -> Any:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = ask()
            if answer.status not in unended:
                return answer
            time.sleep(0.01)
        raise AssertionError(f"still {answer}")

    def run(self, job: str, **values: str) -> Any:
        """The instance of a run, ended, as the client shows it."""
        given = [dgc.JobParam(name=name, value=value, type="variable") for name, value in values.items()]
        request = dgc.RunOnceRequest(workspace=self.workspace, job_name=job, body=dgc.StartJobReq(job_params=given))
        number = str(self._client.run_once(request).instance_id)
        asked = dgc.ShowJobInstanceRequest(workspace=self.workspace, job_name=job, instance_id=number)
        return self._until(lambda: self._client.show_job_instance(asked), "waiting", "running")

    def messages(self, job: str, number: int) -> dict[str, str]:
        """What each node says of its failure, which the client does not show."""
        shown = self._http.get(f"/v1/{{p}}/jobs/{job}/instances/{number}", headers={"workspace": self.workspace}).json()
        return {node["nodeName"]: node["errorMessage"] for node in shown["nodes"] if node.get("errorMessage")}


def check_messages(case: Case, told: dict[str, str]) -> None:
    assert told.keys() == case.says.keys()
    assert {name: part for name, part in case.says.items() if part not in told[name]} == {}


@pytest.mark.parametrize("title", CASES)
def test_job__ends_as_told_through_the_official_client(
    told_server: Any, samples: Path, hosts: Hosts, title: str
) -> None:
    case = CASES[title]
    program = Program(told_server, members(samples, case, hosts))
    if case.prepared:
        assert program.run("prepare").status == "success"
    ended = program.run(case.job, **case.values)
    states = {node.node_name: node.status for node in ended.nodes}
    # on some days of the month the weekly digest is due
    assert {**states, **{name: "skip" for name in states if name == "template_mail"}} == case.nodes
    assert ended.status == case.status
    check_messages(case, program.messages(case.job, ended.instance_id))


@pytest.mark.parametrize(("package", "job"), REFUSED)
def test_job__that_is_not_to_be_run_once_is_refused(told_server: Any, samples: Path, package: str, job: str) -> None:
    program = Program(told_server, members_of(samples, package, {}))
    answer = told_server.http.post(
        f"/v1/{{p}}/jobs/{job}/run-immediate", json={"jobParams": []}, headers={"workspace": program.workspace}
    )
    code, words = REFUSED[package, job]
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert words in answer.json()["error_msg"]


def test_jobs__each_of_the_constructed_samples_is_told_here(samples: Path) -> None:
    found = {
        (path.name.partition("__")[0], json.loads(path.read_text())["name"]) for path in samples.glob("c*.job.json")
    }
    assert {(case.package, case.job) for case in CASES.values()} | set(REFUSED) == found


@pytest.mark.parametrize("title", sorted(CASES))
def test_job__ends_as_told_by_headrace_run(samples: Path, hosts: Hosts, tmp_path: Path, title: str) -> None:
    case, home, folder = CASES[title], tmp_path / "home", tmp_path / "package"
    home.mkdir()
    topics, texts = (
        "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())
        for table in (hosts.topics, TEMPLATES)
    )
    (home / "headrace.toml").write_text(f"[topics]\n{topics}\n[message_templates]\n{texts}")
    for path, content in members(samples, case, hosts).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    jobs = [option for name in (["prepare"] if case.prepared else []) + [case.job] for option in ("--job", name)]
    given = [option for name, value in case.values.items() for option in ("--param", f"{name}={value}")]
    command = [sys.executable, "-m", "headrace", "run", folder, "--home", home, "--json", *jobs, *given]
    ended = subprocess.run(
        [*map(str, command), "--plan-time", "2024-06-14T10:00:00+08"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        timeout=100,
    )
    told = json.loads(ended.stdout)[-1]
    expected = {name: "success" if name == "template_mail" else state for name, state in case.nodes.items()}
    assert {node["name"]: node["status"] for node in told["nodes"]} == expected, ended.stderr
    assert (told["status"], ended.returncode) == (case.status, 0 if case.status == "success" else 1)


def test_disk_alert__asks_and_tells_with_the_values_of_its_plan_time(
    samples: Path, hosts: Hosts, tmp_path: Path
) -> None:
    hosts.asked.clear()
    test_job__ends_as_told_by_headrace_run(samples, hosts, tmp_path, "a disk that is not there")
    first, second, *mails = hosts.asked
    assert first == ("GET", "/v2/hosts?filter=role%3Dgateway&name=gw-01.example.com", "")
    assert second[:2] == ("POST", "/api/issues")
    assert '"title": "Disk \\"/data\\" above 85%"' in second[2]
    assert '"owner": "ann@example.org"' in second[2]
    subjects = {json.loads(body)["title"] for _, _, body in mails}
    assert subjects == {"Disk alert on gw-01.example.com", "Weekly disk digest"}
    assert (tmp_path / "home" / "obs" / "acme-ops" / "probe" / "2024" / "06" / "14").is_dir()
