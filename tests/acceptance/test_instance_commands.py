"""``headrace ps``, ``logs``, ``stop`` and what else operators type, against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.storage import jobs as stored_jobs
from headrace.storage import schedules
from headrace.storage import workspaces as stored_workspaces

Jobs = Callable[..., int]


class CommandLine:
    """Runs ``headrace`` against a server of this process."""

    def __init__(self, server: Any) -> None:
        self.environment = {**os.environ, "HEADRACE_SERVER": server.url, "HEADRACE_HOME": str(server.home)}

    def started(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "headrace", *map(str, arguments)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment
        )

    def __call__(self, *arguments: object, status: int = 0) -> str:
        with self.started(*arguments) as process:
            told, complained = process.communicate(timeout=60)
        assert process.returncode == status, told + complained
        return told if status == 0 else complained

    def json(self, *arguments: object, status: int = 0) -> Any:
        with self.started(*arguments, "--json") as process:
            told, complained = process.communicate(timeout=60)
        assert process.returncode == status, told + complained
        return json.loads(told)


@pytest.fixture(scope="module")
def headrace(server: Any) -> CommandLine:
    return CommandLine(server)


def shell(name: str, statement: str, *before: str, **members: Any) -> dict[str, Any]:
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    return {"name": name, "type": "Shell", "preNodeName": list(before), "properties": properties, **members}


@pytest.fixture
def job(server: Any) -> Jobs:
    """``job(name, nodes…)`` makes a job and runs it; the number of its instance."""

    def make(name: str, *nodes: dict[str, Any], workspace: str = "") -> int:
        headers = {"workspace": workspace} if workspace else {}
        body = {"name": name, "processType": "BATCH", "nodes": list(nodes)}
        made = server.http.post("/v1/{p}/jobs", json=body, headers=headers)
        assert made.status_code == 204, made.text
        number: int = server.http.post(f"/v1/{{p}}/jobs/{name}/run-immediate", headers=headers).json()["instanceId"]
        return number

    return make


def ended(server: Any, number: int) -> str:
    status: str = server.installation.engine.wait(number, 30).status
    return status


def unique(prefix: str) -> str:
    return f"{prefix}_{time.time_ns()}"


def test_ps__lists_instances_newest_first_by_job_and_state(server: Any, headrace: CommandLine, job: Jobs) -> None:
    name = unique("listed")
    first = job(name, shell("n", "exit 1"))
    ended(server, first)
    second = server.http.post(f"/v1/{{p}}/jobs/{name}/run-immediate").json()["instanceId"]
    ended(server, second)
    other = job(unique("other"), shell("n", "true"))
    ended(server, other)
    assert [item["instanceId"] for item in headrace.json("ps", "--job", name)] == [second, first]
    assert [item["instanceId"] for item in headrace.json("ps", "--limit", 1)] == [other]
    text = headrace("ps", "--state", "fail", "--job", name)
    assert [line.split()[:3] for line in text.splitlines()[1:]] == [
        [str(second), name, "fail"],
        [str(first), name, "fail"],
    ]
    assert "Shell exit code is not 0: return code 1." in text
    assert headrace.json("ps", "--job", name, "--to", "2020-01-01 00:00:00") == []
    assert "--from is later than --to" in headrace("ps", "--from", "2030-01-01 00:00:00", status=2)


def test_ps__what_nodes_of_other_jobs_run_is_listed_when_asked_for(
    server: Any, headrace: CommandLine, job: Jobs
) -> None:
    child, parent = unique("child"), unique("parent")
    ended(server, job(child, shell("n", "true")))
    node = {"name": "s", "type": "DLFSubJob", "properties": [{"name": "jobName", "value": child}]}
    ended(server, job(parent, node))
    assert len(headrace.json("ps", "--job", child)) == 1
    assert len(headrace.json("ps", "--job", child, "--all")) == 2


def waiting_instance(server: Any) -> tuple[str, str, int]:
    """A job whose instance of today failed, one whose instance waits for that, and the latter instance."""
    upstream, downstream = unique("upstream"), unique("downstream")
    for name, statement, depends in ((upstream, "exit 1", {}), (downstream, "true", {"jobs": upstream})):
        schedule = {"type": "CRON", "cron": {"expression": "0 0 0 * * ?", "dependJobs": depends}}
        if depends:
            depends["dependFailPolicy"] = "SUSPEND"
        body = {"name": name, "processType": "BATCH", "nodes": [shell("n", statement)], "schedule": schedule}
        assert server.http.post("/v1/{p}/jobs", json=body).status_code == 204
        assert server.http.post(f"/v1/{{p}}/jobs/{name}/start").status_code == 204
        number = made_due(server, name)
        if not depends:
            ended(server, number)
    return upstream, downstream, number


def made_due(server: Any, name: str) -> int:
    """Have a job get the instance of today's midnight; its id."""
    with server.services.db.writing() as connection:
        workspace = stored_workspaces.default_of(connection, server.project_id)
        job = stored_jobs.by_name(connection, workspace.id, name) if workspace is not None else None
        schedule = schedules.by_job(connection, job.id) if job is not None else None
        assert schedule is not None
        assert schedule.next_time is not None
        schedules.advance(connection, schedule.job_id, schedule.next_time - 86_400_000)
    server.services.wake_engine()
    until = time.monotonic() + 20
    while True:
        query = {"jobName": name, "preciseQuery": "true"}
        found = server.http.get("/v1/{p}/jobs/instances/detail", params=query).json()["instances"]
        if found:
            return int(found[0]["instanceId"])
        assert time.monotonic() < until
        time.sleep(0.02)


