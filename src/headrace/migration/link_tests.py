"""Tries links: gets in where they lead, and says what answered. No message carries a secret."""

from __future__ import annotations

import importlib
import threading

import structlog

from headrace.domain.identity import Caller
from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, LinkNotFound
from headrace.migration import clusters, values
from headrace.migration.definition import check_secrets, opened, opened_link
from headrace.migration.elements import link_head, link_texts
from headrace.migration.running import Running
from headrace.migration.secrets import secrets_of, without_secrets
from headrace.packages.cdm import seal_cdm
from headrace.services import Services
from headrace.storage import cdm
from headrace.wire.cdm import LinkList
from headrace.wire.document import Document, read_document

log = structlog.get_logger("headrace.migration")

TRY_SECONDS = 30.0  # how long a system may take to let somebody in


def validate(services: Services, caller: Caller, cluster_id: str, body: LinkList) -> tuple[Document, CdmError | None]:
    """Try the links of a body and store nothing: what is answered, and the first that went wrong.

    A secret that is the placeholder is the one of the stored link of this name. Raises CdmContentInvalid,
    ClusterNotFound. Source: contract, createLink with validate=true.
    """
    texts = link_texts(body)
    names = [link_head(text).name or "" for text in texts]
    received = [values.received(text) for text in texts]
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        stored = [cdm.link_document(connection, cluster_id, name) for name in names]
    results, failed = [], None
    for name, text, before in zip(names, received, stored, strict=True):
        error = _failure(services, caller.workspace.id, name, seal_cdm(text, services.sealer, before))
        results.append({} if error is None else {"linkConfig": [{"message": error.message, "status": "ERROR"}]})
        failed = failed or error
    return {"name": names[0], "validation-result": results}, failed


def try_stored(services: Services, caller: Caller, cluster_id: str, name: str) -> str:
    """Try a link of a cluster; a line about what answered. Raises LinkNotFound, ClusterNotFound, CdmError."""
    with services.db.reading() as connection:
        clusters.found(connection, caller, cluster_id)
        text = cdm.link_document(connection, cluster_id, name)
    if text is None:
        raise LinkNotFound(name)
    return _tried(services, caller.workspace.id, name, text)


def _failure(services: Services, workspace_id: str, name: str, text: str) -> CdmError | None:
    try:
        _tried(services, workspace_id, name, text)
    except CdmError as error:
        return error
    return None


def _tried(services: Services, workspace_id: str, name: str, text: str) -> str:
    """Try a link of a stored text, switched off or not. Raises CdmError."""
    check_secrets(read_document(text), name)
    document = opened(text, services.sealer)
    link, secrets = opened_link({**document, "enabled": True}, name), secrets_of(document)
    running = Running()
    timer = threading.Timer(TRY_SECONDS, running.cancellation.cancel)
    timer.daemon = True
    timer.start()
    try:
        transfer = importlib.import_module("headrace.migration.transfer")
        return without_secrets(transfer.try_link(services, link, workspace_id, services.open_sql, running), secrets)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
        if running.cancellation.cancelled:
            raise CdmError(f"Link [{name}]: nothing answered in {TRY_SECONDS:.0f} s.") from None
        if isinstance(error, CdmError):
            raise type(error)(without_secrets(error.detail, secrets)) from None
        if isinstance(error, HeadraceError):
            raise CdmError(without_secrets(error.message, secrets)) from None
        log.warning("a link could not be tried", link=name, error=type(error).__name__)
        raise CdmError(without_secrets(f"Link [{name}]: {type(error).__name__}: {error}", secrets)) from None
    finally:
        timer.cancel()
