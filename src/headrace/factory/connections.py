"""Authoring of connections: create, read, list, replace, delete; and how an import writes one.

Source: factory-v1-notes §14.4.
"""

from __future__ import annotations

import socket
from typing import Any

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.names import CONNECTION_NAME, JOB_NAME
from headrace.errors import (
    ConnectionNameExists,
    ConnectionNotFound,
    ConnectionTestFailed,
    ConnectionTypeFixed,
    DliConnectionExists,
    DwsAddressMissing,
    InvalidParameter,
    MissingParameter,
)
from headrace.factory import paging
from headrace.factory.connection_secrets import masked_connection, seal_connection
from headrace.factory.ids import new_id
from headrace.factory.received import check_storable, received
from headrace.services import Services
from headrace.storage import connections
from headrace.storage.connections import ConnectionRecord
from headrace.storage.database import Connection, Duplicate
from headrace.wire.document import Document, as_text, as_truth, without_nulls, write_document
from headrace.wire.v1.connections import ConnectionInfo, ListConnectionsQuery

TYPES = ("DWS", "DLI", "SparkSQL", "HIVE", "RDS", "CloudTable", "HOST")
OWN_TYPES = ("KAFKA", "CSS", "FLINK", "PRESTO", "HETUENGINE", "IMPALA", "CLICKHOUSE", "DORIS")  # nodes reach them, too
MAX_DESCRIPTION = 255  # characters
TEST_SECONDS = 5.0  # to reach an address
_TYPE_KEYS = frozenset(name.lower() for name in (*TYPES, *OWN_TYPES))

_DECODER = msgspec.json.Decoder(ConnectionInfo, strict=False)


def create(services: Services, caller: Caller, wanted: ConnectionInfo, text: bytes) -> str:
    """Create a connection from its body; its id.

    Raises MissingParameter, InvalidParameter, DwsAddressMissing, DliConnectionExists, ConnectionNameExists.
    """
    received(text)
    _check(wanted)
    name, kind, user = wanted.name or "", wanted.type or "", caller.user.name
    record = _record_of(services, caller, wanted, name, seal_connection(text, services.sealer))
    with services.db.writing() as connection:
        if _same_type(kind, "DLI") and connections.count_of_user(connection, caller.workspace.id, "dli", user):
            raise DliConnectionExists(f"type: {user!r} has a connection of type {kind!r}.")
        try:
            connections.insert_connection(connection, record)
        except Duplicate as error:
            raise ConnectionNameExists(f"name: {name!r}.") from error
    return record.id


def _record_of(
    services: Services, caller: Caller, wanted: ConnectionInfo, name: str, document: str
) -> ConnectionRecord:
    user, now = caller.user.name, caller.now
    return ConnectionRecord(
        new_id(services), caller.workspace.id, name, wanted.type or "", document, user, now, user, now
    )


def _same_type(one: str, other: str) -> bool:
    """``Hive`` and ``HIVE`` are one type. Source: notes §17.16."""
    return one.lower() == other.lower()


def _check(wanted: ConnectionInfo) -> None:
    if not wanted.name:
        raise MissingParameter("name: missing.")
    if not CONNECTION_NAME.fullmatch(wanted.name):
        raise InvalidParameter(f"name: {wanted.name!r} is not 1 to 100 letters, digits, '-' or '_'.")
    if not wanted.type:
        raise MissingParameter("type: missing.")
    if wanted.type.lower() not in _TYPE_KEYS:
        raise InvalidParameter(f"type: {wanted.type!r} is none of {', '.join((*TYPES, *OWN_TYPES))}.")
    if wanted.description is not None and len(wanted.description) > MAX_DESCRIPTION:
        raise InvalidParameter(f"description: {len(wanted.description)} characters are more than {MAX_DESCRIPTION}.")
    config = wanted.config or {}
    if _same_type(wanted.type, "DWS") and not config.get("clusterName"):
        absent = [name for name in ("ip", "port") if not config.get(name)]
        if absent:
            raise DwsAddressMissing(f"config: clusterName and {' and '.join(absent)} are missing.")


