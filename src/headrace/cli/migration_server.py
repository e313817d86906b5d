"""The migrations' API of a running server, for commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.client import CallFailed, Client
from headrace.cli.output import WRONG_USAGE, stop
from headrace.cli.server import connected

ClusterOption = Annotated[str, typer.Option("--cluster", "-c", help="The cluster of the job, by its name.")]


@contextmanager
def migrations(server: str | None, home: Path | None, workspace: str | None) -> Iterator[Client]:
    """A client of the API; what it answers as an error ends the command."""
    with connected(server, home, workspace) as client:
        try:
            yield replace(client, version="v1.1")
        except CallFailed as error:
            stop(str(error))


def cluster_id(client: Client, name: str) -> str:
    """The id of a cluster by its name or id."""
    found = [one for one in client.json("GET", "/clusters")["clusters"] if name in (one["name"], one["id"])]
    if not found:
        stop(f"there is no cluster {name!r}", WRONG_USAGE)
    return str(found[0]["id"])


def jobs_path(client: Client, cluster: str) -> str:
    """Where the jobs of a cluster are."""
    return f"/clusters/{cluster_id(client, cluster)}/cdm/job"
