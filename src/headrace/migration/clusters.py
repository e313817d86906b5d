"""CDM clusters: named pools of workers of this installation. The default one always runs."""

from __future__ import annotations

from headrace import __version__
from headrace.domain.clock import from_millis
from headrace.domain.identity import Caller
from headrace.errors_cdm import ClusterNotFound
from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import ClusterRecord
from headrace.storage.database import Connection
from headrace.wire.document import Document

DEFAULT_CLUSTER = "default"
NORMAL = "200"


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


def list_all(services: Services, caller: Caller) -> Document:
    """Every cluster of the project, without paging."""
    with services.db.reading() as connection:
        return {"clusters": [_view(record) for record in cdm.clusters(connection, caller.project_id)]}


def show(services: Services, caller: Caller, cluster_id: str) -> Document:
    """One cluster. Raises ClusterNotFound."""
    with services.db.reading() as connection:
        return _view(found(connection, caller, cluster_id))


def _view(record: ClusterRecord) -> Document:
    """Source: contract, Cluster: at least one instance, because Terraform reads the first without looking."""
    created, updated = (f"{from_millis(ms):%Y-%m-%dT%H:%M:%S}" for ms in (record.create_time, record.update_time))
    datastore = {"type": "cdm", "version": __version__}
    instance = {
        "id": record.id,
        "name": record.name,
        "type": "cdm",
        "status": NORMAL,
        "isFrozen": "0",
        "actions": [],
        "flavor": {"id": "local", "links": []},
        "volume": {"type": "LOCAL_DISK", "size": 0},
        "links": [],
    }
    return {
        "id": record.id,
        "name": record.name,
        "status": NORMAL,
        "statusDetail": "Normal",
        "created": created,
        "updated": updated,
        "isFrozen": "0",
        "actions": [],
        "clusterMode": "sharding",
        "datastore": datastore,
        "instances": [instance],
        "flavorName": "local",
        "isAutoOff": False,
        "isScheduleBootOff": False,
        "bakKeepDay": None,
        "failedReasons": {},
        "links": [],
    }
