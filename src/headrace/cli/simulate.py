"""``headrace simulate``: which instances an interval has, what each waits for, and when it may be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Any

import typer

from headrace.cli.output import moment_text, note, print_json, say, tell_rows
from headrace.cli.server import Where, at_server
from headrace.cli.typed_values import read_plan_time

MOST_UPSTREAM = 3  # plan times shown of each upstream job
_LONGEST_DAY = len("2026-05-05")


@at_server
def simulate(
    where: Where,
    jobs: Annotated[
        list[str] | None, typer.Argument(metavar="[JOB]...", help="Of these jobs. Default: all that are started.")
    ] = None,
    *,
    since: Annotated[
        str, typer.Option("--from", help="The first plan time, like 2026-05-31 or '2026-05-31 06:00:00'.")
    ],
    until: Annotated[str, typer.Option("--to", help="The last one; a day is meant with its end.")],
    as_if_started: Annotated[
        bool, typer.Option("--as-if-started", help="Also jobs that are not started, as if they were for ever.")
    ] = False,
) -> None:
    """Tell what a running server will schedule in an interval, or would have, and why it waits; nothing runs."""
    zone = where.zone
    body: dict[str, Any] = {
        "minPlanTime": _moment_of(since, zone, "--from", " 00:00:00"),
        "maxPlanTime": _moment_of(until, zone, "--to", " 23:59:59"),
        "asIfStarted": as_if_started,
        **({"jobs": jobs} if jobs else {}),
    }
    with where.client() as client:
        found = client.json("POST", "/simulation", body)
    if where.as_json:
        print_json(found)
    else:
        _tell(found, zone)


def _moment_of(text: str, zone: tzinfo, source: str, of_day: str) -> int:
    return read_plan_time(text.strip() + (of_day if len(text.strip()) <= _LONGEST_DAY else ""), zone, source)


def _tell(found: Mapping[str, Any], zone: tzinfo) -> None:
    if found["instances"]:
        rows = []
        for each in found["instances"]:
            estimates = (each.get("estimatedStartTime"), each.get("estimatedEndTime"))
            planned = _told(each["planTime"], zone)
            cells = (each["jobName"] + (" (dry run)" if each["dryRun"] else ""), *(_told(it, zone) for it in estimates))
            listed = [_waits(one, zone) for one in each["waitsFor"]]
            if "waitsForFile" in each:
                listed.append(f"a new file in {each['waitsForFile']}")
            waits = "\n".join(listed)
            rows.append((planned, *cells, waits))
        tell_rows(("plan time", "job", "starts", "ends", "waits for"), rows)
    for warning in found["warnings"]:
        note(warning)
    say(f"{found['total']} {'instance' if found['total'] == 1 else 'instances'}; nothing was begun")


def _waits(dependency: Mapping[str, Any], zone: tzinfo) -> str:
    """``sales_hour 2026-05-31 00:00:00, 2026-05-31 01:00:00 and 22 more (day on hour, …)``."""
    if not dependency["planTimes"]:
        return f"cancelled: no instance of {dependency['jobName']} counts ({dependency['rule']})"
    times = [_told(moment, zone) for moment in dependency["planTimes"]]
    more = f" and {len(times) - MOST_UPSTREAM} more" if len(times) > MOST_UPSTREAM else ""
    enough = "one of " if dependency["anySuffices"] else ""
    return f"{enough}{dependency['jobName']} {', '.join(times[:MOST_UPSTREAM])}{more} ({dependency['rule']})"


def _told(millis: int | None, zone: tzinfo) -> str:
    return moment_text(millis, zone) or "?"