def test_ps_why__says_what_instances_wait_for_until_they_are_released(server: Any, headrace: CommandLine) -> None:
    upstream, downstream, number = waiting_instance(server)
    lines = headrace("ps", "--why", "--job", downstream).splitlines()
    assert lines[0].startswith(f"{number} {downstream} planned ")
    assert lines[0].endswith(": waiting")
    assert f"It waits for 1 instance of the job '{upstream}'" in lines[1]
    assert lines[2].endswith(", fail")
    (told,) = headrace.json("ps", "--why", "--job", downstream)
    assert told["why"]["dependencies"][0]["jobName"] == upstream
    assert headrace.json("ps", "--why", "--job", upstream) == []
    assert "waits for no instance of 'other'" in headrace("release", number, "--from", "other", status=1)
    assert f"waits no longer for {upstream}" in headrace("release", number, "--from", upstream)
    assert ended(server, number) == "success"
    assert headrace.json("ps", "--why", "--job", downstream) == []
    assert "run without dependencies is possible when it is waiting" in headrace("release", number, status=1)


def test_logs__of_one_node_and_of_all(server: Any, headrace: CommandLine, job: Jobs) -> None:
    number = job(unique("logged"), shell("one", "echo 1; echo 2; printf 3"), shell("second", "echo hello", "one"))
    ended(server, number)
    lines = headrace("logs", number, "one").splitlines()
    assert lines[1:3] == ["1", "2"]
    assert headrace("logs", number, "one", "--tail", 1).count("\n") == 1
    both = headrace("logs", number).splitlines()
    assert "one    | 2" in both
    assert "second | hello" in both
    told = headrace.json("logs", number)
    assert [(item["node"], item["status"]) for item in told] == [("one", "success"), ("second", "success")]
    assert "hello\n" in told[1]["content"]
    assert "has no node 'third'; it has one, second" in headrace("logs", number, "third", status=2)


def test_logs__are_followed_to_the_end(server: Any, headrace: CommandLine, job: Jobs, tmp_path: Path) -> None:
    wait = f"echo first; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo last"
    number = job(unique("followed"), shell("one", wait), shell("two", "echo after", "one"))
    with headrace.started("logs", number, "-f") as process:
        assert process.stdout is not None
        seen = ""
        while "first" not in seen:
            line = process.stdout.readline()
            assert line, "it ended before the node did"
            seen = line
        (tmp_path / "go").touch()
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "one | last" in rest
    assert "two | after" in rest
    assert ended(server, number) == "success"


