"""Whatever is declared for expressions has a case and stands in the reference."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from el_cases import cases
from headrace.el.declare import Method, Property
from headrace.el.objects import OBJECTS
from headrace.el.template import read_template
from headrace.el.tree import Call, Member, Name

REFERENCE = (Path(__file__).parents[3] / "docs/reference/expressions.md").read_text(encoding="utf-8")
METHODS = [method for owner in OBJECTS.values() for overloads in owner.methods.values() for method in overloads]
PROPERTIES = [declared for owner in OBJECTS.values() for declared in owner.properties.values()]


def parts(node: object) -> Iterator[msgspec.Struct]:
    """A node of a tree and all below it."""
    if isinstance(node, msgspec.Struct):
        yield node
        for name in node.__struct_fields__:
            yield from parts(getattr(node, name))
    elif isinstance(node, tuple):
        for item in node:
            yield from parts(item)


def dotted(node: object) -> str:
    """``Job.planTime``; empty for what is no name behind names."""
    if isinstance(node, Name):
        return node.name
    return f"{dotted(node.base)}.{node.name}" if isinstance(node, Member) and dotted(node.base) else ""


ANSWERED = [
    part
    for case in cases()
    if "#{" in case.question and not case.answer.startswith("error: ")
    for expression in read_template(case.question).expressions
    for part in parts(expression.tree)
]
CALLS = {(dotted(part.base), part.name, len(part.arguments)) for part in ANSWERED if isinstance(part, Call)}
READ = {dotted(part) for part in ANSWERED}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.signature)
def test_method__has_a_case_with_an_answer_and_stands_in_the_reference(method: Method) -> None:
    counts = {count for owner, name, count in CALLS if (owner, name) == (method.owner, method.name)}
    assert any(method.takes(count) for count in counts), f"add {method.signature} to a file in tests/cases/el"
    assert f"`{method.signature}`\n\n{inspect.getdoc(method.function)}\n" in REFERENCE


@pytest.mark.parametrize("declared", PROPERTIES, ids=lambda declared: f"{declared.owner}.{declared.name}")
def test_property__has_a_case_with_an_answer_and_stands_in_the_reference(declared: Property) -> None:
    name = f"{declared.owner}.{declared.name}"
    assert name in READ, f"add {name} to a file in tests/cases/el"
    assert f"`{declared.returns.java} {name}`\n\n{inspect.getdoc(declared.function)}\n" in REFERENCE


def test_objects__are_the_documented_ones() -> None:
    assert sorted(OBJECTS) == ["DateUtil", "Env", "JSONUtil", "Job", "Loop", "OBSUtil", "StringUtil"]
