"""What a run finds around it: its workspace, environment variables, scripts, connections and the SQL engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import structlog

from headrace.auth.sealing import SecretUnreadable
from headrace.nodes.base import BoundConnection, Log, NodeFailed, Resource, Script
from headrace.objectstore.base import ObjectStore
from headrace.services import Services
from headrace.settings import Settings
from headrace.sql.engine import SqlEngine
from headrace.sql.engines import ClosableEngine, open_embedded
from headrace.storage import connections, environment, resources, scripts
from headrace.storage.database import Connection
from headrace.wire.document import Document, as_text, read_document

log = structlog.get_logger("headrace.engine")


def variables_of(
    services: Services, connection: Connection, workspace_id: str, opened: Callable[[str], object] = str
) -> dict[str, str]:
    """The environment variables of a workspace, in clear; one that cannot be opened any more is left out.

    ``opened`` is told each secret among them.
    """
    found = environment.values(connection, workspace_id)
    for name in [name for name, value in found.items() if services.sealer.is_sealed(value)]:
        try:
            found[name] = services.sealer.unseal(found[name])
            opened(found[name])
        except SecretUnreadable as error:
            log.warning("environment variable left out", workspace=workspace_id, name=name, reason=str(error))
            del found[name]
    return found


def files_root(settings: Settings) -> Path | None:
    """The folder of the object store, where it is one."""
    url = settings.object_store_url
    if url is None:
        return settings.home / "obs"
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


class SqlEngines:
    """The embedded engine of each workspace, opened when a statement needs it."""

    def __init__(self, settings: Settings, store: ObjectStore) -> None:
        self._settings = settings
        self._store = store
        self._lock = threading.Lock()
        self._open: dict[str, ClosableEngine] = {}

    def of(self, workspace_id: str) -> SqlEngine:
        """The engine of a workspace; its database file is made if absent."""
        with self._lock:
            found = self._open.get(workspace_id)
            if found is None:
                found = self._open[workspace_id] = self._opened(workspace_id)
            return found

    def _opened(self, workspace_id: str) -> ClosableEngine:
        folder = self._settings.home / "sql"
        folder.mkdir(mode=0o700, exist_ok=True)
        root = files_root(self._settings)
        objects = root or self._settings.home / "obs"
        objects.mkdir(parents=True, exist_ok=True)
        file = folder / f"{workspace_id}.duckdb"
        store = self._store if root is None else None
        return open_embedded(file, objects, store, time_zone=self._settings.time_zone)

    def close(self) -> None:
        """Close every engine."""
        with self._lock:
            for engine in self._open.values():
                engine.close()
            self._open.clear()


def script_finder(services: Services, workspace_id: str) -> Callable[[str, str], Script]:
    """Finds the script a node names: the pinned version, else the newest submitted one, else the draft."""

    def find(name: str, version: str) -> Script:
        with services.db.reading() as connection:
            record = scripts.by_name(connection, workspace_id, name)
            if record is None:
                raise NodeFailed(f"scriptName: there is no script {name!r} in the workspace.")
            wanted = int(version) if version.strip().isdigit() and int(version) > 0 else record.version
            text: str | None = record.document
            if wanted:
                text = scripts.version_document(connection, record.id, wanted)
        if text is None:
            raise NodeFailed(f"scriptVersion: script {name!r} has no version {wanted}.")
        return read_script(name, text)

    return find


def read_script(name: str, text: str) -> Script:
    """A script of its stored document. Raises NodeFailed when that is no JSON object."""
    try:
        document = read_document(text)
    except msgspec.MsgspecError as error:
        raise NodeFailed(f"The stored script {name!r} is not a JSON object.") from error
    configuration = document.get("configuration")
    return Script(
        name=name,
        type=as_text(document.get("type")),
        content=as_text(document.get("content")),
        connection_name=as_text(document.get("connectionName")),
        database=as_text(document.get("database")),
        configuration=configuration if isinstance(configuration, dict) else {},
    )


def resource_finder(services: Services, workspace_id: str) -> Callable[[str], Resource]:
    """Finds the resource a script or node names."""

    def find(name: str) -> Resource:
        with services.db.reading() as connection:
            found = resources.by_name(connection, workspace_id, name)
        if not found:
            raise NodeFailed(f"There is no resource {name!r} in the workspace.")
        document = read_document(found[0].document)
        depends = document.get("dependPackages")
        listed = depends if isinstance(depends, list) else []
        return Resource(
            name=name,
            type=found[0].type,
            location=as_text(document.get("location")),
            depends=tuple(as_text(item.get("location")) for item in listed if isinstance(item, dict)),
        )

    return find


def connection_finder(
    services: Services, workspace_id: str, record_log: Log
) -> Callable[[str], BoundConnection | None]:
    """Finds a connection that is bound to a real system: one with an address and credentials.

    None for an unknown name, and for one that lacks them, as every imported connection does until it is completed.
    Its secrets are masked in the log.
    """

    def find(name: str) -> BoundConnection | None:
        with services.db.reading() as connection:
            found = connections.by_name(connection, workspace_id, name)
        if found is None or not is_bound(read_document(found.document)):
            return None
        config = read_document(found.document)["config"]
        opened = {key: _unsealed(services, value, record_log) for key, value in config.items()}
        return BoundConnection(name=name, type=found.type, config=opened)

    return find


def is_bound(document: Document) -> bool:
    """Whether a connection says where its system is and how to enter it: a secret, or that none is asked for."""
    config = document.get("config")
    if not isinstance(config, dict):
        return False
    open_to_all = str(config.get("authentication") or "").upper() in ("NONE", "NOSASL")
    return bool(config.get("ip") and (open_to_all or any(map(config.get, ("password", "token", "keyLocation")))))


def _unsealed(services: Services, value: object, record_log: Log) -> object:
    if isinstance(value, dict):
        return {key: _unsealed(services, item, record_log) for key, item in value.items()}
    if not isinstance(value, str) or not services.sealer.is_sealed(value):
        return value
    try:
        secret = services.sealer.unseal(value)
    except SecretUnreadable as error:
        raise NodeFailed(f"A secret of the connection cannot be opened: {error}") from error
    record_log.conceal(secret)
    return secret
