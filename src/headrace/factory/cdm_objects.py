"""CDM links and jobs of a package: written as the CDM API would, inside the transaction of the import."""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.packages.cdm import seal_cdm
from headrace.packages.model import PackageObject
from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import CdmJobRecord, LinkRecord
from headrace.storage.database import Connection
from headrace.wire.document import as_text


def import_link(
    services: Services, caller: Caller, connection: Connection, cluster_id: str, item: PackageObject
) -> None:
    """Create or replace a link; a secret that the package leaves out stays."""
    found = cdm.link_by_name(connection, cluster_id, item.name)
    document = item.document()
    record = LinkRecord(
        id=services.next_number() if found is None else found.id,
        cluster_id=cluster_id,
        name=item.name,
        connector=as_text(document.get("connector-name")),
        document=seal_cdm(item.text, services.sealer, None if found is None else found.document),
        create_user=caller.user.name,
        create_time=caller.now,
        update_user=caller.user.name,
        update_time=caller.now,
    )
    (cdm.insert_link if found is None else cdm.replace_link)(connection, record)


def import_job(
    services: Services, caller: Caller, connection: Connection, cluster_id: str, item: PackageObject
) -> None:
    """Create or replace a migration job; its links need not exist."""
    found = cdm.job_by_name(connection, cluster_id, item.name)
    document = item.document()
    record = CdmJobRecord(
        id=services.next_number() if found is None else found.id,
        cluster_id=cluster_id,
        name=item.name,
        job_type=as_text(document.get("job_type")) or "NORMAL_JOB",
        workspace_id=caller.workspace.id,
        from_link=as_text(document.get("from-link-name")),
        to_link=as_text(document.get("to-link-name")),
        document=seal_cdm(item.text, services.sealer, None if found is None else found.document),
        create_user=caller.user.name,
        create_time=caller.now,
        update_user=caller.user.name,
        update_time=caller.now,
    )
    (cdm.insert_job if found is None else cdm.replace_job)(connection, record)
