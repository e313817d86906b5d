"""The generated OpenAPI document against the published contracts, operation by operation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from contract_comparison import by_route, fact_differences, route, schema_differences
from contract_differences import FACTS, SCHEMAS, Difference

from headrace.api.openapi import document
from headrace.api.operation import declared_operations

ROOT = Path(__file__).parents[2]
CONTRACT: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "docs/reference/contract.json").read_text("utf-8"))
FILES = {"v1": "factory-v1", "v2": "factory-v2", "cdm": "cdm-v1.1"}


@cache
def generated() -> Any:
    return json.loads(msgspec.json.encode(document(declared_operations())))


def reference() -> Path:
    """The folder of the published descriptions; tests that need them are skipped where it is absent."""
    named = os.environ.get("HEADRACE_REFERENCE")
    folder = Path(named) if named else ROOT.parent / "shared" / "reference"
    if not folder.is_dir():
        pytest.skip("the published descriptions are not beside this checkout (set HEADRACE_REFERENCE)")
    return folder


def served(family: str) -> list[dict[str, Any]]:
    """The published operations of a family that are declared here; the others are on the coverage page."""
    ours = by_route(generated())
    return [facts for facts in CONTRACT[family] if route(facts["method"], facts["path"]) in ours]


def declared(differences: Iterable[Difference], operation: str) -> list[str]:
    return sorted(what for item in differences if item.operation == operation for what in item.what)


def test_contract__every_operation_of_v1_is_served() -> None:
    assert [facts["id"] for facts in served("v1")] == [facts["id"] for facts in CONTRACT["v1"]]


@pytest.mark.parametrize("family", FILES)
def test_contract__the_facts_of_an_operation_are_the_published_ones(family: str) -> None:
    seen = CONTRACT["v1"] if family == "v2" else []  # four operations are in both descriptions; v1 has the better one
    for facts in served(family):
        if route(facts["method"], facts["path"]) in {route(one["method"], one["path"]) for one in seen}:
            continue
        found = sorted(fact_differences(facts, generated()))
        assert (facts["id"], found) == (facts["id"], declared(FACTS, facts["id"]))


@pytest.mark.parametrize("family", FILES)
def test_contract__aliases_of_paths_are_served(family: str) -> None:
    aliases = {alias for item in declared_operations() for alias in item.aliases}
    assert [alias for facts in served(family) for alias in facts["aliases"] if alias not in aliases] == []


def test_contract__what_no_contract_publishes_is_marked_as_an_extension() -> None:
    published = {route(facts["method"], facts["path"]) for rows in CONTRACT.values() for facts in rows}
    ours = [item for item in declared_operations() if item.family in ("v1", "v2", "cdm") and not item.extension]
    assert [item.id for item in ours if route(item.method, item.path) not in published] == []


def test_contract__no_two_operations_have_one_id() -> None:
    ids = [described["operationId"] for described, _ in by_route(generated()).values()]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("family", ["v1", "cdm"])
def test_contract__requests_and_answers_have_the_published_members_and_types(family: str) -> None:
    published = yaml.safe_load((reference() / f"{FILES[family]}.openapi.yaml").read_text("utf-8"))
    theirs, ours = by_route(published), by_route(generated())
    for facts in served(family):
        here = route(facts["method"], facts["path"])
        found = sorted(schema_differences(generated(), ours[here][0], published, theirs[here][0]))
        assert (facts["id"], found) == (facts["id"], declared(SCHEMAS, facts["id"]))


def test_contract__the_facts_are_those_of_the_published_descriptions() -> None:
    command = [sys.executable, str(ROOT / "scripts/contract.py"), str(reference()), "--check"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


ANSWER = ("responses", "200", "content", "application/json", "schema")
REQUEST = ("requestBody", "content", "application/json", "schema", "properties")


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        ((*ANSWER, "type"), "array", "answer may be array, not only object"),
        ((*ANSWER, "properties", "id", "type"), "string", "answer.id may be string, not only integer"),
        ((*ANSWER, "properties", "name"), None, "answer.name is left out"),
        (ANSWER[:3], None, "it answers no JSON"),
        ((*REQUEST, "x", "items", "type"), "string", "request.x[] is not taken as integer"),
        ((*REQUEST, "y"), None, "request.y has no meaning here"),
        (REQUEST[:1], None, "it takes no body"),
    ],
)
def test_contract__a_changed_shape_is_found(path: tuple[str, ...], value: Any, difference: str) -> None:
    answer = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}
    numbers = {"type": "array", "items": {"type": "integer"}}
    asked = {"type": "object", "properties": {"x": numbers, "y": {"type": ["string", "null"]}}}
    described = {
        "requestBody": {"content": {"application/json": {"schema": asked}}},
        "responses": {"200": {"content": {"application/json": {"schema": answer}}}},
    }
    ours = json.loads(json.dumps(described))
    assert list(schema_differences({}, ours, {}, described)) == []
    *folders, last = path
    changed = ours
    for name in folders:
        changed = changed[name]
    if value is None:
        del changed[last]
    else:
        changed[last] = value
    assert list(schema_differences({}, ours, {}, described)) == [difference]


def test_contract__a_changed_fact_is_found() -> None:
    facts = next(facts for facts in CONTRACT["v1"] if facts["id"] == "ListJobs")
    changed = {"id": "ShowJobs", "answers": [204], "query": ["limit"], "required_body": [], "errors": ["DLF.9999"]}
    assert sorted(fact_differences({**facts, **changed}, generated())) == [
        "DLF.9999 is not answered",
        "it answers [200], not [204]",
        "it is called ListJobs",
        "query member jobName is ours",
        "query member jobType is ours",
        "query member offset is ours",
        "query member tags is ours",
    ]


def test_contract__every_difference_names_an_operation_and_a_reason() -> None:
    ids = {facts["id"] for rows in CONTRACT.values() for facts in rows}
    assert [item.operation for item in (*FACTS, *SCHEMAS) if item.operation not in ids or len(item.why) < 20] == []


def test_reference_pages__are_what_the_declarations_say() -> None:
    command = [sys.executable, str(ROOT / "scripts/reference.py"), "--check"]
    checked = subprocess.run(command, capture_output=True, timeout=60, text=True)
    assert (checked.stdout, checked.returncode) == ("", 0)
