"""Schemas of an OpenAPI document, read so far that two documents can be compared member by member."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}
METHODS = ("get", "post", "put", "delete", "patch")


@dataclass
class Shape:
    """What a schema allows. ``types`` without ``null``; empty: anything. ``members``: of an object with known ones."""

    types: set[str] = field(default_factory=set)
    members: dict[str, Any] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    items: Any = None
    anything: bool = False


def resolve(document: Any, node: Any) -> Any:
    """What a ``$ref`` stands for."""
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def shape_of(document: Any, schema: Any) -> Shape:
    """Join what ``$ref``, ``allOf``, ``anyOf`` and ``oneOf`` say."""
    found = Shape()
    _add(document, schema, found)
    found.types.discard("null")
    return found


def _add(document: Any, schema: Any, found: Shape) -> None:
    schema = resolve(document, schema)
    if not isinstance(schema, dict):
        found.anything = True
        return
    parts = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
    for part in parts:
        _add(document, part, found)
    kind = schema.get("type", [])
    found.types |= set([kind] if isinstance(kind, str) else kind)
    if not kind and "enum" in schema:
        found.types |= {JSON_TYPES[type(value)] for value in schema["enum"] if value is not None}
    found.members |= schema.get("properties", {})
    found.required |= set(schema.get("required", ()))
    found.items = schema.get("items", found.items)
    if not kind and not parts and "enum" not in schema and "properties" not in schema:
        found.anything = True


def operations(document: Any) -> Iterator[tuple[str, str, dict[str, Any], list[dict[str, Any]]]]:
    """Method, path, operation and resolved parameters."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                yield method.upper(), path, item[method], [resolve(document, one) for one in parameters]


def body_schema(document: Any, described: Any) -> Any:
    """The JSON schema of a request body; None without one."""
    body = resolve(document, described.get("requestBody", {}))
    return body.get("content", {}).get("application/json", {}).get("schema")


def answer_schema(document: Any, described: Any) -> Any:
    """The JSON schema of the first success; None where it answers no JSON."""
    for status, answer in sorted(described["responses"].items()):
        if status.startswith("2"):
            content = resolve(document, answer).get("content", {})
            for kind, media in content.items():
                if kind.startswith("application/json"):
                    return media.get("schema")
    return None
