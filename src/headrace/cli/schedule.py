"""``headrace schedule``: start, pause and stop the schedules of jobs of a running server, and see what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from headrace.cli.client import CallFailed, Client
from headrace.cli.instances import segment
from headrace.cli.output import WRONG_USAGE, moment_text, note, print_json, say, stop, tell_outcomes, tell_rows
from headrace.cli.server import Where, at_server
from headrace.cli.typed_values import parameter

app = typer.Typer(no_args_is_help=True, help="Schedules of jobs: start, pause and stop them, and see what comes next.")

Jobs = Annotated[list[str], typer.Argument(metavar="JOB...", help="Names of jobs.")]
_SPANS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=400), timedelta(days=3700))


@app.command("start")
@at_server
def start(
    where: Where,
    jobs: Jobs,
    parameters: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE of a job parameter; can be repeated.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day, like 2026-05-31. Default: now.")] = None,
    first_alone: Annotated[
        bool, typer.Option("--first-alone", help="The first instance does not wait for the one before.")
    ] = False,
) -> None:
    """Have instances of jobs made from now on; jobs that others depend on come first."""
    values = [parameter(each) for each in parameters or ()]
    body: dict[str, Any] = {"jobParams": [{"name": each.name, "value": each.value} for each in values]}
    if since is not None:
        body["start_date"] = _day(since)
    if first_alone:
        body["ignore_first_self_dep"] = True
    _act("start", "started", jobs, where, body)


@app.command("stop")
@at_server
def stop_jobs(where: Where, jobs: Jobs) -> None:
    """Have no more instances of jobs made; what runs goes on."""
    _act("stop", "stopped", jobs, where)


@app.command("pause")
@at_server
def pause(where: Where, jobs: Jobs) -> None:
    """Have no instances of jobs made until they are resumed; what waits for them waits on."""
    _act("pause", "paused", jobs, where)


@app.command("resume")
@at_server
def resume(where: Where, jobs: Jobs) -> None:
    """Have instances of paused jobs made again, from now on."""
    _act("restore", "goes on", jobs, where)


@app.command("status")
@at_server
def status(where: Where, jobs: Jobs) -> None:
    """Tell whether jobs are scheduled, and how their last instances ended."""
    with where.client() as client:
        found = [client.json("GET", f"/jobs/{segment(name)}/status") for name in jobs]
    if where.as_json:
        print_json(found)
        return
    rows = []
    for each in found:
        last = next((node["lastInstanceStatus"] for node in each["nodes"] if node.get("lastInstanceStatus")), "")
        rows.append((each["name"], each["status"], each.get("startTime") or "", last))
    tell_rows(("job", "status", "started", "last instance"), rows)


@app.command("next")
@at_server
def next_times(
    where: Where,
    job: Annotated[str, typer.Argument(help="The job.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many plan times.")] = 5,
    as_if_started: Annotated[
        bool, typer.Option("--as-if-started", help="Though the job is not started, as if it were.")
    ] = False,
) -> None:
    """Tell the next plan times of a job."""
    with where.client() as client:
        found = _coming(client, job, count, as_if_started=as_if_started)
    if where.as_json:
        print_json(found)
        return
    if not found:
        note(f"{job} has no more plan times in the next ten years")
    for millis in found:
        say(moment_text(millis, where.zone))


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


def _act(path: str, done: str, jobs: list[str], where: Where, body: Any = None) -> None:
    """Do something with each job; one that refuses does not keep the others from it."""
    with where.client() as client:
        told = [{"job": name, "error": _act_on(client, path, name, body)} for name in jobs]
    tell_outcomes(told, "job", lambda item: f"{item['job']}: {done}", as_json=where.as_json)


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
