"""The SQL nodes: a script or statement in the dialect of the node's type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, Script, node_type, read_arguments
from headrace.sql.dialects import Dialect, dialect_of
from headrace.sql.engine import SqlEngine, SqlError, StatementResult, output_text
from headrace.sql.engines import open_real


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

    type_name: str
    statement_or_script: str = ""
    script_name: str = ""
    script_version: str = ""
    statement: str = field(default="", metadata={"names": ("statement", "sql")})
    connection_name: str = field(default="", metadata={"names": ("connectionName", "Data Warehouse")})
    database: str = field(default="", metadata={"names": ("database", "Schema", "schema", "Database")})
    script_args: str = ""

    def run(self, ctx: NodeContext) -> NodeResult:
        script = self._script(ctx)
        results = run_sql(
            ctx,
            self.type_name,
            script,
            connection=self.connection_name or script.connection_name,
            database=self.database or script.database,
            script_arguments=read_arguments(self.script_args),
        )
        counts = [result.input_row_count for result in results if result.input_row_count is not None]
        return NodeResult(success=True, output=output_text(results), input_row_count=sum(counts) if counts else None)

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
    try:
        engine, own_dialect = _engine(ctx, connection)
        return engine.execute(text, own_dialect or dialect, database or None, heard, ctx.cancellation)
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


def _first_line(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= 200 else line[:197] + "..."
