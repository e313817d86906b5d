"""Whatever is declared is documented and tested: operations, errors, settings."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace import errors, settings
from headrace.api.operation import Operation, declared_operations
from headrace.errors import HeadraceError

TESTS = Path(__file__).parent
CONTRACT: dict[str, list[dict[str, Any]]] = json.loads(
    (TESTS.parent / "docs/reference/contract.json").read_text("utf-8")
)
ANYWHERE = (
    errors.NotAuthenticated,
    errors.ProjectNotAllowed,
    errors.BodyTooLarge,
    errors.InternalError,
)  # the gateway's, which every operation may answer


def operations() -> list[Operation]:
    return sorted(declared_operations(), key=lambda item: (item.path, item.method))


def error_classes() -> Iterator[type[HeadraceError]]:
    """Every subclass, after all of the package was imported."""
    for module in pkgutil.walk_packages(headrace.__path__, "headrace."):
        if not module.name.endswith("__main__") and ".storage.migrations." not in module.name:
            importlib.import_module(module.name)
    pending = [HeadraceError]
    while pending:
        below = pending.pop().__subclasses__()
        yield from below
        pending += below


@pytest.mark.parametrize("item", operations(), ids=lambda item: item.id)
def test_operation__says_what_it_does_and_where_that_is_published(item: Operation) -> None:
    text = inspect.getdoc(item.function) or ""
    assert re.match(r"[A-Z].+\.", item.summary), f"{item.id}: the first line is a sentence"
    assert item.extension or "Source: " in text, f"{item.id}: name the published page, or mark it extension=True"
    assert not re.search(r"/work\b|TODO|FIXME", text)


@pytest.mark.parametrize("item", operations(), ids=lambda item: item.id)
def test_operation__fails_only_in_ways_that_have_a_code(item: Operation) -> None:
    assert all(issubclass(error, HeadraceError) and error.code for error in item.errors)
    assert len(set(item.errors)) == len(item.errors), f"{item.id}: an error is listed twice"


def test_operation__has_a_static_route_or_one_that_names_do_not_hide() -> None:
    routes = [(item.method, path) for item in operations() for path in (item.path, *item.aliases)]
    assert sorted(routes) == sorted(set(routes))


def test_error__has_a_code_a_status_a_text_and_a_docstring() -> None:
    bad = [
        error.__name__
        for error in error_classes()
        if not (
            re.fullmatch(r"(DLF|APIGW|Cdm|DAYU)\.\d+", error.code)
            and 400 <= error.status < 600
            and error.text
            and error.__doc__
            and error.__doc__ != HeadraceError.__doc__
        )
    ]
    assert bad == []


def test_error__one_code_has_one_text_and_status() -> None:
    """But for the gateway's 404 and 405, and texts that name the object they are about."""
    seen: dict[str, set[tuple[int, str]]] = {}
    for error in (error for error in error_classes() if error.__module__.startswith("headrace.errors")):
        seen.setdefault(error.code, set()).add((error.status, error.text))
    assert {code: texts for code, texts in seen.items() if len(texts) > 1 and code != "APIGW.0101"} == {}


def test_setting__is_explained_beside_its_declaration() -> None:
    source = inspect.getsource(settings)
    lines = source.splitlines()
    found = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "Settings")
    assert isinstance(found, ast.ClassDef)
    explained = {
        node.target.id
        for node in found.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and "  # " in lines[(node.end_lineno or node.lineno) - 1]
    }
    assert [item.name for item in fields(settings.Settings) if item.name not in explained] == []


# ---- what the tests over HTTP called; these run after them, and only when all of them ran


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> set[tuple[str, Any]]:
    """Operation and answer: a status, or the class of an error."""
    ran = {item.path for item in request.session.items}
    folders = [TESTS / "acceptance", TESTS / "api"]
    missing = [path.name for folder in folders for path in folder.rglob("test_*.py") if path not in ran]
    if missing or request.config.getoption("keyword") or request.config.getoption("markexpr"):
        pytest.skip(f"only after all of tests/api and tests/acceptance ({len(missing)} files were not run)")
    told: set[tuple[str, Any]] = request.config.told_by_operations  # type: ignore[attr-defined]
    return told


def test_operation__is_answered_with_success_by_a_test(told: set[tuple[str, Any]]) -> None:
    succeeded = {name for name, answer in told if isinstance(answer, int)}
    missing = [item.id for item in operations() if item.id not in succeeded and not item.refuses]
    assert not missing, f"no test calls these with success: {', '.join(missing)}"


def test_operation__is_refused_by_a_test_with_what_its_contract_documents(told: set[tuple[str, Any]]) -> None:
    refused = {(name, answer.code) for name, answer in told if not isinstance(answer, int)}
    declared = {item.id: {error.code for error in item.errors} for item in operations()}
    documented = [
        (facts["id"], code) for rows in CONTRACT.values() for facts in rows for code in facts["errors"]
        if code in declared.get(facts["id"], ())
    ]  # fmt: skip
    missing = [" ".join(pair) for pair in documented if pair not in refused]
    assert not missing, f"no test sees these refusals: {', '.join(missing)}"


def undecodable(item: Operation) -> tuple[type[HeadraceError], ...]:
    """What is answered before an operation sees its body and query."""
    body = (errors.MissingParameter, errors.InvalidParameter) if item.body_type is not None else ()
    return (*body, errors.InvalidParameter) if item.query_type is not None else body


def test_operation__answers_no_error_that_it_does_not_declare(told: set[tuple[str, Any]]) -> None:
    declared = {item.id: (*item.errors, *ANYWHERE, *undecodable(item)) for item in operations()}
    odd = {
        f"{name} {answer.__name__}"
        for name, answer in told
        if not isinstance(answer, int) and not issubclass(answer, declared[name])
    }
    assert not odd, f"add them to errors=(…): {', '.join(sorted(odd))}"
