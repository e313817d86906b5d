"""``headrace db``: upgrade, back up and restore the database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.home import DatabaseOption, HomeOption, load_settings
from headrace.cli.output import WRONG_USAGE, say, stop
from headrace.engine.recovery import EngineTaken, HomeLock
from headrace.settings import Settings
from headrace.storage import migrate
from headrace.storage.database import SqliteDatabase, open_database

app = typer.Typer(no_args_is_help=True, help="The database: upgrade, back up, restore.")

_ELSEWHERE = "PostgreSQL has its own tools for this: pg_dump and pg_restore"


@app.command()
def upgrade(home: HomeOption = None, database: DatabaseOption = None) -> None:
    """Bring the database to the schema of this release. `headrace up` does it by itself."""
    settings = load_settings(home=home, database_url=database)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    opened = open_database(settings.database_url, settings.home)
    before = migrate.revision(opened)
    try:
        migrate.upgrade(opened)
    except migrate.DatabaseIsNewer as error:
        stop(str(error))
    finally:
        opened.close()
    say(f"revision {migrate.HEAD}" if before == migrate.HEAD else f"revision {before or 'none'} → {migrate.HEAD}")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="File to write.")],
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Copy the database to a file, also while a server runs.

    The secret key (HOME/secret.key) and the object store (HOME/obs) are not in it: keep them too.
    """
    source = _sqlite_file(load_settings(home=home, database_url=database))
    if not source.exists():
        stop(f"{source}: there is no database", WRONG_USAGE)
    if target.exists():
        stop(f"{target} exists; choose another name", WRONG_USAGE)
    partial = target.with_name(target.name + ".part")
    with sqlite3.connect(source) as reading, sqlite3.connect(partial) as writing:
        reading.backup(writing)
    for connection in (reading, writing):
        connection.close()
    partial.rename(target)
    say(f"wrote {target} ({target.stat().st_size} bytes)")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A file that `headrace db backup` wrote.")],
    home: HomeOption = None,
    database: DatabaseOption = None,
) -> None:
    """Put a backup in place of the database; stop the server first.

    The replaced file is kept beside it as headrace.db.replaced.
    """
    target = _sqlite_file(load_settings(home=home, database_url=database))
    if not source.is_file():
        stop(f"{source}: there is no such file", WRONG_USAGE)
    try:
        checked = SqliteDatabase(source)
        found = migrate.revision(checked)
        checked.close()
    except sqlite3.DatabaseError as error:
        stop(f"{source}: {error}")
    if found is None or found > migrate.HEAD:
        stop(f"{source}: revision {found or 'none'} is not one that this release can open")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = HomeLock(target.parent)
    try:
        lock.acquire()
    except EngineTaken as error:
        stop(f"a server runs on this home; stop it first ({error})")
    try:
        _put_in_place(source, target)
    finally:
        lock.release()
    say(f"restored {target} from {source}")


def _put_in_place(source: Path, target: Path) -> None:
    """Keep the database there is under another name, and copy the backup to its place."""
    if target.exists():
        _merge_log(target)
        kept = target.with_name(target.name + ".replaced")
        number = 1
        while kept.exists():
            number += 1
            kept = target.with_name(f"{target.name}.replaced-{number}")
        target.replace(kept)
    with sqlite3.connect(source) as reading, sqlite3.connect(target) as writing:
        reading.backup(writing)
    for connection in (reading, writing):
        connection.close()


def _merge_log(database: Path) -> None:
    """Fold the write-ahead log into the file, so that the file alone is the whole database."""
    connection = sqlite3.connect(database)
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    connection.close()
    if busy:
        stop(f"{database} is in use; stop the server first")


def _sqlite_file(settings: Settings) -> Path:
    opened = open_database(settings.database_url, settings.home) if settings.database_url else None
    if opened is None:
        return settings.home / "headrace.db"
    path = opened.path if isinstance(opened, SqliteDatabase) else None
    opened.close()
    if path is None:
        stop(_ELSEWHERE, WRONG_USAGE)
    return path
