"""What an import does with one object of a package: decide, and write it in the transaction of the whole archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.names import JOB_NAME
from headrace.errors import InvalidParameter
from headrace.factory import cdm_objects, connections, job_schedules, job_secrets, quality, resources, scripts
from headrace.factory import jobs as job_cases
from headrace.factory.job_checks import PROCESS_TYPES
from headrace.factory.received import check_storable
from headrace.packages.model import Kind, PackageObject, environment_text
from headrace.packages.secrets import exportable
from headrace.packages.variables import seal_variable
from headrace.services import Services
from headrace.storage import alarms, directories, environment
from headrace.storage import cdm as stored_cdm
from headrace.storage import connections as stored_connections
from headrace.storage import jobs as stored_jobs
from headrace.storage import quality as stored_quality
from headrace.storage import resources as stored_resources
from headrace.storage import scripts as stored_scripts
from headrace.storage.database import Connection
from headrace.wire.document import read_document, write_document
from headrace.wire.v1.jobs import JobInfo


class Action(StrEnum):
    """What is done with an object."""

    CREATE = "create"
    OVERWRITE = "overwrite"
    SKIP = "skip"
    UNCHANGED = "unchanged"


_TELLS = {
    Action.CREATE: "Created.",
    Action.OVERWRITE: "Overwritten.",
    Action.SKIP: "Skipped: one of that name exists; sameNamePolicy OVERWRITE would replace it.",
    Action.UNCHANGED: "Unchanged: what is there is the same.",
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """``overwrite``: sameNamePolicy OVERWRITE. ``target_status``: SAVED, SUBMITTED, PRODUCTION, or empty for the
    document's own. ``connection_values``: members that complete a connection, by its name."""

    overwrite: bool = False
    target_status: str = ""
    connection_values: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What is done with an object, and what stands there now (without secrets), if anything."""

    action: Action
    before: PackageObject | None = None

    @property
    def message(self) -> str:
        """A sentence for a person."""
        return _TELLS[self.action]


_JOB = msgspec.json.Decoder(JobInfo, strict=False)


def read_job(item: PackageObject) -> JobInfo:
    """The members of a job that storage needs. Raises InvalidParameter naming the archive's member.

    Import asks less than create: the ranges of the original are not checked, members of a wrong type are.
    """
    try:
        job = _JOB.decode(item.text)
    except msgspec.ValidationError as error:
        raise InvalidParameter(f"{item.member}: {error}.") from error
    if not JOB_NAME.fullmatch(item.name):
        raise InvalidParameter(f"{item.member}: the job name {item.name!r} is invalid.")
    kind = job.process_type or job.job_type or "BATCH"
    if kind not in PROCESS_TYPES:
        raise InvalidParameter(f"{item.member}: processType {kind!r} is neither BATCH nor REAL_TIME.")
    owner = job.basic_config.owner if job.basic_config is not None else None
    check_storable(item.member, job.directory or "", owner or "")
    job.process_type = kind
    return job


def check(item: PackageObject) -> None:
    """Ask of an object what storing it will ask, without a lock. Raises InvalidParameter."""
    if item.kind is Kind.JOB:
        read_job(item)
    elif item.kind is Kind.SCRIPT:
        scripts.importable(item.name, item.text.decode())
    elif item.kind is Kind.RESOURCE:
        resources.importable(item.name, item.text.decode())
    elif item.kind is Kind.CONNECTION:
        connections.importable(item.name, item.text.decode())
    elif item.kind is Kind.QUALITY_RULES:
        _check_rule_job(item)


def _check_rule_job(item: PackageObject) -> None:
    try:
        quality.importable(item.text)
    except InvalidParameter as error:
        raise InvalidParameter(f"{item.member}: {error.detail}") from error


class Target:
    """The workspace an archive goes to, inside one transaction (or one reading, for a plan)."""

    def __init__(self, services: Services, caller: Caller, connection: Connection, policy: Policy) -> None:
        self.services, self.caller, self.connection, self.policy = services, caller, connection, policy
        self._clusters: dict[str, str] = {}

    @property
    def _workspace(self) -> str:
        return self.caller.workspace.id

    def decide(self, item: PackageObject) -> Decision:
        """What an import does with the object."""
        before = self._stored(item)
        if before is None:
            return Decision(action=Action.CREATE)
        if before.text == item.text:
            return Decision(action=Action.UNCHANGED, before=before)
        return Decision(action=Action.OVERWRITE if self.policy.overwrite else Action.SKIP, before=before)

    def _stored(self, item: PackageObject) -> PackageObject | None:
        text = _READERS[item.kind](self, item)
        if text is None:
            return None
        return exportable(item.kind, item.name, text, cluster=item.cluster)

    def apply(self, item: PackageObject, decision: Decision) -> None:
        """Write the object. Raises InvalidParameter naming the member when it cannot be stored."""
        if decision.action in (Action.CREATE, Action.OVERWRITE):
            _WRITERS[item.kind](self, item, decision.action is Action.CREATE)

    def cluster_id(self, name: str) -> str | None:
        """The id of a CDM cluster by name; None where a plan finds none."""
        if name not in self._clusters:
            found = stored_cdm.cluster_by_name(self.connection, self.caller.project_id, name)
            if found is None:
                return None
            self._clusters[name] = found.id
        return self._clusters[name]

    def made_cluster_id(self, name: str) -> str:
        """The id of a CDM cluster by name; a cluster that is not there is made as a named pool."""
        known = self.cluster_id(name)
        if known is None:
            services, caller = self.services, self.caller
            made = stored_cdm.ensure_cluster(self.connection, caller.project_id, name, services.next_id(), caller.now)
            known = self._clusters[name] = made.id
        return known


def _read_job_text(target: Target, item: PackageObject) -> str | None:
    found = stored_jobs.with_text(target.connection, target.caller.workspace.id, item.name)
    return None if found is None else found[1]


def _write_job(target: Target, item: PackageObject, new: bool) -> None:
    services, caller, connection = target.services, target.caller, target.connection
    job = read_job(item)
    found = None if new else stored_jobs.with_text(connection, caller.workspace.id, item.name)
    job_id = services.next_number() if found is None else found[0].id
    record = job_cases.record_of(job, caller, job_id, item.name)
    if found is not None:
        record = record._replace(version=found[0].version)
    directories.ensure(connection, caller.workspace.id, "job", record.directory, services.next_id())
    text = job_secrets.seal_job(item.text, services.sealer, found[1] if found is not None else None)
    status = target.policy.target_status or job.target_status
    job_cases.save_text(
        connection,
        record,
        job_cases.names_of(job),
        text,
        submit=status != "SAVED",
        new=found is None,
        package_form=text.encode() == item.text,
    )
    if found is not None:
        alarms.modified(connection, found[0], caller.user.name, "changed", caller.now)
        if status != "SAVED":
            job_schedules.change(services, connection, job_id, text)


def _read_script_text(target: Target, item: PackageObject) -> str | None:
    found = stored_scripts.by_name(target.connection, target.caller.workspace.id, item.name)
    return None if found is None else found.document


def _write_script(target: Target, item: PackageObject, new: bool) -> None:
    submit = target.policy.target_status != "SAVED"
    text = item.text.decode()
    scripts.import_script(target.services, target.caller, target.connection, item.name, text, new=new, submit=submit)


def _read_resource_text(target: Target, item: PackageObject) -> str | None:
    found = stored_resources.by_name_and_directory(
        target.connection, target.caller.workspace.id, item.name, item.directory
    )
    return None if found is None else found.document


def _write_resource(target: Target, item: PackageObject, new: bool) -> None:
    resources.import_resource(target.services, target.caller, target.connection, item.name, item.text.decode(), new=new)


def _read_connection_text(target: Target, item: PackageObject) -> str | None:
    found = stored_connections.by_name(target.connection, target.caller.workspace.id, item.name)
    return None if found is None else found.document


def _write_connection(target: Target, item: PackageObject, new: bool) -> None:
    text = item.text
    if values := target.policy.connection_values.get(item.name):
        document = read_document(text)
        document["config"] = {**(document.get("config") or {}), **values}
        text = write_document(document)
    connections.import_connection(target.services, target.caller, target.connection, item.name, text.decode(), new=new)


def _read_quality_rules(target: Target, item: PackageObject) -> str | None:
    found = stored_quality.by_name(target.connection, target.caller.workspace.id, item.name)
    return None if found is None else found.document


def _write_quality_rules(target: Target, item: PackageObject, new: bool) -> None:
    quality.import_rule_job(target.services, target.caller, target.connection, item.name, item.text)


def _read_environment(target: Target, item: PackageObject) -> bytes | None:
    stored = environment.all_documents(target.connection, target.caller.workspace.id)
    named = {variable.get("name") for variable in read_document(item.text).get("params") or ()}
    kept = [document for name, document in stored if name in named]
    return environment_text(kept) if kept else None


def _write_environment(target: Target, item: PackageObject, new: bool) -> None:
    workspace_id = target.caller.workspace.id
    stored = dict(environment.all_documents(target.connection, workspace_id))
    for variable in read_document(item.text).get("params") or ():
        name = str(variable["name"])
        text = seal_variable(variable, target.services.sealer, stored.get(name))
        environment.put(target.connection, workspace_id, name, text)


def _read_cdm_job(target: Target, item: PackageObject) -> str | None:
    cluster = target.cluster_id(item.cluster)
    return None if cluster is None else stored_cdm.job_document(target.connection, cluster, item.name)


def _write_cdm_job(target: Target, item: PackageObject, new: bool) -> None:
    cdm_objects.import_job(
        target.services, target.caller, target.connection, target.made_cluster_id(item.cluster), item
    )


def _read_cdm_link(target: Target, item: PackageObject) -> str | None:
    cluster = target.cluster_id(item.cluster)
    return None if cluster is None else stored_cdm.link_document(target.connection, cluster, item.name)


def _write_cdm_link(target: Target, item: PackageObject, new: bool) -> None:
    cdm_objects.import_link(
        target.services, target.caller, target.connection, target.made_cluster_id(item.cluster), item
    )


_READERS: dict[Kind, Callable[[Target, PackageObject], str | bytes | None]] = {
    Kind.JOB: _read_job_text,
    Kind.SCRIPT: _read_script_text,
    Kind.RESOURCE: _read_resource_text,
    Kind.CONNECTION: _read_connection_text,
    Kind.QUALITY_RULES: _read_quality_rules,
    Kind.ENVIRONMENT: _read_environment,
    Kind.CDM_JOB: _read_cdm_job,
    Kind.CDM_LINK: _read_cdm_link,
}
_WRITERS: dict[Kind, Callable[[Target, PackageObject, bool], None]] = {
    Kind.JOB: _write_job,
    Kind.SCRIPT: _write_script,
    Kind.RESOURCE: _write_resource,
    Kind.CONNECTION: _write_connection,
    Kind.QUALITY_RULES: _write_quality_rules,
    Kind.ENVIRONMENT: _write_environment,
    Kind.CDM_JOB: _write_cdm_job,
    Kind.CDM_LINK: _write_cdm_link,
}
