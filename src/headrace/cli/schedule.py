"""``headrace schedule``: start, pause and stop the schedules of jobs of a running server, and see what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from headrace.cli.client import CallFailed, Client
from headrace.cli.home import HomeOption, JsonOption, WorkspaceOption, load_settings
from headrace.cli.instances import segment
from headrace.cli.output import FAILED, WRONG_USAGE, err, note, print_json, say, shown, stop, tell_table
from headrace.cli.run import parameter
from headrace.cli.server import ServerOption, connected

app = typer.Typer(no_args_is_help=True, help="Schedules of jobs: start, pause and stop them, and see what comes next.")

Jobs = Annotated[list[str], typer.Argument(metavar="JOB...", help="Names of jobs.")]
Where = tuple[str | None, Path | None, str | None]
_SPANS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=400), timedelta(days=3700))


@app.command("start")
def start(
    jobs: Jobs,
    parameters: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE of a job parameter; can be repeated.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day, like 2026-05-31. Default: now.")] = None,
    first_alone: Annotated[
        bool, typer.Option("--first-alone", help="The first instance does not wait for the one before.")
    ] = False,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have instances of jobs made from now on; jobs that others depend on come first."""
    values = [parameter(each) for each in parameters or ()]
    body: dict[str, Any] = {"jobParams": [{"name": each.name, "value": each.value} for each in values]}
    if since is not None:
        body["start_date"] = _day(since)
    if first_alone:
        body["ignore_first_self_dep"] = True
    _act("start", "started", jobs, (server, home, workspace), body, as_json=as_json)


@app.command("stop")
def stop_jobs(
    jobs: Jobs,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have no more instances of jobs made; what runs goes on."""
    _act("stop", "stopped", jobs, (server, home, workspace), None, as_json=as_json)


@app.command("pause")
def pause(
    jobs: Jobs,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have no instances of jobs made until they are resumed; what waits for them waits on."""
    _act("pause", "paused", jobs, (server, home, workspace), None, as_json=as_json)


@app.command("resume")
def resume(
    jobs: Jobs,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have instances of paused jobs made again, from now on."""
    _act("restore", "goes on", jobs, (server, home, workspace), None, as_json=as_json)


@app.command("status")
def status(
    jobs: Jobs,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether jobs are scheduled, and how their last instances ended."""
    with connected(server, home, workspace) as client:
        found = [client.json("GET", f"/jobs/{segment(name)}/status") for name in jobs]
    if as_json:
        print_json(found)
        return
    table = Table("job", "status", "started", "last instance", box=None)
    for each in found:
        last = next((node["lastInstanceStatus"] for node in each["nodes"] if node.get("lastInstanceStatus")), "")
        cells = (each["name"], each["status"], each.get("startTime") or "", last)
        table.add_row(*(escape(shown(cell)) for cell in cells))
    tell_table(table)


@app.command("next")
def next_times(
    job: Annotated[str, typer.Argument(help="The job.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many plan times.")] = 5,
    as_if_started: Annotated[
        bool, typer.Option("--as-if-started", help="Though the job is not started, as if it were.")
    ] = False,
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the next plan times of a job."""
    zone = ZoneInfo(load_settings(home=home).time_zone)
    with connected(server, home, workspace) as client:
        found = _coming(client, job, count, as_if_started=as_if_started)
    if as_json:
        print_json(found)
        return
    if not found:
        note(f"{job} has no more plan times in the next ten years")
    for millis in found:
        say(f"{datetime.fromtimestamp(millis / 1000, zone):%Y-%m-%d %H:%M:%S}")


def _coming(client: Client, job: str, count: int, *, as_if_started: bool) -> list[int]:
    """The next plan times in milliseconds, of a span that is made longer until it has enough."""
    now = datetime.now(UTC)
    found: list[int] = []
    for span in _SPANS:
        first, last = (int(each.timestamp() * 1000) for each in (now, now + span))
        body = {"minPlanTime": first, "maxPlanTime": last, "jobs": [job], "asIfStarted": as_if_started}
        found = [each["planTime"] for each in client.json("POST", "/simulation", body)["instances"]][:count]
        if len(found) == count:
            break
    return found


def _act(path: str, done: str, jobs: list[str], where: Where, body: Any, *, as_json: bool) -> None:
    """Do something with each job; one that refuses does not keep the others from it."""
    told: list[dict[str, Any]] = []
    with connected(*where) as client:
        for name in jobs:
            told.append({"job": name, "error": _act_on(client, path, name, body)})
    if as_json:
        print_json(told)
    for item in told if not as_json else ():
        if item["error"]:
            style = "red" if err.is_terminal else None
            err.print(shown(f"{item['job']}: {item['error']}"), markup=False, style=style)
        else:
            say(f"{item['job']}: {done}")
    if any(item["error"] for item in told):
        raise typer.Exit(FAILED)


def _act_on(client: Client, path: str, name: str, body: Any) -> str | None:
    try:
        client.call("POST", f"/jobs/{segment(name)}/{path}", body)
    except CallFailed as error:
        return str(error)
    return None


def _day(text: str) -> int:
    try:
        return int(f"{datetime.strptime(text.strip(), '%Y-%m-%d'):%Y%m%d}")  # noqa: DTZ007 - a day of the server's zone
    except ValueError:
        stop(f"--from {text!r} is no day like 2026-05-31", WRONG_USAGE)
