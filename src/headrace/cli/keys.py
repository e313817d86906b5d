"""``headrace keys``: access keys of the administrator."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from headrace.auth.credentials import new_access_key, new_secret_key
from headrace.cli.home import DatabaseOption, HomeOption, JsonOption
from headrace.cli.installation import opened
from headrace.cli.output import WRONG_USAGE, out, print_json, say, stop
from headrace.domain.clock import from_millis
from headrace.storage import identity
from headrace.storage.identity import AccessKey

app = typer.Typer(no_args_is_help=True, help="Access keys: make, list and remove them.")


@app.command("create")
def create(
    description: Annotated[str, typer.Option(help="What the key is for.")] = "",
    home: HomeOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an access key. The secret key is shown once and kept sealed."""
    with opened(home, database) as installation:
        services = installation.services
        access_key, secret_key = new_access_key(), new_secret_key()
        with services.db.writing() as connection:
            user = identity.all_users(connection)[0]
            sealed = services.sealer.seal(secret_key)
            identity.add_access_key(connection, AccessKey(access_key, user.id, sealed, description, services.now()))
    if as_json:
        print_json({"access_key": access_key, "secret_key": secret_key, "project_id": user.project_id})
        return
    say(f"access key  {access_key}")
    say(f"secret key  {secret_key}")
    say(f"project id  {user.project_id}")


@app.command("list")
def list_keys(home: HomeOption = None, database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the access keys; secrets are never shown again."""
    with opened(home, database) as installation, installation.services.db.reading() as connection:
        keys = identity.all_access_keys(connection)
    if as_json:
        print_json([{"access_key": key.access_key, "description": key.description} for key in keys])
        return
    table = Table("access key", "made", "description", box=None)
    for key in keys:
        table.add_row(key.access_key, f"{from_millis(key.create_time):%Y-%m-%d %H:%M}", key.description)
    out.print(table)


@app.command("delete")
def delete(
    access_key: Annotated[str, typer.Argument(help="The access key to remove.")],
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Remove an access key. A running server may accept it until it is restarted."""
    with opened(home, database) as installation, installation.services.db.writing() as connection:
        found = identity.delete_access_key(connection, access_key)
    if not found:
        stop(f"there is no access key {access_key!r}; `headrace keys list` shows them", WRONG_USAGE)
    say(f"removed {access_key}")
