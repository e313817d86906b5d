"""What belongs into a package: the jobs asked for, and what their nodes name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from headrace.domain.identity import Caller
from headrace.errors import InvalidParameter, JobNotFound
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import Reference, ReferenceKind, cdm_references, references_of
from headrace.packages.secrets import exportable, strip_secrets
from headrace.services import Services
from headrace.storage import cdm, connections, environment, jobs, quality, resources, scripts
from headrace.storage.database import Connection
from headrace.wire.document import read_document


class Collector:
    """Finds objects in a workspace. ``submitted``: the newest submitted versions instead of the drafts."""

    def __init__(self, services: Services, caller: Caller, *, submitted: bool) -> None:
        self._services, self._caller, self._submitted = services, caller, submitted
        self._pinned: dict[str, int | None] = {}

    def jobs(self, connection: Connection, names: Sequence[str], *, subjobs: bool) -> list[PackageObject]:
        """The jobs of these names; with ``subjobs`` also those that their nodes run, and so on.

        Raises JobNotFound for a name asked for; a subjob that does not exist is left out. Raises InvalidParameter for a
        job without a submitted version where those are asked for.
        """
        found: dict[str, PackageObject] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name in found:
                continue
            text = self._job_text(connection, name)
            if text is None:
                if name in names:
                    raise JobNotFound(f"name: {name!r}.")
                continue
            found[name] = exportable(Kind.JOB, name, text)
            if subjobs:
                waiting += [item.name for item in references_of(found[name]) if item.kind is ReferenceKind.SUBJOB]
        self._settle_versions(found.values())
        return list(found.values())

    def _settle_versions(self, jobs: Iterable[PackageObject]) -> None:
        """A package holds one text of a script: that of the newest pinned version, or the current one where any node
        pins none."""
        for job in jobs:
            for item in references_of(job):
                if item.kind is ReferenceKind.SCRIPT:
                    known = self._pinned.get(item.name, item.version)
                    both = known is not None and item.version is not None
                    self._pinned[item.name] = max(known or 0, item.version or 0) if both else None

    def _job_text(self, connection: Connection, name: str) -> str | None:
        found = jobs.with_text(connection, self._caller.workspace.id, name)
        if found is None or not self._submitted:
            return found[1] if found is not None else None
        text = jobs.version_document(connection, found[0].id, found[0].version)
        if text is None:
            raise InvalidParameter(
                f"exportStatus: job {name!r} has no submitted version; submit it, or export DEVELOP."
            )
        return text

    def used_by(self, connection: Connection, job: PackageObject) -> list[PackageObject]:
        """The scripts, resources, quality rules and CDM jobs (with their links) that a job names and that exist."""
        used: list[PackageObject] = []
        for item in references_of(job):
            if item.kind is ReferenceKind.SCRIPT:
                used += self._script(connection, item)
            elif item.kind is ReferenceKind.RESOURCE:
                rows = resources.by_name(connection, self._caller.workspace.id, item.name)
                used += [exportable(Kind.RESOURCE, row.name, row.document) for row in rows]
            elif item.kind is ReferenceKind.QUALITY_RULES:
                found = quality.by_name(connection, self._caller.workspace.id, item.name)
                used += [exportable(Kind.QUALITY_RULES, found.name, found.document)] if found is not None else []
            elif item.kind is ReferenceKind.CDM_JOB:
                used += self._cdm_job(connection, item)
        return list(dict.fromkeys(used))

    def _script(self, connection: Connection, item: Reference) -> list[PackageObject]:
        record = scripts.by_name(connection, self._caller.workspace.id, item.name)
        if record is None:
            return []
        wanted = self._pinned.get(item.name, item.version) or (record.version if self._submitted else 0)
        text = scripts.version_document(connection, record.id, wanted) if wanted else None
        return [exportable(Kind.SCRIPT, record.name, text or record.document)]

    def _cdm_job(self, connection: Connection, item: Reference) -> list[PackageObject]:
        cluster = cdm.cluster_by_name(connection, self._caller.project_id, item.cluster)
        text = cdm.job_document(connection, cluster.id, item.name) if cluster is not None else None
        if cluster is None or text is None:
            return []
        found = [exportable(Kind.CDM_JOB, item.name, text, cluster=item.cluster)]
        for link in cdm_references(read_document(text)):
            link_text = cdm.link_document(connection, cluster.id, link.name)
            if link_text is not None:
                found.append(exportable(Kind.CDM_LINK, link.name, link_text, cluster=item.cluster))
        return found


def workspace_objects(
    services: Services, caller: Caller, connection: Connection, *, submitted: bool
) -> Iterator[PackageObject]:
    """Everything of a workspace, and the project's CDM links and jobs, kind by kind in the order of import."""
    workspace = caller.workspace.id
    if variables := environment.all_documents(connection, workspace):
        yield strip_secrets(PackageObject.environment(variables))
    for name, text in connections.all_documents(connection, workspace):
        yield exportable(Kind.CONNECTION, name, text)
    for cluster, name, text in cdm.all_links(connection, caller.project_id):
        yield exportable(Kind.CDM_LINK, name, text, cluster=cluster)
    for cluster, name, text in cdm.all_jobs(connection, caller.project_id):
        yield exportable(Kind.CDM_JOB, name, text, cluster=cluster)
    for name, text in resources.all_documents(connection, workspace):
        yield exportable(Kind.RESOURCE, name, text)
    for name, text in scripts.all_documents(connection, workspace, submitted=submitted):
        yield exportable(Kind.SCRIPT, name, text)
    for name, text in quality.all_documents(connection, workspace):
        yield exportable(Kind.QUALITY_RULES, name, text)
    for name, text, package_form in jobs.all_texts(connection, workspace, submitted=submitted):
        if package_form:
            yield strip_secrets(PackageObject(Kind.JOB, name, text.encode()))
        else:
            yield exportable(Kind.JOB, name, text)
