"""The ``headrace`` command."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace import __version__
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


def main() -> None:
    """Run the command line."""
    app()
