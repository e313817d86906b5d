"""Export of jobs and connections."""

from __future__ import annotations

from headrace.api.operation import Archive, Call, operation
from headrace.errors import (
    BucketNotFound,
    ConnectionNotFound,
    InvalidObsPath,
    InvalidParameter,
    JobNotFound,
    MissingParameter,
    WorkspaceNotFound,
)
from headrace.factory import exports
from headrace.factory.exports import Exported
from headrace.wire.v1.packages import ExportJobRequest, ExportJobsRequest, ObsFolder


@operation(
    "POST",
    "/v1/{project_id}/jobs/{job_name}/export",
    errors=(JobNotFound, InvalidObsPath, WorkspaceNotFound, BucketNotFound, InvalidParameter),
    tag="job",
)
def export_job(call: Call, body: ExportJobRequest | None) -> Archive | ObsFolder:
    """Export one job with the scripts, resources and CDM jobs it uses.

    Without obsPath the answer is the archive ``DLF_<job_name>.zip``; with it, the archive is written below that folder
    as ``<job_name>.zip``. Source: API reference, "Exporting a Job".
    """
    request = body or ExportJobRequest()
    name = call.path["job_name"]
    exported = exports.export_job(call.services, call.caller, name, request)
    return _answer(call, exported, request.obs_path, name)


@operation(
    "POST",
    "/v1/{project_id}/jobs/batch-export",
    errors=(InvalidParameter, JobNotFound, MissingParameter, InvalidObsPath, WorkspaceNotFound, BucketNotFound),
    tag="job",
    slow=True,
)
def export_job_list(call: Call, body: ExportJobsRequest) -> Archive | ObsFolder:
    """Export up to 100 jobs as ``jobs.zip``. Source: API reference, "Exporting Jobs in Batches"."""
    exported = exports.export_jobs(call.services, call.caller, body)
    return _answer(call, exported, body.obs_path, "jobs")


def _answer(call: Call, exported: Exported, obs_path: str | None, stem: str) -> Archive | ObsFolder:
    if not obs_path:
        return _archive(exported)
    folder = exports.store_export(call.services, exported, obs_path, stem, f"{stem}.zip", call.now)
    return ObsFolder(obs_path=folder)


def _archive(exported: Exported) -> Archive:
    digest = ("x-headrace-content-digest", exported.digest)
    return Archive(exported.name, [exported.content], len(exported.content), (digest,))


@operation(
    "POST", "/v1/{project_id}/connections/export", errors=(ConnectionNotFound, WorkspaceNotFound), tag="connection"
)
def export_connections(call: Call) -> Archive:
    """Export all connections of the workspace without their secrets.

    Source: API reference, "Exporting Connections".
    """
    return _archive(exports.export_connections(call.services, call.caller))


@operation(
    "POST",
    "/v1/{project_id}/packages/export",
    errors=(InvalidParameter, WorkspaceNotFound),
    tag="package",
    extension=True,
    slow=True,
)
def export_workspace(call: Call, body: ExportJobRequest | None) -> Archive:
    """Export a whole workspace as one archive, streamed.

    Jobs, scripts, resources, connections (without secrets), environment variables, and the project's CDM links and
    jobs; it imports again.
    """
    submitted = exports.wants_submitted(body or ExportJobRequest())
    chunks = exports.workspace_chunks(call.services, call.caller, submitted=submitted)
    return Archive(f"{call.workspace.name}.zip", chunks)
