"""The ``headrace`` command."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from headrace import __version__

_ABOUT = "A Data Lake Factory you can own: author, run, export and import data jobs."


@dataclass(frozen=True)
class Entry:
    """A command: ``attribute`` of headrace.cli.``module``, or its item of the command's name where it is a mapping."""

    panel: str
    module: str
    attribute: str


def _all(panel: str, module: str, attribute: str, names: str) -> dict[str, Entry]:
    return {name: Entry(panel, module, attribute) for name in names.split()}


SERVER, PACKAGES, INSTANCES, HOME = (
    "A server",
    "Packages, without a server",
    "Instances of a running server",
    "A home and what it holds",
)
MIGRATIONS = "Migrations"

COMMANDS: Mapping[str, Entry] = {
    "up": Entry(SERVER, "up", "up"),
    "demo": Entry(SERVER, "demo", "demo"),
    "run": Entry(PACKAGES, "run", "run"),
    "test": Entry(PACKAGES, "test", "run_tests"),
    "show": Entry(PACKAGES, "packages", "show"),
    "diff": Entry(PACKAGES, "packages", "diff"),
    "lint": Entry(PACKAGES, "packages", "lint_package"),
    "pack": Entry(PACKAGES, "packages", "pack"),
    "unpack": Entry(PACKAGES, "packages", "unpack"),
    "el": Entry(PACKAGES, "el", "el"),
    **_all(INSTANCES, "instances", "COMMANDS", "ps stop rerun retry continue force-success pause resume skip succeed"),
    **_all(INSTANCES, "instances", "COMMANDS", "confirm freeze release unfreeze"),
    "logs": Entry(INSTANCES, "logs", "logs"),
    "backfill": Entry(INSTANCES, "backfill", "backfill"),
    "backfills": Entry(INSTANCES, "backfill", "backfills"),
    "simulate": Entry(INSTANCES, "simulate", "simulate"),
    "schedule": Entry(INSTANCES, "schedule", "app"),
    "baseline": Entry(INSTANCES, "baseline", "app"),
    "migrate": Entry(MIGRATIONS, "migrate", "app"),
    "export": Entry(HOME, "transfer", "export"),
    "import": Entry(HOME, "transfer", "import_package"),
    "workspaces": Entry(HOME, "workspaces", "app"),
    "keys": Entry(HOME, "keys", "app"),
    "db": Entry(HOME, "db", "app"),
    "doctor": Entry(HOME, "doctor", "doctor"),
}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headrace {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None: ...


def command_line(first: str = "") -> typer.Typer:
    """All commands, or only the one that the ``first`` argument names: loading all takes longer than most run."""
    only = first if first in COMMANDS or first == "--version" else None
    app = typer.Typer(
        name="headrace",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
        help=_ABOUT,
    )
    app.callback(help=_ABOUT)(_options)
    for name, entry in COMMANDS.items():
        if only in (None, name):
            found = getattr(importlib.import_module(f"headrace.cli.{entry.module}"), entry.attribute)
            command = found[name] if isinstance(found, Mapping) else found
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name, rich_help_panel=entry.panel)
            else:
                app.command(name, rich_help_panel=entry.panel)(command)
    return app
