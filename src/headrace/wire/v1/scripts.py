"""Scripts as v1 spells them. Source: API reference, "Creating a Script", "Querying a Script", and real exports."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.wire.base import Page, Wire
from headrace.wire.document import Document, as_text, as_truth, read_document, without_nulls
from headrace.wire.v1.jobs import Approver


class ScriptInfo(Wire):
    """Body of CreateScript and UpdateScript; content of a ``.script`` file, which says ``currentDatabase``.

    ``content``: 4 MB at most; ``description``: 255 characters at most. ``targetStatus``: SAVED (default), SUBMITTED,
    PRODUCTION. ``id`` and ``version`` are informational.
    """

    name: str | None = None
    type: str | None = None
    content: str | None = None
    directory: str | None = None
    connection_name: str | None = None
    database: str | None = None
    queue_name: str | None = None
    configuration: dict[str, Any] | str | None = None
    description: str | None = None
    owner: str | None = None
    id: str | None = None
    version: int | str | None = None
    auto_acquire_lock: bool | str | None = None
    target_status: str | None = None
    approvers: list[Approver] | None = None


class Script(Wire):
    """A script as it is read. ``version``: the newest submitted one, 0 for none; ``modifyTime`` in milliseconds."""

    id: str
    name: str
    type: str
    content: str
    directory: str
    connection_name: str
    database: str
    queue_name: str
    configuration: dict[str, str]
    description: str
    owner: str
    version: int
    create_user: str
    modify_time: int
    auto_acquire_lock: bool


class ScriptList(Wire):
    """``total``: over all pages."""

    total: int
    scripts: list[Script]


class ListScriptsQuery(Page):
    """``scriptName``: part of the name, case counts."""

    script_name: str = ""


class ShowScriptQuery(Wire):
    """``version``: a submitted version; ``status``: SAVED (default) or PUBLISHED, the version in production."""

    version: int | None = None
    status: str = "SAVED"


_REQUEST_ONLY = ("targetStatus", "approvers")
_ECHOES = (("connection_name", "connectionName"), ("create_user", "createUser"))
_EMPTY_TEXTS = ("content", "connectionName", "database", "queueName", "description")


def script_view(text: str, server: Document) -> Document:
    """The answer of ShowScript: the document, what the server knows, and what particular clients look for.

    ``server``: id, name, type, version, createUser, modifyTime. ``connection_name`` and ``create_user`` repeat the
    members beside them. Source: factory-v1-notes §8 and §15, package-format.md §3 (currentDatabase).
    """
    script = without_nulls(read_document(text))
    for name in _REQUEST_ONLY:
        script.pop(name, None)
    if "database" not in script:
        script["database"] = as_text(script.get("currentDatabase"))
    for name in _EMPTY_TEXTS:
        script.setdefault(name, "")
    script["directory"] = script.get("directory") or "/"
    script["configuration"] = _text_values(script.get("configuration"))
    script["owner"] = as_text(script.get("owner")) or server["createUser"]
    script["autoAcquireLock"] = as_truth(script.get("autoAcquireLock", True))
    script |= server
    for extra, canonical in _ECHOES:
        script[extra] = script[canonical]
    return script


def _text_values(configuration: Any) -> Document:
    """An object with text values; the older SDK sends the object as text."""
    if isinstance(configuration, str):
        try:
            configuration = msgspec.json.decode(configuration)
        except msgspec.DecodeError:
            return {}
    return {name: as_text(value) for name, value in configuration.items()} if isinstance(configuration, dict) else {}


def drop_echoes(script: Document) -> bool:
    """Take out the extra spellings that only repeat the member beside them; whether there were any."""
    found = [extra for extra, canonical in _ECHOES if extra in script and script[extra] == script.get(canonical)]
    for extra in found:
        del script[extra]
    return bool(found)
