"""Whatever is declared for expressions has a reference page and a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.el.objects import OBJECTS

CASES = "\n".join(
    path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "cases" / "el").glob("*.txt")
)
METHODS = [method for owner in OBJECTS.values() for overloads in owner.methods.values() for method in overloads]
PROPERTIES = [declared for owner in OBJECTS.values() for declared in owner.properties.values()]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.signature)
def test_method__has_a_case_and_a_page(method: object) -> None:
    assert f"{method.owner}.{method.name}(" in CASES
    assert method.function.__doc__
    assert method.signature.isprintable()


@pytest.mark.parametrize("declared", PROPERTIES, ids=lambda declared: f"{declared.owner}.{declared.name}")
def test_property__has_a_case_and_a_page(declared: object) -> None:
    assert f"{declared.owner}.{declared.name}" in CASES
    assert declared.function.__doc__


def test_objects__are_the_documented_ones() -> None:
    assert sorted(OBJECTS) == ["DateUtil", "Env", "JSONUtil", "Job", "Loop", "OBSUtil", "StringUtil"]
