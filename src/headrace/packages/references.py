"""What an object names: scripts, resources, connections, jobs, CDM jobs and links, quality rules, clusters, queues.

Source: package-format.md §2 and §5, factory-v1-notes §10.3. The property names of ForEachJob and DLFSubJob are not
published; every spelling met or likely is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from headrace.domain.names import SUBJOB_PROPERTIES, SUBJOB_TYPES, listed_names
from headrace.domain.quality import RULE_JOB_PROPERTIES, rule_job_names
from headrace.packages.model import Kind, PackageObject
from headrace.packages.text import members, objects_in
from headrace.wire.document import as_text
from headrace.wire.v1.definition import node_properties


class ReferenceKind(Enum):
    """What is named."""

    SCRIPT = "script"
    RESOURCE = "resource"
    CONNECTION = "connection"
    SUBJOB = "subjob"
    UPSTREAM = "upstream job"
    CDM_JOB = "CDM job"
    CDM_LINK = "CDM link"
    QUALITY_RULES = "quality rule job"
    CLUSTER = "cluster"
    QUEUE = "queue"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A name and where it stands (``node``, ``property``); a script's pinned ``version``, a CDM job's ``cluster``."""

    kind: ReferenceKind
    name: str
    version: int | None = None
    cluster: str = ""
    node: str = ""
    property: str = ""


RESOURCE_PROPERTIES = ("resourceName", "resource", "jarName", "pythonResource", "resourceNames")


def compact(node_type: str) -> str:
    """A node type as types compare: without blanks and case. Source: factory-v1-notes §10.2."""
    return node_type.replace(" ", "").lower()


def references_of(item: PackageObject) -> list[Reference]:
    """What an object names."""
    if item.kind is Kind.JOB:
        return references(members(item.text))
    if item.kind is Kind.SCRIPT:
        return list(_script_references(members(item.text)))
    if item.kind is Kind.QUALITY_RULES:
        return list(dict.fromkeys(_quality_references(members(item.text))))
    if item.kind is Kind.CDM_JOB:
        return [
            Reference(kind=reference.kind, name=reference.name, cluster=item.cluster, property=reference.property)
            for reference in cdm_references(members(item.text))
        ]
    return []


def references(job: Mapping[str, Any]) -> list[Reference]:
    """What a job names, in the order of its nodes; then its upstream jobs."""
    found = [reference for node in objects_in(job.get("nodes")) for reference in _node_references(node)]
    schedule = job.get("schedule")
    found += _upstream(schedule.get("cron") if isinstance(schedule, dict) else None, "schedule.cron")
    return list(dict.fromkeys(found))


def properties_of(node: dict[str, Any]) -> dict[str, str]:
    """The properties of a node as text; the last of a name counts."""
    return {as_text(item.get("name")): as_text(item.get("value")) for item in node_properties(node)}


def _node_references(node: dict[str, Any]) -> Iterator[Reference]:
    name = as_text(node.get("name"))
    values = properties_of(node)
    kind = compact(as_text(node.get("type") or node.get("nodeType")))

    def named(what: ReferenceKind, prop: str, **more: Any) -> Iterator[Reference]:
        if value := values.get(prop, "").strip():
            if "#{" in value or "${" in value:  # decided when the node runs
                return
            yield Reference(kind=what, name=value, node=name, property=prop, **more)

    if values.get("statementOrScript", "SCRIPT").upper() != "STATEMENT":
        pinned = values.get("scriptVersion", "").strip()
        yield from named(ReferenceKind.SCRIPT, "scriptName", version=int(pinned) if pinned.isdecimal() else None)
    yield from named(ReferenceKind.CONNECTION, "connectionName")
    yield from named(ReferenceKind.QUEUE, "queueName")
    for prop in RESOURCE_PROPERTIES:
        for listed in _listed(values.get(prop, "")):
            yield Reference(kind=ReferenceKind.RESOURCE, name=listed, node=name, property=prop)
    if kind in SUBJOB_TYPES:
        for prop in SUBJOB_PROPERTIES:
            yield from named(ReferenceKind.SUBJOB, prop)
    elif kind == "dataqualitymonitor":
        yield from _rule_jobs(name, values)
    elif kind == "cdmjob":
        yield from named(ReferenceKind.CDM_JOB, "jobName", cluster=values.get("clusterName", "").strip())
    yield from named(ReferenceKind.CLUSTER, "clusterName")
    yield from _upstream(node.get("cronTrigger"), f"nodes[{name}].cronTrigger")


def _listed(text: str) -> tuple[str, ...]:
    """The names of a list; none where the run decides, or where it is no list."""
    try:
        names = listed_names(text)
    except ValueError:
        return ()
    return tuple(name for name in names if "#{" not in name and "${" not in name)


def _rule_jobs(node: str, values: Mapping[str, str]) -> Iterator[Reference]:
    """The quality rule jobs of a node: in the first of the properties that has a value."""
    prop = next((prop for prop in RULE_JOB_PROPERTIES if values.get(prop, "").strip()), "")
    for name in rule_job_names(values.get(prop, "")):
        if "#{" not in name and "${" not in name:
            yield Reference(kind=ReferenceKind.QUALITY_RULES, name=name, node=node, property=prop)


def _quality_references(document: Mapping[str, Any]) -> Iterator[Reference]:
    """The connections of a rule job and its rules."""
    for holder in (document, *objects_in(document.get("rules"))):
        value = as_text(holder.get("connection")).strip()
        if value and "${" not in value:
            yield Reference(kind=ReferenceKind.CONNECTION, name=value, property="connection")


def _upstream(cron: Any, where: str) -> list[Reference]:
    """Upstream jobs of the same workspace; those of other workspaces are not this package's."""
    depends = cron.get("dependJobs") if isinstance(cron, dict) else None
    if not isinstance(depends, dict):
        return []
    jobs = depends.get("jobs")
    names = [jobs] if isinstance(jobs, str) else [as_text(name) for name in jobs] if isinstance(jobs, list) else []
    names += [as_text(job.get("jobName")) for job in objects_in(depends.get("sameWorkSpaceJobs"))]
    return [Reference(kind=ReferenceKind.UPSTREAM, name=name, property=where) for name in dict.fromkeys(names) if name]


def _script_references(script: Mapping[str, Any]) -> Iterator[Reference]:
    for kind, prop in ((ReferenceKind.CONNECTION, "connectionName"), (ReferenceKind.QUEUE, "queueName")):
        if value := as_text(script.get(prop)).strip():
            yield Reference(kind=kind, name=value, property=prop)


def cdm_references(job: Mapping[str, Any]) -> list[Reference]:
    """The links of a CDM job."""
    names = ((prop, as_text(job.get(prop)).strip()) for prop in ("from-link-name", "to-link-name"))
    return list(
        dict.fromkeys(
            Reference(kind=ReferenceKind.CDM_LINK, name=value, property=prop) for prop, value in names if value
        )
    )
