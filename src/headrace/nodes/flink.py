"""The MRS Flink nodes: Flink SQL through the REST interface of a Flink SQL gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from headrace.nodes.base import BoundConnection, Node, NodeContext, NodeFailed, NodeResult, node_type
from headrace.nodes.flink_gateway import FlinkSession, Job, Rows, open_session
from headrace.sql.dialects import Dialect
from headrace.sql.engine import OUTPUT_LIMIT, OUTPUT_TOO_LARGE
from headrace.sql.statements import split

FLINK = Dialect(name="flink", grammar="flink")
_BEGINS_SET = re.compile(r"EXECUTE\s+STATEMENT\s+SET\b", re.IGNORECASE)
_KEYS = {
    "parallelism": "parallelism.default",
    "checkpoint.interval": "execution.checkpointing.interval",
    "state.backend": "state.backend.type",
}
_ENDED_WELL, _ENDED_BADLY = ("FINISHED",), ("FAILED", "CANCELED", "SUSPENDED")
_ALIVE = ("RUNNING", "CREATED", "INITIALIZING", "RESTARTING", "RECONCILING")


@node_type("MRSFlinkJob", "MRSFlink", "FlinkSQL")
@dataclass(frozen=True, kw_only=True)
class Flink(Node):
    """Runs the statements of a Flink SQL script on the gateway that a connection names.

    Batch: success when every job that the statements began has finished; the output is the last result. Stream:
    success when the jobs are running, which a later run only looks at. ``program_parameter``: ``k=v`` between ``|``.
    The connection is ``connection_name``, else the one named as the cluster. Source: user guide, "MRS Flink Job";
    exported jobs.
    """

    needs: ClassVar[str] = "a connection with the address of a Flink SQL gateway"

    connection_name: str = ""
    cluster_name: str = ""
    job_name: str = ""
    flink_job_type: str = ""
    process_type: str = field(default="batch", metadata={"names": ("flinkJobProcessType", "processType")})
    script_name: str = ""
    script_version: str = ""
    statement: str = field(default="", metadata={"names": ("statement", "sql")})
    program_parameter: str = ""

    def run(self, ctx: NodeContext) -> NodeResult:
        if "jar" in self.flink_job_type.lower():
            raise NodeFailed("flinkJobType: jars for Flink are not in this release; Flink SQL is.")
        connection, name = self._connection(ctx), self.job_name or f"{ctx.job_name}_{ctx.node_name}"
        statements = split_statements(self._text(ctx))
        if not statements:
            raise NodeFailed("scriptName: the script has no statements.")
        stream = self.process_type.lower() == "stream"
        properties = {
            **read_parameters(self.program_parameter),
            "execution.runtime-mode": "streaming" if stream else "batch",
            "pipeline.name": name,
        }
        with open_session(ctx, connection, properties) as session:
            if stream and any(job.name == name and job.status in _ALIVE for job in session.jobs()):
                ctx.log.line(f"Job {name!r} is running.")
                return NodeResult(success=True)
            return _run(ctx, session, statements, stream=stream)

    def _connection(self, ctx: NodeContext) -> BoundConnection:
        for name in filter(None, (self.connection_name, self.cluster_name)):
            if (found := ctx.find_connection(name)) is not None:
                return found
        raise NodeFailed(
            f"connectionName: there is no connection {self.connection_name or self.cluster_name!r} with the address of "
            "a Flink SQL gateway (config.ip, config.port) and a password; for one that asks for none, set its "
            'config.authentication to "NONE".'
        )

    def _text(self, ctx: NodeContext) -> str:
        if self.script_name:
            return ctx.substitute(ctx.find_script(self.script_name, self.script_version).content, {})
        if not self.statement:
            raise NodeFailed("scriptName: the node names no script and has no statement.")
        return self.statement


def _run(ctx: NodeContext, session: FlinkSession, statements: Sequence[str], *, stream: bool) -> NodeResult:
    """Every statement in order, each after the jobs of the one before; what they began is cancelled with the node."""
    last: Rows | None = None
    try:
        for statement in statements:
            outcome = session.execute(statement)
            ctx.log.line(f"{_shown(statement)}  -- {len(outcome.rows)} rows")
            last = outcome if outcome.is_query else last
            if outcome.job_id and not outcome.is_query:
                _follow(ctx, session, outcome.job_id, stream=stream)
    except NodeFailed:
        for job_id in session.begun:
            session.stop_job(job_id)
        raise
    jobs = json.dumps({"jobIds": session.begun}) if session.begun else None
    return NodeResult(success=True, output=_output(last), running_data=jobs)


def _follow(ctx: NodeContext, session: FlinkSession, job_id: str, *, stream: bool) -> None:
    """Wait until a job has finished, or is running in a stream. Raises NodeFailed when it ends otherwise."""
    while True:
        status = _status(session.jobs(), job_id)
        if status in _ENDED_WELL or (stream and status == "RUNNING"):
            ctx.log.line(f"Flink job {job_id} is {status}.")
            return
        if status in _ENDED_BADLY:
            raise NodeFailed(f"Flink job {job_id} is {status}; the cluster's log says why.")
        if ctx.cancellation.wait(ctx.polling_interval):
            raise NodeFailed(f"Stopped; Flink job {job_id} is cancelled.")


def _status(jobs: Sequence[Job], job_id: str) -> str:
    for job in jobs:
        if job.id == job_id:
            return job.status
    raise NodeFailed(f"Flink job {job_id} is unknown to the cluster, so nobody can say how it ended.")


def _output(rows: Rows | None) -> str | None:
    if rows is None:
        return None
    text = json.dumps([list(row) for row in rows.rows], ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= OUTPUT_LIMIT else OUTPUT_TOO_LARGE


def split_statements(script: str) -> list[str]:
    """The statements of a Flink SQL script; ``EXECUTE STATEMENT SET BEGIN … END`` is one."""
    found: list[str] = []
    inside = False
    for item in split(script, FLINK):
        if inside:
            found[-1] += ";\n" + item.text
        else:
            found.append(item.text)
            inside = _BEGINS_SET.match(item.text) is not None
        inside = inside and item.text.strip().upper() != "END"
    return found


def read_parameters(text: str) -> dict[str, str]:
    """``k=v`` pairs between ``|``, in the names that Flink has for them. Raises NodeFailed."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split("|"))):
        name, there, value = pair.partition("=") if "=" in pair else pair.partition(":")
        if not there or not re.fullmatch(r"[A-Za-z0-9._-]+", name.strip()):
            raise NodeFailed(f"programParameter: {pair!r} is no pair k=v; write them with | between.")
        found[_KEYS.get(name.strip(), name.strip())] = value.strip()
    return found


def _shown(statement: str) -> str:
    """The statement as a log may show it: without the options of a table, which hold its passwords."""
    line = re.split(r"\bWITH\s*\(", " ".join(statement.split()), maxsplit=1, flags=re.IGNORECASE)[0]
    return line if len(line) <= 200 else line[:197] + "..."
