"""Reading the log of a node, also while it runs; an operation of ours."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from running_jobs import Jobs, code, shell

from headrace.factory import node_logs
from headrace.objectstore.path import ObsPath


@pytest.fixture(scope="module")
def jobs(server: Any) -> Jobs:
    return Jobs(server)


def piece(jobs: Jobs, name: str, number: int, node: str, **query: Any) -> Any:
    return jobs.call("GET", f"/{name}/instances/{number}/nodes/{node}/log", **query)


def unique(prefix: str) -> str:
    return f"{prefix}_{time.time_ns()}"


def follow(jobs: Jobs, name: str, number: int, node: str) -> str:
    """All of a log, as a client follows it."""
    text, offset = "", 0
    while True:
        answer = piece(jobs, name, number, node, offset=offset, wait=20)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        text, offset = text + told["content"], told["nextOffset"]
        if told["ended"]:
            return text


def waiting_shell(folder: Path) -> dict[str, Any]:
    """Says something, waits for a file, says more."""
    return shell("talk", f"echo first; while [ ! -e {folder}/go ]; do sleep 0.02; done; echo second")


def until_it_says(jobs: Jobs, name: str, number: int, node: str, text: str) -> dict[str, Any]:
    seen, offset = "", 0
    while text not in seen:
        told: dict[str, Any] = piece(jobs, name, number, node, offset=offset, wait=20).json()
        assert not told["ended"], told
        seen, offset = seen + told["content"], told["nextOffset"]
    return told


def test_read__what_a_running_node_said_is_there_and_the_rest_follows(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.create(unique("log"), waiting_shell(tmp_path))
    number = jobs.run(name)
    told = until_it_says(jobs, name, number, "talk", "first\n")
    assert told["status"] == "running"
    answers: list[Any] = []
    waiter = threading.Thread(
        target=lambda: answers.append(piece(jobs, name, number, "talk", offset=told["nextOffset"], wait=20).json())
    )
    waiter.start()
    (tmp_path / "go").touch()
    waiter.join(30)
    assert answers[0]["content"].startswith("second\n")
    whole = follow(jobs, name, number, "talk")
    assert whole == jobs.log(jobs.ended(name, number), "talk")
    assert whole.endswith("Ended: success\n")


def test_read__a_wait_ends_at_its_time(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.create(unique("log"), waiting_shell(tmp_path))
    number = jobs.run(name)
    offset = until_it_says(jobs, name, number, "talk", "first\n")["nextOffset"]
    assert piece(jobs, name, number, "talk", offset=offset, wait=0.05).json() == {
        "content": "",
        "nextOffset": offset,
        "ended": False,
        "status": "running",
    }
    (tmp_path / "go").touch()
    jobs.ended(name, number)


def test_read__those_for_whom_there_is_no_place_to_wait_are_answered_at_once(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_logs, "MAX_WAITING", 0)
    name = jobs.create(unique("log"), waiting_shell(tmp_path))
    number = jobs.run(name)
    jobs.until_running(name, number, "talk")
    began = time.monotonic()
    assert piece(jobs, name, number, "talk", offset=10**6, wait=20).json()["ended"] is False
    assert time.monotonic() - began < 10
    (tmp_path / "go").touch()
    jobs.ended(name, number)


def test_read__a_node_that_waits_has_no_log_yet_and_one_that_was_skipped_never(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.create(unique("log"), waiting_shell(tmp_path), shell("after", "echo done", "talk"))
    number = jobs.run(name)
    expected = {"content": "", "nextOffset": 0, "ended": False, "status": "waiting"}
    assert piece(jobs, name, number, "after").json() == expected
    jobs.until_running(name, number, "talk")
    answer = jobs.call("POST", f"/{name}/instances/{number}/nodes/after/skip")
    assert answer.status_code == 204, answer.text
    assert follow(jobs, name, number, "after") == ""
    (tmp_path / "go").touch()
    jobs.ended(name, number)


def test_read__pieces_and_ends(jobs: Jobs) -> None:
    name = jobs.create(unique("log"), shell("talk", "printf '水水水水\\n'"))
    number = jobs.run(name)
    whole = jobs.log(jobs.ended(name, number), "talk")
    text, offset = "", 0
    while not (told := piece(jobs, name, number, "talk", offset=offset, limit=4).json())["ended"]:
        text, offset = text + told["content"], told["nextOffset"]
    assert text + told["content"] == whole
    assert piece(jobs, name, number, "talk", offset=-8).json()["content"] == "success\n"
    assert piece(jobs, name, number, "talk", offset=10**9).json()["content"] == ""


def test_read__attempts_follow_each_other(jobs: Jobs) -> None:
    name = jobs.create(unique("log"), shell("talk", "echo no; exit 1", failPolicy="SUSPEND"))
    number = jobs.run(name)
    assert jobs.ended(name, number)["status"] == "running-exception"
    assert jobs.call("POST", f"/{name}/instances/{number}/retry").status_code == 204
    jobs.ended(name, number)
    assert follow(jobs, name, number, "talk").count("begins.") == 2


def test_read__a_stopped_node_has_ended(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.create(unique("log"), waiting_shell(tmp_path))
    number = jobs.run(name)
    until_it_says(jobs, name, number, "talk", "first\n")
    jobs.call("POST", f"/{name}/instances/{number}/stop")
    assert "first\n" in follow(jobs, name, number, "talk")


def test_read__secrets_are_masked(jobs: Jobs) -> None:
    secret = {"name": "password", "value": "hunter22", "value_is_sensitive": True}
    name = jobs.create(unique("log"), shell("talk", "echo the word is hunter22", properties=[secret]))
    number = jobs.run(name)
    text = follow(jobs, name, number, "talk")
    assert "hunter22" not in text
    assert "the word is" in text


@pytest.mark.parametrize(("member", "value"), [("limit", 3), ("limit", 2**20 + 1), ("wait", 31), ("wait", -1)])
def test_read__a_wrong_member_is_named(jobs: Jobs, member: str, value: int) -> None:
    name = jobs.create(unique("log"), shell("talk", "true"))
    number = jobs.run(name)
    answer = piece(jobs, name, number, "talk", **{member: value})
    assert code(answer) == (400, "DLF.3051")
    assert member in answer.json()["error_msg"]


def test_read__unknown_instances_and_nodes(jobs: Jobs) -> None:
    name = jobs.create(unique("log"), shell("talk", "true"))
    number = jobs.run(name)
    assert piece(jobs, name, number, "other").status_code == 400
    assert piece(jobs, name, 1, "talk").status_code == 400


def test_read__a_log_that_could_not_be_written_is_empty(jobs: Jobs) -> None:
    name = jobs.create(unique("log"), shell("talk", "echo hi"))
    number = jobs.run(name)
    shown = jobs.ended(name, number)
    path = ObsPath.parse(next(node["logPath"] for node in shown["nodes"]))
    jobs.server.services.store.delete(path)
    assert piece(jobs, name, number, "talk").json() == {
        "content": "",
        "nextOffset": 0,
        "ended": True,
        "status": "success",
    }
