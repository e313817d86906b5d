"""``headrace ps`` and what operators do with job instances of a running server: stop, rerun, retry, …"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from headrace.cli import waiting
from headrace.cli.client import CallFailed, Client
from headrace.cli.output import WRONG_USAGE, moment_text, print_json, shown, stop, tell_outcomes, tell_table
from headrace.cli.server import Where, at_server
from headrace.cli.typed_values import read_plan_time
from headrace.domain.instance import ENDED_JOB_STATES, InstanceType, JobState

WINDOW = timedelta(days=7) // timedelta(milliseconds=1)  # that the API lists at once
PAGE = 100
_ENDED = ENDED_JOB_STATES | {JobState.SKIP_BY_DEPEND}

Instances = Annotated[list[str], typer.Argument(metavar="INSTANCE", help="Numbers of instances, as ps shows them.")]
NodeOption = Annotated[str | None, typer.Option("--node", "-n", help="Only this node. Default: the whole instance.")]
NodeArgument = Annotated[str, typer.Option("--node", "-n", help="The node.")]


@at_server
def ps(
    where: Where,
    job: Annotated[
        str | None, typer.Option("--job", "-j", help="Only instances of this job. Default: all jobs.")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", "-s", help="Only this state, like running or fail. Default: all.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Plan times from here on, like '2026-03-01 00:00:00'. Default: --days.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Plan times until here. Default: now.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Plan times of so many days.")] = 7,
    limit: Annotated[int, typer.Option(min=1, help="At most so many instances, the newest.")] = 20,
    children: Annotated[bool, typer.Option("--all", "-a", help="Also what nodes of other jobs run.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Only those that have not ended, and why each waits.")] = False,
) -> None:
    """List the job instances of a running server, newest plan time first."""
    zone = where.zone
    now = int(datetime.now(UTC).timestamp() * 1000)
    end = now + 1 if until is None else read_plan_time(until, zone, "--to") + 1
    begin = end - days * WINDOW // 7 if since is None else read_plan_time(since, zone, "--from")
    if begin >= end:
        stop("--from is later than --to", WRONG_USAGE)
    query = {"jobName": job, "preciseQuery": "true" if job else None, "status": state}
    with where.client() as client:
        asked = {key: value for key, value in query.items() if value}
        found = _listed(client, asked, begin, end, limit, children=children, unended=why)
        if why:
            found = waiting.explain(client, found)
    if where.as_json:
        print_json(found)
    elif why:
        waiting.tell(found, zone)
    else:
        tell_table(_table(found, zone))


def _table(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Table:
    table = Table(box=None)
    for name in ("instance", "job", "state", "plan time", "started", "took"):
        table.add_column(name, no_wrap=True, overflow="fold")
    table.add_column("message", no_wrap=True, overflow="ellipsis")
    for item in found:
        cells = (
            str(item["instanceId"]),
            item["jobInstanceName"],
            item["status"],
            moment_text(item.get("planTime"), zone),
            moment_text(item.get("startTime"), zone),
            f"{item['executeTime'] / 1000:.1f} s" if "executeTime" in item else "",
            " ".join(item.get("errorMessage", "").split()),
        )
        table.add_row(*(escape(shown(cell)) for cell in cells))
    return table


def _listed(
    client: Client,
    query: Mapping[str, str],
    begin: int,
    end: int,
    limit: int,
    *,
    children: bool,
    unended: bool,
) -> list[dict[str, Any]]:
    """The newest instances between two plan times, in windows that the API lists; ``unended``: only those."""
    found: list[dict[str, Any]] = []
    for start, stop_at in windows(begin, end):
        page = 0
        while len(found) < limit:
            values = {**query, "minPlanTime": start - 1, "maxPlanTime": stop_at, "offset": page, "limit": PAGE}
            told = client.json("GET", f"/jobs/instances/detail?{urlencode(values)}")
            found += [
                item
                for item in told["instances"]
                if (children or item["instanceType"] != InstanceType.SUBJOB)
                and not (unended and item["status"] in _ENDED)
            ]
            page += 1
            if page * PAGE >= told["total"]:
                break
    return found[:limit]


def windows(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Pieces of a span, newest first, each as long as the API lists at most; ends are excluded (milliseconds)."""
    while end > begin:
        start = max(begin, end - WINDOW)
        yield start, end
        end = start


# ---- what operators do


@dataclass(frozen=True)
class _Action:
    """An operation on instances: its path below the instance, and how it is told when done."""

    path: str
    done: str


