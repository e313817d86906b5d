"""Environment variables of a workspace: one JSON document each, ``{"name": …, "value": …}`` and whatever else came."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, select

from headrace.storage.database import Connection
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import environment_variables

_in_workspace = environment_variables.c.workspace_id == bindparam("workspace_id")
_KEY = ("workspace_id", "name")
_PUT = InsertStatement(
    environment_variables,
    (*_KEY, "document"),
    lambda new: new.on_conflict_do_update(index_elements=_KEY, set_={"document": new.excluded.document}),
)
_ALL = Statement(
    select(environment_variables.c.name, environment_variables.c.document)
    .where(_in_workspace)
    .order_by(environment_variables.c.name)
)
_named = environment_variables.c.name == bindparam("name")
_DELETE = Statement(delete(environment_variables).where(_in_workspace, _named))

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)


def values(connection: Connection, workspace_id: str) -> dict[str, str]:
    """What ``#{Env.get("…")}`` reads: name and value. Numbers and booleans as they are written, null as nothing."""
    stored = all_documents(connection, workspace_id)
    return {name: _as_text(_DECODER.decode(document).get("value")) for name, document in stored}


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


def all_documents(connection: Connection, workspace_id: str) -> list[tuple[str, str]]:
    """Name and document of every variable, by name."""
    return [(row[0], row[1]) for row in connection.all(_ALL, workspace_id=workspace_id)]


def put(connection: Connection, workspace_id: str, name: str, document: str) -> None:
    """Set a variable."""
    connection.run(_PUT, workspace_id=workspace_id, name=name, document=document)


def delete_variable(connection: Connection, workspace_id: str, name: str) -> bool:
    """Whether there was such a variable."""
    return connection.run(_DELETE, workspace_id=workspace_id, name=name) > 0
