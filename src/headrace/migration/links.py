"""Links: where data is, and how to get in. Secrets are sealed at rest and never leave."""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.errors_cdm import LinkInUse, LinkNameExists, LinkNotFound
from headrace.migration import clusters, values
from headrace.migration.elements import elements, link_head
from headrace.packages.cdm import seal_cdm
from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import LinkRecord
from headrace.storage.database import Duplicate
from headrace.wire.cdm import LinkList
from headrace.wire.document import Document


def create(services: Services, caller: Caller, cluster_id: str, body: LinkList, *, only_validate: bool) -> list[str]:
    """Create links (or only check them); their names. Raises LinkNameExists, CdmContentInvalid, ClusterNotFound."""
    texts = elements(body.links, "links")
    heads = [link_head(text) for text in texts]
    names = [head.name or "" for head in heads]
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        if only_validate:
            return names
        for text, head in zip(texts, heads, strict=True):
            record = LinkRecord(
                id=services.next_number(),
                cluster_id=cluster_id,
                name=head.name or "",
                connector=head.connector_name or "",
                document=seal_cdm(values.received(text), services.sealer),
                create_user=caller.user.name,
                create_time=caller.now,
                update_user=caller.user.name,
                update_time=caller.now,
            )
            try:
                cdm.insert_link(connection, record)
            except Duplicate as error:
                raise LinkNameExists(record.name) from error
    return names


def show(services: Services, caller: Caller, cluster_id: str, name: str) -> Document:
    """A list with one link. Raises LinkNotFound, ClusterNotFound."""
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.link_by_name(connection, cluster_id, name)
    if record is None:
        raise LinkNotFound(name)
    return {"links": [_view(record)], "fromTo-unMapping": "", "batchFromTo-mapping": ""}


def _view(record: LinkRecord) -> Document:
    return {
        **values.view(record.document),
        "name": record.name,
        "id": record.id,
        "enabled": values.view(record.document).get("enabled", True),
        "creation-user": record.create_user,
        "creation-date": record.create_time,
        "update-user": record.update_user,
        "update_user": record.update_user,
        "update-date": record.update_time,
    }


def replace(services: Services, caller: Caller, cluster_id: str, name: str, body: LinkList) -> None:
    """Replace a link; the body may carry a new name. Raises LinkNotFound, LinkNameExists, CdmContentInvalid."""
    text = elements(body.links, "links")[0]
    head = link_head(text)
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        before = cdm.link_by_name(connection, cluster_id, name)
        if before is None:
            raise LinkNotFound(name)
        record = before._replace(
            name=head.name or name,
            connector=head.connector_name or before.connector,
            document=seal_cdm(values.received(text), services.sealer, before.document),
            update_user=caller.user.name,
            update_time=caller.now,
        )
        try:
            cdm.replace_link(connection, record)
        except Duplicate as error:
            raise LinkNameExists(record.name) from error


def delete(services: Services, caller: Caller, cluster_id: str, name: str) -> None:
    """Delete a link that no job uses. Raises LinkNotFound, LinkInUse."""
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.link_by_name(connection, cluster_id, name)
        if record is None:
            raise LinkNotFound(name)
        if users := cdm.jobs_of_link(connection, cluster_id, name):
            raise LinkInUse(f"[{name}] is used by {', '.join(users[:10])}.")
        cdm.delete_link(connection, record.id)
