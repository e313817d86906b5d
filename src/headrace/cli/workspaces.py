"""``headrace workspaces``: make and list workspaces."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from headrace.cli.home import DatabaseOption, HomeOption, JsonOption
from headrace.cli.installation import caller_for, opened
from headrace.cli.output import out, print_json, say, told_errors
from headrace.factory import workspaces
from headrace.storage import jobs, scripts
from headrace.storage import workspaces as stored

app = typer.Typer(no_args_is_help=True, help="Workspaces: make and list them.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Name of the new workspace.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    home: HomeOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace; its id is the value of the `workspace` header."""
    with opened(home, database) as installation, told_errors():
        caller = caller_for(installation, None)
        made = workspaces.create(installation.services, caller, name=name, description=description)
    if as_json:
        print_json({"id": made, "name": name})
    else:
        say(f"{name}  {made}")


@app.command("list")
def list_workspaces(home: HomeOption = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the workspaces with their ids and how much they hold."""
    with opened(home, database) as installation:
        caller = caller_for(installation, None)
        with installation.services.db.reading() as connection:
            found = [
                (item, jobs.count(connection, item.id), scripts.count(connection, item.id))
                for item in stored.all_of_project(connection, caller.project_id)
            ]
    if as_json:
        print_json([{"id": item.id, "name": item.name, "jobs": held, "scripts": texts} for item, held, texts in found])
        return
    table = Table("name", "id", "jobs", "scripts", box=None)
    for item, held, texts in found:
        table.add_row(item.name, item.id, str(held), str(texts))
    out.print(table)
