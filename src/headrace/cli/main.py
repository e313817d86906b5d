"""The ``headrace`` command."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace import __version__
from headrace.cli import db, instances, keys, workspaces
from headrace.cli.demo import demo
from headrace.cli.doctor import doctor
from headrace.cli.el import el
from headrace.cli.logs import logs
from headrace.cli.packages import diff, lint_package, pack, show, unpack
from headrace.cli.run import run
from headrace.cli.test import run_tests
from headrace.cli.transfer import export, import_package
from headrace.cli.up import up

app = typer.Typer(
    name="headrace",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
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


app.command()(up)
app.command()(demo)
app.command()(run)
app.command("test")(run_tests)
app.command()(export)
app.command("import")(import_package)
app.command()(show)
app.command()(diff)
app.command("lint")(lint_package)
app.command()(pack)
app.command()(unpack)
app.command()(el)
app.command()(logs)
for name, command in instances.COMMANDS.items():
    app.command(name)(command)
app.command()(doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(db.app, name="db")


def main() -> None:
    """Run the command line."""
    app()
