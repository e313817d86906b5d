"""Writes docs/reference/contract.json: the facts of the published contracts that the documents and tests here need.

    python scripts/contract.py FOLDER [--check]

FOLDER holds the OpenAPI descriptions ``factory-v1``, ``factory-v2`` and ``cdm-v1.1`` (``.openapi.yaml``). They are not
part of this repository; the facts are. ``--check`` only compares, and leaves with status 1 where the facts differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "contract.json"
FAMILIES = {"v1": "factory-v1", "v2": "factory-v2", "cdm": "cdm-v1.1"}
METHODS = ("get", "post", "put", "delete", "patch")


def facts(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """By family, the operations in the order of the description."""
    return {
        family: _operations(yaml.safe_load((folder / f"{name}.openapi.yaml").read_text("utf-8")))
        for family, name in FAMILIES.items()
    }


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                found.append(_facts_of(document, path, item, method))
    return found


def _facts_of(document: dict[str, Any], path: str, item: dict[str, Any], method: str) -> dict[str, Any]:
    described = item[method]
    parameters = [resolve(document, one) for one in (*item.get("parameters", ()), *described.get("parameters", ()))]
    query = {one["name"]: bool(one.get("required")) for one in parameters if one["in"] == "query"}
    return {
        "id": described["operationId"],
        "method": method.upper(),
        "path": path,
        "aliases": described.get("x-path-aliases", []),
        "answers": sorted(int(status) for status in described["responses"] if status.startswith("2")),
        "query": sorted(query),
        "required_query": sorted(name for name, required in query.items() if required),
        "required_body": sorted(_required_members(document, described.get("requestBody"))),
        "errors": _documented_codes(described.get("x-error-codes", [])),
    }


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a ``$ref`` stands for."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _required_members(document: dict[str, Any], body: dict[str, Any] | None) -> set[str]:
    if body is None:
        return set()
    content = resolve(document, body).get("content", {}).get("application/json", {})
    pending, required = [content.get("schema", {})], set()
    while pending:
        schema = resolve(document, pending.pop())
        pending += schema.get("allOf", ())
        required |= set(schema.get("required", ()))
    return required


def _documented_codes(codes: Any) -> list[str]:
    """Codes of a published failure of the operation; those somebody only thinks fit are left out."""
    if isinstance(codes, dict):
        return sorted(codes["documented"])
    return sorted({entry["code"] for entry in codes if entry["basis"] != "inferred"})


def main(arguments: list[str]) -> int:
    """Status 0: written, or equal."""
    if not arguments or not Path(arguments[0]).is_dir():
        print(__doc__)
        return 2
    lines = []
    for family, operations in facts(Path(arguments[0])).items():
        rows = ",\n    ".join(json.dumps(item, ensure_ascii=False) for item in operations)
        lines.append(f'  "{family}": [\n    {rows}\n  ]')
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if "--check" in arguments:
        return 0 if TARGET.exists() and TARGET.read_text("utf-8") == text else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
