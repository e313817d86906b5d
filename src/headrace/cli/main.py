"""The ``headrace`` command."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace import __version__
from headrace.cli import baseline, db, instances, keys, migrate, schedule, workspaces
from headrace.cli.backfill import backfill, backfills
from headrace.cli.demo import demo
from headrace.cli.doctor import doctor
from headrace.cli.el import el
from headrace.cli.logs import logs
from headrace.cli.packages import diff, lint_package, pack, show, unpack
from headrace.cli.run import run
from headrace.cli.simulate import simulate
from headrace.cli.test import run_tests
from headrace.cli.transfer import export, import_package
from headrace.cli.up import up

app = typer.Typer(
    name="headrace",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A Data Lake Factory you can own: author, run, export and import data jobs.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headrace {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """A Data Lake Factory you can own: author, run, export and import data jobs."""


SERVER, PACKAGES, INSTANCES, HOME = (
    "A server",
    "Packages, without a server",
    "Instances of a running server",
    "A home and what it holds",
)
MIGRATIONS = "Migrations"

app.command(rich_help_panel=SERVER)(up)
app.command(rich_help_panel=SERVER)(demo)
app.command(rich_help_panel=PACKAGES)(run)
app.command("test", rich_help_panel=PACKAGES)(run_tests)
app.command(rich_help_panel=PACKAGES)(show)
app.command(rich_help_panel=PACKAGES)(diff)
app.command("lint", rich_help_panel=PACKAGES)(lint_package)
app.command(rich_help_panel=PACKAGES)(pack)
app.command(rich_help_panel=PACKAGES)(unpack)
app.command(rich_help_panel=PACKAGES)(el)
for name, command in instances.COMMANDS.items():
    app.command(name, rich_help_panel=INSTANCES)(command)
app.command(rich_help_panel=INSTANCES)(logs)
app.command(rich_help_panel=INSTANCES)(backfill)
app.command(rich_help_panel=INSTANCES)(backfills)
app.command(rich_help_panel=INSTANCES)(simulate)
app.add_typer(schedule.app, name="schedule", rich_help_panel=INSTANCES)
app.add_typer(baseline.app, name="baseline", rich_help_panel=INSTANCES)
app.add_typer(migrate.app, name="migrate", rich_help_panel=MIGRATIONS)
app.command(rich_help_panel=HOME)(export)
app.command("import", rich_help_panel=HOME)(import_package)
app.add_typer(workspaces.app, name="workspaces", rich_help_panel=HOME)
app.add_typer(keys.app, name="keys", rich_help_panel=HOME)
app.add_typer(db.app, name="db", rich_help_panel=HOME)
app.command(rich_help_panel=HOME)(doctor)


def main() -> None:
    """Run the command line."""
    app()
