"""Every kind of database, empty and migrated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.storage import migrate
from headrace.storage.database import Database, SqliteDatabase, open_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    opened: Database
    if request.param == "sqlite":
        opened = SqliteDatabase(tmp_path / "headrace.db")
    else:
        opened = open_database(request.getfixturevalue("new_postgres_url")(), tmp_path)
    migrate.upgrade(opened)
    yield opened
    opened.close()
