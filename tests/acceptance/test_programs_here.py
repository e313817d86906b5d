"""Shell and Python on this machine: what they are given, and what becomes of them."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace.nodes.base import NodeContext, NodeFailed, NodeResult, Resource
from headrace.objectstore.path import ObsPath
from node_surroundings import KeptLog, context, run_node

WAIT_SECONDS = 20


def until(true: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@pytest.fixture
def here(tmp_path: Path) -> Callable[..., NodeContext]:
    """Makes contexts with a scratch folder and a store."""

    def make(**members: Any) -> NodeContext:
        return context(scratch=tmp_path / "scratch" / "1", **members)

    return make


def stored(ctx: NodeContext, files: Mapping[str, bytes]) -> NodeContext:
    ctx.store.create_bucket("libs")
    for path, content in files.items():
        ctx.store.put(ObsPath.parse(path), content)
    return ctx


def test_a_program_sees_nothing_of_the_servers_environment(
    here: Callable[..., NodeContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SECRET_KEY", "the key of all secrets")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    monkeypatch.setenv("PYTHONPATH", "/of/the/server")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("TZ", raising=False)
    result = run_node("Shell", here(), statement="env | cut -d= -f1 | sort")
    shells_own = {"PWD", "SHLVL", "_", "OLDPWD"}
    assert set((result.output or "").split()) - shells_own == {
        "HEADRACE_ATTEMPT", "HEADRACE_INSTANCE_ID", "HEADRACE_JOB", "HEADRACE_NODE", "HEADRACE_PLAN_TIME",
        "HEADRACE_RESOURCES", "HOME", "LANG", "PATH", "PYTHONUNBUFFERED", "TMPDIR",
    }  # fmt: skip


def test_the_answers_are_read_in_order_and_then_there_are_none(here: Callable[..., NodeContext]) -> None:
    script = "read -p 'two: ' a b; read c; echo \"$b $a $c\"; read d || echo none"
    assert run_node("Shell", here(), statement=script, interactiveInput="1 2\n3").output == "2 1 3\nnone\n"
    assert run_node("Python", here(), statement="print(input() + input())", interactiveInput="a\nb").output == "ab\n"
    assert run_node("Shell", here(), statement="read a || echo nothing to read").output == "nothing to read\n"


@pytest.mark.parametrize(
    ("codes", "code", "again"), [("", 3, True), ("3", 3, True), ("1-2", 3, False), ("137", 9, True)]
)
def test_only_listed_exit_codes_are_tried_again(
    here: Callable[..., NodeContext], codes: str, code: int, again: bool
) -> None:
    statement = "kill -9 $$" if code == 9 else f"exit {code}"
    result = run_node("Shell", here(), statement=statement, retryCodes=codes)
    assert (result.success, result.retry) == (False, again)


def archive(name: str, text: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as file:
        file.writestr(name, text)
    return kept.getvalue()


def test_resources_and_what_they_depend_on_are_files_of_the_working_folder(here: Callable[..., NodeContext]) -> None:
    def find(name: str) -> Resource:
        return Resource(name=name, type="pyFile", location="obs://libs/py/rates.py", depends=("obs://libs/deep.zip",))

    files = {"obs://libs/py/rates.py": b"RATE = 7\n", "obs://libs/deep.zip": archive("deep.py", "N = 3\n")}
    ctx = stored(here(find_resource=find), files)
    python = run_node("Python", ctx, statement="import rates, deep\nprint(rates.RATE * deep.N)", resources='["rates"]')
    assert python.output == "21\n"
    shell = run_node(
        "Shell", ctx, statement='cat rates.py; cmp rates.py "$HEADRACE_RESOURCES/rates.py"; ls', resourceNames="r"
    )
    assert (shell.success, shell.output) == (True, "RATE = 7\ndeep.zip\nrates.py\nscript.sh\n")
    assert not ctx.scratch.exists()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("obs://libs/absent.json", "obs://libs/absent.json cannot be read"),
        ("obs://libs/../../secret.key", "cannot be read|does not end"),
        ("obs://libs/x/script.sh", "another file named 'script.sh'"),
        ("obs://libs/", "does not end in the name of a file"),
        ("hdfs://cluster/x.jar", "no obs:// path"),
    ],
)
def test_resources_that_cannot_be_files_are_named(here: Callable[..., NodeContext], location: str, words: str) -> None:
    ctx = stored(here(find_resource=lambda name: Resource(name=name, type="file", location=location)), {})
    with pytest.raises(NodeFailed, match=words):
        run_node("Shell", ctx, statement="true", resourceNames="rules")
    assert not ctx.scratch.exists()


def test_an_output_of_more_than_30_mb_fails(here: Callable[..., NodeContext]) -> None:
    log = KeptLog()
    with pytest.raises(NodeFailed, match="larger than 30 MB"):
        run_node("Shell", here(log=log), statement="head -c 40000000 /dev/zero; exec sleep 300")
    assert sum(map(len, log.lines)) <= 30 * 1024 * 1024


def test_a_python_that_the_installation_lists_runs_the_script(here: Callable[..., NodeContext], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "mine: $2"\n')
    python.chmod(0o755)
    settings = context().settings
    ctx = here(settings=type(settings)(home=tmp_path, python_interpreters={"2": str(python)}))
    chosen = run_node("Python", ctx, statement="print(1)", pythonVersion="Python2", arguments="given")
    assert chosen.output == "mine: given\n"


def test_output_can_be_read_in_the_log_object_while_the_program_runs(server: Any, tmp_path: Path) -> None:
    workspace = server.workspace()
    headers = {"workspace": workspace}
    statement = f"echo the first line; while [ ! -e {tmp_path}/gate ]; do sleep 0.02; done; echo the last line"
    node = {
        "name": "n", "type": "Shell", "location": {"x": "0", "y": "0"},
        "properties": [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}],
    }  # fmt: skip
    job = {"name": "streams", "nodes": [node], "schedule": {"type": "EXECUTE_ONCE"}, "processType": "BATCH"}
    assert server.http.post("/v1/{p}/jobs", json=job, headers=headers).is_success
    number = server.http.post("/v1/{p}/jobs/streams/run-immediate", json={}, headers=headers).json()["instanceId"]

    def shown() -> Any:
        return server.http.get(f"/v1/{{p}}/jobs/streams/instances/{number}", headers=headers).json()

    until(lambda: shown()["nodes"] and shown()["nodes"][0].get("logPath"), "there is no log")
    log = ObsPath.parse(shown()["nodes"][0]["logPath"])

    def text() -> bytes:
        store = server.services.store
        return store.get(log) if store.exists(log) else b""

    until(lambda: b"the first line\n" in text(), "the first line came only at the end")
    assert b"the last line" not in text()
    assert shown()["status"] == "running"
    (tmp_path / "gate").touch()
    until(lambda: shown()["status"] == "success", f"still {json.dumps(shown())}")
    assert b"the last line\n" in text()


def test_a_cancelled_program_fails_with_what_it_said(here: Callable[..., NodeContext], tmp_path: Path) -> None:
    ctx, results = here(), list[NodeResult]()
    statement = f"trap 'echo told; exit 5' TERM; touch {tmp_path}/started; sleep 300 & wait"
    thread = threading.Thread(target=lambda: results.append(run_node("Shell", ctx, statement=statement)))
    thread.start()
    until((tmp_path / "started").exists, "the program did not start")
    ctx.cancellation.cancel()
    thread.join(WAIT_SECONDS)
    assert (results[0].success, results[0].output) == (False, "told\n")
