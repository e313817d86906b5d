"""Every kind of database, empty and migrated."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.storage import migrate
from headrace.storage.database import Database, SqliteDatabase, open_database

POSTGRES = os.environ.get("HEADRACE_TEST_POSTGRES", "postgresql://headrace@127.0.0.1:55432/postgres")


def postgres_database() -> str:
    """The URL of a new, empty PostgreSQL database; skips where no server answers."""
    psycopg = pytest.importorskip("psycopg")
    name = f"headrace_{uuid.uuid4().hex[:12]}"
    try:
        with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2) as connection:
            connection.execute(f"CREATE DATABASE {name}")
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL at {POSTGRES.rpartition('@')[2]} (make services starts one): {error}")
    return f"{POSTGRES.rpartition('/')[0]}/{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    opened: Database
    if request.param == "sqlite":
        opened = SqliteDatabase(tmp_path / "headrace.db")
    else:
        opened = open_database(postgres_database(), tmp_path)
    migrate.upgrade(opened)
    yield opened
    opened.close()
