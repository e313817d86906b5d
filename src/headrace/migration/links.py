"""Links: where data is, and how to get in. Secrets are sealed at rest and never leave."""

from __future__ import annotations

from headrace.domain.identity import Caller
from headrace.errors_cdm import LinkInUse, LinkNameExists, LinkNotFound
from headrace.migration import clusters, values
from headrace.migration.elements import link_head, link_texts, only
from headrace.packages.cdm import seal_cdm
from headrace.services import Services
from headrace.storage import cdm
from headrace.storage.cdm import LinkRecord
from headrace.storage.database import Duplicate
from headrace.wire.cdm import LinkList
from headrace.wire.document import Document, as_truth

_SET_HERE = frozenset({"id", "creation-user", "creation-date", "update-user", "update_user", "update-date"})


def create(services: Services, caller: Caller, cluster_id: str, body: LinkList) -> Document:
    """Create links, all or none. Raises LinkNameExists, CdmContentInvalid, ClusterNotFound."""
    texts = link_texts(body)
    heads = [link_head(text) for text in texts]
    with services.db.writing() as connection:
        clusters.found(connection, caller, cluster_id)
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
    return {"name": heads[0].name, "validation-result": [{} for _ in texts]}


def show(services: Services, caller: Caller, cluster_id: str, name: str) -> Document:
    """A list with one link. Raises LinkNotFound, ClusterNotFound."""
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        record = cdm.link_by_name(connection, cluster_id, name)
    if record is None:
        raise LinkNotFound(name)
    shown = _view(record, encode=services.settings.encode_cdm_values)
    return {"links": [shown], "fromTo-unMapping": "", "batchFromTo-mapping": ""}


def _view(record: LinkRecord, *, encode: bool) -> Document:
    document = values.view(record.document, encode=encode)
    enabled = document.get("enabled")
    return {
        **{member: value for member, value in document.items() if member not in _SET_HERE},
        "name": record.name,
        "id": record.id,
        "enabled": True if enabled is None else as_truth(enabled),
        "creation-user": record.create_user,
        "creation-date": record.create_time,
        "update-user": record.update_user,
        "update_user": record.update_user,
        "update-date": record.update_time,
    }


def replace(services: Services, caller: Caller, cluster_id: str, name: str, body: LinkList) -> None:
    """Replace a link; the body may carry a new name. Raises LinkNotFound, LinkNameExists, CdmContentInvalid.

    Jobs name their links, so those that name the old one have to be updated too.
    """
    text = only(link_texts(body), "links")
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
