"""Export: jobs with what they use, as an archive whose bytes depend on the content alone.

Source: factory-v1-notes §13, package-format.md §1 and §2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headrace.domain.identity import Caller
from headrace.errors import ConnectionNotFound, InvalidParameter, MissingParameter
from headrace.factory.collect import Collector, workspace_objects
from headrace.objectstore.path import ObsPath
from headrace.packages.archive import archive_chunks
from headrace.packages.digest import DigestBuilder
from headrace.packages.layout import batch_members, single_members
from headrace.packages.model import Kind, PackageObject
from headrace.packages.secrets import exportable
from headrace.services import Services
from headrace.storage import connections
from headrace.wire.v1.packages import ExportJobRequest, ExportJobsRequest

Member = tuple[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An archive: the name a browser saves it under, its bytes, and the digest of its content."""

    name: str
    content: bytes
    digest: str


def export_job(services: Services, caller: Caller, name: str, request: ExportJobRequest) -> Exported:
    """One job and what it uses, as ``DLF_<name>.zip``. Raises JobNotFound, InvalidParameter."""
    objects = _gather(services, caller, [name], request)
    return _archive(f"DLF_{name}.zip", single_members(objects), objects)


def export_jobs(services: Services, caller: Caller, request: ExportJobsRequest) -> Exported:
    """Up to 100 jobs, each with its scripts beside it, as ``jobs.zip``.

    Raises JobNotFound, MissingParameter, InvalidParameter.
    """
    names = request.job_list
    if names is None:
        raise MissingParameter("jobList: missing.")
    limit = services.settings.max_jobs_per_batch_export
    if not 1 <= len(names) <= limit:
        raise InvalidParameter(f"jobList: {len(names)} names are not 1 to {limit}.")
    with_subjobs = bool(request.export_subjobs)
    collector = Collector(services, caller, submitted=wants_submitted(request))
    with services.db.reading() as connection:
        jobs = collector.jobs(connection, list(dict.fromkeys(names)), subjobs=with_subjobs)
        depend = request.export_depend is not False
        used = {job.name: collector.used_by(connection, job) if depend else [] for job in jobs}
    objects = list(dict.fromkeys([*jobs, *(item for items in used.values() for item in items)]))
    return _archive("jobs.zip", batch_members(jobs, used), objects)


def export_connections(services: Services, caller: Caller) -> Exported:
    """Every connection of the workspace without its secrets. Raises ConnectionNotFound when there is none."""
    with services.db.reading() as connection:
        texts = list(connections.all_documents(connection, caller.workspace.id))
    if not texts:
        raise ConnectionNotFound("The workspace has no connection to export.")
    objects = [exportable(Kind.CONNECTION, name, text) for name, text in texts]
    return _archive("DLF_All_DataConnections.zip", single_members(objects), objects)


def workspace_chunks(
    services: Services, caller: Caller, *, submitted: bool, digest: DigestBuilder | None = None
) -> Iterator[bytes]:
    """A whole workspace as one archive, in pieces; memory stays flat. ``digest`` is complete after the last piece."""
    with services.db.snapshot() as connection:

        def counted() -> Iterator[PackageObject]:
            for item in workspace_objects(services, caller, connection, submitted=submitted):
                if digest is not None:
                    digest.add(item)
                yield item

        yield from archive_chunks(single_members(counted()))


def _gather(services: Services, caller: Caller, names: Sequence[str], request: ExportJobRequest) -> list[PackageObject]:
    collector = Collector(services, caller, submitted=wants_submitted(request))
    with services.db.reading() as connection:
        jobs = collector.jobs(connection, names, subjobs=bool(request.export_subjobs))
        if request.export_depend is False:
            return sorted(jobs, key=lambda item: item.key)
        used = [item for job in jobs for item in collector.used_by(connection, job)]
    return sorted({*jobs, *used}, key=lambda item: item.key)


def wants_submitted(request: ExportJobRequest) -> bool:
    """Whether the newest submitted versions are asked for instead of the drafts. Raises InvalidParameter."""
    status = request.export_status or "DEVELOP"
    if status not in ("DEVELOP", "SUBMIT"):
        raise InvalidParameter(f"exportStatus: {status!r} is neither DEVELOP nor SUBMIT.")
    return status == "SUBMIT"


def _archive(name: str, members: Iterator[Member], objects: Sequence[PackageObject]) -> Exported:
    digest = DigestBuilder()
    for item in objects:
        digest.add(item)
    return Exported(name=name, content=b"".join(archive_chunks(members)), digest=digest.value())


def store_export(services: Services, exported: Exported, folder: str, kind: str, file_name: str, now: int) -> str:
    """Write an archive below a folder of the object store; the folder it lies in.

    ``<folder>/<kind>_exported/<13-digit milliseconds>/<file name>``, written before the answer, because clients import
    it at once. Source: factory-v1-notes §13. Raises InvalidObsPath, BucketNotFound.
    """
    made = ObsPath.parse(folder, "obsPath") / f"{kind}_exported" / f"{now:013d}"
    services.store.put(made / file_name, exported.content)
    return str(made)
