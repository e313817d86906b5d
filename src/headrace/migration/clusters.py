"""CDM clusters: named pools of workers of this installation. The default one always runs.

What the original does in minutes is done when it is answered: a new cluster is normal at once.
"""

from __future__ import annotations

from typing import Any

from headrace import __version__
from headrace.domain.clock import from_millis
from headrace.domain.identity import Caller
from headrace.errors_cdm import CdmError, ClusterNotFound, SubmissionFailed
from headrace.services import Services
from headrace.storage import cdm, submissions
from headrace.storage.cdm import ClusterRecord
from headrace.storage.database import Connection, Duplicate
from headrace.wire.document import Document, as_text, read_document, write_document

DEFAULT_CLUSTER = "default"
NORMAL, STOPPED = "200", "900"
_DETAILS = {NORMAL: "Normal", STOPPED: "Stopped"}
_SETTINGS = ("isAutoOff", "isScheduleBootOff", "scheduleBootTime", "scheduleOffTime")
_CHANGED = {"autoOff": "isAutoOff", "scheduleBootOff": "isScheduleBootOff"}  # names of the same in a change


def ensure_default_cluster(services: Services, project_id: str) -> ClusterRecord:
    """The default cluster of a project, made at first start."""
    with services.db.writing() as connection:
        return cdm.ensure_cluster(connection, project_id, DEFAULT_CLUSTER, services.next_id(), services.now())


def found(connection: Connection, caller: Caller, cluster_id: str) -> ClusterRecord:
    """The cluster of an id. Raises ClusterNotFound."""
    record = cdm.cluster_by_id(connection, caller.project_id, cluster_id)
    if record is None:
        raise ClusterNotFound(f"cluster {cluster_id!r}.")
    return record


def running(connection: Connection, caller: Caller, cluster_id: str) -> ClusterRecord:
    """The cluster of an id, if jobs can be started in it. Raises ClusterNotFound, SubmissionFailed."""
    record = found(connection, caller, cluster_id)
    check_running(record)
    return record


def is_running(record: ClusterRecord) -> bool:
    """Whether jobs can be started in a cluster."""
    return _status(record) == NORMAL


def check_running(record: ClusterRecord) -> None:
    """Raises SubmissionFailed."""
    if not is_running(record):
        raise SubmissionFailed(f"cluster {record.name!r} is stopped; start it first.")


def list_all(services: Services, caller: Caller) -> Document:
    """Every cluster of the project, without paging."""
    with services.db.reading() as connection:
        return {"clusters": [_view(record) for record in cdm.clusters(connection, caller.project_id)]}


def show(services: Services, caller: Caller, cluster_id: str) -> Document:
    """One cluster. Raises ClusterNotFound."""
    with services.db.reading() as connection:
        return _view(found(connection, caller, cluster_id))


def show_instance(services: Services, caller: Caller, instance_id: str) -> Document:
    """The one node of a cluster, which has the cluster's id. Raises ClusterNotFound."""
    with services.db.reading() as connection:
        record = found(connection, caller, instance_id)
    return {"instance": {**_instance(record), "cluster_id": record.id, "role": "cdm", "configurationStatus": "In-Sync"}}


def create(services: Services, caller: Caller, wanted: Document | None) -> Document:
    """Make a cluster. Raises CdmError for a body without a name, and for a name that is taken."""
    name = as_text(wanted.get("name")) if wanted else ""
    if not wanted or not 1 <= len(name) <= 64 or "\0" in name:
        raise CdmError("cluster.name: missing, or not of 1 to 64 characters.")
    kept = {member: wanted[member] for member in _SETTINGS if member in wanted}
    record = ClusterRecord(
        id=services.next_id(),
        project_id=caller.project_id,
        name=name,
        document=write_document(kept).decode(),
        create_time=caller.now,
        update_time=caller.now,
    )
    try:
        with services.db.writing() as connection:
            cdm.insert_cluster(connection, record)
    except Duplicate as error:
        raise CdmError(f"cluster.name: there is a cluster {name!r}.") from error
    instance = {"id": record.id, "name": name, "type": "cdm", "shard_id": ""}
    task = {"id": record.id, "name": "create cluster"}
    return {"id": record.id, "name": name, "task": task, "datastore": _DATASTORE, "instances": [instance]}


