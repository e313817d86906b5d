"""Where objects lie in an archive, and what a path in an archive means.

Writing: ``jobs/{job}.job``, ``scripts/{script}.script``, ``resources/{resource}.resource`` (a second resource of the
same name lies below its directory, because resource names are unique per directory only),
``connections/{name}.conn``, ``quality/{rule job}.quality``, ``environment/variables.json``,
``cdm/{cluster}/{job}.json`` and ``cdm/{cluster}/links/{link}.json``; a batch export has ``jobs/{job}/{job}.job`` with
its scripts beside it.
Reading: kinds are told by the ending at any depth, JSON files by their content.
Source: package-format.md §1; docs/decisions/0006.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from headrace.packages.model import Kind, PackageObject
from headrace.packages.text import canonical

Member = tuple[str, bytes]

ENDINGS = {
    ".job": Kind.JOB,
    ".script": Kind.SCRIPT,
    ".resource": Kind.RESOURCE,
    ".conn": Kind.CONNECTION,
    ".quality": Kind.QUALITY_RULES,
}
_FOLDERS = {
    Kind.JOB: "jobs",
    Kind.SCRIPT: "scripts",
    Kind.RESOURCE: "resources",
    Kind.CONNECTION: "connections",
    Kind.QUALITY_RULES: "quality",
}
_PLAIN = re.compile(r"[^\W_][\w.-]*")  # nearly every name
_ENDING = {kind: ending for ending, kind in ENDINGS.items()}


def safe(name: str) -> str:
    """A name as one segment of a path: what file systems refuse is percent-encoded, ``.`` and ``..`` too."""
    if _PLAIN.fullmatch(name):
        return name
    kept = "".join(sign if sign.isalnum() or sign in " -_.()[]{}@+=,;!#$&'~" else quote(sign, safe="") for sign in name)
    return kept.replace(".", "%2E") if kept.strip(".") == "" else kept


def member_path(item: PackageObject) -> str:
    """The path of an object in a single or workspace export."""
    if item.kind is Kind.CDM_JOB:
        return f"cdm/{safe(item.cluster)}/{safe(item.name)}.json"
    if item.kind is Kind.CDM_LINK:
        return f"cdm/{safe(item.cluster)}/links/{safe(item.name)}.json"
    if item.kind is Kind.ENVIRONMENT:
        return f"environment/{item.name}.json"
    return f"{_FOLDERS[item.kind]}/{safe(item.name)}{_ENDING[item.kind]}"


class _Paths:
    """Gives each object a path of its own in one archive."""

    def __init__(self) -> None:
        self._resources: set[str] = set()

    def of(self, item: PackageObject) -> str:
        if item.kind is not Kind.RESOURCE or item.name not in self._resources:
            self._resources.update([item.name] if item.kind is Kind.RESOURCE else [])
            return member_path(item)
        levels = [safe(level) for level in item.folder.split("/") if level]
        return "/".join([_FOLDERS[item.kind], *levels, f"{safe(item.name)}{_ENDING[item.kind]}"])


def single_members(items: Iterable[PackageObject]) -> Iterator[Member]:
    """Members of a single, connection or workspace export, in the order given."""
    paths = _Paths()
    for item in items:
        yield paths.of(item), member_text(item)


def member_text(item: PackageObject) -> bytes:
    """The content of a member: the object, for CDM ones inside the list that the CDM API has around it."""
    if item.kind is Kind.CDM_JOB:
        return canonical(b'{"jobs":[' + item.text + b"]}")
    if item.kind is Kind.CDM_LINK:
        return canonical(b'{"links":[' + item.text + b"]}")
    return item.text


def batch_members(jobs: Sequence[PackageObject], used: Mapping[str, Sequence[PackageObject]]) -> Iterator[Member]:
    """Members of a batch export: each job in a folder with its scripts; what else is used, once, in its own folder."""
    written: set[str] = set()
    others = dict(_others(used))
    for job in jobs:
        folder = f"jobs/{safe(job.name)}"
        yield f"{folder}/{safe(job.name)}.job", job.text
        for item in used.get(job.name, ()):
            path = f"{folder}/{safe(item.name)}.script" if item.kind is Kind.SCRIPT else others[item]
            if path not in written:
                written.add(path)
                yield path, member_text(item)


def _others(used: Mapping[str, Sequence[PackageObject]]) -> Iterator[tuple[PackageObject, str]]:
    """What jobs share: everything they use that is no script, with its path."""
    paths = _Paths()
    for item in sorted({item for items in used.values() for item in items}, key=lambda item: item.key):
        if item.kind is not Kind.SCRIPT:
            yield item, paths.of(item)


def kind_of_file(path: str) -> Kind | None:
    """The kind that a path's ending tells; None for folders, JSON files and what is none of ours."""
    name = path.rsplit("/", 1)[-1]
    return next((kind for ending, kind in ENDINGS.items() if name.endswith(ending) and name != ending), None)


def kind_of_json(path: str, document: Mapping[str, Any]) -> Kind | None:
    """The kind of a ``.json`` file by its content: CDM jobs, CDM links, environment variables, or none of ours."""
    if isinstance(document.get("jobs"), list):
        return Kind.CDM_JOB
    if isinstance(document.get("links"), list):
        return Kind.CDM_LINK
    if isinstance(document.get("params"), list) and path.split("/")[-2:-1] == ["environment"]:
        return Kind.ENVIRONMENT
    return None


def cluster_of(path: str) -> str:
    """The CDM cluster a path names: the folder below ``cdm`` or ``cdms``; ``default`` where there is none."""
    segments = path.split("/")[:-1]
    for index, segment in enumerate(segments[:-1]):
        if segment in ("cdm", "cdms"):
            return unquote(segments[index + 1])
    return "default"