def test_stop_and_rerun(server: Any, headrace: CommandLine, job: Jobs, tmp_path: Path) -> None:
    name = unique("stopped")
    number = job(
        name, shell("first", f"echo x >> {tmp_path}/first"), shell("n", f"test -e {tmp_path}/go || sleep 60", "first")
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "first").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert headrace("stop", number) == f"{number} {name}: stopped\n"
    assert ended(server, number) == "manual-stop"
    (tmp_path / "go").touch()
    assert headrace("rerun", number, "--from-node", "n") == f"{number} {name}: runs again\n"
    assert ended(server, number) == "success"
    assert (tmp_path / "first").read_text() == "x\n"
    headrace("rerun", number)
    assert ended(server, number) == "success"
    assert (tmp_path / "first").read_text() == "x\nx\n"
    assert "exclude each other" in headrace("rerun", number, "--from-node", "n", "--from-error", status=2)


def test_operations__on_an_instance_that_a_failed_node_suspended(server: Any, headrace: CommandLine, job: Jobs) -> None:
    nodes = [shell("bad", "exit 1", failPolicy="SUSPEND"), shell("after", "true", "bad")]
    numbers = [job(unique("abnormal"), *nodes) for _ in range(4)]
    for number in numbers:
        assert ended(server, number) == "running-exception"
    headrace("retry", numbers[0], "--node", "bad")
    assert ended(server, numbers[0]) == "running-exception"
    headrace("continue", numbers[0])
    headrace("succeed", numbers[1], "--node", "bad")
    headrace("force-success", numbers[2], numbers[3])
    assert [ended(server, number) for number in numbers] == ["success"] * 4


def test_operations__what_is_refused_is_told_and_the_others_are_done(
    server: Any, headrace: CommandLine, job: Jobs
) -> None:
    number = job(unique("done"), shell("n", "exit 1"))
    ended(server, number)
    told = headrace.json("force-success", 5, number, status=1)
    assert [(item["instance"], item["error"] is None) for item in told] == [("5", False), (str(number), True)]
    complaint = headrace("pause", number, status=1)
    assert complaint.startswith(f"{number}: DLF.3051: ")


def test_workspace__by_name_or_id(server: Any, headrace: CommandLine, job: Jobs) -> None:
    workspace = server.workspace()
    number = job(unique("elsewhere"), shell("n", "echo hi"), workspace=workspace)
    ended(server, number)
    assert [item["instanceId"] for item in headrace.json("ps", "-w", workspace)] == [number]
    assert "hi" in headrace("logs", number, "n", "-w", workspace)
    assert "DLF.0137" in headrace("logs", number, status=1)
    assert "there is no workspace 'nowhere'" in headrace("ps", "-w", "nowhere", status=2)


def test_server__that_is_not_there_or_not_ours(headrace: CommandLine, tmp_path: Path) -> None:
    assert "no server answers at http://127.0.0.1:9" in headrace("ps", "--server", "http://127.0.0.1:9", status=1)
    assert "is not like http://host:port" in headrace("ps", "--server", "nonsense", status=2)
    assert "has no credentials.json" in headrace("ps", "--home", tmp_path, status=2)


def test_credentials__may_come_from_the_environment(server: Any, headrace: CommandLine, tmp_path: Path) -> None:
    names = {"PROJECT_ID": "project_id", "ACCESS_KEY": "access_key", "SECRET_ACCESS_KEY": "secret_key"}
    given = {f"HEADRACE_{name}": server.credentials[member] for name, member in names.items()}
    command = [sys.executable, "-m", "headrace", "ps", "--json", "--home", tmp_path]
    environment = {**headrace.environment, **given}
    assert subprocess.run(command, env=environment, capture_output=True, timeout=60).returncode == 0
    wrong = {**environment, "HEADRACE_SECRET_ACCESS_KEY": "wrong"}
    refused = subprocess.run(command, env=wrong, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, "wrong" in refused.stderr) == (1, False)
