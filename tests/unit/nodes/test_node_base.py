"""Node types are found by walking the folder and built from properties."""

from __future__ import annotations

import pytest

from headrace.nodes.base import NodeFailed, build_node, is_inline, node_types, read_arguments
from headrace.nodes.dummy import Dummy
from headrace.nodes.programs import split_arguments
from headrace.nodes.python import Python
from headrace.nodes.shell import Shell
from headrace.nodes.sql import Sql
from headrace.sql.dialects import dialect_of


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("Dummy", Dummy),
        ("Shell", Shell),
        ("Python", Python),
        ("Hive SQL", Sql),
        ("DWSSQL", Sql),
        ("MRSHetuEngine", Sql),
    ],
)
def test_build_node__names_are_compared_without_blanks_and_case(name: str, cls: type) -> None:
    assert type(build_node(name.upper(), {})) is cls


def test_build_node__an_unknown_type_is_named() -> None:
    with pytest.raises(NodeFailed, match="'Nobody' cannot run"):
        build_node("Nobody", {})


def test_build_node__properties_become_fields_and_others_are_ignored() -> None:
    node = build_node("Shell", {"scriptName": "s", "connectionName": "ecs", "taskWorkGroupId": "-1"})
    assert node == Shell(script_name="s", connection_name="ecs")


def test_build_node__sql_takes_both_names_of_the_statement() -> None:
    assert build_node("DLISQL", {"sql": "select 1"}) == Sql(type_name="DLISQL", statement="select 1")


def test_every_sql_node_type_has_a_dialect() -> None:
    names = [name for cls, name in node_types().values() if cls is Sql]
    assert len(names) > 10
    assert [name for name in names if dialect_of(name) is None] == []


def test_only_dummy_runs_inline() -> None:
    assert {name for _, name in node_types().values() if is_inline(name)} == {"Dummy"}


@pytest.mark.parametrize("text", ["a=1\nb=x=y\n\nnothing", "a=1\\nb=x=y"])
def test_read_arguments__a_pair_per_line(text: str) -> None:
    assert read_arguments(text) == {"a": "1", "b": "x=y"}


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ('a=1\\nb=#{StringUtil.split("x\\ny","\\n")[0]}\\nc=3', '#{StringUtil.split("x\\ny","\\n")[0]}'),
        ("a=1\nb=#{'}'\n+'x'}\nc=3", "#{'}'\n+'x'}"),
        ("a=1\nb=it's\nc=3", "it's"),
    ],
)
def test_read_arguments__lines_do_not_end_inside_expressions(text: str, second: str) -> None:
    assert read_arguments(text) == {"a": "1", "b": second, "c": "3"}


@pytest.mark.parametrize(
    ("text", "expected"), [("a  b", ["a", "b"]), ('"a b" c', ["a b", "c"]), ("it's", ["it's"]), ("", [])]
)
def test_split_arguments__between_blanks(text: str, expected: list[str]) -> None:
    assert split_arguments(text) == expected
