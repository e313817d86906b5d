"""What the CDM catalogue can truthfully say of an installation of its own."""

from __future__ import annotations

from headrace import __version__
from headrace.domain.identity import Caller
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

DATASTORE = "cdm"


def datastores() -> Datastores:
    """The one kind of server there is, in the one version that is installed."""
    version = DatastoreVersion(id=__version__, name=__version__, active="1", datastore=DATASTORE)
    store = Datastore(
        id=DATASTORE, name=DATASTORE, bigcluster_enable=False, default_version=__version__, versions=[version]
    )
    return Datastores(datastores=[store])


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
