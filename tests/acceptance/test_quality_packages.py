"""Quality rules travel with the jobs that name them, and ``headrace run`` finds them in a folder."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from headrace.packages.archive import write_archive
from headrace.packages.text import canonical

Json = dict[str, Any]

RULES: Json = {
    "name": "gate",
    "rules": [
        {"name": "rows", "type": "rowCount", "table": "orders", "min": 1},
        {"name": "ids", "type": "unique", "table": "orders", "column": "id", "threshold": {"percent": 0.50}},
    ],
}


def node(kind: str, name: str, *before: str, **properties: str) -> Json:
    listed = [{"name": key, "value": value} for key, value in properties.items()]
    return {"name": name, "type": kind, "preNodeName": list(before), "properties": listed}


def daily(rows: str) -> Json:
    statement = f"CREATE TABLE orders (id INT); INSERT INTO orders VALUES {rows}"
    nodes = [
        node("HiveSQL", "load", statementOrScript="STATEMENT", statement=statement),
        node("DataQualityMonitor", "check", "load", qualityRuleName="gate"),
    ]
    return {"name": "daily", "processType": "BATCH", "nodes": nodes}


class Workspace:
    """A workspace as a client sees it."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._headers = {"workspace": server.workspace()}

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = self._headers | options.pop("headers", {})
        answer = self._server.http.request(method, f"/v1/{{p}}/{path}", json=body, headers=headers, **options)
        assert answer.is_success, answer.text
        return answer

    def load(self, archive: bytes) -> str:
        """What the import of an archive says, which succeeds."""
        told = self.imported(archive)
        assert told["status"] == "SUCCESSFUL", told
        message: str = told["message"]
        return message

    def imported(self, archive: bytes) -> Json:
        """How the import of an archive ended."""
        headers = {"Content-Type": "application/zip"}
        task = self.call("POST", "jobs/import", content=archive, headers=headers).json()["taskId"]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            told: Json = self.call("GET", f"system-tasks/{task}").json()
            if told["status"] != "RUNNING":
                return told
            time.sleep(0.02)
        raise AssertionError("the import did not end")

    def run(self) -> str:
        number = self.call("POST", "jobs/daily/run-immediate").json()["instanceId"]
        self._server.installation.engine.wait(number, 30)
        status: str = self.call("GET", f"jobs/daily/instances/{number}").json()["status"]
        return status


def members(archive: bytes) -> list[str]:
    return sorted(zipfile.ZipFile(io.BytesIO(archive)).namelist())


def test_export__takes_the_rules_along_and_an_import_brings_them(server: Any) -> None:
    one, other = Workspace(server), Workspace(server)
    one.call("PUT", "quality/rule-jobs/gate", RULES)
    one.call("POST", "jobs", daily("(1), (2)"))
    archive: bytes = one.call("POST", "jobs/daily/export", {}).content
    assert members(archive) == ["jobs/daily.job", "quality/gate.quality"]
    assert members(one.call("POST", "packages/export").content) == ["jobs/daily.job", "quality/gate.quality"]
    assert "2 created" in other.load(archive)
    assert other.call("GET", "quality/rule-jobs/gate").json() == RULES
    assert other.run() == "success"
    assert "2 unchanged" in other.load(archive)


def test_import__says_which_rules_are_missing(server: Any) -> None:
    one, other = Workspace(server), Workspace(server)
    one.call("POST", "jobs", daily("(1)"))
    archive: bytes = one.call("POST", "jobs/daily/export", {}).content
    missing = "The quality rule job 'gate' (used by 'daily') is neither in the package nor in the workspace."
    assert missing in other.load(archive)


DOCUMENTS = ("howto/check-data-quality.md", "reference/quality-rules.md")


@pytest.mark.parametrize("page", DOCUMENTS)
def test_documents__the_rule_job_they_show_can_be_kept(server: Any, page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")
    shown = re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0]
    name = json.loads(shown)["name"]
    workspace = Workspace(server)
    workspace.call("PUT", f"quality/rule-jobs/{name}", json.loads(shown))
    assert workspace.call("GET", f"quality/rule-jobs/{name}").json() == json.loads(shown)


def test_import__rules_that_are_wrong_are_named_and_nothing_is_imported(server: Any) -> None:
    wrong = {"name": "gate", "rules": [{"name": "r", "type": "rowCount", "table": "t", "minimum": 1}]}
    archive = write_archive([("jobs/daily.job", canonical(json.dumps(daily("(1)")).encode())),
                             ("quality/gate.quality", canonical(json.dumps(wrong).encode()))])  # fmt: skip
    workspace = Workspace(server)
    told = workspace.imported(archive)
    assert told["status"] == "FAILED"
    assert "quality/gate.quality: rules[0].minimum: a rule of type rowCount has no such member" in told["message"]
    assert workspace.call("GET", "jobs").json()["total"] == 0


def headrace(*arguments: str | Path, home: Path, status: int = 0) -> str:
    environment = {**os.environ, "HEADRACE_HOME": str(home), "COLUMNS": "200"}
    command = [sys.executable, "-m", "headrace", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An unpacked package with the job alone."""
    made = tmp_path / "package"
    (made / "quality").mkdir(parents=True)
    (made / "daily.job").write_text(json.dumps(daily("(1), (1)")))
    return made


def test_run__an_unknown_rule_job_fails_and_says_where_to_define_it(folder: Path, tmp_path: Path) -> None:
    (told,) = json.loads(headrace("run", folder, "--json", home=tmp_path / "home", status=1))
    assert told["nodes"][1]["message"].endswith("or in the package as quality/gate.quality.")
    assert "the package has no quality rule job 'gate'" in headrace("lint", folder, home=tmp_path / "home")
    (folder / "quality" / "gate.quality").write_text('{"name":"gate","rules":[{"name":"r","type":"rows"}]}')
    assert "rules[0].type: 'rows' is none of rowCount" in headrace("lint", folder, home=tmp_path / "home", status=1)


def test_run__checks_the_rules_of_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "quality" / "gate.quality").write_text(json.dumps(RULES))
    assert "2 rules" in headrace("show", folder, home=tmp_path / "home")
    (told,) = json.loads(headrace("run", folder, "--json", home=tmp_path / "home", status=1))
    message = "1 of 2 quality rules failed. gate/ids: 1 of 2 rows break the rule, 0.5 % may."
    assert told["nodes"][1]["message"] == message, told
    (folder / "daily.job").write_text(json.dumps(daily("(1), (2)")))
    assert "daily: success" in headrace("run", folder, home=tmp_path / "home")
