"""``headrace baseline``: what a running server promises, how that stands, and promising more or less."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from headrace.cli.client import Client
from headrace.cli.instances import segment
from headrace.cli.output import WRONG_USAGE, moment_text, print_json, say, stop, tell_rows
from headrace.cli.server import Where, at_server

ROOT = "/factory/aiops/headrace"  # any name of a product instance
PAGE = 100
_AHEAD = timedelta(days=2)  # the latest that a promise is due after what it is about
app = typer.Typer(no_args_is_help=True, help="Baselines: jobs that are promised to be done by a time of the day.")

Name = Annotated[str, typer.Argument(help="Name of the baseline.")]


@app.command("list")
@at_server
def list_baselines(where: Where) -> None:
    """List the baselines with what they promise."""
    with where.client("v2") as client:
        found = list(_all(client))
    if where.as_json:
        print_json(found)
        return
    heads = ("name", "priority", "jobs", "promised for", "warning", "on")
    tell_rows(heads, ((*_cells(each), "yes" if each["enable"] else "no") for each in found))


@app.command("show")
@at_server
def show(
    where: Where,
    name: Name,
    days: Annotated[int, typer.Option(min=1, max=170, help="Promises of so many days until now.")] = 1,
) -> None:
    """Show how the promises of a baseline stand: those of the last days, and those that are open."""
    now = datetime.now(UTC)
    first, last = (int(each.timestamp() * 1000) for each in (now - timedelta(days=days), now + _AHEAD))
    with where.client("v2") as client:
        baseline = _named(client, name)
        asked = {"baseline_name": name, "start_time": first, "end_time": last}
        every = _pages(client, "baselineinstance", "baseline_instances", asked)
        found = [each for each in every if each["baseline_id"] == baseline["id"]]
    if where.as_json:
        print_json({**baseline, "baseline_instances": found})
        return
    heads = ("planned from", "promised for", "status", "finished", "expected", "reason")
    tell_rows(heads, (_promise(each, where) for each in found))


@app.command("create")
@at_server
def create(
    where: Where,
    file: Annotated[Path, typer.Argument(help="JSON of the baseline, as the API takes it.")],
    jobs: Annotated[
        list[str] | None, typer.Option("--job", "-j", help="Promise this job, by its name; can be repeated.")
    ] = None,
) -> None:
    """Promise what a file says."""
    body = _read(file)
    with where.client("v2") as client:
        if jobs:
            authoring = replace(client, version="v1")
            ids = [str(authoring.json("GET", f"/jobs/{segment(job)}")["id"]) for job in jobs]
            body["sla_task_ids"] = [*(body.get("sla_task_ids") or ()), *ids]
        client.call("POST", f"{ROOT}/baseline", body)
        made = _named(client, str(body["name"]))
    if where.as_json:
        print_json(made)
    else:
        say(f"{made['name']}: promised")


@app.command("delete")
@at_server
def delete(where: Where, name: Name) -> None:
    """Promise it no more; how its promises stood is forgotten."""
    with where.client("v2") as client:
        found = _named(client, name)
        client.call("DELETE", f"{ROOT}/baseline/{segment(found['id'])}")
    if where.as_json:
        print_json({"id": found["id"], "name": name})
    else:
        say(f"{name}: deleted")


def _all(client: Client, name: str = "") -> Iterator[dict[str, Any]]:
    return _pages(client, "baseline", "baselines", {"name": name})


def _pages(client: Client, path: str, member: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All rows of a list, whose pages are counted from 1."""
    page, seen, total = 1, 0, 1
    while seen < total:
        query = urlencode({**asked, "offset": page, "limit": PAGE})
        told = client.json("GET", f"{ROOT}/{path}?{query}")
        yield from told[member]
        page, seen, total = page + 1, seen + PAGE, told["total"]


def _named(client: Client, name: str) -> dict[str, Any]:
    found = next((each for each in _all(client, name) if each["name"] == name), None)
    if found is None:
        stop(f"there is no baseline {name!r}; `headrace baseline list` shows them", WRONG_USAGE)
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        stop(f"{file}: there is no such file", WRONG_USAGE)
    except (OSError, ValueError) as error:
        stop(f"{file} cannot be read as JSON: {error}", WRONG_USAGE)
    if not isinstance(body, dict):
        stop(f"{file} holds no JSON object", WRONG_USAGE)
    return body


def _cells(baseline: Mapping[str, Any]) -> tuple[str, ...]:
    """What a baseline promises; of hours their times in the order of the day."""
    if baseline["type"] == "DAY":
        promised, warned = (f"{baseline[f'{each}_hour']:02}:{baseline[f'{each}_min']:02}" for each in ("sla", "exp"))
    else:
        promised, warned = (_hours(baseline[f"hour_{each}_detail"]) for each in ("sla", "exp"))
    return baseline["name"], str(baseline["priority"]), str(len(baseline["sla_task_ids"])), promised, warned


def _hours(detail: str) -> str:
    times = sorted((int(number), time) for number, time in json.loads(detail).items())
    return ", ".join(f"hour {number}: {time}" for number, time in times)


def _promise(found: Mapping[str, Any], where: Where) -> tuple[str, ...]:
    finished = moment_text(found.get("end_time"), where.zone)
    expected = moment_text(found.get("estimate_complete_time"), where.zone)
    begins, promised = (moment_text(found[each], where.zone) for each in ("start_time", "sla_time"))
    return begins, promised, found["status"], finished, expected, found.get("error_message") or ""
