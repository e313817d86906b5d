"""``headrace migrate``: copies without a server, and the migration jobs of a running one."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

ROWS = [(1, "a", None), (2, "", "x"), (3, "你好", "said, so")]


class CommandLine:
    """Runs ``headrace migrate``; ``files`` is the folder of files of its installation."""

    def __init__(self, home: Path, server: str = "") -> None:
        self.files = home / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        self._environment = {**os.environ, "HEADRACE_HOME": str(home), "HEADRACE_SERVER": server}

    def __call__(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        command = [sys.executable, "-m", "headrace", "migrate", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self._environment, timeout=100, check=False, cwd=self.files
        )
        assert done.returncode == status, done.stdout + done.stderr
        return " ".join(done.stdout.split()), " ".join(done.stderr.split())


def table(file: Path, *, filled: bool) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, note TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS if filled else [])
        connection.commit()


def rows(file: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT * FROM t ORDER BY id").fetchall()


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


@pytest.fixture(scope="module")
def served(server: Any) -> CommandLine:
    made = CommandLine(server.home, server.url)
    table(made.files / "shop.db", filled=True)
    table(made.files / "copy.db", filled=False)
    for name in ("shop", "copy"):
        url = made.files / f"{name}.db"
        values = {"databaseType": "SQLITE", "database": str(url), "password": "very secret"}
        inputs = [{"name": f"linkConfig.{key}", "value": value} for key, value in values.items()]
        link = {
            "name": name,
            "connector-name": "generic-jdbc-connector",
            "link-config-values": {"configs": [{"name": "linkConfig", "inputs": inputs}]},
        }
        answer = server.http.post(f"{cluster(server)}/cdm/link", json={"links": [link]})
        assert answer.status_code == 200, answer.text
    return made


def cluster(server: Any) -> str:
    return f"/v1.1/{{p}}/clusters/{server.http.get('/v1.1/{p}/clusters').json()['clusters'][0]['id']}"


def job(name: str, where: str = "") -> dict[str, Any]:
    def values(config: str, **inputs: str) -> dict[str, Any]:
        listed = [{"name": f"{config}.{key}", "value": value} for key, value in inputs.items() if value]
        return {"configs": [{"name": config, "inputs": listed}]}

    return {
        "name": name,
        "job_type": "NORMAL_JOB",
        "from-connector-name": "generic-jdbc-connector",
        "to-connector-name": "generic-jdbc-connector",
        "from-link-name": "shop",
        "to-link-name": "copy",
        "from-config-values": values("fromJobConfig", tableName="t", whereClause=where),
        "to-config-values": values("toJobConfig", tableName="t", beforeImportType="shouldClearTable"),
        "driver-config-values": values("throttlingConfig", numExtractors="1"),
    }


# ---- without a server


def test_copy__a_table_through_files_comes_back_as_it_was(alone: CommandLine) -> None:
    table(alone.files / "a.db", filled=True)
    table(alone.files / "b.db", filled=False)
    said, _ = alone("copy", f"sqlite:///{alone.files}/a.db?table=t", "t.parquet")
    assert "3 rows" in said
    assert pq.read_table(alone.files / "t.parquet").to_pydict() == {
        "id": [1, 2, 3],
        "name": ["a", "", "你好"],
        "note": [None, "x", "said, so"],
    }
    answer, _ = alone("copy", "t.parquet", f"sqlite:///{alone.files}/b.db?table=t", "--json")
    assert json.loads(answer)["rows_written"] == 3
    assert rows(alone.files / "b.db") == ROWS


def test_copy__a_table_that_is_not_there_is_named(alone: CommandLine) -> None:
    table(alone.files / "a.db", filled=True)
    _, told = alone("copy", f"sqlite:///{alone.files}/a.db?table=nothing", "t.parquet", status=1)
    assert "nothing" in told
    assert not (alone.files / "t.parquet").exists()


def test_copy__an_unknown_kind_of_url_is_refused(alone: CommandLine) -> None:
    _, told = alone("copy", "gopher://host/t", "t.parquet", status=1)
    assert "gopher" in told


def test_test_link__a_url_says_what_answered(alone: CommandLine) -> None:
    table(alone.files / "a.db", filled=True)
    said, _ = alone("test-link", f"sqlite:///{alone.files}/a.db")
    assert "SQLite" in said
    alone("test-link", "postgresql://me:very-secret@127.0.0.1:1/none", status=1)


def test_list_connectors__all_are_there(alone: CommandLine) -> None:
    answer, _ = alone("list-connectors", "--json")
    found = {one["title"]: one for one in json.loads(answer)}
    assert found["SQLite"]["schemes"] == ["sqlite"]
    assert "PostgreSQL" in alone("list-connectors")[0]


# ---- jobs of a server


def test_import_jobs__run_and_come_out_as_they_went_in(served: CommandLine, tmp_path: Path) -> None:
    file, out = tmp_path / "jobs.json", tmp_path / "out.json"
    wanted = [job("orders"), job("few", where="id < 3")]
    file.write_text(json.dumps({"jobs": wanted}))
    assert "2 jobs created" in served("import-jobs", str(file))[0]
    said, _ = served("run", "few")
    assert "few: SUCCEEDED" in said
    assert "ROWS_WRITTEN 2" in said
    assert rows(served.files / "copy.db") == ROWS[:2]

    assert f"2 jobs in {out}" in served("export-jobs", "orders", "few", "-o", str(out))[0]
    exported = json.loads(out.read_text())["jobs"]
    assert exported == [job("orders"), job("few", where="id%20%3C%203")]  # nothing of the run or the server
    served("import-jobs", str(out), "--replace")
    assert "ROWS_WRITTEN 2" in served("run", "few")[0]
    everything = json.loads(served("export-jobs")[0])["jobs"]
    assert {one["name"] for one in everything} >= {"orders", "few"}


def test_import_jobs__all_or_none_unless_they_are_to_be_replaced(served: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps({"jobs": [job("first")]}))
    served("import-jobs", str(file))
    file.write_text(json.dumps({"jobs": [job("second"), job("first", where="id = 1")]}))
    _, told = served("import-jobs", str(file), status=1)
    assert "Cdm." in told
    assert "first" in told
    assert "second" not in served("export-jobs")[0]
    answer, _ = served("import-jobs", str(file), "--replace", "--json")
    assert json.loads(answer) == {"created": ["second"], "replaced": ["first"]}
    assert "id%20%3D%201" in served("export-jobs", "first")[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no JSON"), ("[]", "has no jobs"), ('{"jobs": []}', "has no jobs"), ('{"jobs": [{}]}', "jobs[0]")],
)
def test_import_jobs__a_file_of_something_else_is_refused(
    served: CommandLine, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "jobs.json"
    file.write_text(text)
    assert message in served("import-jobs", str(file), status=2)[1]


def test_commands__name_jobs_links_and_clusters_that_are_not_there(served: CommandLine) -> None:
    assert "none_such" in served("run", "none_such", status=1)[1]
    assert "none_such" in served("export-jobs", "none_such", status=1)[1]
    assert "none_such" in served("test-link", "none_such", status=1)[1]
    assert "no cluster 'north'" in served("export-jobs", "--cluster", "north", status=2)[1]


def test_test_link__a_link_of_the_server(served: CommandLine) -> None:
    said, _ = served("test-link", "shop")
    assert "SQLite" in said
    assert "very secret" not in said
