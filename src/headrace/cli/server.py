"""Reaching a running server from a command, and the options that say which."""

from __future__ import annotations

import inspect
import os
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import typer

from headrace.auth.credentials import read_credentials
from headrace.cli.client import CallFailed, Client
from headrace.cli.home import HomeOption, JsonOption, WorkspaceOption, load_settings
from headrace.cli.output import FAILED, WRONG_USAGE, stop

ServerOption = Annotated[
    str | None,
    typer.Option("--server", help="http://host:port. Default: $HEADRACE_SERVER, or the host and port of the settings."),
]
_VARIABLES = {
    "project_id": "HEADRACE_PROJECT_ID",
    "access_key": "HEADRACE_ACCESS_KEY",
    "secret_key": "HEADRACE_SECRET_ACCESS_KEY",
}


@dataclass(frozen=True)
class Where:
    """What every command on a running server can be told: which server and workspace, and how to answer."""

    server: ServerOption = None
    home: HomeOption = None
    workspace: WorkspaceOption = None
    as_json: JsonOption = False

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the settings."""
        return ZoneInfo(load_settings(home=self.home).time_zone)

    def client(self, version: str = "v1") -> AbstractContextManager[Client]:
        """As ``connected``."""
        return connected(self.server, self.home, self.workspace, version)


def at_server(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of ``Where``, which it takes together as ``where``."""
    signature = inspect.signature(command, eval_str=True)
    options = inspect.signature(Where, eval_str=True).parameters
    own = [each for each in signature.parameters.values() if each.name != "where"]
    shared = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in options.values()]

    def reaching(**values: Any) -> None:
        command(where=Where(**{name: values.pop(name) for name in options}), **values)

    reaching.__name__, reaching.__doc__ = command.__name__, command.__doc__
    reaching.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    return reaching


@contextmanager
def connected(server: str | None, home: Path | None, workspace: str | None, version: str = "v1") -> Iterator[Client]:
    """A client of the server that is meant, for a version of the API; an error ends the command with a message.

    The access key is that of HEADRACE_PROJECT_ID, HEADRACE_ACCESS_KEY and HEADRACE_SECRET_ACCESS_KEY, or else of
    HOME/credentials.json.
    """
    settings = load_settings(home=home)
    base = (server or os.environ.get("HEADRACE_SERVER") or f"http://{settings.host}:{settings.port}").rstrip("/")
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
        stop(f"--server: {base!r} is not like http://host:port", WRONG_USAGE)
    client = Client(base=base, **_credentials(settings.home))
    try:
        found = workspace_id(client, workspace) if workspace else ""
        yield replace(client, workspace=found, version=version)
    except CallFailed as error:
        stop(str(error))
    except (urllib.error.URLError, OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        stop(f"no server answers at {base} ({reason}); start one with `headrace up`, or name it with --server", FAILED)


def _credentials(home: Path) -> dict[str, str]:
    given = {name: os.environ.get(variable, "") for name, variable in _VARIABLES.items()}
    if all(given.values()):
        return given
    try:
        found = read_credentials(home)
    except FileNotFoundError:
        variables = ", ".join(_VARIABLES.values())
        stop(f"{home} has no credentials.json: name the home of a server with --home, or set {variables}", WRONG_USAGE)
    return {name: found[name] for name in _VARIABLES}


def workspace_id(client: Client, wanted: str) -> str:
    """The id of a workspace named by name or id; ends the command where there is none."""
    client, offset = replace(client, version="v1"), 0
    while True:
        page = client.json("GET", f"/workspaces/studio?limit=100&offset={offset}")
        for item in page["data"]:
            if wanted in (item["id"], item["name"]):
                return str(item["id"])
        offset += 100
        if offset >= int(page.get("count") or page.get("total") or 0):
            stop(f"there is no workspace {wanted!r}; `headrace workspaces list` shows them", WRONG_USAGE)
