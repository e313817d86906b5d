"""``headrace run``: run the jobs of a package here and now, without a server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
import typer
from rich.markup import escape
from rich.table import Table

from headrace.app import Installation, open_installation
from headrace.cli.home import HomeOption, JsonOption, caller_for, load_settings
from headrace.cli.output import FAILED, WRONG_USAGE, note, out, print_json, say, shown, stop, told_errors
from headrace.cli.packages import read_objects
from headrace.domain.identity import Caller
from headrace.domain.schedule_time import read_schedule_time
from headrace.errors import InvalidSchedule
from headrace.factory import imports, runs
from headrace.factory.imports import Wanted
from headrace.packages.archive import write_archive
from headrace.packages.layout import single_members
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import ReferenceKind, references_of
from headrace.storage.instances import InstanceRecord, NodeRecord
from headrace.wire.v1.packages import ImportRequest
from headrace.wire.v1.runs import RunParameter

MOST_ROWS = 20
_ENDED = ("success", "fail", "skip", "manual-stop")


def run(
    target: Annotated[Path, typer.Argument(help="A package (.zip), a folder with its members, or a .job file.")],
    job: Annotated[
        list[str] | None, typer.Option("--job", "-j", help="Only this job. Repeatable.  [default: every batch job]")
    ] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE. Repeatable.")] = None,
    plan_time: Annotated[
        str | None, typer.Option(help="Plan time like 2026-03-02T02:00:00+08.  [default: now]")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a package's jobs without a server, on this machine and the embedded SQL engine.

    Connections that are not bound mean the embedded engine, hosts mean this machine. Tables and files live in a
    temporary home, or in --home, where they stay. Prints each node as it ends and the rows of the last SELECTs; exit
    status 1 when a job fails.
    """
    with told_errors():
        objects, _ = read_objects(target)
    names = _chosen(objects, job or [])
    values = [_parameter(text) for text in param or []]
    planned = _plan_time(plan_time)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    results = []
    with _engine(home) as installation, told_errors():
        caller = caller_for(installation, None)
        _import(installation, caller, objects)
        for name in names:
            results.append(_run_job(installation, caller, name, values, planned, quiet=as_json))
    if as_json:
        print_json(results)
    if any(result["status"] != "success" for result in results):
        raise typer.Exit(FAILED)


@contextmanager
def _engine(home: Path | None) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="headrace-run-") as folder:
        settings = load_settings(home=home or folder, local_execution=True, unbound_connections="embedded")
        installation = open_installation(settings, {})
        note("connections that are not bound mean the embedded engine; hosts mean this machine")
        installation.start()
        try:
            yield installation
        finally:
            installation.stop()


def _import(installation: Installation, caller: Caller, objects: Sequence[PackageObject]) -> None:
    services = installation.services
    content = write_archive(single_members(objects))
    request = ImportRequest(same_name_policy="OVERWRITE", target_status="SUBMITTED")
    wanted = Wanted(path="package.zip", upload=imports.keep_upload(services, content), request=request)
    try:
        imports.apply(services, caller, wanted)
    finally:
        imports.drop_upload(wanted)


def _chosen(objects: Sequence[PackageObject], wanted: Sequence[str]) -> list[str]:
    """The jobs to run: those named, or every batch job that no other job runs; upstream jobs first."""
    jobs = {item.name: item for item in objects if item.kind is Kind.JOB}
    for name in wanted:
        if name not in jobs:
            stop(f"the package has no job {name!r}; it has {', '.join(jobs) or 'none'}", WRONG_USAGE)
    references = {name: references_of(item) for name, item in jobs.items()}
    inner = {one.name for found in references.values() for one in found if one.kind is ReferenceKind.SUBJOB}
    chosen = list(wanted) or [
        name
        for name, item in jobs.items()
        if name not in inner and item.document().get("processType", "BATCH") == "BATCH"
    ]
    if not chosen:
        stop("the package has no batch job to run", WRONG_USAGE)
    ordered: list[str] = []
    while len(ordered) < len(chosen):
        ready = [
            name
            for name in chosen
            if name not in ordered
            and not any(
                one.kind is ReferenceKind.UPSTREAM and one.name in chosen and one.name not in (*ordered, name)
                for one in references[name]
            )
        ]
        ordered += ready or [name for name in chosen if name not in ordered]
    return ordered


def _parameter(text: str) -> RunParameter:
    name, equals, value = text.partition("=")
    if not (name and equals):
        stop(f"--param: {text!r} is not NAME=VALUE", WRONG_USAGE)
    return RunParameter(name=name, value=value)


def _plan_time(text: str | None) -> datetime | None:
    try:
        return None if text is None else read_schedule_time(text, "--plan-time")
    except InvalidSchedule as error:
        stop(error.detail, WRONG_USAGE)


def _run_job(
    installation: Installation,
    caller: Caller,
    name: str,
    values: Sequence[RunParameter],
    planned: datetime | None,
    *,
    quiet: bool,
) -> dict[str, Any]:
    moment = None if planned is None else int(planned.timestamp() * 1000)
    told: set[str] = set()
    nodes: list[NodeRecord] = []

    def changed(record: InstanceRecord, found: list[NodeRecord]) -> None:
        nodes[:] = found
        for node in found:
            if node.status in _ENDED and node.name not in told:
                told.add(node.name)
                if not quiet:
                    _tell_node(node)

    if not quiet:
        say(f"{name}")
    number = runs.run_once(installation.services, caller, name, values, moment)
    ended = installation.engine.wait(number, on_change=changed)
    if not quiet:
        for node in nodes:
            _tell_rows(node)
        seconds = ((ended.end_time or 0) - (ended.start_time or 0)) / 1000
        say(f"{name}: {ended.status} in {seconds:.2f} s {ended.error_message}".rstrip())
    return {
        "job": name,
        "instance": number,
        "status": ended.status,
        "message": ended.error_message,
        "nodes": [
            {"name": node.name, "status": node.status, "message": node.error_message, "output": node.output}
            for node in nodes
        ],
    }


def _tell_node(node: NodeRecord) -> None:
    seconds = ((node.end_time or 0) - (node.start_time or node.end_time or 0)) / 1000
    mark = {"success": "✓", "fail": "✗", "skip": "-"}.get(node.status, "·")
    say(f"  {mark} {node.name:<28} {node.type:<12} {node.status:<12} {seconds:6.2f} s  {node.error_message}".rstrip())


def _tell_rows(node: NodeRecord) -> None:
    """The rows of a SELECT, as a table."""
    if node.output is None or not node.output.startswith("[["):
        return
    try:
        rows = msgspec.json.decode(node.output, type=list[list[str | None]])
    except msgspec.DecodeError:
        return
    table = Table(title=node.name, box=None, show_header=False, title_justify="left")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(escape(shown(cell)) if cell is not None else "NULL" for cell in row))
    out.print(table)
    if len(rows) > MOST_ROWS:
        say(f"… and {len(rows) - MOST_ROWS} more rows")