def _act(
    action: _Action, instances: list[str], where: Where, *, node: str | None = None, body: dict[str, Any] | None = None
) -> None:
    """Do something with each instance; one that refuses does not keep the others from it."""
    with where.client() as client:
        told = [_act_on(client, action, number, node, body) for number in instances]
    of_node = f" ({node})" if node else ""
    tell_outcomes(
        told,
        "instance",
        lambda item: f"{item['instance']} {item['job']}: {action.done}{of_node}",
        as_json=where.as_json,
    )


def _act_on(
    client: Client, action: _Action, number: str, node: str | None, body: dict[str, Any] | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"instance": number, "job": None, "error": None}
    try:
        job = client.json("GET", f"/job-instances/{segment(number)}")["jobName"]
        told["job"] = job
        below = f"/nodes/{segment(node)}" if node else ""
        client.call("POST", f"/jobs/{segment(job)}/instances/{segment(number)}{below}/{action.path}", body)
    except CallFailed as error:
        told["error"] = str(error)
    return told


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


@at_server
def rerun(
    where: Where,
    instances: Instances,
    from_error: Annotated[
        bool, typer.Option("--from-error", help="From the nodes that failed. Default: from the first.")
    ] = False,
    node: Annotated[str | None, typer.Option("--from-node", help="From this node. Default: from the first.")] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="With the newest version of the job and its parameters.")
    ] = False,
    wait_for_files: Annotated[
        bool, typer.Option("--wait-for-files", help="Those whose jobs listen for a file wait for a new one.")
    ] = False,
) -> None:
    """Run ended instances again, with the same numbers and plan times."""
    if from_error and node:
        stop("--from-error and --from-node exclude each other", WRONG_USAGE)
    location = "specified_node" if node else "error_node" if from_error else "first_node"
    body = {"retry_location": location, "job_param_version": "latest_version" if latest else "original_version"}
    if node:
        body["node_name"] = node
    if wait_for_files:
        body["ignore_obs_monitor"] = "false"
    _act(_Action("restart", "runs again"), instances, where, body=body)


@at_server
def retry(where: Where, instances: Instances, node: NodeOption = None) -> None:
    """Run the failed nodes of abnormal instances again, or one of them."""
    _act(_Action("retry", "retried"), instances, where, node=node)


@at_server
def pause(where: Where, instances: Instances, node: NodeOption = None) -> None:
    """Hold back waiting instances, or one node of running ones."""
    _act(_Action("pause", "paused"), instances, where, node=node)


@at_server
def resume(where: Where, instances: Instances, node: NodeOption = None) -> None:
    """Let paused instances go on, or one paused node."""
    _act(_Action("resume", "goes on"), instances, where, node=node)


@at_server
def skip(where: Where, instances: Instances, node: NodeArgument) -> None:
    """Skip a waiting or paused node; the nodes after it run."""
    _act(_Action("skip", "skipped"), instances, where, node=node)


@at_server
def succeed(where: Where, instances: Instances, node: NodeArgument) -> None:
    """Declare a failed node of abnormal instances successful; the nodes after it run."""
    _act(_Action("succeed", "counts as successful"), instances, where, node=node)


@at_server
def release(
    where: Where,
    instances: Instances,
    job: Annotated[
        str | None, typer.Option("--from", help="Only from waiting for this upstream job. Default: for all.")
    ] = None,
) -> None:
    """Let instances run without the upstream instances that they wait for."""
    path = "remove-dependency" if job else "run-without-dependencies"
    done = f"waits no longer for {job}" if job else "waits for no other instance"
    body = {"jobName": job} if job else None
    _act(_Action(path, done), instances, where, body=body)


def _whole(action: _Action, text: str) -> Callable[..., None]:
    """A command for an operation on whole instances."""

    @at_server
    def command(where: Where, instances: Instances) -> None:
        _act(action, instances, where)

    command.__doc__ = text
    return command


COMMANDS: Mapping[str, Callable[..., None]] = {
    "ps": ps,
    "stop": _whole(_Action("stop", "stopped"), "Stop instances; what runs of them is killed."),
    "rerun": rerun,
    "retry": retry,
    "continue": _whole(
        _Action("continue", "goes on"), "Let abnormal instances go on after their failed nodes, which count as ignored."
    ),
    "force-success": _whole(
        _Action("force-success", "counts as successful"), "Declare abnormal, stopped or failed instances successful."
    ),
    "pause": pause,
    "resume": resume,
    "skip": skip,
    "succeed": succeed,
    "confirm": _whole(_Action("confirm", "confirmed"), "Let instances run that wait for a confirmation."),
    "freeze": _whole(
        _Action("freeze", "frozen"), "Hold back waiting instances; for what depends on them, they have failed."
    ),
    "release": release,
    "unfreeze": _whole(_Action("unfreeze", "waits again"), "Let frozen instances wait again for what they need."),
}
