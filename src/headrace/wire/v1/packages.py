"""Export and import as v1 spells them. Source: API reference, "Exporting a Job", "Importing a Job"."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.wire.base import Wire

Scalar = str | int | float | bool | None


class ExportJobRequest(Wire):
    """``exportStatus``: DEVELOP (default, the draft) or SUBMIT (the newest submitted version).

    ``exportDepend`` (default true) adds the scripts, resources and CDM jobs that the nodes use. With ``obsPath`` the
    archive is written below that folder and the answer names where. ``exportSubjobs`` is ours: also the jobs that
    nodes run as subjobs, with what they use.
    """

    export_depend: bool | None = None
    obs_path: str | None = None
    export_status: str | None = None
    export_subjobs: bool | None = None


class ExportJobsRequest(ExportJobRequest):
    """``jobList``: 1 to 100 job names."""

    job_list: list[str] | None = None


class ObsFolder(Wire):
    """The folder made below the requested one; the archive lies in it."""

    obs_path: str


class FilePath(Wire):
    """An archive in the object store."""

    path: str | None = None


class FoundJob(Wire, omit_defaults=False):
    """A job in an archive; ``path`` is its directory, ``params`` its parameters."""

    name: str
    path: str
    params: dict[str, str] = msgspec.field(default_factory=dict)


class FoundScript(Wire):
    """A script in an archive; ``path`` is its directory."""

    name: str
    path: str


class FileInfo(Wire, omit_defaults=False):
    """What an archive holds."""

    jobs: list[FoundJob]
    scripts: list[FoundScript]


class JobValues(Wire):
    """Parameter values for one job of the archive."""

    name: str | None = None
    params: dict[str, Scalar] | None = None


class ReplacedReference(Wire):
    """A reference of the imported definitions that is to get another name."""

    name: str | None = None
    type: str | None = None
    replace: str | None = None


class ImportRequest(Wire):
    """Body of ImportJob. ``mapping`` is ours: ``["connection:OLD=NEW", …]``."""

    path: str | None = None
    params: dict[str, Scalar] | None = None
    same_name_policy: str | None = None
    jobs_param: list[JobValues] | JobValues | None = None
    execute_user: str | None = None
    target_status: str | None = None
    approvers: list[Any] | None = None
    resources: list[ReplacedReference] | None = None
    mapping: list[str] | None = None


class ConnectionValues(Wire):
    """Values that complete a connection of the archive: the secrets exports leave out."""

    name: str | None = None
    type: str | None = None
    connection_type: str | None = None
    params: dict[str, Scalar] | None = None


class ImportConnectionsRequest(Wire):
    """Body of ImportConnections."""

    path: str | None = None
    params: list[ConnectionValues] | None = None
    same_name_policy: str | None = None


class PlannedObject(Wire, omit_defaults=False):
    """What an import would do with one object: ``create``, ``overwrite``, ``skip`` or ``unchanged``."""

    kind: str
    name: str
    action: str
    message: str
    changes: list[dict[str, Any]]


class ImportPlan(Wire, omit_defaults=False):
    """What an import would do, what it would refer to that is not there, and what was noticed."""

    digest: str
    objects: list[PlannedObject]
    missing: list[str]
    notes: list[str]
