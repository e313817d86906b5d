"""``headrace migrate export-jobs`` and ``import-jobs``: definitions of migration jobs as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from headrace.cli.client import Client
from headrace.cli.home import HomeOption, JsonOption, WorkspaceOption
from headrace.cli.migration_server import ClusterOption, jobs_path, migrations
from headrace.cli.output import WRONG_USAGE, note, print_json, say, stop
from headrace.cli.server import ServerOption
from headrace.wire.cdm import JOB_SET_BY_SERVER, JOB_TYPES

_PAGE = 100  # the most that the API gives at once


def export_jobs(
    names: Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Default: all of the cluster.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file. Default: print it.")] = None,
    cluster: ClusterOption = "default",
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the definitions of migration jobs as JSON, as the API answers and takes them; secrets are left out.

    Special characters in values are percent-encoded, as the cloud's API has them.

    Examples:

    headrace migrate export-jobs -o jobs.json

    headrace migrate export-jobs orders customers --cluster nightly | jq .jobs[].name
    """
    with migrations(server, home, workspace) as client:
        jobs = list(_jobs(client, jobs_path(client, cluster), names or []))
    document = {"jobs": [{member: one[member] for member in one if member not in JOB_SET_BY_SERVER} for one in jobs]}
    if output is None:
        print_json(document)
        return
    try:
        output.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    except OSError as error:
        stop(f"{output}: {error.strerror}")
    say(f"{len(jobs)} jobs in {output}")


def import_jobs(
    file: Annotated[Path, typer.Argument(help="What export-jobs wrote, or the body of a creation.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace the jobs whose names are there.")] = False,
    cluster: ClusterOption = "default",
    server: ServerOption = None,
    home: HomeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create the migration jobs of a JSON file: all, or none where one of them cannot be.

    With --replace those that are there are replaced one by one before the others are created.
    """
    jobs = _read(file)
    with migrations(server, home, workspace) as client:
        path = jobs_path(client, cluster)
        there = {one["name"] for one in _jobs(client, path, [])} if replace else set()
        for one in jobs:
            if one["name"] in there:
                client.json("PUT", f"{path}/{quote(one['name'], safe='')}", {"jobs": [one]})
        new = [one for one in jobs if one["name"] not in there]
        if new:
            client.json("POST", path, {"jobs": new})
    if as_json:
        print_json(
            {"created": [one["name"] for one in new], "replaced": [one["name"] for one in jobs if one not in new]}
        )
        return
    say(f"{len(new)} jobs created, {len(jobs) - len(new)} replaced")
    note("Links are not among them; `headrace migrate test-link NAME` tries those that the jobs name.")


def _jobs(client: Client, path: str, names: list[str]) -> Iterator[dict[str, Any]]:
    """The jobs of these names, or all of a cluster."""
    for name in names:
        yield from client.json("GET", f"{path}/{quote(name, safe='')}")["jobs"]
    for kind in JOB_TYPES if not names else ():
        page, total = 1, 1
        while (page - 1) * _PAGE < total:
            found = client.json("GET", f"{path}/all?jobType={kind}&page_no={page}&page_size={_PAGE}")
            page, total = page + 1, found["total"]
            yield from found["jobs"]


def _read(file: Path) -> list[dict[str, Any]]:
    """The jobs of a file, each with a name."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        stop(f"{file}: {error.strerror}", WRONG_USAGE)
    except ValueError as error:
        stop(f"{file} is no JSON: {error}", WRONG_USAGE)
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, list) or not jobs:
        stop(f'{file} has no jobs; it should be {{"jobs": [...]}}', WRONG_USAGE)
    for number, one in enumerate(jobs):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            stop(f"{file}: jobs[{number}] has no name", WRONG_USAGE)
    return jobs