def delete(services: Services, caller: Caller, cluster_id: str) -> Document:
    """Remove a cluster with its links and jobs. Raises ClusterNotFound, CdmError while jobs run, or for the default."""
    with services.db.writing() as connection:
        record = found(connection, caller, cluster_id)
        _check_not_default(record, "deleted")
        if submissions.unended_of_cluster(connection, cluster_id):
            raise CdmError(f"cluster {record.name!r} has jobs that run; stop them first.")
        cdm.delete_cluster(connection, cluster_id)
    return {"jobId": cluster_id}


def act(services: Services, caller: Caller, cluster_id: str, body: Document) -> Document:
    """Start, stop or restart a cluster, as the one member of the body says. Raises ClusterNotFound, CdmError."""
    actions = [name for name in ("start", "stop", "restart") if name in body]
    if len(actions) != 1:
        raise CdmError("The body needs exactly one of start, stop and restart.")
    options = body[actions[0]]
    if isinstance(options, dict) and isinstance(options.get(actions[0]), dict):  # the Go client wraps it twice
        options = options[actions[0]]
    with services.db.writing() as connection:
        record = found(connection, caller, cluster_id)
        if actions[0] == "stop":
            _stop(services, connection, record, options if isinstance(options, dict) else {}, caller.now)
        elif actions[0] == "start":
            _set_status(connection, record, NORMAL, caller.now)
    services.wake_migrations()
    return {"jobId": [cluster_id]}


def _stop(services: Services, connection: Connection, record: ClusterRecord, options: dict[str, Any], now: int) -> None:
    """At once, or when its jobs have ended: then it only takes no more."""
    _check_not_default(record, "stopped")
    _set_status(connection, record, STOPPED, now)
    if as_text(options.get("stopMode")) != "GRACEFULLY":
        for submission in submissions.unended_of_cluster(connection, record.id):
            submissions.wish_stop(connection, submission)


def modify(services: Services, caller: Caller, cluster_id: str, body: Document) -> Document:
    """Change the settings of a cluster, which are kept and answered. Raises ClusterNotFound."""
    with services.db.writing() as connection:
        record = found(connection, caller, cluster_id)
        changes = {_CHANGED.get(member, member): value for member, value in body.items()}
        document = {**read_document(record.document), **changes}
        cdm.set_cluster(connection, cluster_id, write_document(document).decode(), caller.now)
    return {}


def _check_not_default(record: ClusterRecord, what: str) -> None:
    if record.name == DEFAULT_CLUSTER:
        raise CdmError(f"The cluster {DEFAULT_CLUSTER!r} always runs and cannot be {what}.")


def _status(record: ClusterRecord) -> str:
    return as_text(read_document(record.document).get("status")) or NORMAL


def _set_status(connection: Connection, record: ClusterRecord, status: str, now: int) -> None:
    document = {**read_document(record.document), "status": status}
    cdm.set_cluster(connection, record.id, write_document(document).decode(), now)


_DATASTORE = {"type": "cdm", "version": __version__}


def _instance(record: ClusterRecord) -> Document:
    return {
        "id": record.id,
        "name": record.name,
        "type": "cdm",
        "status": _status(record),
        "isFrozen": "0",
        "actions": [],
        "flavor": {"id": "local", "links": []},
        "volume": {"type": "LOCAL_DISK", "size": 0},
        "links": [],
        "datastore": _DATASTORE,
    }


def _view(record: ClusterRecord) -> Document:
    """Source: contract, Cluster: at least one instance, because Terraform reads the first without looking."""
    created, updated = (f"{from_millis(ms):%Y-%m-%dT%H:%M:%S}" for ms in (record.create_time, record.update_time))
    kept = read_document(record.document)
    status = _status(record)
    return {
        "id": record.id,
        "name": record.name,
        "status": status,
        "statusDetail": _DETAILS[status],
        "created": created,
        "updated": updated,
        "isFrozen": "0",
        "actions": [],
        "clusterMode": "sharding",
        "datastore": _DATASTORE,
        "instances": [_instance(record)],
        "flavorName": "local",
        "isAutoOff": kept.get("isAutoOff") is True,
        "isScheduleBootOff": kept.get("isScheduleBootOff") is True,
        **{member: kept[member] for member in ("scheduleBootTime", "scheduleOffTime") if member in kept},
        "bakKeepDay": None,
        "failedReasons": {},
        "links": [],
    }
