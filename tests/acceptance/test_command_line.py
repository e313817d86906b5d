"""The command line as a user types it: output, JSON, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.recovery import HomeLock

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "retail_warehouse" / "package"


@dataclass
class CommandLine:
    """Runs ``headrace`` with a home of its own."""

    home: Path

    def __call__(self, *arguments: str | Path, status: int = 0) -> str:
        command = [sys.executable, "-m", "headrace", *map(str, arguments)]
        environment = {**os.environ, "HEADRACE_HOME": str(self.home), "COLUMNS": "200"}
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout if status in (0, 1) else ended.stderr

    def json(self, *arguments: str | Path, status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", status=status))


@pytest.fixture(scope="module")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("home") / "home")


@pytest.fixture(scope="module")
def package(headrace: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("package") / "retail.zip"
    headrace("pack", EXAMPLE, "-o", archive)
    return archive


def test_show__tells_objects_and_digest(headrace: CommandLine, package: Path) -> None:
    text = headrace("show", package)
    assert "retail_day" in text
    told = headrace.json("show", package)
    assert len(told["objects"]) == 19
    assert told["digest"] in text
    assert told["digest"] == headrace.json("show", EXAMPLE)["digest"]


def test_unpack__gives_the_files_that_were_packed(headrace: CommandLine, package: Path, tmp_path: Path) -> None:
    headrace("unpack", package, tmp_path / "out")
    files = {path.relative_to(tmp_path / "out"): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    assert files == {path.relative_to(EXAMPLE): path.read_bytes() for path in EXAMPLE.rglob("*.*")}


def test_diff__equal_packages_end_with_0_others_with_1(headrace: CommandLine, package: Path, tmp_path: Path) -> None:
    assert headrace("diff", package, EXAMPLE).startswith("equal: sha256:")
    headrace("unpack", package, tmp_path / "out")
    script = tmp_path / "out" / "scripts" / "announce.script"
    script.write_text(script.read_text().replace('"directory":"/retail"', '"directory":"/other"'))
    changes = headrace.json("diff", package, tmp_path / "out", status=1)["changes"]
    assert [(change["name"], [member["path"] for member in change["members"]]) for change in changes] == [
        ("announce", ["directory"])
    ]


def test_lint__the_example_has_no_errors_and_a_broken_job_has(
    headrace: CommandLine, package: Path, tmp_path: Path
) -> None:
    assert headrace.json("lint", package)["errors"] == 0
    node = {
        "name": "a",
        "type": "HiveSQL",
        "preNodeName": ["b"],
        "properties": [{"name": "scriptName", "value": "no_such"}, {"name": "scriptArgs", "value": "d=#{Job.}"}],
    }
    (tmp_path / "bad.job").write_text(json.dumps({"name": "bad", "processType": "BATCH", "nodes": [node]}))
    found = headrace.json("lint", tmp_path / "bad.job", status=1)["findings"]
    assert {finding["rule"] for finding in found} == {"unknown-predecessor", "missing-script", "expression"}


def test_import_and_export__a_dry_run_writes_nothing_and_all_comes_back_the_same(
    headrace: CommandLine, package: Path, tmp_path: Path
) -> None:
    plan = headrace.json("import", package, "--dry-run")
    assert {item["action"] for item in plan["objects"]} == {"create"}
    assert headrace.json("workspaces", "list")[0]["jobs"] == 0
    done = headrace.json("import", package)
    assert (done["status"], len(done["subtasks"])) == ("SUCCESSFUL", 19)
    assert "19 unchanged" in headrace("import", package, "--on-conflict", "overwrite")
    headrace("export", "--all", "-o", tmp_path / "all.zip")
    assert (tmp_path / "all.zip").read_bytes() == package.read_bytes()
    told = headrace.json("export", "retail_day", "-o", tmp_path / "one.zip")
    assert told["digest"] == headrace.json("show", tmp_path / "one.zip")["digest"]


def test_diff__a_package_is_compared_with_what_the_workspace_holds(
    headrace: CommandLine, package: Path, tmp_path: Path
) -> None:
    headrace("workspaces", "create", "compared")
    assert len(headrace.json("diff", package, "-w", "compared", status=1)["changes"]) > 0
    headrace("import", package, "-w", "compared")
    assert headrace("diff", package, "-w", "compared").startswith("equal: sha256:")


def test_import__mapping_and_parameters_reach_the_jobs(headrace: CommandLine, package: Path, tmp_path: Path) -> None:
    headrace("workspaces", "create", "mapped")
    headrace("import", package, "-w", "mapped", "--map", "connection:retail_dws=dws_prod", "--param", "retail_day.dt=X")
    headrace("export", "retail_day", "-w", "mapped", "-o", tmp_path / "mapped.zip")
    changes = headrace.json("diff", package, tmp_path / "mapped.zip", status=1)["changes"]
    job = next(change for change in changes if change["name"] == "retail_day")
    paths = {member["path"]: (member.get("old"), member.get("new")) for member in job["members"]}
    assert paths["params[dt].value"][1] == '"X"'
    assert ('"retail_dws"', '"dws_prod"') in paths.values()


def test_run__a_job_succeeds_with_rows_and_a_failing_one_ends_with_1(headrace: CommandLine, tmp_path: Path) -> None:
    text = headrace("run", EXAMPLE, "--job", "retail_stock_alert", "--plan-time", "2026-03-02T02:00:00+08")
    assert "retail_stock_alert: success" in text
    (tmp_path / "scripts").mkdir()
    script = {"name": "fails", "type": "Shell", "content": "exit 3", "connectionName": "h"}
    (tmp_path / "scripts" / "fails.script").write_text(json.dumps(script))
    node = {"name": "n", "type": "Shell", "properties": [{"name": "scriptName", "value": "fails"}]}
    (tmp_path / "bad.job").write_text(json.dumps({"name": "bad", "processType": "BATCH", "nodes": [node]}))
    told = headrace.json("run", tmp_path, status=1)
    assert [(job["job"], job["status"]) for job in told] == [("bad", "fail")]
    assert "return code 3" in told[0]["nodes"][0]["message"]


def test_keys__are_made_listed_and_removed(headrace: CommandLine) -> None:
    made = headrace.json("keys", "create", "--description", "ci")
    assert made["access_key"] in {key["access_key"] for key in headrace.json("keys", "list")}
    assert made["secret_key"] not in headrace("keys", "list")
    headrace("keys", "delete", made["access_key"])
    assert made["access_key"] not in {key["access_key"] for key in headrace.json("keys", "list")}


def test_db__a_backup_is_restored(headrace: CommandLine, tmp_path: Path) -> None:
    headrace("workspaces", "create", "before")
    headrace("db", "backup", tmp_path / "backup.db")
    headrace("workspaces", "create", "after")
    headrace("db", "restore", tmp_path / "backup.db")
    names = {item["name"] for item in headrace.json("workspaces", "list")}
    assert "before" in names
    assert "after" not in names


def test_db__a_restore_under_a_running_server_is_refused(headrace: CommandLine, tmp_path: Path) -> None:
    headrace("keys", "list")  # makes the database
    headrace("db", "backup", tmp_path / "backup.db")
    lock = HomeLock(headrace.home)
    lock.acquire()
    try:
        headrace("db", "restore", tmp_path / "backup.db", status=1)
    finally:
        lock.release()
    headrace("db", "restore", tmp_path / "backup.db")


def test_doctor__finds_a_good_installation_well(headrace: CommandLine) -> None:
    headrace("keys", "list")
    assert all(check["well"] for check in headrace.json("doctor"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "no/such/file"),
        ("export",),
        ("export", "a", "--all"),
        ("import", "x.zip", "--on-conflict", "maybe"),
        ("run", EXAMPLE, "--job", "nobody"),
        ("run", EXAMPLE, "--plan-time", "tomorrow"),
        ("keys", "delete", "nobody"),
        ("export", "a", "-w", "nowhere"),
    ],
)
def test_wrong_usage__ends_with_2_and_says_why(headrace: CommandLine, arguments: tuple[str | Path, ...]) -> None:
    assert headrace(*arguments, status=2).startswith("headrace: ")


def test_work_that_fails__ends_with_1_and_the_documented_code(headrace: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no archive")
    headrace("show", tmp_path / "broken.zip", status=1)
    headrace("export", "no_such_job", status=1)


@pytest.mark.parametrize("command", ["up", "demo", "run", "export", "import", "show", "diff", "lint", "pack", "unpack"])
def test_help__teaches_each_command(headrace: CommandLine, command: str) -> None:
    assert "Usage" in headrace(command, "--help")


def test_import__links_of_migration_jobs_are_renamed_with_their_links(tmp_path: Path) -> None:
    headrace = CommandLine(tmp_path / "home")
    headrace("pack", EXAMPLES / "nightly_migration" / "package", "-o", tmp_path / "in.zip")
    headrace("import", tmp_path / "in.zip", "--map", "link:mysql_crm=crm_prod")
    headrace("export", "nightly_migration", "-o", tmp_path / "out.zip")
    headrace("unpack", tmp_path / "out.zip", tmp_path / "out")
    texts = [path.read_text("utf-8") for path in (tmp_path / "out").rglob("*.*")]
    assert not [text for text in texts if '"mysql_crm"' in text]
    assert sum('"from-link-name":"crm_prod"' in text for text in texts) == 2  # a job in each of two clusters
    assert sum('"name":"crm_prod"' in text for text in texts) == 2
