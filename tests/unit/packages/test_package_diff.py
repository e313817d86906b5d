"""Differences told by meaning: by name, as text, and never a secret."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.packages.diff import What, diff_documents, diff_packages, render_json, render_text, to_json
from headrace.packages.model import Kind, PackageObject
from headrace.packages.text import Number, dump, parse


def a_job(**members: Any) -> PackageObject:
    return PackageObject.made(Kind.JOB, "j", json.dumps({"name": "j", **members}))


def told(old: PackageObject, new: PackageObject) -> list[tuple[str, str, str | None, str | None]]:
    """What, path, old and new of each member of the one object that differs."""
    (change,) = diff_packages([old], [new])
    return [(member.what.value, member.path, member.old, member.new) for member in change.members]


def a_node(name: str, **properties: str) -> dict[str, Any]:
    return {"name": name, "properties": [{"name": key, "value": value} for key, value in properties.items()]}


NAMES = st.sampled_from(["name", "nodes", "properties", "params", "value", "jobs", "config", "password", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from(["1", "1.0", "-0", "0"]).map(Number),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(old=DOCUMENTS, new=DOCUMENTS)
def test_diff__is_empty_exactly_when_the_texts_are_equal(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert (not list(diff_documents(old, new))) == (dump(old) == dump(new))
    assert not list(diff_documents(old, parse(dump(old))))


def test_diff__tells_added_removed_and_changed_objects_by_kind_and_name() -> None:
    script = PackageObject.made(Kind.SCRIPT, "s", b'{"name":"s"}')
    link = PackageObject.made(Kind.CDM_LINK, "l", b'{"name":"l"}', cluster="c")
    changes = diff_packages([a_job(), link], [a_job(logPath="obs://b"), script])
    assert [(change.what, change.label) for change in changes] == [
        (What.REMOVED, "CDM link 'l' of cluster 'c'"),
        (What.ADDED, "script 's'"),
        (What.CHANGED, "job 'j'"),
    ]


def test_diff__names_nodes_and_properties_by_their_names() -> None:
    old = a_job(nodes=[a_node("a", scriptName="s"), a_node("b")])
    new = a_job(nodes=[a_node("a", scriptName="t", queueName="q"), a_node("b")])
    assert told(old, new) == [
        ("changed", "nodes[a].properties[scriptName].value", '"s"', '"t"'),
        ("added", "nodes[a].properties[queueName]", None, '{\n\t"name":"queueName",\n\t"value":"q"\n}'),
    ]


def test_diff__tells_a_changed_order_once() -> None:
    assert told(a_job(nodes=[a_node("a"), a_node("b")]), a_job(nodes=[a_node("b"), a_node("a")])) == [
        ("changed", "nodes (order)", '[\n\t"a",\n\t"b"\n]', '[\n\t"b",\n\t"a"\n]')
    ]


@pytest.mark.parametrize("nodes", [[a_node("a"), a_node("a")], [{"name": True}], [{"name": None}], [1], "x"])
def test_diff__a_list_without_names_is_shown_whole(nodes: Any) -> None:
    assert [path for _, path, _, _ in told(a_job(nodes=[]), a_job(nodes=nodes))] == ["nodes"]


@pytest.mark.parametrize("other", ['"1"', "1.0", "true", "[1]", "null", '{"a":1}'])
def test_diff__numbers_differ_from_texts_and_from_other_forms(other: str) -> None:
    new = PackageObject.made(Kind.JOB, "j", f'{{"name":"j","x":{other}}}')
    assert [(what, path) for what, path, _, _ in told(a_job(x=1), new)] == [("changed", "x")]


def test_diff__shows_scripts_line_by_line() -> None:
    lines = [f"line {number}" for number in range(20)]
    old = PackageObject.made(Kind.SCRIPT, "s", json.dumps({"content": "\n".join(lines)}))
    new = PackageObject.made(Kind.SCRIPT, "s", json.dumps({"content": "\n".join([*lines[:9], "new", *lines[10:]])}))
    (change,) = diff_packages([old], [new])
    assert change.members[0].lines == (
        "@@ -7,7 +7,7 @@",
        " line 6",
        " line 7",
        " line 8",
        "-line 9",
        "+new",
        " line 10",
        " line 11",
        " line 12",
    )


def test_diff__of_long_texts_says_how_much_is_left_out() -> None:
    old, new = ("\n".join(f"{word} {number}" for number in range(300)) for word in ("old", "new"))
    (member,) = diff_documents({"content": old}, {"content": new})
    assert len(member.lines) == 401
    assert member.lines[-1] == "@@ and 201 more lines @@"


def test_diff__of_a_long_text_with_one_changed_line_stays_exact() -> None:
    lines = [f"{number}" for number in range(100_000)]
    (member,) = diff_documents(
        {"content": "\n".join(lines)}, {"content": "\n".join([*lines[:50_000], "x", *lines[50_001:]])}
    )
    assert [line for line in member.lines if line[0] in "-+"] == ["-50000", "+x"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\n" * 20_000, "b\nb\na\n" * 20_000),
        ("\n".join(f"x{n}\ny{n}" for n in range(20_000)), "\n".join(f"w\nx{n}\nz{n}" for n in range(20_000))),
    ],
)
def test_diff__of_texts_made_to_be_slow_takes_little_time(old: str, new: str) -> None:
    started = time.perf_counter()
    (member,) = diff_documents({"content": old}, {"content": new})
    assert time.perf_counter() - started < 5
    assert "lines from line 1 on became" in member.lines[0]


def test_diff__takes_time_in_proportion_to_the_nodes() -> None:
    nodes = [{"name": str(number)} for number in range(20_000)]
    started = time.perf_counter()
    assert len(told(a_job(nodes=nodes), a_job(nodes=[*nodes[1:], {"name": "new"}]))) == 2
    assert time.perf_counter() - started < 5


SECRET = "s3cret-" * 3
SENSITIVE = {"name": "p", "value": SECRET, "value_is_sensitive": "true"}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (
            Kind.JOB,
            {"nodes": [{"name": "n", "properties": [SENSITIVE]}]},
            {"nodes": [{"name": "n", "properties": [{**SENSITIVE, "value": "x"}]}]},
        ),
        (Kind.JOB, {"nodes": [{"name": "n", "properties": [SENSITIVE]}]}, {"nodes": []}),
        (Kind.JOB, {"nodes": [{"properties": [SENSITIVE, SENSITIVE]}]}, {"nodes": "x"}),
        (Kind.JOB, {"nodes": [{"name": "n", "properties": [SENSITIVE]}]}, {}),
        (Kind.ENVIRONMENT, {"params": [{"name": "v", "value": SECRET, "is_sensitive": True}]}, {"params": []}),
        (Kind.CONNECTION, {"config": {"password": SECRET}}, {"config": {"password": "x"}}),
        (Kind.CONNECTION, {"config": {"password": SECRET}}, {}),
        (Kind.CONNECTION, {"config": {"more": [{"secretKey": SECRET}]}}, {"config": {"more": [{"secretKey": "x"}]}}),
        (Kind.CONNECTION, {"config": {"password": {"now": SECRET}}}, {"config": {"password": {"now": "x"}}}),
        (
            Kind.CDM_LINK,
            {"link-config-values": {"configs": [{"inputs": [{"name": "linkConfig.password", "value": SECRET}]}]}},
            {"link-config-values": {"configs": [{"inputs": [{"name": "linkConfig.password", "value": "x"}]}]}},
        ),
    ],
)
def test_diff__never_shows_a_secret(kind: Kind, old: dict[str, Any], new: dict[str, Any]) -> None:
    one, other = (PackageObject.made(kind, "o", json.dumps(document)) for document in (old, new))
    for before, after in ((one, other), (other, one)):
        changes = diff_packages([before], [after])
        assert changes[0].members
        assert SECRET not in json.dumps(to_json(changes)) + render_text(changes)


def test_render__is_the_same_from_objects_and_from_json() -> None:
    old = a_job(nodes=[a_node("a", sql="a\nb")], description="x")
    new = a_job(nodes=[a_node("a", sql="a\nc"), a_node("b")])
    changes = diff_packages([old], [new])
    assert render_json(to_json(changes)) == render_text(changes)
    assert render_text(changes).splitlines() == [
        "~ job 'j'",
        "    - description",
        '        - "x"',
        "    ~ nodes[a].properties[sql].value",
        "        @@ -1,2 +1,2 @@",
        "         a",
        "        -b",
        "        +c",
        "    + nodes[b]",
        '        + { "name":"b", "properties":[] }',
    ]


def test_render__shows_control_characters_instead_of_obeying_them() -> None:
    old = a_job(description="a\nb", **{"x\x1b[2J": 1, "half": "\ud800 \x9b2J \u202e"})
    changes = diff_packages([old], [a_job(description="a\r\n\x1b]0;b")])
    shown = render_text(changes)
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in shown)
    assert {"\x9b", "\u202e", "\ud800"}.isdisjoint(shown)
    assert shown.splitlines()[3:7] == ["        -a", "        -b", r"        +a\r", r"        +\x1b]0;b"]
