"""Brings a database to the schema of this release.

A start looks at one row; Alembic is loaded only when there is something to do.
"""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import column, select, table

from headrace.storage.database import Database
from headrace.storage.statement import Statement

HEAD = "0016"

_REVISION = Statement(select(column("version_num")).select_from(table("alembic_version")))


class DatabaseIsNewer(Exception):
    """The database was written by a later release; this one would damage it."""


def revision(database: Database) -> str | None:
    """The revision of a database; None for an empty one."""
    try:
        with database.reading() as connection:
            found: str | None = connection.value(_REVISION)
            return found
    except sqlite3.OperationalError:
        return None
    except Exception as error:
        if getattr(error, "sqlstate", None) == "42P01":  # undefined table
            return None
        raise


def upgrade(database: Database) -> None:
    """Run the migrations that are missing. Raises DatabaseIsNewer."""
    found = revision(database)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise DatabaseIsNewer(f"the database is at revision {found}, this release knows {HEAD}: use a newer release")
    command = importlib.import_module("alembic.command")
    command.upgrade(alembic_config(database.url), "head")


def alembic_config(url: str) -> Any:
    """Alembic's configuration for a database URL."""
    config = importlib.import_module("alembic.config").Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
