"""``headrace run``: run the jobs of a package here and now, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from headrace.cli.binding import with_connections
from headrace.cli.home import HomeOption, JsonOption, load_settings
from headrace.cli.instance_layout import Line, PlainTeller, outputs, summary, tree
from headrace.cli.instance_view import InstanceView, NodeView
from headrace.cli.node_outputs import tell_output
from headrace.cli.output import FAILED, INTERRUPTED, WRONG_USAGE, note, out, print_json, stop, told_errors
from headrace.cli.packages import read_objects
from headrace.cli.standalone import Standalone, standalone
from headrace.cli.typed_values import parameter, read_plan_time
from headrace.packages.excerpt import NodeUnknown, only_nodes
from headrace.packages.model import Kind, PackageObject
from headrace.packages.references import ReferenceKind, references_of
from headrace.wire.v1.runs import RunParameter


def run(
    target: Annotated[Path, typer.Argument(help="A package (.zip), a folder with its members, or a .job file.")],
    job: Annotated[
        list[str] | None, typer.Option("--job", "-j", help="Only this job. Repeatable. Default: every batch job.")
    ] = None,
    node: Annotated[
        list[str] | None, typer.Option("--node", "-n", help="Only this node of the job. Repeatable. Default: all.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE. Repeatable.")] = None,
    plan_time: Annotated[
        str | None, typer.Option(help="Plan time like 2026-03-02T02:00:00+08 or '2026-03-02 02:00:00'. Default: now.")
    ] = None,
    connection: Annotated[
        list[str] | None,
        typer.Option(
            "--connection",
            "-c",
            help="NAME=postgresql://user:password@host:port/database binds one. Repeatable. Default: embedded.",
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a package's jobs without a server, on this machine and the embedded SQL engine.

    Connections that are not bound mean the embedded engine, hosts mean this machine. Tables and files live in a
    temporary home, or in --home, where they stay. Shows the nodes while they run, why one failed with the end of its
    log, and the rows of the last SELECTs. Ctrl-C stops what runs, a second one at once.

    Exit status 0 when all jobs succeeded, 1 when one did not, 130 when it was interrupted.
    """
    with told_errors():
        objects, _ = read_objects(target)
    names = chosen_jobs(objects, job or [])
    values = [parameter(text) for text in param or []]
    planned = None if plan_time is None else read_plan_time(plan_time, ZoneInfo(load_settings(home=home).time_zone))
    objects = with_connections(objects, connection or [])
    excerpt = _only(objects, names, node or [])
    if not as_json:
        note("connections that are not bound mean the embedded engine; hosts mean this machine")
    with told_errors(), standalone(home) as running:
        running.import_objects(excerpt)
        ended = _run_jobs(running, names, values, planned, quiet=as_json)
        if home is not None and node:
            running.import_objects(objects)  # what stays is whole
    if as_json:
        print_json([_described(instance) for instance in ended])
    if running.interrupted:
        raise typer.Exit(INTERRUPTED)
    if any(instance.status != "success" for instance in ended):
        raise typer.Exit(FAILED)


def _run_jobs(
    running: Standalone, names: Sequence[str], values: Sequence[RunParameter], planned: int | None, *, quiet: bool
) -> list[InstanceView]:
    ended: list[InstanceView] = []
    for name in names:
        if running.interrupted:
            break
        with _silence() if quiet else _live(name) if out.is_terminal else _plain(name) as look:
            instance = running.run(name, values, planned, look)
        ended.append(instance)
        if not quiet:
            for node in outputs(instance):
                tell_output(node)
            _print([summary(instance)])
    return ended


Look = Callable[[InstanceView], None]


@contextmanager
def _silence() -> Iterator[Look]:
    yield lambda _: None


@contextmanager
def _plain(name: str) -> Iterator[Look]:
    """Lines for pipes and files: what has ended, once."""
    teller = PlainTeller()
    _print([Line(name)])
    yield lambda instance: _print(teller.news(instance))


@contextmanager
def _live(name: str) -> Iterator[Look]:
    """A tree that moves while the job runs; at the end it stays."""
    seen: list[InstanceView] = []
    with Live(Text(name), console=out, auto_refresh=False, transient=True, redirect_stdout=False) as live:

        def look(instance: InstanceView) -> None:
            seen[:] = [instance]
            live.update(_rendered(tree(instance, max(4, out.height - 1))), refresh=True)

        yield look
    if seen:
        _print(tree(seen[0]))


def _rendered(lines: Sequence[Line]) -> Group:
    return Group(*(Text(line.text, style=line.style, no_wrap=True, overflow="ellipsis") for line in lines))


def _print(lines: Sequence[Line]) -> None:
    for line in lines:
        out.print(Text(line.text, style=line.style))


def _only(objects: Sequence[PackageObject], jobs: Sequence[str], nodes: Sequence[str]) -> Sequence[PackageObject]:
    """The package with the wanted nodes of the job only."""
    if not nodes:
        return objects
    if len(jobs) != 1:
        stop(f"--node: say which job with --job; the package has {', '.join(jobs)}", WRONG_USAGE)
    try:
        return [only_nodes(item, nodes) if (item.kind, item.name) == (Kind.JOB, jobs[0]) else item for item in objects]
    except NodeUnknown as error:
        stop(f"--node: {error}", WRONG_USAGE)


def chosen_jobs(objects: Sequence[PackageObject], wanted: Sequence[str]) -> list[str]:
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
    upstream = {
        name: {one.name for one in references[name] if one.kind is ReferenceKind.UPSTREAM} - {name} for name in chosen
    }
    return _ordered(chosen, upstream)


def _ordered(chosen: Sequence[str], upstream: dict[str, set[str]]) -> list[str]:
    """Upstream jobs first; jobs that wait for each other in the order in which they were named."""
    ordered: list[str] = []
    while len(ordered) < len(chosen):
        rest = [name for name in chosen if name not in ordered]
        ordered += [name for name in rest if not upstream[name] & set(rest)] or rest
    return ordered


def _described(instance: InstanceView) -> dict[str, Any]:
    return {
        "job": instance.job,
        "instance": instance.id,
        "name": instance.name,
        "status": instance.status,
        "seconds": instance.seconds,
        "message": instance.message,
        "nodes": [_described_node(node) for node in instance.nodes],
    }


def _described_node(node: NodeView) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": node.name,
        "type": node.type,
        "status": node.status,
        "seconds": node.seconds,
        "retries": node.retries,
        "message": node.message,
        "output": node.output,
    }
    if node.tail:
        told["log"] = list(node.tail)
    if node.children:
        told["instances"] = [_described(child) for child in node.children]
    return told
