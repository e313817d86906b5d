"""Writes the reference pages from what is declared: operations, errors, node types, settings, and what works of them.

    python scripts/reference.py [--check]

``--check`` writes nothing and leaves with status 1 where a page is out of date.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from functools import cache
from pathlib import Path
from typing import Any

import instance_states

from headrace import errors, settings
from headrace.api.openapi import answer_shape, answers_archive
from headrace.api.operation import Operation, declared_operations
from headrace.el.declare import EmbeddedObject
from headrace.el.objects import OBJECTS
from headrace.errors import HeadraceError
from headrace.nodes.base import Node, node_types, property_name
from headrace.transfer.connector import connectors
from headrace.transfer.formats.registry import LOSSES

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- Written by scripts/reference.py (make docs); do not edit. -->"
FAMILIES = {
    "v1": "DataArts Factory v1",
    "v2": "DataArts Factory v2",
    "cdm": "Cloud Data Migration v1.1",
    "identity": "Identity",
    "headrace": "The server itself",
}


def pages() -> dict[str, str]:
    """Text by file name."""
    made: dict[str, Callable[[], Iterator[str]]] = {
        "connectors.md": connector_names,
        "coverage.md": coverage,
        "errors.md": error_codes,
        "expressions.md": expressions,
        "../explanation/instance-states.md": lambda: instance_states.page(NOTE),
        "node-types.md": node_type_names,
        "operations.md": operations,
        "settings.md": setting_names,
    }
    return {name: "\n".join(lines()) + "\n" for name, lines in made.items()}


def connector_names() -> Iterator[str]:
    """A row per connector: directions, names, URLs, what it needs and what it was tested against."""
    yield from (f"# Connectors of migrations\n\n{NOTE}\n",)
    yield "Tested against: a real one of what it names, in this repository's tests; where it is empty, only a double.\n"
    yield "| connector | reads | writes | link | URLs | extra | limits | tested against |"
    yield "|---|---|---|---|---|---|---|---|"
    for cls in connectors():
        one = cls.capability
        link = ", ".join(one.connector_names) + (f" ({', '.join(one.databases)})" if one.databases else "")
        urls = ", ".join(f"`{scheme}://`" for scheme in one.schemes)
        extra = f"`headrace[{one.extra}]`" if one.extra else ""
        flags = " | ".join("yes" if flag else "no" for flag in (one.reads, one.writes))
        yield f"| {one.title} | {flags} | {link} | {urls} | {extra} | {one.limits} | {one.tested} |"
    yield from _losses()


def _losses() -> Iterator[str]:
    """A row for the values that a system or a format does not keep."""
    yield "\n## What does not arrive as it left\n"
    yield "The tests move awkward values of every type from each system and format to each other one, and compare each:"
    yield "all are the same there, but for these. A text stays a text, so that what is read from CSV, JSON, Redis,"
    yield "MongoDB and messages meets most limits only in columns of types.\n"
    yield "| system or format | values | what becomes of them |"
    yield "|---|---|---|"
    declared = {cls.capability.title: cls.capability.losses for cls in connectors()} | LOSSES
    for title, losses in declared.items():
        yield from (f"| {title} | {one.values} | {one.becomes} |" for one in losses)


def coverage() -> Iterator[str]:
    """A row per published operation: works, partly (what is missing), not yet."""
    yield from (f"# Coverage of the published contracts\n\n{NOTE}\n",)
    contract: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "contract.json").read_text("utf-8"))
    served = {shape_of(item.method, path): item for item in declared() for path in (item.path, *item.aliases)}
    states = {
        family: [(row, state_of(served.get(shape_of(row["method"], row["path"])))) for row in rows]
        for family, rows in contract.items()
    }
    yield "| contract | operations | works | partly | not yet |\n|---|---:|---:|---:|---:|"
    for family, rows in states.items():
        begins = [state.partition(":")[0] for _, state in rows]
        counts = " | ".join(str(begins.count(word)) for word in ("works", "partly", "not yet"))
        yield f"| {FAMILIES[family]} | {len(rows)} | {counts} |"
    for family, rows in states.items():
        yield f"\n## {FAMILIES[family]}\n\n| operation | request | state |\n|---|---|---|"
        for row, state in rows:
            yield f"| {row['id']} | `{row['method']} {row['path']}` | {state} |"


def shape_of(method: str, path: str) -> str:
    """A route whatever its names are called."""
    return f"{method} " + "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def state_of(item: Operation | None) -> str:
    """The word for a published operation that is (or is not) declared here."""
    if item is None:
        return "not yet"
    if item.refuses:
        return f"not yet: {item.partly}"
    return f"partly: {item.partly}" if item.partly else "works"


def operations() -> Iterator[str]:
    """Every operation, with what its docstring says."""
    yield f"# Operations\n\n{NOTE}\n\nThe shapes are in `/openapi.json` of a running server."
    for family, title in FAMILIES.items():
        mine = [item for item in declared() if item.family == family]
        if mine:
            yield f"\n## {title}"
        for item in mine:
            yield from _operation(item)


def _operation(item: Operation) -> Iterator[str]:
    yield f"\n### {item.id}\n\n`{item.method} {item.path}`"
    yield from (f"`{item.method} {alias}`" for alias in item.aliases)
    mark = " *(an extension of Headrace)*" if item.extension else ""
    yield f"\n{item.summary}{mark}"
    if item.description:
        yield f"\n{item.description}"
    if item.partly:
        yield f"\nMissing yet: {item.partly}"
    answer = "an archive" if answers_archive(item) else ""
    if (shape := answer_shape(item)) is not None:
        answer = " or ".join(filter(None, (answer, f"`{getattr(shape, '__name__', 'JSON')}`")))
    yield f"\nAnswers {item.answers}{' with ' + answer if answer else ''}."
    if item.errors:
        yield f"Fails with {', '.join(sorted({f'`{error.code}`' for error in item.errors}))}."


def error_codes() -> Iterator[str]:
    """Every error a caller can be told."""
    yield f"# Error codes\n\n{NOTE}\n"
    yield "| code | status | text | when | operations |\n|---|---|---|---|---|"
    for error in sorted(error_classes(), key=lambda error: (error.code, error.__name__)):
        raised = sorted({item.id for item in declared() if error in item.errors})
        when = " ".join((inspect.getdoc(error) or "").split())
        yield f"| {error.code} | {error.status} | {error.text} | {when} | {', '.join(raised)} |"


def error_classes() -> list[type[HeadraceError]]:
    """Every declared class, whichever module it lives in."""
    declared()
    found, pending = [], [HeadraceError]
    while pending:
        below = pending.pop().__subclasses__()
        found += below
        pending += below
    return [error for error in found if error.__module__.startswith(errors.__name__)]


def expressions() -> Iterator[str]:
    """Every object that expressions know, with what the docstrings of its properties and methods say."""
    yield f"# Objects of the expression language\n\n{NOTE}\n"
    yield "What `#{…}` can name. Where and when it is evaluated: [Expressions](../explanation/expressions.md)."
    yield "Names are case-sensitive. Parameters in brackets may be left out. A Date is a moment."
    for name in sorted(OBJECTS, key=str.lower):
        yield from _object(OBJECTS[name])


def _object(item: EmbeddedObject) -> Iterator[str]:
    yield f"\n## {item.name}\n\n{item.about}"
    for name, declared_property in sorted(item.properties.items()):
        yield f"\n### {item.name}.{name}\n\n`{declared_property.returns.java} {item.name}.{name}`"
        yield f"\n{inspect.getdoc(declared_property.function)}"
    for name, overloads in sorted(item.methods.items()):
        yield f"\n### {item.name}.{name}"
        for method in overloads:
            yield f"\n`{method.signature}`\n\n{inspect.getdoc(method.function)}"


def node_type_names() -> Iterator[str]:
    """Every node type: whether nodes of it run, what they need, and the names of their properties."""
    yield f"# Node types\n\n{NOTE}\n"
    yield "Names are compared without blanks and case. A type that is not listed is kept and fails when it runs; so do"
    yield 'those that "cannot run", with the reason. A dry run (`emptyRunningJob` "1") passes every node.'
    yield "`#{…}` and `${…}` in every property are replaced before a node begins.\n"
    classes: dict[type[Node], list[str]] = {}
    for cls, name in node_types().values():
        classes.setdefault(cls, []).append(name)
    yield "| type | does | needs |\n|---|---|---|"
    rows = [(name, cls) for cls, names in classes.items() for name in names]
    for name, cls in sorted(rows, key=lambda row: row[0].lower()):
        refusal = cls.refusal(name)
        yield f"| {name} | {f'cannot run: {refusal}' if refusal else 'runs'} | {'' if refusal else cls.needs} |"
    for cls, names in sorted(classes.items(), key=lambda item: item[1][0].lower()):
        yield from _node_type(cls, names)


def _node_type(cls: type[Node], names: list[str]) -> Iterator[str]:
    yield f"\n## {', '.join(names)}\n\n{inspect.getdoc(cls)}"
    listed = [item.metadata.get("names") or (property_name(item.name),) for item in fields(cls)]
    properties = [f"`{given[0]}`" + (f" (or {', '.join(given[1:])})" if given[1:] else "") for given in listed]
    shown = [text for text in properties if text != "`typeName`"]
    if shown:
        yield f"\nProperties: {', '.join(shown)}."


def setting_names() -> Iterator[str]:
    """Every setting: its flag, its variable, its default, its comment."""
    yield f"# Settings\n\n{NOTE}\n"
    yield "A flag wins over an environment variable, that over a key of `HOME/headrace.toml`.\n"
    yield "| key | variable | default | meaning |\n|---|---|---|---|"
    comments = setting_comments()
    for item in fields(settings.Settings):
        default = _default(item)
        yield f"| `{item.name}` | `HEADRACE_{item.name.upper()}` | {default} | {comments.get(item.name, '')} |"


def _default(item: Field[Any]) -> str:
    if item.name == "home":
        return "`~/.headrace`"
    value = None if item.default is MISSING else item.default
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def setting_comments() -> dict[str, str]:
    """What is written behind (or above) each setting in its class."""
    lines = inspect.getsource(settings).splitlines()
    tree = next(node for node in ast.parse("\n".join(lines)).body if getattr(node, "name", "") == "Settings")
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found: dict[str, str] = {}
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            line = lines[(node.end_lineno or node.lineno) - 1]
            above = lines[node.lineno - 2].strip()
            text = line.partition("  # ")[2] or (above[2:] if above.startswith("# ") else "")
            found[node.target.id] = text.strip()
    return found


@cache
def declared() -> tuple[Operation, ...]:
    """The declared operations, in the order of their paths."""
    return tuple(sorted(declared_operations(), key=lambda item: (item.path, item.method)))


def main(arguments: list[str]) -> int:
    """Status 0: written, or up to date."""
    stale = [name for name, text in pages().items() if not _is(FOLDER / name, text)]
    if "--check" not in arguments:
        for name in stale:
            (FOLDER / name).write_text(pages()[name], "utf-8")
        return 0
    for name in stale:
        print(f"docs/reference/{name} is out of date; run: python scripts/reference.py")
    return 1 if stale else 0


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
