"""What the CDM catalogue can truthfully say of an installation of its own."""

from __future__ import annotations

import os

from headrace import __version__
from headrace.domain.identity import Caller
from headrace.errors_cdm import ResourceMissing
from headrace.migration import clusters
from headrace.services import Services
from headrace.storage import cdm
from headrace.wire.cdm_catalogue import (
    AllClusterTags,
    ClusterTags,
    ClusterTagsById,
    Datastore,
    Datastores,
    DatastoreVersion,
)
from headrace.wire.document import Document

DATASTORE = "cdm"
HERE = "local"  # flavour, region and zone: this machine


def datastores() -> Datastores:
    """The one kind of server there is, in the one version that is installed."""
    version = DatastoreVersion(id=__version__, name=__version__, active="1", datastore=DATASTORE)
    store = Datastore(
        id=DATASTORE, name=DATASTORE, bigcluster_enable=False, default_version=__version__, versions=[version]
    )
    return Datastores(datastores=[store])


def flavors(datastore_id: str) -> Document:
    """The one flavour there is: this machine. Raises ResourceMissing for another datastore."""
    if datastore_id != DATASTORE:
        raise ResourceMissing(f"datastore {datastore_id!r}; there is {DATASTORE!r}.")
    one = {
        "cpu": os.cpu_count() or 1,
        "ram": _memory_gigabytes(),
        "name": HERE,
        "region": HERE,
        "typename": DATASTORE,
        "clusterMode": "sharding",
        "status": "normal",
        "str_id": HERE,
    }
    version = {"id": __version__, "name": __version__, "flavors": [one]}
    return {"id": DATASTORE, "dbname": DATASTORE, "versions": [version]}


def flavor(flavor_id: str) -> Document:
    """The attributes of the one flavour. Raises ResourceMissing for any other."""
    if flavor_id != HERE:
        raise ResourceMissing(f"flavor {flavor_id!r}; there is {HERE!r}.")
    attributes = {"cpu": str(os.cpu_count() or 1), "mem": str(_memory_gigabytes())}
    detail = [{"name": name, "value": value} for name, value in attributes.items()]
    return {"name": HERE, "str_id": HERE, "flavor_detail": detail}


def availability_zones(region_id: str) -> Document:
    """The one zone of whatever region is asked for: this machine."""
    zone = {
        "availableZoneId": HERE,
        "availableZoneName": HERE,
        "availableZoneCode": HERE,
        "azStatus": "Running",
        "type": "CENTER",
        "tags": None,
    }
    return {"regionId": region_id, "defaultAZ": HERE, "availableZones": [zone]}


def _memory_gigabytes() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def enterprise_projects(services: Services, caller: Caller) -> AllClusterTags:
    """The enterprise projects of each cluster: an installation has none."""
    with services.db.reading() as connection:
        found = cdm.clusters(connection, caller.project_id)
    return AllClusterTags(resources=[ClusterTagsById(cluster_id=record.id, sys_tags=[]) for record in found])


def cluster_enterprise_projects(services: Services, caller: Caller, cluster_id: str) -> ClusterTags:
    """The enterprise projects of a cluster: an installation has none. Raises ClusterNotFound."""
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
    return ClusterTags(sys_tags=[])
