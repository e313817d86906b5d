"""What a package names and does not hold: the report of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import ReferenceKind, references_of
from headrace.storage import cdm, connections, jobs, quality, resources, scripts
from headrace.storage.database import Connection

if TYPE_CHECKING:
    from headrace.factory.apply import Target

MOST = 100  # lines of a report

_HELD_AS = {
    ReferenceKind.SCRIPT: Kind.SCRIPT,
    ReferenceKind.RESOURCE: Kind.RESOURCE,
    ReferenceKind.CONNECTION: Kind.CONNECTION,
    ReferenceKind.SUBJOB: Kind.JOB,
    ReferenceKind.UPSTREAM: Kind.JOB,
    ReferenceKind.CDM_JOB: Kind.CDM_JOB,
    ReferenceKind.CDM_LINK: Kind.CDM_LINK,
    ReferenceKind.QUALITY_RULES: Kind.QUALITY_RULES,
}


class MissingReferences:
    """Collects what objects hold and name."""

    def __init__(self) -> None:
        self._held: set[tuple[Kind, str, str]] = set()
        self._named: dict[tuple[ReferenceKind, str, str], str] = {}

    def saw(self, item: PackageObject) -> None:
        """Note an object and what it names."""
        self._held.add((item.kind, item.cluster, item.name))
        for reference in references_of(item):
            if reference.kind in _HELD_AS:
                self._named.setdefault((reference.kind, reference.cluster, reference.name), item.name)

    def lines(self, connection: Connection, target: Target) -> list[str]:
        """A sentence for each name that neither the package nor the workspace holds; 100 at most, then a count."""
        found = [
            f"The {kind.value} {name!r} (used by {user!r}) is neither in the package nor in the workspace."
            for (kind, cluster, name), user in self._named.items()
            if (_HELD_AS[kind], cluster, name) not in self._held
            and not _exists(connection, target, kind, cluster, name)
        ]
        more = [f"And {len(found) - MOST} more."] if len(found) > MOST else []
        return found[:MOST] + more


def _exists(connection: Connection, target: Target, kind: ReferenceKind, cluster: str, name: str) -> bool:
    workspace = target.caller.workspace.id
    if kind is ReferenceKind.SCRIPT:
        return scripts.by_name(connection, workspace, name) is not None
    if kind is ReferenceKind.RESOURCE:
        return bool(resources.by_name(connection, workspace, name))
    if kind is ReferenceKind.CONNECTION:
        return connections.by_name(connection, workspace, name) is not None
    if kind in (ReferenceKind.SUBJOB, ReferenceKind.UPSTREAM):
        return jobs.by_name(connection, workspace, name) is not None
    if kind is ReferenceKind.QUALITY_RULES:
        return quality.by_name(connection, workspace, name) is not None
    cluster_id = target.cluster_id(cluster)
    if cluster_id is None:
        return False
    document = cdm.job_document if kind is ReferenceKind.CDM_JOB else cdm.link_document
    return document(connection, cluster_id, name) is not None
