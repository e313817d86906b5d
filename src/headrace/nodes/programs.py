"""Runs the text of a Shell or Python script, here or on a host; shared by nodes and script instances."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from headrace.nodes.base import BoundConnection, Node, NodeContext, NodeFailed, NodeResult, Script, evaluated_arguments
from headrace.nodes.host import RemoteProgram, run_on_host
from headrace.nodes.interpreters import python_command, shell_command
from headrace.nodes.process import ATTEMPT_VARIABLE, Ended, run_process
from headrace.nodes.program_files import ProgramFiles, fetch_files, read_resource_names
from headrace.nodes.ssh import KnownHosts, read_host
from headrace.sql.engine import Cancellation

SHELL, PYTHON = "shell", "python"
RESOURCE_PROPERTIES = ("resourceNames", "resources", "resouces", "resourceName", "resource", "pythonResource")
MAX_RESULT_BYTES = 30 * 1024 * 1024  # of standard output. Source: user guide, "Shell"


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """How a script is called.

    ``arguments``: between blanks. ``answers``: what it reads from standard input. ``resources``: names of those whose
    files it needs. ``python_version``: empty for 3.
    """

    arguments: str = ""
    script_arguments: Mapping[str, str] = field(default_factory=dict)
    answers: str = ""
    resources: tuple[str, ...] = ()
    python_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Program(Node):
    """What Shell and Python nodes have in common. ``arguments``: between blanks.

    ``interactive_input``: what ``read`` and ``input`` get, a line each. ``retry_codes``: the only exit codes after
    which the node is tried again, as ``1,3-5``. What the original's files call these two, and the
    resources of a program, is not published.
    """

    unevaluated: ClassVar[frozenset[str]] = frozenset({"scriptArgs"})

    script_name: str = ""
    script_version: str = ""
    statement_or_script: str = ""
    statement: str = ""
    connection_name: str = ""
    arguments: str = ""
    script_args: str = ""
    interactive_input: str = field(default="", metadata={"names": ("interactiveInput", "interactive")})
    retry_codes: str = field(default="", metadata={"names": ("retryCodes", "retryCondition")})
    resource_names: str = field(default="", metadata={"names": RESOURCE_PROPERTIES})

    def _script(self, ctx: NodeContext, kind: str) -> Script:
        inline = self.statement_or_script.upper() == "STATEMENT" or (self.statement and not self.script_name)
        if inline:
            return Script(name=ctx.node_name, type=kind, content=self.statement)
        if not self.script_name:
            raise NodeFailed("scriptName: the node names no script and has no statement.")
        return ctx.find_script(self.script_name, self.script_version)

    def run_as(self, ctx: NodeContext, kind: str, python_version: str = "") -> NodeResult:
        """Run the node's script. Raises NodeFailed when it may not or cannot be run."""
        retried = read_codes(self.retry_codes)
        script = self._script(ctx, kind)
        called = Invocation(
            arguments=self.arguments,
            script_arguments=evaluated_arguments(ctx, self.script_args),
            answers=self.interactive_input,
            resources=read_resource_names(self.resource_names),
            python_version=python_version,
        )
        connection = self.connection_name or script.connection_name
        ended = _run(ctx, script, kind, connection, called, ctx.log.write)
        return _result(ended, retried)


def kind_of(script_type: str) -> str | None:
    """``shell`` or ``python`` for the types of scripts that are programs of a machine."""
    lowered = "".join(script_type.split()).lower()
    return lowered if lowered in (SHELL, PYTHON) else None


def split_arguments(text: str) -> list[str]:
    """Arguments between blanks; quotes keep blanks together. Source: user guide, "Shell", parameters."""
    try:
        return shlex.split(text)
    except ValueError:  # an odd quote is meant as it stands
        return text.split()


