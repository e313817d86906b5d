"""Every kind of database, empty and migrated; every kind of object store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from scheduled_jobs import Factory

from headrace.app import open_installation
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath
from headrace.settings import Settings
from headrace.storage import migrate
from headrace.storage.database import Database, SqliteDatabase, open_database

NUMBERS = itertools.count()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    opened: Database
    if request.param == "sqlite":
        opened = SqliteDatabase(tmp_path / "headrace.db")
    else:
        opened = open_database(request.getfixturevalue("new_postgres_url")(), tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def database(empty_database: Database) -> Database:
    migrate.upgrade(empty_database)
    return empty_database


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "files":
        return FileStore(tmp_path / "obs", durable=False)
    s3 = pytest.importorskip("headrace.objectstore.s3", reason="the extra headrace[s3] is not installed")
    store: ObjectStore = s3.S3Store(
        request.getfixturevalue("s3_endpoint"), "AK", "very-secret", "eu-de", create_buckets=True
    )
    return store


@pytest.fixture
def bucket(store: ObjectStore) -> ObsPath:
    """A fresh bucket: the S3 server is shared by all tests."""
    path = ObsPath(f"bucket-{next(NUMBERS)}")
    store.create_bucket(path.bucket)
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Factory]:
    url = request.getfixturevalue("new_postgres_url")() if request.param == "postgresql" else None
    values = {"home": tmp_path / "home", "local_execution": True, "database_url": url}
    installation = open_installation(Settings.load(values, {}), {})
    installation.engine.start()
    yield Factory(installation)
    installation.stop()
