"""Runs the text of a Shell or Python script on this machine; shared by nodes and script instances."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, Script, read_arguments
from headrace.nodes.process import ATTEMPT_VARIABLE, run_process

SHELL, PYTHON = "shell", "python"


@dataclass(frozen=True, kw_only=True)
class Program(Node):
    """What Shell and Python nodes have in common. ``arguments``: between blanks."""

    script_name: str = ""
    script_version: str = ""
    statement_or_script: str = ""
    statement: str = ""
    connection_name: str = ""
    arguments: str = ""
    script_args: str = ""

    def _script(self, ctx: NodeContext, kind: str) -> Script:
        inline = self.statement_or_script.upper() == "STATEMENT" or (self.statement and not self.script_name)
        if inline:
            return Script(name=ctx.node_name, type=kind, content=self.statement)
        if not self.script_name:
            raise NodeFailed("scriptName: the node names no script and has no statement.")
        return ctx.find_script(self.script_name, self.script_version)

    def run_as(self, ctx: NodeContext, kind: str, python_version: str = "") -> NodeResult:
        script = self._script(ctx, kind)
        return run_program(
            ctx,
            script,
            kind=kind,
            connection=self.connection_name or script.connection_name,
            arguments=self.arguments,
            script_arguments=read_arguments(self.script_args),
            python_version=python_version,
        )


def kind_of(script_type: str) -> str | None:
    """``shell`` or ``python`` for the types of scripts that are programs of this machine."""
    lowered = "".join(script_type.split()).lower()
    return lowered if lowered in (SHELL, PYTHON) else None


def split_arguments(text: str) -> list[str]:
    """Arguments between blanks; quotes keep blanks together. Source: user guide, "Shell", parameters."""
    try:
        return shlex.split(text)
    except ValueError:  # an odd quote is meant as it stands
        return text.split()


def run_program(
    ctx: NodeContext,
    script: Script,
    *,
    kind: str,
    connection: str,
    arguments: str = "",
    script_arguments: Mapping[str, str] | None = None,
    python_version: str = "",
    on_stdout: Callable[[bytes], None] | None = None,
) -> NodeResult:
    """Run a script to its end; its exit code decides. Raises NodeFailed when it may not or cannot be started."""
    _check_host(ctx, connection)
    command = _interpreter(kind, python_version)
    ctx.scratch.mkdir(parents=True, mode=0o700)
    try:
        file = ctx.scratch / ("script.sh" if kind == SHELL else "script.py")
        content = ctx.substitute(script.content, script_arguments or {})
        file.write_text(content.replace("\r\n", "\n"), "utf-8", newline="")
        ended = run_process(
            [*command, str(file), *split_arguments(arguments)],
            folder=ctx.scratch,
            environment=_environment(ctx),
            cancellation=ctx.cancellation,
            on_stdout=on_stdout or ctx.log.write,
            on_stderr=ctx.log.write,
        )
    except OSError as error:
        raise NodeFailed(f"{command[0]} cannot be started: {error.strerror}.") from error
    finally:
        shutil.rmtree(ctx.scratch, ignore_errors=True)
    return _result(ended.exit_code, ended.tail)


def _result(exit_code: int, tail: str) -> NodeResult:
    if exit_code == 0:
        return NodeResult(success=True, output=tail)
    code = f"signal {-exit_code}" if exit_code < 0 else f"return code {exit_code}"
    return NodeResult(success=False, message=f"Shell exit code is not 0: {code}.", output=tail)


def _check_host(ctx: NodeContext, connection: str) -> None:
    """Raises NodeFailed unless the program may run here."""
    bound = ctx.find_connection(connection) if connection else None
    if bound is not None and bound.type.upper() == "HOST":
        raise NodeFailed(
            f"Connection {connection!r} names a host with credentials, and running over SSH is not in this release. "
            "Remove its password or key to run on this machine."
        )
    if not ctx.local_execution:
        named = f"The host connection {connection!r} is not bound" if connection else "No host connection is named"
        raise NodeFailed(
            f"{named}, and this server does not run programs itself. Switch the setting local_execution on "
            "(--local-execution, HEADRACE_LOCAL_EXECUTION=true) to run them on the server's machine."
        )
    if connection:
        ctx.log.line(f"Connection {connection!r} is not bound to a host: running on this machine.")


def _interpreter(kind: str, python_version: str) -> list[str]:
    if kind == SHELL:
        return [shutil.which("bash") or "sh"]
    if python_version.replace(" ", "").lower() == "python2":
        found = shutil.which("python2")
        if found is None:
            raise NodeFailed("pythonVersion: there is no python2 on this machine.")
        return [found]
    return [sys.executable]


def _environment(ctx: NodeContext) -> dict[str, str]:
    """A small environment: nothing of the server's own but PATH and the language."""
    given = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **given,
        "HOME": str(ctx.scratch),
        "TMPDIR": str(ctx.scratch),
        "PYTHONUNBUFFERED": "1",
        ATTEMPT_VARIABLE: ctx.token,
        "HEADRACE_JOB": ctx.job_name,
        "HEADRACE_NODE": ctx.node_name,
        "HEADRACE_INSTANCE_ID": ctx.instance_id,
        "HEADRACE_PLAN_TIME": ctx.plan_time.isoformat(),
        **ctx.process_environment,
    }
