"""Runs a script by itself and gives its rows, as ListScriptResults shows them.

Source: factory-v1-notes §8.1: one entry per statement that ran; of Shell and Python one entry, a row per output line.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.auth.sealing import MASK
from headrace.el.scope import Scope
from headrace.engine.attempt import attempt_token, build_context, guarded
from headrace.engine.scope import script_scope
from headrace.engine.surroundings import SqlEngines, read_script, variables_of
from headrace.nodes.base import NodeContext, NodeFailed, NodeResult, Script
from headrace.nodes.programs import kind_of, run_program
from headrace.nodes.sql import run_sql
from headrace.services import Services
from headrace.sql.engine import Cancellation, StatementResult
from headrace.storage import default_items, scripts
from headrace.storage.script_instances import ScriptInstanceRecord

MAX_RESULT_BYTES = 30 * 1024 * 1024  # of a Shell or Python script. Source: reference on nodes §6
_MESSAGE_CHARACTERS = 4_000


class _LastWords:
    """A log that keeps only its end, for the message of a script that fails."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._secrets: set[str] = set()

    def conceal(self, secret: str) -> None:
        """Mask this in what is told."""
        self._secrets.add(secret)

    def write(self, data: bytes) -> None:
        """Keep the end."""
        self._bytes += data
        del self._bytes[: -4 * _MESSAGE_CHARACTERS]

    def line(self, text: str) -> None:
        """What we have to say about the run is not what the script said."""

    def text(self) -> str:
        """The end of what was written."""
        return self.masked(self._bytes.decode("utf-8", "replace")).strip()[-_MESSAGE_CHARACTERS:]

    def masked(self, text: str) -> str:
        """The text without the secrets."""
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text


def run_script(
    services: Services, engines: SqlEngines, record: ScriptInstanceRecord, cancellation: Cancellation
) -> NodeResult:
    """Run the saved text of a script; the results are the output, as JSON. Never raises."""
    results: list[dict[str, Any]] = []
    words = _LastWords()

    def work() -> NodeResult:
        script, scope = _prepare(services, record)
        context = _context(services, engines, record, scope, words, cancellation)
        kind = kind_of(script.type)
        if kind is not None:
            return _run_program(services, context, script, kind, results)
        run_sql(
            context,
            script.type,
            script,
            connection=script.connection_name,
            database=script.database,
            script_arguments={},
            on_statement=lambda result: results.append(_entry(result)),
        )
        return NodeResult(success=True)

    ended = guarded(work, cancellation)
    said = words.masked(ended.message)
    message = said if ended.success else "\n".join(filter(None, (said, words.text())))
    return NodeResult(success=ended.success, message=message, output=msgspec.json.encode(results).decode())


def _prepare(services: Services, record: ScriptInstanceRecord) -> tuple[Script, Scope]:
    with services.db.reading() as connection:
        found = scripts.by_name(connection, record.workspace_id, record.script_name)
        variables = variables_of(services, connection, record.workspace_id)
        items = default_items.of_workspace(connection, record.workspace_id)
    if found is None or str(found.id) != record.script_id:
        raise NodeFailed(f"The script {record.script_name!r} was deleted before it ran.")
    parameters: dict[str, str] = msgspec.json.decode(record.parameters)
    scope = script_scope(services, record.project_id, record.create_time, parameters, variables, items)
    return read_script(record.script_name, found.document), scope


def _context(
    services: Services,
    engines: SqlEngines,
    record: ScriptInstanceRecord,
    scope: Scope,
    words: _LastWords,
    cancellation: Cancellation,
) -> NodeContext:
    return build_context(
        services,
        engines,
        workspace_id=record.workspace_id,
        job_name="",
        node_name=record.script_name,
        instance_id=record.id,
        plan_time=record.create_time,
        token=attempt_token(str(services.settings.home), record.id, 0, 0),
        scope=scope,
        record_log=words,
        cancellation=cancellation,
    )


def _run_program(
    services: Services, context: NodeContext, script: Script, kind: str, results: list[dict[str, Any]]
) -> NodeResult:
    output, began = bytearray(), services.now()

    def hear(data: bytes) -> None:
        output.extend(data)
        if len(output) > MAX_RESULT_BYTES:
            context.cancellation.cancel()
            del output[MAX_RESULT_BYTES:]

    result = run_program(context, script, kind=kind, connection=script.connection_name, on_stdout=hear)
    if len(output) == MAX_RESULT_BYTES and not result.success:
        raise NodeFailed("The output is larger than 30 MB.")
    lines = output.decode("utf-8", "replace").splitlines()
    results.append(
        {
            "message": "",
            "duration": (services.now() - began) / 1000,
            "rowCount": len(lines),
            "rows": [[line] for line in lines],
            "schema": [{"result": "string"}],
        }
    )
    return result


def _entry(result: StatementResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "message": result.message,
        "duration": round(result.duration_seconds, 3),
        "rowCount": result.row_count,
        "rows": result.rows,
        "schema": [{name: type_name} for name, type_name in result.schema],
    }
    if result.input_row_count is not None:
        entry["inputRowCount"] = result.input_row_count
    return entry
