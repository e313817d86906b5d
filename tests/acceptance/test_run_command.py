"""``headrace run`` as a user types it: plain lines, a tree on a terminal, one node, an interruption."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "retail_warehouse" / "package"
COMMAND = [sys.executable, "-m", "headrace", "run"]


def shell(name: str, statement: str, *before: str, **members: Any) -> dict[str, Any]:
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    return {"name": name, "type": "Shell", "preNodeName": list(before), "properties": properties, **members}


def loop(name: str, job: str, dataset: str, *before: str) -> dict[str, Any]:
    values = {"jobName": job, "dataset": dataset, "concurrent": "2", "jobParam": "x=#{Loop.current[0]}"}
    properties = [{"name": key, "value": value} for key, value in values.items()]
    return {"name": name, "type": "ForEachJob", "preNodeName": list(before), "properties": properties}


WritePackage = Callable[..., Path]


@pytest.fixture
def package(tmp_path: Path) -> WritePackage:
    """``package(name=[nodes…])``: a folder with these jobs."""

    def write(**jobs: list[dict[str, Any]]) -> Path:
        folder = tmp_path / "package" / "jobs"
        folder.mkdir(parents=True)
        for name, nodes in jobs.items():
            document = {"name": name, "processType": "BATCH", "nodes": nodes, "params": [{"name": "x", "value": "0"}]}
            (folder / f"{name}.job").write_text(json.dumps(document))
        return folder.parent

    return write


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200", "HEADRACE_DATABASE_URL": "sqlite:///nowhere/x.db"}


def run(tmp_path: Path, *arguments: str | Path, status: int = 0) -> str:
    command = [*COMMAND, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment(tmp_path), timeout=100)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout if status != 2 else ended.stderr


def test_run__plain_lines_tell_states_rows_and_what_programs_said(tmp_path: Path) -> None:
    text = run(tmp_path, EXAMPLE, "--job", "retail_stock_alert", "--plan-time", "2026-03-02 02:00:00")
    lines = text.splitlines()
    assert lines[0] == "retail_stock_alert"
    told = [line.split()[1] for line in lines if "✓" in line]
    assert told == ["stage_landing", "load_stock", "low_stock", "announce"]
    assert "  │ customers: 500 rows" in lines
    assert ["90", "30", "80"] in [line.split() for line in lines]  # a row of low_stock
    assert lines[-1].startswith("retail_stock_alert: success in ")
    assert not list(tmp_path.glob("headrace-run-*"))


def test_run__a_node_that_fails_says_why_with_the_end_of_its_log(tmp_path: Path, package: WritePackage) -> None:
    bad = shell("bad", "for n in $(seq 30); do echo out $n; done; echo oops >&2; exit 3")
    text = run(tmp_path, package(day=[bad, shell("after", "true", "bad")]), status=1)
    assert "Shell exit code is not 0: return code 3." in text
    assert "│ out 30\n" in text
    assert "│ oops\n" in text
    assert "│ out 10\n" not in text
    assert "after" not in text
    assert text.splitlines()[-1].startswith("day: fail in ")


def test_run__what_a_loop_runs_is_told_below_it(tmp_path: Path, package: WritePackage) -> None:
    folder = package(inner=[shell("work", "echo at ${x}; test ${x} != 2")], outer=[loop("all", "inner", "[[1],[2]]")])
    text = run(tmp_path, folder, status=1)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "outer"  # and inner is not run by itself
    assert any(line.startswith("✓ all_1: success") for line in lines)
    failed = next(at for at, line in enumerate(lines) if line.startswith("✗ all_2: fail"))
    assert lines[failed + 1].startswith("✗ work")
    assert "│ at 2" in lines
    (told,) = json.loads(run(tmp_path, folder, "--json", status=1))
    (node,) = told["nodes"]
    assert [(child["name"], child["status"]) for child in node["instances"]] == [
        ("all_1", "success"),
        ("all_2", "fail"),
    ]
    assert node["instances"][0]["nodes"][0]["output"] == "at 1\n"
    assert any("at 2" in line for line in node["instances"][1]["nodes"][0]["log"])


def test_run__one_node_only(tmp_path: Path, package: WritePackage) -> None:
    never = [{"preNodeName": "first", "expression": "#{1 == 2}"}]
    folder = package(day=[shell("first", "exit 1"), shell("second", "echo second", "first", conditions=never)])
    (told,) = json.loads(run(tmp_path, folder, "--node", "second", "--json"))
    assert [(node["name"], node["status"], node["output"]) for node in told["nodes"]] == [
        ("second", "success", "second\n")
    ]
    assert "has no node 'third'; it has first, second" in run(tmp_path, folder, "--node", "third", status=2)


def test_run__one_node_leaves_the_whole_job_in_a_home_that_stays(tmp_path: Path, package: WritePackage) -> None:
    folder, home = package(day=[shell("first", "exit 1"), shell("second", "echo second", "first")]), tmp_path / "home"
    variables = {**environment(tmp_path), "HEADRACE_DATABASE_URL": ""}
    subprocess.run([*COMMAND, folder, "--node", "second", "--home", home], check=True, env=variables, timeout=100)
    shown = [sys.executable, "-m", "headrace", "export", "--all", "--home", home, "-o", tmp_path / "out.zip"]
    subprocess.run(shown, check=True, env=variables, timeout=100)
    listed = [sys.executable, "-m", "headrace", "show", tmp_path / "out.zip"]
    assert (
        "2 nodes"
        in subprocess.run(listed, check=True, env=variables, timeout=100, capture_output=True, text=True).stdout
    )


def test_run__a_job_that_asks_for_confirmation_is_confirmed_by_running_it(
    tmp_path: Path, package: WritePackage
) -> None:
    folder = package(day=[shell("first", "echo hi")])
    path = folder / "jobs" / "day.job"
    schedule = {"type": "EXECUTE_ONCE", "requireManualConfirmBeforeExecute": True}
    path.write_text(json.dumps({**json.loads(path.read_text()), "schedule": schedule}))
    assert "day: success" in run(tmp_path, folder)


@pytest.mark.postgres
def test_run__a_connection_that_is_bound_leads_to_the_real_engine(
    tmp_path: Path, package: WritePackage, postgres_url: str
) -> None:
    properties = [
        {"name": "statementOrScript", "value": "STATEMENT"},
        {"name": "statement", "value": "SELECT current_database(), version()"},
        {"name": "connectionName", "value": "dws"},
    ]
    folder = package(day=[{"name": "ask", "type": "DWSSQL", "properties": properties}])
    url = postgres_url.replace("headrace@", "headrace:any@") + "?sslEnable=false"
    (told,) = json.loads(run(tmp_path, folder, "--json", "--connection", f"dws={url}"))
    (node,) = told["nodes"]
    assert postgres_url.rpartition("/")[2] in node["output"]
    assert "PostgreSQL" in node["output"]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid_file: Path) -> bool:
    """Whether the process that wrote its id there still runs."""
    try:
        return "State:\tZ" not in Path(f"/proc/{int(pid_file.read_text())}/status").read_text()
    except FileNotFoundError:
        return False


def interrupted(tmp_path: Path, folder: Path, signals: list[signal.Signals]) -> tuple[int, str]:
    with subprocess.Popen(
        [*COMMAND, folder], stdout=subprocess.PIPE, text=True, env=environment(tmp_path), start_new_session=True
    ) as process:
        try:
            until((tmp_path / "pid").exists)
            for number in signals:
                process.send_signal(number)
                time.sleep(0.3)
            text, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    return process.returncode, text


def test_run__an_interruption_stops_what_runs_and_ends_with_130(tmp_path: Path, package: WritePackage) -> None:
    pid = tmp_path / "pid"
    folder = package(
        day=[shell("long", f"echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 60")], later=[shell("x", "true")]
    )
    status, text = interrupted(tmp_path, folder, [signal.SIGINT])
    assert status == 130
    assert "day: manual-stop" in text
    assert "later" not in text
    assert not alive(pid)
    assert not list(tmp_path.glob("headrace-run-*"))


def test_run__a_second_interruption_ends_at_once(tmp_path: Path, package: WritePackage) -> None:
    pid = tmp_path / "pid"
    stubborn = f"trap '' TERM; echo $$ > {pid}.new; mv {pid}.new {pid}; while true; do sleep 0.1; done"
    began = time.monotonic()
    status, _ = interrupted(tmp_path, package(day=[shell("long", stubborn)]), [signal.SIGINT, signal.SIGINT])
    assert status == 130
    assert time.monotonic() - began < 20
    until(lambda: not alive(pid))
    assert not list(tmp_path.glob("headrace-run-*"))


def on_a_terminal(tmp_path: Path, folder: Path) -> str:
    """What a terminal of 100 by 30 is sent."""
    variables = environment(tmp_path) | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    terminal, screen = pty.openpty()
    command = [*COMMAND, str(folder)]
    sent = b""
    with subprocess.Popen(command, stdin=screen, stdout=screen, stderr=screen, env=variables) as process:
        os.close(screen)
        while select.select([terminal], [], [], 60)[0]:
            try:
                data = os.read(terminal, 65_536)
            except OSError:  # so Linux tells the end
                break
            sent += data
    os.close(terminal)
    assert process.returncode == 0, sent.decode()
    return sent.decode()


def test_run__a_terminal_shows_a_tree_that_moves(tmp_path: Path, package: WritePackage) -> None:
    talk = shell("talk", "for n in 1 2 3 4 5 6; do echo line $n; sleep 0.15; done")
    text = on_a_terminal(tmp_path, package(day=[talk, shell("after", "true", "talk")]))
    assert "▶ day: running" in text
    assert "│ line 2" in text
    assert "· after" in text
    assert "✓ day: success" in text.rpartition("▶ talk")[2]  # and at the end it is all green
