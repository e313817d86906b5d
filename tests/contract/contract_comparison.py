"""What differs between a published contract and the document this server generates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openapi_schemas import Shape, answer_schema, body_schema, operations, shape_of


def route(method: str, path: str) -> str:
    """A route whatever its names are called."""
    return f"{method} " + "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def by_route(document: Any) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The operations of a document."""
    return {
        route(method, path): (described, parameters) for method, path, described, parameters in operations(document)
    }


def fact_differences(facts: dict[str, Any], document: Any) -> Iterator[str]:
    """Compare the compact facts of one operation with what is generated for it."""
    ours, parameters = by_route(document)[route(facts["method"], facts["path"])]
    if ours["operationId"].lower() != facts["id"].lower():
        yield f"it is called {ours['operationId']}"
    answers = sorted(int(status) for status in ours["responses"] if status.startswith("2"))
    if answers != facts["answers"]:
        yield f"it answers {answers}, not {facts['answers']}"
    query = {one["name"]: one["required"] for one in parameters if one["in"] == "query"}
    yield from (f"query member {name} is not taken" for name in facts["query"] if name not in query)
    yield from (f"query member {name} is ours" for name in sorted(query) if name not in facts["query"])
    body = shape_of(document, body_schema(document, ours))
    if not body.anything:
        yield from (f"body member {name} is not taken" for name in facts["required_body"] if name not in body.members)
    told = " ".join(answer["description"] for answer in ours["responses"].values())
    yield from (f"{code} is not answered" for code in facts["errors"] if code not in told)


def taken(ours: Any, schema: Any, document: Any, theirs: Any, where: str = "", depth: int = 6) -> Iterator[str]:
    """Request: every member and every type that the contract lets a client send must be taken."""
    wanted, given = shape_of(document, theirs), shape_of(ours, schema)
    if given.anything or wanted.anything or depth == 0:
        return
    refused = {kind for kind in wanted.types - given.types if not (kind == "integer" and "number" in given.types)}
    if refused:
        yield f"request{where} is not taken as {', '.join(sorted(refused))}"
    if wanted.items is not None and given.items is not None:
        yield from taken(ours, given.items, document, wanted.items, f"{where}[]", depth - 1)
    for name, member in wanted.members.items():
        if name in given.members:
            yield from taken(ours, given.members[name], document, member, f"{where}.{name}", depth - 1)
        elif given.members:
            yield f"request{where}.{name} has no meaning here"


def given(ours: Any, schema: Any, document: Any, theirs: Any, where: str = "", depth: int = 6) -> Iterator[str]:
    """Answer: every member of the contract is there, with no other type than the contract says."""
    wanted, shown = shape_of(document, theirs), shape_of(ours, schema)
    if wanted.anything or depth == 0:
        return
    if shown.anything or (not where and wanted.members and shown.types == {"object"} and not shown.members):
        yield f"answer{where} is not described"
        return
    odd = {kind for kind in shown.types - wanted.types if not (kind == "integer" and "number" in wanted.types)}
    if odd and wanted.types:
        yield f"answer{where} may be {', '.join(sorted(odd))}, not only {', '.join(sorted(wanted.types))}"
    if wanted.items is not None and shown.items is not None:
        yield from given(ours, shown.items, document, wanted.items, f"{where}[]", depth - 1)
    yield from _members_given(ours, shown, document, wanted, where, depth)


def _members_given(ours: Any, shown: Shape, document: Any, wanted: Shape, where: str, depth: int) -> Iterator[str]:
    for name, member in wanted.members.items():
        if name in shown.members:
            yield from given(ours, shown.members[name], document, member, f"{where}.{name}", depth - 1)
        elif shown.members:
            yield f"answer{where}.{name} is left out"


def schema_differences(ours: Any, described: Any, document: Any, theirs: Any) -> Iterator[str]:
    """Compare the shapes of one operation with those of the published description."""
    asked, here = body_schema(document, theirs), body_schema(ours, described)
    if asked is not None and here is None:
        yield "it takes no body"
    elif asked is not None:
        yield from taken(ours, here, document, asked)
    told, mine = answer_schema(document, theirs), answer_schema(ours, described)
    if told is not None and mine is None:
        yield "it answers no JSON"
    elif told is not None:
        yield from given(ours, mine, document, told)
    elif mine is not None:
        yield "it answers JSON"