def read_codes(text: str) -> frozenset[int]:
    """Exit codes and ranges of them, as ``1, 3-5``. Raises NodeFailed.

    Source: user guide, "Shell", retry conditions; the form is inferred.
    """
    codes: set[int] = set()
    for part in re.split(r"[\s,;]+", re.sub(r"\s*[-~]\s*", "-", text.strip())):
        found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", part)
        listed = range(int(found[1]), int(found[2] or found[1]) + 1) if found else range(0)
        if part and not listed:
            raise NodeFailed(f"retryCodes: {part!r} is neither an exit code nor a range of them, such as 3-5.")
        codes.update(listed)
    return frozenset(codes)


def run_program(
    ctx: NodeContext,
    script: Script,
    *,
    kind: str,
    connection: str,
    called: Invocation | None = None,
    on_stdout: Callable[[bytes], None] | None = None,
) -> NodeResult:
    """Run a script to its end; its exit code decides. Raises NodeFailed when it may not or cannot be run."""
    ended = _run(ctx, script, kind, connection, called or Invocation(), on_stdout or ctx.log.write)
    return _result(ended, frozenset())


def _result(ended: Ended, retried: frozenset[int]) -> NodeResult:
    code = ended.exit_code
    if code == 0:
        return NodeResult(success=True, output=ended.tail)
    told = f"signal {-code}" if code < 0 else f"return code {code}"
    again = not retried or (128 - code if code < 0 else code) in retried
    unlisted = "" if again else " It is not among the codes after which the node is tried again."
    return NodeResult(
        success=False, message=f"Shell exit code is not 0: {told}.{unlisted}", output=ended.tail, retry=again
    )


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A script ready to run: name and content of its file, and what goes with it."""

    kind: str
    file: str
    content: bytes
    answers: bytes
    called: Invocation
    files: ProgramFiles

    def command(self, listed: Mapping[str, Any], *, on_host: bool) -> list[str]:
        if self.kind == PYTHON:
            return python_command(self.called.python_version, listed, on_host=on_host)
        return ["bash"] if on_host else shell_command()


def _run(
    ctx: NodeContext,
    script: Script,
    kind: str,
    connection: str,
    called: Invocation,
    on_stdout: Callable[[bytes], None],
) -> Ended:
    bound = _host_of(ctx, connection)
    file = "script.sh" if kind == SHELL else "script.py"
    with _scratch(ctx), _limited(ctx, on_stdout) as (stop, hear):
        prepared = _Prepared(
            kind=kind,
            file=file,
            content=ctx.substitute(script.content, called.script_arguments).replace("\r\n", "\n").encode(),
            answers=read_answers(called.answers),
            called=called,
            files=fetch_files(ctx, called.resources, ctx.scratch, (file, ".headrace")),
        )
        if bound is None:
            return _run_here(ctx, prepared, stop, hear)
        return _run_there(ctx, bound, prepared, stop, hear)


def _run_here(ctx: NodeContext, prepared: _Prepared, stop: Cancellation, hear: Callable[[bytes], None]) -> Ended:
    command = prepared.command(ctx.settings.python_interpreters, on_host=False)
    file = ctx.scratch / prepared.file
    file.write_bytes(prepared.content)
    try:
        return run_process(
            [*command, str(file), *split_arguments(prepared.called.arguments)],
            folder=ctx.scratch,
            environment=_environment_here(ctx) | _variables(ctx, prepared, str(ctx.scratch)),
            answers=prepared.answers,
            cancellation=stop,
            on_stdout=hear,
            on_stderr=ctx.log.write,
        )
    except OSError as error:
        raise NodeFailed(f"{command[0]} cannot be started: {error.strerror}.") from error


def _run_there(
    ctx: NodeContext, bound: BoundConnection, prepared: _Prepared, stop: Cancellation, hear: Callable[[bytes], None]
) -> Ended:
    settings = ctx.settings
    host = read_host(bound, ctx.store, settings.home / "keys")
    ctx.log.line(f"Running on {host.shown}.")
    return run_on_host(
        host,
        RemoteProgram(
            command=prepared.command(settings.python_interpreters, on_host=True),
            script=(prepared.file, prepared.content),
            arguments=split_arguments(prepared.called.arguments),
            environment=lambda folder: _variables(ctx, prepared, folder),
            answers=prepared.answers,
            files=prepared.files.here,
            apart=bool(prepared.files.names),
        ),
        token=ctx.token,
        known=KnownHosts(file=settings.home / "known_hosts", trust_new=settings.ssh_trust_new_hosts),
        slots=max(1, settings.ssh_sessions_per_host),
        cancellation=stop,
        on_stdout=hear,
        on_stderr=ctx.log.write,
    )


def read_answers(text: str) -> bytes:
    """What standard input gives: the text as it stands, ``\\n`` being the end of a line as well.

    Answers between blanks are one line, as ``read -p "two" first second`` takes them; answers on lines of their own go
    to one ``read`` each. Source: user guide, "Shell", interactive input (blanks; older editions: line ends).
    """
    lines = text.replace("\r\n", "\n").replace("\\n", "\n")
    return f"{lines.rstrip()}\n".encode() if lines.strip() else b""


@contextmanager
def _scratch(ctx: NodeContext) -> Iterator[None]:
    ctx.scratch.mkdir(parents=True, mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(ctx.scratch, ignore_errors=True)


@contextmanager
def _limited(
    ctx: NodeContext, on_stdout: Callable[[bytes], None]
) -> Iterator[tuple[Cancellation, Callable[[bytes], None]]]:
    """End a program that prints too much, and fail it then."""
    stop, heard = Cancellation(), 0

    def hear(data: bytes) -> None:
        nonlocal heard
        heard += len(data)
        if heard <= MAX_RESULT_BYTES:
            on_stdout(data)
        elif heard - len(data) <= MAX_RESULT_BYTES:
            stop.cancel()

    with ctx.cancellation.calling(stop.cancel):
        yield stop, hear
    if heard > MAX_RESULT_BYTES:
        raise NodeFailed("The result is larger than 30 MB, and the program was ended.")


def _host_of(ctx: NodeContext, connection: str) -> BoundConnection | None:
    """The host to run on, None for this machine. Raises NodeFailed when the program may run on neither."""
    bound = ctx.find_connection(connection) if connection else None
    if bound is not None:
        if bound.type.upper() != "HOST":
            raise NodeFailed(f"connectionName: {connection!r} is of type {bound.type}; programs run on a HOST.")
        return bound
    if not ctx.local_execution:
        named = f"The host connection {connection!r} is not bound" if connection else "No host connection is named"
        raise NodeFailed(
            f"{named}, and this server does not run programs itself. Give the connection an address and a password or "
            "keyLocation, or switch the setting local_execution on (--local-execution, HEADRACE_LOCAL_EXECUTION=true) "
            "to run programs on the server's machine."
        )
    if connection:
        ctx.log.line(f"Connection {connection!r} is not bound to a host: running on this machine.")
    return None


def _environment_here(ctx: NodeContext) -> dict[str, str]:
    """Nothing of the server's own environment but PATH, language and time zone."""
    given = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **given,
        "HOME": str(ctx.scratch),
        "TMPDIR": str(ctx.scratch),
        ATTEMPT_VARIABLE: ctx.token,
        **ctx.process_environment,
    }


def _variables(ctx: NodeContext, prepared: _Prepared, folder: str) -> dict[str, str]:
    """What a program is told about its run. ``folder``: where its files are."""
    told = {
        "PYTHONUNBUFFERED": "1",
        "HEADRACE_JOB": ctx.job_name,
        "HEADRACE_NODE": ctx.node_name,
        "HEADRACE_INSTANCE_ID": ctx.instance_id,
        "HEADRACE_PLAN_TIME": ctx.plan_time.isoformat(),
        "HEADRACE_RESOURCES": folder,
    }
    return told | ({"PYTHONPATH": prepared.files.python_path(folder)} if prepared.files.names else {})
