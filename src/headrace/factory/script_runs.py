"""Running scripts by themselves: begin, read the results, cancel. Source: factory-v1-notes §8.1."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.instance import OPEN_SCRIPT_STATES, ScriptState, moved
from headrace.errors import ScriptInstanceNotFound, ScriptNotFound
from headrace.services import Services
from headrace.storage import script_instances, scripts
from headrace.storage.database import Connection
from headrace.storage.script_instances import ScriptInstanceRecord
from headrace.wire.document import as_text
from headrace.wire.v1.runs import ScriptResult, ScriptResults

CANCELED = "canceled"

_RESULTS = msgspec.json.Decoder(list[ScriptResult])


def execute(services: Services, caller: Caller, name: str, parameters: Mapping[str, object]) -> str:
    """Begin to run the saved text of a script; the id of the script instance. Raises ScriptNotFound."""
    values = {key: as_text(value) for key, value in parameters.items()}
    with services.db.writing() as connection:
        script = scripts.by_name(connection, caller.workspace.id, name)
        if script is None:
            raise ScriptNotFound(f"name: {name!r}.")
        record = ScriptInstanceRecord(
            id=services.next_id(),
            workspace_id=caller.workspace.id,
            script_id=str(script.id),
            script_name=name,
            status=ScriptState.LAUNCHING.value,
            wish=script_instances.START,
            message="",
            parameters=msgspec.json.encode(values).decode(),
            project_id=caller.project_id,
            results="[]",
            create_time=caller.now,
        )
        script_instances.insert_instance(connection, record)
    services.wake_engine()
    return record.id


def results(services: Services, caller: Caller, name: str, instance_id: str) -> ScriptResults:
    """State and results of a script instance; none until it has ended.

    Raises ScriptNotFound when the script is missing, ScriptInstanceNotFound when only the instance is.
    """
    with services.db.reading() as connection:
        record = _found(connection, caller, name, script_instances.by_id(connection, instance_id))
    rows = _RESULTS.decode(record.results)
    return ScriptResults(status=record.status, message=record.message, results=rows, result=rows)


def cancel(services: Services, caller: Caller, name: str, instance_id: str) -> None:
    """Stop a script instance: it is FAILED with the message "canceled". Nothing happens to one that has ended.

    Raises ScriptNotFound, ScriptInstanceNotFound.
    """
    with services.db.writing() as connection:
        record = _found(connection, caller, name, script_instances.lock(connection, instance_id))
        if record.status not in OPEN_SCRIPT_STATES:
            return
        state = moved(ScriptState(record.status), ScriptState.FAILED)
        script_instances.update_instance(
            connection,
            record._replace(status=state.value, wish=script_instances.STOP, message=CANCELED, end_time=caller.now),
        )
    services.wake_engine()


def _found(
    connection: Connection, caller: Caller, name: str, record: ScriptInstanceRecord | None
) -> ScriptInstanceRecord:
    if record is not None and record.workspace_id == caller.workspace.id and record.script_name == name:
        return record
    if scripts.by_name(connection, caller.workspace.id, name) is None:
        raise ScriptNotFound(f"name: {name!r}.")
    raise ScriptInstanceNotFound(f"Script {name!r} has no such instance.")
