"""``headrace backfill`` and ``headrace backfills``: run past plan times of a job, and look after what was begun."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.markup import escape
from rich.table import Table

from headrace.cli.client import Client
from headrace.cli.output import FAILED, WRONG_USAGE, note, print_json, progress, say, shown, stop, tell_table
from headrace.cli.run import read_plan_time
from headrace.cli.server import Where, at_server
from headrace.domain.steps import read_step

ROOT = "/factory/supplement-data"
LOOK_SECONDS = 0.5  # how often a running backfill is looked at
LISTED = 100
_OVER = ("success", "fail", "manual-stop", "dropped")
_LONGEST_DAY = len("2026-05-05")


@at_server
def backfill(
    where: Where,
    job: Annotated[str, typer.Argument(help="The job.")],
    since: Annotated[
        str, typer.Option("--from", help="The first plan time, like 2026-05-01 or '2026-05-01 06:00:00'.")
    ],
    until: Annotated[
        str, typer.Option("--to", help="The last one; a day is meant with its end. Later than now is now.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the backfill. Default: made of job and time.")] = None,
    parallel: Annotated[int, typer.Option("--parallel", "-p", min=1, max=5, help="So many dates at once.")] = 1,
    by_day: Annotated[bool, typer.Option("--by-day", help="One day after the other; parallel within a day.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="The newest day first.")] = False,
    stop_on_failure: Annotated[
        bool, typer.Option("--stop-on-failure", help="After a failure nothing more begins; --by-day: no further day.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="Only every so many days, weeks or months, like 2d, 1w, 1M. Default: all dates.")
    ] = None,
    others: Annotated[
        list[str] | None, typer.Option("--with", help="Also this upstream or downstream job; can be repeated.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(help="Begin dates only then, like 22:00-06:00. Default: always.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Though the job is in a running backfill already.")] = False,
    wait_for_files: Annotated[
        bool, typer.Option("--wait-for-files", help="Dates of jobs that listen for a file wait for a new one.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would run.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it has ended.")] = True,
) -> None:
    """Run past plan times of a job of a running server again, or for the first time."""
    zone = where.zone
    now = datetime.now(UTC)
    body: dict[str, Any] = {
        "name": name or f"P_{job}_{now:%Y%m%d}_{int(now.timestamp() * 1000)}"[-128:],
        "job_name": job,
        "start_date": _date(since, zone, "--from", " 00:00:00"),
        "end_date": _date(until, zone, "--to", " 23:59:59"),
        "parallel": parallel,
        "is_day_granularity": by_day,
        "is_stop_when_fail": stop_on_failure,
        "reverse_order": int(reverse),
        "depend_jobs": [{"job_name": each} for each in others or ()],
        "force": "true" if force else "false",
        **({"ignore_obs_monitor": False} if wait_for_files else {}),
    }
    if window:
        body["supplement_data_run_time"] = {"time_of_day": window}
    if every is not None:
        body["supplement_data_period"] = _step(every)
    with where.client("v2") as client:
        if dry_run:
            _tell_preview(client.json("POST", f"{ROOT}/preview", body), zone, as_json=where.as_json)
            return
        client.call("POST", ROOT, body)
        if not where.as_json:
            note(f"begun: {body['name']}")
        _tell(_watched(client, body["name"], wait=wait), zone, as_json=where.as_json)


@at_server
def backfills(
    where: Where,
    name: Annotated[str | None, typer.Argument(help="Show the dates of this one. Default: list all.")] = None,
    cancel: Annotated[bool, typer.Option("--stop", help="Stop it: what runs, and what has not begun.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Run again what failed, was stopped or never began.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="After --retry: wait until it has ended.")] = True,
) -> None:
    """List backfills of a running server, or show, stop or repeat one."""
    if (cancel or retry) and name is None:
        stop("--stop and --retry need the name of a backfill", WRONG_USAGE)
    if cancel and retry:
        stop("--stop and --retry exclude each other", WRONG_USAGE)
    zone = where.zone
    with where.client("v2") as client:
        if name is None:
            _tell_list(client.json("GET", f"{ROOT}?{urlencode({'size': LISTED})}")["rows"], zone, as_json=where.as_json)
            return
        path = f"{ROOT}/{quote(name, safe='')}"
        if cancel or retry:
            client.call("POST", f"{path}/{'stop' if cancel else 'retry'}")
        _tell(_watched(client, name, wait=retry and wait), zone, as_json=where.as_json, fails=retry)


def _date(text: str, zone: tzinfo, source: str, of_day: str) -> str:
    """A moment as the API wants it."""
    whole = text.strip() + (of_day if len(text.strip()) <= _LONGEST_DAY else "")
    moment = datetime.fromtimestamp(read_plan_time(whole, zone, source) / 1000, zone)
    return f"{moment:%Y-%m-%dT%H:%M:%S %z}"


def _step(text: str) -> dict[str, Any]:
    step = read_step(text)
    if step is None:
        stop(f"--every {text!r} is not like 2d, 1w or 1M, of 366 at most", WRONG_USAGE)
    return {"unit": step.unit.value, "step": step.count}


def _watched(client: Client, name: str, *, wait: bool) -> Mapping[str, Any]:
    """A backfill with its dates, when it has ended if that is waited for."""
    path = f"{ROOT}/{quote(name, safe='')}"
    found: Mapping[str, Any] = client.json("GET", path)
    total = len(found["dates"])
    with progress(name, total) as bar:
        while True:
            bar.update(bar.task_ids[0], completed=sum(found["counts"].get(state, 0) for state in _OVER))
            if not wait or found["status"] != "RUNNING":
                return found
            time.sleep(LOOK_SECONDS)
            found = client.json("GET", path)


def _tell(found: Mapping[str, Any], zone: tzinfo, *, as_json: bool, fails: bool = True) -> None:
    """Say what became of the dates; the command fails where one of them did."""
    if as_json:
        print_json(found)
    else:
        table = Table("job", "plan time", "state", "instance", box=None)
        for each in found["dates"]:
            number = str(each.get("instance_id", ""))
            table.add_row(escape(each["job_name"]), _moment(each["plan_time"], zone), each["state"], number)
        tell_table(table)
        counted = ", ".join(f"{count} {state}" for state, count in sorted(found["counts"].items()))
        say(f"{found['name']}: {found['status']} ({counted})")
    if fails and found["status"] in ("FAIL", "CANCLE"):
        raise typer.Exit(FAILED)


def _tell_preview(found: Mapping[str, Any], zone: tzinfo, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    table = Table("job", "plan time", "", "waits for", box=None)
    for each in found["dates"]:
        words = ", ".join(f"{one['job_name']} {_moment(one['plan_time'], zone)}" for one in each["waits_for"])
        kind = "dry run" if each["dry_run"] else ""
        table.add_row(escape(each["job_name"]), _moment(each["plan_time"], zone), kind, escape(words))
    tell_table(table)
    say(f"{found['total']} would run, {found['parallel']} at once; nothing was begun")


def _tell_list(rows: Sequence[Mapping[str, Any]], zone: tzinfo, *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = Table("name", "jobs", "status", "from", "to", "begun", "by", box=None)
    for row in rows:
        cells = (
            row["name"],
            ", ".join(row["job_list"]),
            row["status"],
            *(_moment(row[member], zone) for member in ("start_date", "end_date", "submitted_date")),
            row["user_name"],
        )
        table.add_row(*(escape(shown(cell)) for cell in cells))
    tell_table(table)


def _moment(millis: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, zone):%Y-%m-%d %H:%M:%S}"
