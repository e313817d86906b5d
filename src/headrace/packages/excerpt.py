"""A job with some of its nodes only, or with a node replaced by what it would have said: for runs and tests."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping

from headrace.packages.model import Kind, PackageObject
from headrace.packages.text import objects_in
from headrace.wire.document import Document, as_text, write_document
from headrace.wire.v1.definition import read_definition

_BEFORE = ("preNodeName", "preNodeNames")
_CONDITIONS = ("conditions", "condition")


class NodeUnknown(Exception):
    """The job has no node of that name; the text names both."""


def only_nodes(job: PackageObject, wanted: Collection[str]) -> PackageObject:
    """The job without its other nodes, and without conditions on them; what came after them comes after what is left.

    Raises NodeUnknown.
    """
    document = job.document()
    nodes = _named(document)
    _check(job, nodes, wanted)
    definition = read_definition(job.text.decode())
    before = {node.name: node.predecessors for node in definition.nodes}
    for name, node in nodes.items():
        for member in _BEFORE:
            node.pop(member, None)
        node["preNodeName"] = sorted(_nearest(name, before, wanted), key=list(nodes).index)
        for member in _CONDITIONS:
            if member in node:
                node[member] = [item for item in objects_in(node[member]) if item.get("preNodeName") in wanted]
    document["nodes"] = [node for name, node in nodes.items() if name in wanted]
    return PackageObject.made(Kind.JOB, job.name, write_document(document), member=job.member)


def with_outputs(job: PackageObject, outputs: Mapping[str, str]) -> PackageObject:
    """The job with nodes that do nothing but succeed with an output. Raises NodeUnknown."""
    document = job.document()
    nodes = _named(document)
    _check(job, nodes, outputs)
    for name, output in outputs.items():
        encoded = base64.b64encode(output.encode()).decode()
        statement = f"printf %s '{encoded}' | base64 -d"
        kept = {member: nodes[name][member] for member in (*_BEFORE, *_CONDITIONS) if member in nodes[name]}
        properties = [{"name": "statementOrScript", "value": "STATEMENT"}, {"name": "statement", "value": statement}]
        nodes[name].clear()
        nodes[name].update({"name": name, "type": "Shell", "properties": properties, **kept})
    return PackageObject.made(Kind.JOB, job.name, write_document(document), member=job.member)


def without_retries(job: PackageObject) -> PackageObject:
    """The job with nodes that are tried once."""
    document = job.document()
    for node in objects_in(document.get("nodes")):
        node["retryTimes"] = 0
    return PackageObject.made(Kind.JOB, job.name, write_document(document), member=job.member)


def _named(document: Document) -> dict[str, Document]:
    return {as_text(node.get("name")): node for node in objects_in(document.get("nodes"))}


def _check(job: PackageObject, nodes: Collection[str], wanted: Collection[str]) -> None:
    for name in wanted:
        if name not in nodes:
            raise NodeUnknown(f"the job {job.name!r} has no node {name!r}; it has {', '.join(nodes)}")


def _nearest(name: str, before: Mapping[str, Collection[str]], wanted: Collection[str]) -> set[str]:
    """The wanted nodes that a node comes after, directly or through nodes that are left out."""
    found: set[str] = set()
    seen: set[str] = set()
    open_names = list(before.get(name, ()))
    while open_names:
        earlier = open_names.pop()
        if earlier in seen:
            continue
        seen.add(earlier)
        if earlier in wanted:
            found.add(earlier)
        else:
            open_names += before.get(earlier, ())
    return found
