"""Script instances: single runs of a script, with the rows they gave."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, insert, literal_column, select, update

from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import script_instances

START, STOP = "START", "STOP"


class ScriptInstanceRecord(NamedTuple):
    """A row of ``script_instances``. ``parameters`` and ``results`` are JSON texts. Times in milliseconds."""

    id: str
    workspace_id: str
    script_id: str
    script_name: str
    status: str
    wish: str
    message: str
    parameters: str
    project_id: str
    results: str
    create_time: int
    start_time: int | None = None
    end_time: int | None = None
    owner: str = ""


_INSERT = Statement(insert(script_instances))
_BY_ID = Statement(select(script_instances).where(script_instances.c.id == bindparam("id")))
_LOCK = Statement(select(script_instances).where(script_instances.c.id == bindparam("id")).with_for_update())
_WISHING = Statement(
    select(script_instances.c.id)
    .where(script_instances.c.wish != literal_column("''"))
    .order_by(script_instances.c.create_time)
)
_OPEN = Statement(
    select(script_instances.c.id)
    .where(script_instances.c.status.in_([literal_column("'LAUNCHING'"), literal_column("'RUNNING'")]))
    .order_by(script_instances.c.create_time)
)
_UPDATE_COLUMNS = ("status", "wish", "message", "results", "start_time", "end_time", "owner")
_UPDATE = Statement(
    update(script_instances)
    .where(script_instances.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in _UPDATE_COLUMNS})
)


def insert_instance(connection: Connection, instance: ScriptInstanceRecord) -> None:
    """Add an instance."""
    connection.run(_INSERT, **instance._asdict())


def by_id(connection: Connection, instance_id: str) -> ScriptInstanceRecord | None:
    """One instance."""
    row = connection.one(_BY_ID, id=instance_id)
    return None if row is None else ScriptInstanceRecord(*row)


def lock(connection: Connection, instance_id: str) -> ScriptInstanceRecord | None:
    """One instance, which nobody else can change until the transaction ends."""
    row = connection.one(_LOCK, id=instance_id)
    return None if row is None else ScriptInstanceRecord(*row)


def wishing_ids(connection: Connection) -> list[str]:
    """Instances the engine must look at, oldest first."""
    return [row[0] for row in connection.all(_WISHING)]


def open_ids(connection: Connection) -> list[str]:
    """Instances that have not ended, oldest first."""
    return [row[0] for row in connection.all(_OPEN)]


def update_instance(connection: Connection, instance: ScriptInstanceRecord) -> None:
    """Write what can change of an instance; its row is locked."""
    connection.run(_UPDATE, **{name: getattr(instance, name) for name in _UPDATE_COLUMNS}, key=instance.id)
