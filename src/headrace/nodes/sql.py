"""The SQL nodes: a script or statement in the dialect of the node's type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar
from uuid import NAMESPACE_OID, uuid5

from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, Script, evaluated_arguments, node_type
from headrace.nodes.matching import first_match
from headrace.nodes.sql_settings import (
    check_dli_environment,
    environment_of,
    read_environment,
    read_program_parameters,
)
from headrace.sql.dialects import Dialect, dialect_of
from headrace.sql.engine import SqlEngine, SqlError, StatementResult, output_text
from headrace.sql.engines import open_real

_INSERT = re.compile(r"\s*(?:insert|with\b.*\binsert|from\b.*\binsert)\b", re.IGNORECASE | re.DOTALL)


@node_type(
    "HiveSQL",
    "SparkSQL",
    "DLISQL",
    "DWSSQL",
    "RDSSQL",
    "PrestoSQL",
    "MRSPrestoSQL",
    "HetuEngine",
    "MRSHetuEngine",
    "ClickHouse",
    "ClickHouseSQL",
    "MRSClickHouse",
    "ImpalaSQL",
    "MRSImpalaSQL",
    "DorisSQL",
    "MRSHiveSQL",
    "MRSSparkSQL",
)
@dataclass(frozen=True, kw_only=True)
class Sql(Node):
    """Every statement in order; the first that fails ends it. The output is the last result set.

    Connection and database of the node beat those of the script. Source: user guide, "Node Reference", the SQL nodes.
    """

    unevaluated: ClassVar[frozenset[str]] = frozenset({"scriptArgs"})

    needs: ClassVar[str] = "the embedded engine (`unbound_connections`), or a bound connection and its driver's extra"

    type_name: str
    statement_or_script: str = ""
    script_name: str = ""
    script_version: str = ""
    statement: str = field(default="", metadata={"names": ("statement", "sql")})
    connection_name: str = field(default="", metadata={"names": ("connectionName", "Data Warehouse")})
    database: str = field(default="", metadata={"names": ("database", "Schema", "schema", "Database")})
    script_args: str = ""
    conf: str = ""  # of DLI SQL
    program_parameter: str = field(default="", metadata={"names": ("programParameter", "programParameters")})
    matching_rule: str = field(default="", metadata={"names": ("matchingRule", "regex", "Matching Rule")})
    failure_matching_value: str = field(
        default="", metadata={"names": ("failureMatchingValue", "Failure Matching Value")}
    )

    def run(self, ctx: NodeContext) -> NodeResult:
        script = self._script(ctx)
        results = run_sql(
            ctx,
            self.type_name,
            script,
            connection=self.connection_name or script.connection_name,
            database=self.database or script.database,
            script_arguments=evaluated_arguments(ctx, self.script_args),
            settings=self._settings(ctx),
        )
        counts = [result.input_row_count for result in results if result.input_row_count is not None]
        ended = NodeResult(
            success=True,
            output=output_text(results),
            input_row_count=sum(counts) if counts else None,
            running_data=_jobs(ctx.token, results) if _is_dli(self.type_name) else None,
        )
        return self._matched(ended, results)

    def _settings(self, ctx: NodeContext) -> dict[str, str]:
        settings, others = read_program_parameters(self.program_parameter)
        if others:
            ctx.log.line(f"Program parameters without effect here: {' '.join(others)}")
        return settings | read_environment(self.conf)

    def _matched(self, ended: NodeResult, results: Sequence[StatementResult]) -> NodeResult:
        """A failure when the result matches the rule and what matched is the failure value.

        The result is the last result set as text, a line per row.
        """
        if not self.matching_rule:
            return ended
        found = first_match("matchingRule", self.matching_rule, _as_lines(results))
        if found is None or found != self.failure_matching_value:
            return ended
        return replace(ended, success=False, message=f"matchingRule: the result matches with {found!r}.")

    def _script(self, ctx: NodeContext) -> Script:
        if self.statement_or_script.upper() == "STATEMENT" or (self.statement and not self.script_name):
            return Script(name=ctx.node_name, type=self.type_name, content=self.statement)
        if not self.script_name:
            raise NodeFailed("scriptName: the node names no script and has no statement.")
        return ctx.find_script(self.script_name, self.script_version)


def run_sql(
    ctx: NodeContext,
    type_name: str,
    script: Script,
    *,
    connection: str,
    database: str,
    script_arguments: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    on_statement: Callable[[StatementResult], None] | None = None,
) -> list[StatementResult]:
    """The results of a script's statements: on the real engine of a bound connection, else on the embedded one.

    Raises NodeFailed.
    """
    dialect = dialect_of(type_name)
    if dialect is None:
        raise NodeFailed(f"{type_name}: there is no engine for scripts of this type in this release.")

    def heard(result: StatementResult) -> None:
        ctx.log.line(f"{_first_line(result.statement)}  -- {result.row_count} rows, {result.duration_seconds:.3f} s")
        if on_statement is not None:
            on_statement(result)

    text = ctx.substitute(script.content, script_arguments)
    given = environment_of(script.configuration) | dict(settings or {})
    if _is_dli(type_name):
        check_dli_environment(given)
    try:
        engine, own_dialect = _engine(ctx, connection)
        chosen = own_dialect or dialect
        return engine.execute(text, chosen, database or None, heard, ctx.cancellation, settings=given)
    except SqlError as error:
        raise NodeFailed(str(error)) from error


def _engine(ctx: NodeContext, connection: str) -> tuple[SqlEngine, Dialect | None]:
    bound = ctx.find_connection(connection) if connection else None
    if bound is not None:
        ctx.log.line(f"Connection {connection!r} ({bound.type}): running on {bound.config.get('ip')}.")
        return open_real(bound.name, bound.type, bound.config)
    if not ctx.embedded_connections:
        raise NodeFailed(
            f'Connection {connection!r} is not bound to an engine. Set unbound_connections = "embedded" in '
            "headrace.toml (HEADRACE_UNBOUND_CONNECTIONS=embedded) to run on the embedded engine."
        )
    if connection:
        ctx.log.line(f"Connection {connection!r} is not bound to an engine: running on the embedded one.")
    return ctx.open_sql(), None


def _is_dli(type_name: str) -> bool:
    return "".join(type_name.split()).lower() == "dlisql"


def _jobs(token: str, results: Sequence[StatementResult]) -> str:
    """An id for each statement, as each is a job of DLI: ``{"jobIds":[…],"insertJobId":…}``.

    The second member is ours; ``Job.getInsertJobId`` reads it. Source: user guide, "EL, Job object".
    """
    ids = [str(uuid5(NAMESPACE_OID, f"{token}/{number}")) for number in range(len(results))]
    inserts = (key for key, result in zip(ids, results, strict=True) if _INSERT.match(result.statement))
    told: dict[str, object] = {"jobIds": ids}
    first = next(inserts, None)
    return json.dumps(told if first is None else told | {"insertJobId": first}, separators=(",", ":"))


def _as_lines(results: Sequence[StatementResult]) -> str:
    answers = [result for result in results if result.schema]
    rows = answers[-1].rows if answers else ()
    return "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)


def _first_line(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= 200 else line[:197] + "..."
