"""What an import changes on the way in; everything else of a document stays exactly as it is.

Source: factory-v1-notes §14.2: values are definition < ``params`` < ``jobsParam``; ``resources[]`` replaces references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from headrace.errors import InvalidParameter
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import compact
from headrace.packages.text import dump, parse

# Which properties of nodes (and members of scripts) a kind of reference lives in.
_PROPERTIES = {
    "connection": ("connectionName",),
    "queue": ("queueName",),
    "cluster": ("clusterName",),
    "stream": ("streamName",),
    "graph": ("graphName",),
    "instance": ("instanceName",),
    "task": ("taskName",),
}
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
    """The object with the changes that the options ask for."""
    if not options.change_anything():
        return item
    document = parse(item.text)
    if item.kind is Kind.JOB:
        _set_parameters(document, options, item.name)
        if options.execute_user:
            document["basicConfig"] = {**(document.get("basicConfig") or {}), "executeUser": options.execute_user}
    name, cluster = item.name, item.cluster
    for mapping in options.mappings:
        _RENAMERS[item.kind](document, mapping)
        if mapping.kind == _NAMED_AS.get(item.kind) and name == mapping.old:
            name = document["name"] = mapping.new
        if mapping.kind == "cluster" and cluster == mapping.old:
            cluster = mapping.new
    text = dump(document)
    if (text, name, cluster) == (item.text, item.name, item.cluster):
        return item
    return PackageObject(item.kind, name, text, cluster, item.folder, item.member)


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
    params = job.setdefault("params", [])
    known = set()
    for parameter in params:
        known.add(parameter.get("name"))
        if parameter.get("name") in values:
            parameter["value"] = values[parameter["name"]]
    params += [{"name": key, "value": values[key], "type": "variable"} for key in values if key not in known]


def _rename_in_job(job: dict[str, Any], mapping: NameMapping) -> None:
    for node in job.get("nodes") or ():
        for prop in _mapped_properties(node, mapping.kind):
            if prop.get("value") == mapping.old:
                prop["value"] = mapping.new
        _rename_upstream(node.get("cronTrigger"), mapping)
    schedule = job.get("schedule")
    _rename_upstream(schedule.get("cron") if isinstance(schedule, dict) else None, mapping)


def _mapped_properties(node: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    names: tuple[str, ...] = _PROPERTIES.get(kind, ())
    if kind == "script":
        names = ("scriptName",)
    elif kind == "resource":
        names = ("resourceName",)
    elif kind == "job" and compact(str(node.get("type"))) in ("dlfsubjob", "subjob", "foreachjob", "foreach"):
        names = ("subJobName", "subjobName", "jobName", "subJob")
    for prop in node.get("properties") or ():
        if prop.get("name") in names:
            yield prop


def _rename_upstream(cron: Any, mapping: NameMapping) -> None:
    depends = cron.get("dependJobs") if isinstance(cron, dict) else None
    if not isinstance(depends, dict):
        return
    if mapping.kind == "job":
        if isinstance(depends.get("jobs"), list):
            depends["jobs"] = [mapping.new if name == mapping.old else name for name in depends["jobs"]]
        elif depends.get("jobs") == mapping.old:
            depends["jobs"] = mapping.new
        _swap(depends.get("sameWorkSpaceJobs"), "jobName", mapping)
    if mapping.kind == "workspace":
        for group in ("sameWorkSpaceJobs", "otherWorkSpaceJobs"):
            _swap(depends.get(group), "workSpace", mapping)
            _swap(depends.get(group), "workSpaceId", mapping)


def _swap(items: Any, member: str, mapping: NameMapping) -> None:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get(member) == mapping.old:
            item[member] = mapping.new


def _rename_in_script(script: dict[str, Any], mapping: NameMapping) -> None:
    for member in _PROPERTIES.get(mapping.kind, ()):
        if script.get(member) == mapping.old:
            script[member] = mapping.new


def _rename_in_connection(connection: dict[str, Any], mapping: NameMapping) -> None:
    config = connection.get("config")
    if mapping.kind == "cluster" and isinstance(config, dict):
        for member in ("clusterName", "agentName"):
            if config.get(member) == mapping.old:
                config[member] = mapping.new


def _rename_in_cdm_job(job: dict[str, Any], mapping: NameMapping) -> None:
    if mapping.kind == "link":
        for member in ("from-link-name", "to-link-name"):
            if job.get(member) == mapping.old:
                job[member] = mapping.new


def _leave(document: dict[str, Any], mapping: NameMapping) -> None:
    """Nothing in it refers to anything."""


_RENAMERS: dict[Kind, Callable[[dict[str, Any], NameMapping], None]] = {
    Kind.JOB: _rename_in_job,
    Kind.SCRIPT: _rename_in_script,
    Kind.CONNECTION: _rename_in_connection,
    Kind.CDM_JOB: _rename_in_cdm_job,
    Kind.CDM_LINK: _leave,
    Kind.RESOURCE: _leave,
    Kind.ENVIRONMENT: _leave,
}
