"""CDM clusters: named pools of workers of this installation. The default one always runs."""

from __future__ import annotations

from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import ClusterRecord

DEFAULT_CLUSTER = "default"


def ensure_default_cluster(services: Services, project_id: str) -> ClusterRecord:
    """The default cluster of a project, made at first start."""
    with services.db.writing() as connection:
        return cdm.ensure_cluster(connection, project_id, DEFAULT_CLUSTER, services.next_id(), services.now())
