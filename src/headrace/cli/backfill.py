"""``headrace backfill`` and ``headrace backfills``: run past plan times of a job, and look after what was begun."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from headrace.cli.client import Client
from headrace.cli.output import FAILED, WRONG_USAGE, moment_text, note, print_json, progress, say, stop, tell_rows
from headrace.cli.server import Where, at_server, workspace_id
from headrace.cli.typed_values import read_plan_time
from headrace.domain.steps import read_step

ROOT = "/factory/supplement-data"
LOOK_SECONDS = 0.5  # how often a running backfill is looked at
LISTED = 100
_OVER = ("success", "fail", "manual-stop", "dropped")
_LONGEST_DAY = len("2026-05-05")


Since = Annotated[
    str | None, typer.Option("--from", help="The first plan time, like 2026-05-01 or '2026-05-01 06:00:00'.")
]
Until = Annotated[
    str | None, typer.Option("--to", help="The last one; a day is meant with its end. Later than now is now.")
]
Days = Annotated[
    list[str] | None,
    typer.Option("--day", help="This day, or days like 2026-05-01/2026-05-07, not a range; can be repeated."),
]
TimeOfDay = Annotated[str | None, typer.Option(help="Only plan times of this part of each day, like 06:00-12:00.")]
Name = Annotated[str | None, typer.Option(help="Name of the backfill. Default: made of job and time.")]
Parallel = Annotated[int, typer.Option("--parallel", "-p", min=1, max=5, help="So many dates at once.")]
ByDay = Annotated[bool, typer.Option("--by-day", help="One day after the other; parallel within a day.")]
Reverse = Annotated[bool, typer.Option("--reverse", help="The newest day first.")]
StopOnFailure = Annotated[
    bool, typer.Option("--stop-on-failure", help="After a failure nothing more begins; --by-day: no further day.")
]
Every = Annotated[
    str | None, typer.Option(help="Only every so many days, weeks or months, like 2d, 1w, 1M. Default: all dates.")
]
Others = Annotated[
    list[str] | None,
    typer.Option("--with", help="Also this upstream or downstream job, JOB or WORKSPACE/JOB; can be repeated."),
]
Window = Annotated[str | None, typer.Option(help="Begin dates only then, like 22:00-06:00. Default: always.")]
Weekdays = Annotated[
    str | None, typer.Option("--window-weekdays", help="Begin dates only on these, like 1,7; 1 is Sunday.")
]
MonthDays = Annotated[
    str | None, typer.Option("--window-month-days", help="Begin dates only on these days of a month, like 1,15.")
]
Force = Annotated[bool, typer.Option("--force", help="Though the job is in a running backfill already.")]
WaitForFiles = Annotated[
    bool, typer.Option("--wait-for-files", help="Dates of jobs that listen for a file wait for a new one.")
]


@at_server
def backfill(
    where: Where,
    job: Annotated[str, typer.Argument(help="The job.")],
    since: Since = None,
    until: Until = None,
    days: Days = None,
    time_of_day: TimeOfDay = None,
    every: Every = None,
    name: Name = None,
    parallel: Parallel = 1,
    by_day: ByDay = False,
    reverse: Reverse = False,
    stop_on_failure: StopOnFailure = False,
    others: Others = None,
    window: Window = None,
    weekdays: Weekdays = None,
    month_days: MonthDays = None,
    force: Force = False,
    wait_for_files: WaitForFiles = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would run.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it has ended.")] = True,
) -> None:
    """Run past plan times of a job of a running server again, or for the first time."""
    now = datetime.now(UTC)
    body: dict[str, Any] = {
        "name": name or f"P_{job}_{now:%Y%m%d}_{int(now.timestamp() * 1000)}"[-128:],
        "job_name": job,
        **_dates(since, until, [_span(each) for each in days or ()], time_of_day, where.zone),
        "parallel": parallel,
        "is_day_granularity": by_day,
        "is_stop_when_fail": stop_on_failure,
        "reverse_order": int(reverse),
        "supplement_data_run_time": {"time_of_day": window, "day_of_week": weekdays, "day_of_month": month_days},
        "force": "true" if force else "false",
        **({"ignore_obs_monitor": False} if wait_for_files else {}),
        **({"supplement_data_period": _step(every)} if every is not None else {}),
    }
    with where.client("v2") as client:
        body["depend_jobs"] = [_other(client, each) for each in others or ()]
        if dry_run:
            _tell_preview(client.json("POST", f"{ROOT}/preview", body), where.zone, as_json=where.as_json)
            return
        client.call("POST", ROOT, body)
        if not where.as_json:
            note(f"begun: {body['name']}")
        _tell(_watched(client, body["name"], wait=wait), where.zone, as_json=where.as_json)


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


def _dates(
    since: str | None, until: str | None, days: Sequence[tuple[str, str]], time_of_day: str | None, zone: tzinfo
) -> dict[str, Any]:
    """The range, or the days that take its place."""
    if days:
        since, until = since or min(first for first, _ in days), until or max(last for _, last in days)
    if since is None or until is None:
        stop("--from and --to are needed, or --day", WRONG_USAGE)
    chosen = {"days": ["-".join(day.replace("-", "/") for day in span) for span in days], "time_of_day": time_of_day}
    return {
        "start_date": _date(since, zone, "--from", " 00:00:00"),
        "end_date": _date(until, zone, "--to", " 23:59:59"),
        "supplement_data_instance_time": chosen,
    }


def _span(text: str) -> tuple[str, str]:
    """The first and the last of days like ``2026-05-01/2026-05-07``, or a day twice."""
    first, _, last = text.strip().partition("/")
    try:
        return f"{date.fromisoformat(first)}", f"{date.fromisoformat(last or first)}"
    except ValueError:
        stop(f"--day {text!r} is not like 2026-05-05 or 2026-05-01/2026-05-07", WRONG_USAGE)


def _other(client: Client, text: str) -> dict[str, str]:
    """A job of ``--with``; names of jobs have no slash."""
    workspace, _, name = text.rpartition("/")
    return {"job_name": name, **({"workspace_id": workspace_id(client, workspace)} if workspace else {})}


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
        rows = (
            (each["job_name"], moment_text(each["plan_time"], zone), each["state"], str(each.get("instance_id", "")))
            for each in found["dates"]
        )
        tell_rows(("job", "plan time", "state", "instance"), rows)
        counted = ", ".join(f"{count} {state}" for state, count in sorted(found["counts"].items()))
        say(f"{found['name']}: {found['status']} ({counted})")
    if fails and found["status"] in ("FAIL", "CANCLE"):
        raise typer.Exit(FAILED)


def _tell_preview(found: Mapping[str, Any], zone: tzinfo, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = []
    for each in found["dates"]:
        words = ", ".join(f"{one['job_name']} {moment_text(one['plan_time'], zone)}" for one in each["waits_for"])
        kind = "dry run" if each["dry_run"] else ""
        rows.append((each["job_name"], moment_text(each["plan_time"], zone), kind, words))
    tell_rows(("job", "plan time", "", "waits for"), rows)
    say(f"{found['total']} would run, {found['parallel']} at once; nothing was begun")


def _tell_list(rows: Sequence[Mapping[str, Any]], zone: tzinfo, *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    cells = (
        (
            row["name"],
            ", ".join(row["job_list"]),
            row["status"],
            *(moment_text(row[member], zone) for member in ("start_date", "end_date", "submitted_date")),
            row["user_name"],
        )
        for row in rows
    )
    tell_rows(("name", "jobs", "status", "from", "to", "begun", "by"), cells)
