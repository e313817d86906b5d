"""What an import changes on the way in; everything else of a document stays exactly as it is.

Source: factory-v1-notes §14.2: values are definition < ``params`` < ``jobsParam``; ``resources[]`` replaces references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.domain.names import SUBJOB_PROPERTIES, SUBJOB_TYPES
from headrace.errors import InvalidParameter
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import RESOURCE_PROPERTIES, compact
from headrace.packages.text import dump, objects_in, parse

# What a property of nodes (or a member of scripts) names.
_KIND_OF_PROPERTY = {
    "connectionName": "connection",
    "queueName": "queue",
    "clusterName": "cluster",
    "streamName": "stream",
    "graphName": "graph",
    "instanceName": "instance",
    "taskName": "task",
    "scriptName": "script",
    **dict.fromkeys(RESOURCE_PROPERTIES, "resource"),
}
_IN_SCRIPTS = ("connection", "queue", "cluster", "stream", "graph", "instance", "task")
MAPPABLE = ("connection", "queue", "cluster", "link", "workspace", "job", "script", "resource")
_REPLACEABLE = {
    "DWS_CONNECTION": "connection",
    "MRS_HIVE_CONNECTION": "connection",
    "MRS_SPARK_CONNECTION": "connection",
    "CDM_CLUSTER": "cluster",
    "MRS_CLUSTER": "cluster",
    "DIS_STREAM": "stream",
    "GES_GRAPH": "graph",
    "ROMA_INSTANCE": "instance",
    "TICS_INSTANCE": "instance",
    "DRS_TASK": "task",
}


@dataclass(frozen=True, slots=True)
class NameMapping:
    """One kind of reference gets a new name."""

    kind: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """``params``: values for parameters of every job; ``job_params``: of one job, they win."""

    params: dict[str, str] = field(default_factory=dict)
    job_params: dict[str, dict[str, str]] = field(default_factory=dict)
    execute_user: str = ""
    mappings: tuple[NameMapping, ...] = ()

    def change_anything(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.params or self.job_params or self.execute_user or self.mappings)


def parse_map(text: str) -> NameMapping:
    """``connection:OLD=NEW``. Raises InvalidParameter naming the text."""
    kind, colon, names = text.partition(":")
    old, equals, new = names.partition("=")
    if not (colon and equals and old and new) or kind not in MAPPABLE:
        raise InvalidParameter(f"map: {text!r} is not KIND:OLD=NEW; KIND is one of {', '.join(MAPPABLE)}.")
    return NameMapping(kind, old, new)


def replacement(kind: str, old: str, new: str) -> NameMapping:
    """An element of ``resources[]``. Raises InvalidParameter for an unknown type."""
    if kind not in _REPLACEABLE:
        raise InvalidParameter(f"resources[].type: {kind!r} is none of {', '.join(_REPLACEABLE)}.")
    return NameMapping(_REPLACEABLE[kind], old, new)


def apply_options(item: PackageObject, options: ImportOptions) -> PackageObject:
    """The object with the changes that the options ask for. All renames happen at once, so names can be swapped."""
    if not options.change_anything():
        return item
    document = parse(item.text)
    if item.kind is Kind.JOB:
        _set_parameters(document, options, item.name)
        _set_user(document, options.execute_user)
    names = _by_kind(options.mappings)
    _RENAMERS[item.kind](document, names)
    own = names.get(_NAMED_AS.get(item.kind, ""), {})
    name, cluster = own.get(item.name, item.name), names.get("cluster", {}).get(item.cluster, item.cluster)
    if name != item.name:
        document["name"] = name
    text = dump(document)
    if (text, name, cluster) == (item.text, item.name, item.cluster):
        return item
    return PackageObject(item.kind, name, text, cluster, item.folder, item.member)


_Names = Mapping[str, dict[str, str]]  # new names by kind and old name


def _by_kind(mappings: Iterable[NameMapping]) -> _Names:
    names: dict[str, dict[str, str]] = {}
    for mapping in mappings:
        names.setdefault(mapping.kind, {}).setdefault(mapping.old, mapping.new)
    return names


_NAMED_AS = {
    Kind.CONNECTION: "connection",
    Kind.CDM_LINK: "link",
    Kind.JOB: "job",
    Kind.SCRIPT: "script",
    Kind.RESOURCE: "resource",
}


def _set_parameters(job: dict[str, Any], options: ImportOptions, name: str) -> None:
    values = {**options.params, **options.job_params.get(name, {})}
    if not values:
        return
    if not isinstance(job.get("params"), list):
        job["params"] = []
    known = set()
    for parameter in objects_in(job["params"]):
        found = parameter.get("name")
        if isinstance(found, str) and found in values:
            known.add(found)
            parameter["value"] = values[found]
    job["params"] += [{"name": key, "value": values[key], "type": "variable"} for key in values if key not in known]


def _set_user(job: dict[str, Any], user: str) -> None:
    if user:
        basic = job.get("basicConfig")
        job["basicConfig"] = {**(basic if isinstance(basic, dict) else {}), "executeUser": user}


def _rename_in_job(job: dict[str, Any], names: _Names) -> None:
    for node in objects_in(job.get("nodes")):
        kinds = _property_kinds(node)
        for prop in objects_in(node.get("properties")):
            if isinstance(prop.get("name"), str):
                _rename(prop, "value", names.get(kinds.get(prop["name"], ""), {}))
        _rename_upstream(node.get("cronTrigger"), names)
    schedule = job.get("schedule")
    _rename_upstream(schedule.get("cron") if isinstance(schedule, dict) else None, names)


def _rename(holder: dict[str, Any], member: str, names: Mapping[str, str]) -> None:
    if isinstance(old := holder.get(member), str) and old in names:
        holder[member] = names[old]


def _property_kinds(node: Mapping[str, Any]) -> dict[str, str]:
    """What each property of a node names: ``connectionName`` a connection, and so on."""
    kinds = dict(_KIND_OF_PROPERTY)
    node_type = node.get("type") or node.get("nodeType")
    if isinstance(node_type, str) and compact(node_type) in SUBJOB_TYPES:
        kinds |= dict.fromkeys(SUBJOB_PROPERTIES, "job")
    return kinds


def _rename_upstream(cron: Any, names: _Names) -> None:
    depends = cron.get("dependJobs") if isinstance(cron, dict) else None
    if not isinstance(depends, dict):
        return
    jobs = names.get("job", {})
    _rename(depends, "jobs", jobs)
    if isinstance(depends.get("jobs"), list):
        depends["jobs"] = [jobs.get(name, name) if isinstance(name, str) else name for name in depends["jobs"]]
    for job in objects_in(depends.get("sameWorkSpaceJobs")):
        _rename(job, "jobName", jobs)
    for group in ("sameWorkSpaceJobs", "otherWorkSpaceJobs"):
        for job in objects_in(depends.get(group)):
            _rename(job, "workSpace", names.get("workspace", {}))
            _rename(job, "workSpaceId", names.get("workspace", {}))


def _rename_in_script(script: dict[str, Any], names: _Names) -> None:
    for member, kind in _KIND_OF_PROPERTY.items():
        if kind in _IN_SCRIPTS:
            _rename(script, member, names.get(kind, {}))


def _rename_in_connection(connection: dict[str, Any], names: _Names) -> None:
    config = connection.get("config")
    if isinstance(config, dict):
        for member in ("clusterName", "agentName"):
            _rename(config, member, names.get("cluster", {}))


def _rename_in_cdm_job(job: dict[str, Any], names: _Names) -> None:
    for member in ("from-link-name", "to-link-name"):
        _rename(job, member, names.get("link", {}))


def _rename_in_quality_rules(document: dict[str, Any], names: _Names) -> None:
    for holder in (document, *objects_in(document.get("rules"))):
        _rename(holder, "connection", names.get("connection", {}))


def _leave(document: dict[str, Any], names: _Names) -> None:
    """Nothing in it refers to anything."""


_RENAMERS: dict[Kind, Callable[[dict[str, Any], _Names], None]] = {
    Kind.JOB: _rename_in_job,
    Kind.SCRIPT: _rename_in_script,
    Kind.QUALITY_RULES: _rename_in_quality_rules,
    Kind.CONNECTION: _rename_in_connection,
    Kind.CDM_JOB: _rename_in_cdm_job,
    Kind.CDM_LINK: _leave,
    Kind.RESOURCE: _leave,
    Kind.ENVIRONMENT: _leave,
}