def replace(
    services: Services, caller: Caller, name: str, wanted: ConnectionInfo, text: bytes, *, test_first: bool
) -> None:
    """Replace a connection; the name may change, the type may not, a masked secret keeps the stored one.

    Raises ConnectionNotFound, ConnectionTypeFixed, ConnectionTestFailed, ConnectionNameExists and what create raises.
    """
    received(text)
    with services.db.reading() as connection:
        _found(connection, caller, name)
    _check(wanted)
    if test_first:
        check_address(services, wanted)
    with services.db.writing() as connection:
        found = _found(connection, caller, name)
        if not _same_type(wanted.type or "", found.type):
            raise ConnectionTypeFixed(f"type: {wanted.type!r} is not {found.type!r}.")
        document = seal_connection(text, services.sealer, found.document)
        try:
            connections.replace_connection(connection, _changed(caller, found, wanted, wanted.name or "", document))
        except Duplicate as error:
            raise ConnectionNameExists(f"name: {wanted.name!r}.") from error


def _found(connection: Connection, caller: Caller, name: str) -> ConnectionRecord:
    found = connections.by_name(connection, caller.workspace.id, name)
    if found is None:
        raise ConnectionNotFound(f"name: {name!r}.")
    return found


def _changed(
    caller: Caller, found: ConnectionRecord, wanted: ConnectionInfo, name: str, document: str
) -> ConnectionRecord:
    return found._replace(
        name=name,
        type=wanted.type or found.type,
        document=document,
        update_user=caller.user.name,
        modify_time=caller.now,
    )


def wants_test(ischeck: str) -> bool:
    """Whether ``ischeck`` says so: ``true``, ``1`` or ``yes``."""
    return as_truth(ischeck) or ischeck.strip().lower() == "yes"


def check_address(services: Services, wanted: ConnectionInfo) -> None:
    """Reach the address of a connection. Raises ConnectionTestFailed.

    One without an address names a cluster of the cloud: it works where the embedded engine stands in for it.
    """
    config: dict[str, Any] = wanted.config or {}
    host, port = as_text(config.get("ip")).strip(), as_text(config.get("port")).strip()
    if not host or not port:
        if services.settings.unbound_connections == "fail":
            raise ConnectionTestFailed("config: there is no ip and port to connect to.")
        return
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConnectionTestFailed(f"config.port: {port!r} is no port.")
    try:
        socket.create_connection((host, int(port)), timeout=TEST_SECONDS).close()
    except (OSError, UnicodeError) as error:
        raise ConnectionTestFailed(f"config: {host}:{port} cannot be reached: {error}.") from error


def importable(name: str, text: str) -> ConnectionInfo:
    """A connection of a package, if it can be stored. Raises InvalidParameter."""
    try:
        wanted = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidParameter(f"connection {name!r}: {error}.") from error
    if not JOB_NAME.fullmatch(name):
        raise InvalidParameter(f"connection {name!r}: the name is invalid.")
    check_storable(f"connection {name!r}", wanted.type or "")
    return wanted


def import_connection(
    services: Services, caller: Caller, connection: Connection, name: str, text: str, *, new: bool
) -> None:
    """Write a connection of a package, inside the transaction of the import.

    Secrets that the package leaves out keep what is stored. Raises InvalidParameter.
    """
    wanted = importable(name, text)
    found = None if new else connections.by_name(connection, caller.workspace.id, name)
    if found is not None:
        document = seal_connection(text.encode(), services.sealer, found.document, keep_absent=True)
        connections.replace_connection(connection, _changed(caller, found, wanted, name, document))
        return
    document = seal_connection(text.encode(), services.sealer)
    connections.insert_connection(connection, _record_of(services, caller, wanted, name, document))


def show(services: Services, caller: Caller, name: str) -> bytes:
    """The JSON text of a connection, its secrets masked. Raises ConnectionNotFound."""
    with services.db.reading() as connection:
        found = _found(connection, caller, name)
    return write_document(_view(found))


def list_page(services: Services, caller: Caller, query: ListConnectionsQuery) -> bytes:
    """The JSON text of one page of connections, oldest first. Raises InvalidParameter."""
    skip, limit = paging.rows(query)
    with services.db.reading() as connection:
        total, found = connections.page(
            connection, caller.workspace.id, name=query.connection_name, skip=skip, rows=limit
        )
    return write_document({"total": total, "connections": [_view(record) for record in found]})


def _view(record: ConnectionRecord) -> Document:
    view = without_nulls(masked_connection(record.document))
    view |= {"name": record.name, "type": record.type}
    view.setdefault("config", {})
    view.setdefault("description", "")
    return view


def delete(services: Services, caller: Caller, name: str) -> None:
    """Delete a connection. Raises ConnectionNotFound."""
    with services.db.writing() as connection:
        if not connections.delete_connection(connection, caller.workspace.id, name):
            raise ConnectionNotFound(f"name: {name!r}.")
