"""``headrace test``: the tests of the retail example, and what tests that fail say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

EXAMPLE = Path(__file__).parents[2] / "examples" / "retail_warehouse"


def headrace(*arguments: str | Path, status: int = 0) -> str:
    command = [sys.executable, "-m", "headrace", "test", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout if status != 2 else ended.stderr


def write(folder: Path, text: str, statement: str = "echo hello; exit 0") -> Path:
    """A package with one job of one Shell node, and a file of tests beside it."""
    properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
    nodes = [{"name": "talk", "type": "Shell", "properties": properties}]
    (folder / "package" / "jobs").mkdir(parents=True)
    document = {"name": "day", "processType": "BATCH", "nodes": nodes}
    (folder / "package" / "jobs" / "day.job").write_text(json.dumps(document))
    (folder / "tests").mkdir()
    (folder / "tests" / "day.toml").write_text(f'job = "day"\n{text}')
    return folder


def test_test__the_retail_example_passes(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    text = headrace(EXAMPLE, "--junit", report)
    assert "retail_day.toml::a day goes from the landing files to the report PASSED" in text
    assert text.splitlines()[-1].startswith("6 passed in ")
    suite = ElementTree.parse(report).getroot()[0]  # noqa: S314  (we have just written it)
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")


def test_test__a_failure_says_what_differs(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        """
        [[test]]
        name = "wrong"
        expect.outputs = { talk = "goodbye" }
        expect.logs = { talk = ["hello", "world"] }
        expect.nodes = { talk = "success", other = "skip" }
        [[test.given.table]]
        name = "t"
        columns = ["a INT", "b STRING"]
        rows = [[1, "x"], [2, "y"]]
        [[test.expect.table]]
        name = "t"
        rows = [[1, "x"], [2, "z"]]
        [[test.expect.table]]
        name = "nowhere"
        row_count = 1
        [[test.expect.object]]
        path = "obs://b/none"
        text = ""
        [[test]]
        name = "later"
        skip = "not yet"
        """,
    )
    text = headrace(folder, status=1)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0].startswith("day.toml::wrong FAILED")
    assert lines[1] == "day.toml::later SKIPPED  not yet"
    assert "node other: it is not among the nodes that ran: talk" in lines
    assert "node talk: expected the output 'goodbye', it is 'hello\\n'" in lines
    assert "node talk: its log has no 'world'; it ends" in lines
    at = lines.index("table t: its rows differ (a, b)")
    assert lines[at + 1 : at + 3] == ["- 2 | z", "+ 2 | y"]
    assert any(line.startswith("table nowhere: ") and "nowhere does not exist" in line for line in lines)
    assert any(line.startswith("object obs://b/none: ") for line in lines)
    assert lines[-1].startswith("1 failed, 1 skipped in ")


def test_test__a_job_that_fails_shows_its_log(tmp_path: Path) -> None:
    folder = write(tmp_path, '[[test]]\nname = "a"\n[[test]]\nname = "b"\nexpect.status = "fail"', "echo oops; exit 3")
    told = json.loads(headrace(folder, "--json", status=1))
    assert (told["passed"], told["failed"]) == (1, 1)
    (failure,) = told["tests"][0]["failures"]
    assert failure.startswith("the instance: expected success, it is fail")
    assert "│ oops" in failure
    assert "return code 3" in failure


def test_test__parameters_variables_and_objects_are_given(tmp_path: Path) -> None:
    statement = 'echo ${city} ${day} #{Job.getPlanTime("yyyyMMdd")} $(cat $HEADRACE_OBS_ROOT/b/in/x.txt)'
    folder = write(
        tmp_path,
        """
        plan_time = 2026-03-02T02:00:00+08:00
        [[test]]
        name = "a"
        params = { day = "monday" }
        given.variables = { city = "Wuhan" }
        given.object = [{ path = "obs://b/in/x.txt", file = "x.txt" }]
        expect.outputs = { talk = "Wuhan monday 20260302 from a file" }
        """,
        statement,
    )
    (folder / "tests" / "x.txt").write_text("from a file\n")
    assert "1 passed" in headrace(folder)


def test_test__each_has_a_home_of_its_own(tmp_path: Path) -> None:
    given = '[[test.given.table]]\nname = "t"\ncolumns = ["a INT"]\nrows = [[1]]'
    expected = '[[test.expect.table]]\nname = "t"\nrow_count = 1'
    folder = write(tmp_path, "\n".join(f'[[test]]\nname = "{name}"\n{given}\n{expected}' for name in "ab"))
    assert "2 passed" in headrace(folder)


def test_test__a_filter_chooses(tmp_path: Path) -> None:
    folder = write(tmp_path, '[[test]]\nname = "apple"\n[[test]]\nname = "pear"')
    assert [item["name"] for item in json.loads(headrace(folder, "-k", "pea", "--json"))["tests"]] == ["pear"]
    assert "there is no test with 'plum' in its name" in headrace(folder, "-k", "plum", status=2)


def test_test__wrong_usage_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, '[[test]]\nname = "a"\nexpects = {}')
    assert "day.toml: Object contains unknown field `expects` - at `$.test[0]`" in headrace(folder, status=2)
    (folder / "tests" / "day.toml").unlink()
    assert "there are no tests" in headrace(folder / "package", status=2)
    assert "there is no such file or folder" in headrace(tmp_path / "nowhere", status=2)
