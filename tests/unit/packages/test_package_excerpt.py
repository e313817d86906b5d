"""Jobs with some of their nodes only, and with nodes that say what they are told to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.packages.excerpt import NodeUnknown, only_nodes, with_outputs, without_retries
from headrace.packages.model import Kind, PackageObject


def job(*nodes: dict[str, Any]) -> PackageObject:
    return PackageObject.made(Kind.JOB, "j", json.dumps({"name": "j", "processType": "BATCH", "nodes": list(nodes)}))


def node(name: str, *before: str, **members: Any) -> dict[str, Any]:
    return {"name": name, "type": "Dummy", "preNodeName": list(before), **members}


DIAMOND = job(
    node("a"),
    node("b", "a"),
    node("c", "a", conditions=[{"preNodeName": "a", "expression": "#{1==2}"}]),
    node("d", "b", "c", conditions=[{"preNodeName": "b", "expression": "#{1==1}"}]),
)


def before(item: PackageObject) -> dict[str, list[str]]:
    return {found["name"]: found["preNodeName"] for found in item.document()["nodes"]}


def test_only_nodes__the_order_of_what_is_left_stays() -> None:
    assert before(only_nodes(DIAMOND, ["a", "d"])) == {"a": [], "d": ["a"]}
    assert before(only_nodes(DIAMOND, ["d", "b", "a"])) == {"a": [], "b": ["a"], "d": ["a", "b"]}


def test_only_nodes__conditions_on_what_is_left_out_do_not_count() -> None:
    (alone,) = only_nodes(DIAMOND, ["c"]).document()["nodes"]
    assert (alone["preNodeName"], alone["conditions"]) == ([], [])
    kept = only_nodes(DIAMOND, ["b", "d"]).document()["nodes"][1]
    assert kept["conditions"] == [{"preNodeName": "b", "expression": "#{1==1}"}]


def test_only_nodes__an_older_spelling_counts() -> None:
    old = job({"name": "a", "nodeType": "Dummy"}, {"name": "b", "nodeType": "Dummy", "preNodeNames": "a"})
    assert before(only_nodes(old, ["a", "b"])) == {"a": [], "b": ["a"]}


def test_with_outputs__the_node_stays_in_its_place() -> None:
    found = with_outputs(DIAMOND, {"d": "it's #{x}"}).document()["nodes"][3]
    assert (found["type"], found["preNodeName"]) == ("Shell", ["b", "c"])
    assert found["conditions"] == [{"preNodeName": "b", "expression": "#{1==1}"}]
    assert "#{" not in found["properties"][1]["value"]


def test_without_retries__each_node_is_tried_once() -> None:
    found = without_retries(job(node("a", retryTimes=3), node("b"))).document()["nodes"]
    assert [item["retryTimes"] for item in found] == [0, 0]


def test_unknown_nodes_are_named() -> None:
    with pytest.raises(NodeUnknown, match="no node 'x'; it has a, b, c, d"):
        only_nodes(DIAMOND, ["x"])
    with pytest.raises(NodeUnknown, match="no node 'x'"):
        with_outputs(DIAMOND, {"x": ""})
