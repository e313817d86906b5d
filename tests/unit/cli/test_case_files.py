"""Test files of packages: what they may say, and what a mistake in one is told as."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.cli.case_given import given_objects, table_statements
from headrace.cli.cases import FoundCase, GivenTable, InvalidCase, folder_of_tests, read_cases
from headrace.packages.model import Kind, PackageObject


def write(folder: Path, text: str) -> list[FoundCase]:
    (folder / "day.toml").write_text(text, encoding="utf-8")
    return list(read_cases(folder))


def test_read_cases__what_the_file_says_counts_for_each_test(tmp_path: Path) -> None:
    one, two = write(
        tmp_path,
        """
        job = "day"
        params = { dt = "2026-03-01", mode = "full" }
        [given.variables]
        city = "Wuhan"
        [[test]]
        name = "one"
        [[test]]
        name = "two"
        job = "night"
        params = { mode = "part" }
        given.variables = { country = "cn" }
        """,
    )
    assert (one.case.job, one.case.params) == ("day", {"dt": "2026-03-01", "mode": "full"})
    assert (two.case.job, two.case.params) == ("night", {"dt": "2026-03-01", "mode": "part"})
    assert (one.case.given.variables, two.case.given.variables) == (
        {"city": "Wuhan"},
        {"city": "Wuhan", "country": "cn"},
    )
    assert two.label == "day.toml::two"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[test]]\nname = 'a'", "day.toml::a: job is missing"),
        ("job = 'j'\n[[test]]\nname = 'a'\nexpect.state = 'success'", "unknown field `state` - at `$.test[0].expect`"),
        (
            "job = 'j'\n[[test]]\nname = 'a'\n[[test]]\nname = 'a'",
            "day.toml::a: another test of the file has this name",
        ),
        ("job = 'j", "day.toml: "),
        ("job = 'j'", "missing required field `test`"),
        ("job = 1\ntest = []", "Expected `str`, got `int` - at `$.job`"),
    ],
)
def test_read_cases__a_mistake_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidCase) as refusal:
        write(tmp_path, text)
    assert told in str(refusal.value)
    assert str(refusal.value).startswith("day.toml")


def test_rows_of__a_file_names_its_columns(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('b,a\n1,"x, y"\n', encoding="utf-8")
    (found,) = write(tmp_path, "job = 'j'\n[[test]]\nname = 'a'")
    assert found.rows_of(GivenTable(name="t", file="rows.csv")) == (["b", "a"], [["1", "x, y"]])
    assert found.rows_of(GivenTable(name="t")) is None
    with pytest.raises(InvalidCase, match="exclude each other"):
        found.rows_of(GivenTable(name="t", file="rows.csv", rows=[]))
    with pytest.raises(InvalidCase, match=r"none\.csv: No such file"):
        found.rows_of(GivenTable(name="t", file="none.csv"))


def test_table_statements__make_the_table_and_add_the_rows(tmp_path: Path) -> None:
    (found,) = write(tmp_path, "job = 'j'\n[[test]]\nname = 'a'")
    table = GivenTable(
        name="ods.t",
        columns=["id STRING", "n INT", "ok BOOLEAN"],
        partitioned_by=["dt STRING"],
        rows=[["it's \\ x", 1, True, "2026"], ["\\N", -2.5, False, "2026"]],
    )
    assert list(table_statements(table, found)) == [
        "CREATE DATABASE IF NOT EXISTS ods",
        "CREATE TABLE IF NOT EXISTS ods.t (id STRING, n INT, ok BOOLEAN) PARTITIONED BY (dt STRING)",
        r"INSERT INTO ods.t (id, n, ok, dt) VALUES ('it\'s \\ x', 1, true, '2026'), (NULL, -2.5, false, '2026')",
    ]
    with pytest.raises(InvalidCase, match="table t: a row has 1 values for 2 columns"):
        list(table_statements(GivenTable(name="t", columns=["a INT", "b INT"], rows=[[1]]), found))


JOB = PackageObject.made(
    Kind.JOB, "j", json.dumps({"name": "j", "nodes": [{"name": name, "type": "Dummy"} for name in ("a", "b", "c")]})
)


def test_given_objects__the_nodes_that_run_and_those_that_only_say_something(tmp_path: Path) -> None:
    (found,) = write(tmp_path, "job = 'j'\n[[test]]\nname = 'x'\nnodes = ['c']\nstub = { a = 'said' }")
    (job,) = given_objects([JOB], found)
    assert [(node["name"], node["type"]) for node in job.document()["nodes"]] == [("a", "Shell"), ("c", "Dummy")]


def test_given_objects__without_retries(tmp_path: Path) -> None:
    (found,) = write(tmp_path, "job = 'j'\n[[test]]\nname = 'x'\nretries = false")
    (job,) = given_objects([JOB], found)
    assert {node["retryTimes"] for node in job.document()["nodes"]} == {0}


def test_given_objects__variables_replace_those_of_the_package(tmp_path: Path) -> None:
    (found,) = write(tmp_path, "job = 'j'\n[[test]]\nname = 'x'\ngiven.variables = { city = 'Wuhan' }")
    own = PackageObject.environment([("city", '{"name":"city","value":"Xi"}'), ("day", '{"name":"day","value":"1"}')])
    _, variables = given_objects([own, JOB], found)
    assert variables.document() == {"params": [{"name": "day", "value": "1"}, {"name": "city", "value": "Wuhan"}]}


@pytest.mark.parametrize(
    ("lines", "told"), [("job = 'k'", "no job 'k'; it has j"), ("job = 'j'\nnodes = ['z']", "no node 'z'")]
)
def test_given_objects__unknown_names_are_told(tmp_path: Path, lines: str, told: str) -> None:
    (found,) = write(tmp_path, f"[[test]]\nname = 'x'\n{lines}")
    with pytest.raises(InvalidCase, match=told):
        given_objects([JOB], found)


def test_folder_of_tests__in_the_package_or_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    assert folder_of_tests(package) is None
    (tmp_path / "tests").mkdir()
    write(tmp_path / "tests", "test = []")
    assert folder_of_tests(package) == folder_of_tests(tmp_path / "package.zip") == tmp_path / "tests"
    (package / "tests").mkdir()
    write(package / "tests", "test = []")
    assert folder_of_tests(package) == package / "tests"
