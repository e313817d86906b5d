"""Calls that share a commit: none is acknowledged before it, and one that fails takes only its own writes back."""

from __future__ import annotations

import concurrent.futures
import threading
from pathlib import Path

import pytest
from test_storage_contract import WORKSPACE, job

from headrace.storage import jobs, migrate
from headrace.storage.database import Duplicate, SqliteDatabase, WriterBusy
from headrace.storage.jobs import Names


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    opened = SqliteDatabase(tmp_path / "headrace.db")
    migrate.upgrade(opened)
    opened.never_block(threading.get_ident())
    return opened


def add(database: SqliteDatabase, number: int, name: str = "") -> bool:
    with database.batch() as waits:
        try:
            with database.writing() as connection:
                jobs.insert_job(connection, job(number, name=name or f"job_{number}"), Names())
        finally:
            waiting = waits()
    return waiting


def names(database: SqliteDatabase) -> list[str]:
    with database.reading() as connection:
        return jobs.names(connection, WORKSPACE)


def test_batch__is_seen_by_nobody_before_its_commit(database: SqliteDatabase) -> None:
    assert add(database, 1)
    assert add(database, 2)
    assert names(database) == []
    database.commit_batch()
    assert names(database) == ["job_1", "job_2"]


def test_batch__a_failed_call_takes_only_its_own_writes_back(database: SqliteDatabase) -> None:
    add(database, 1)
    with pytest.raises(Duplicate):
        add(database, 2, "job_1")
    add(database, 3)
    database.commit_batch()
    assert names(database) == ["job_1", "job_3"]


def test_batch__a_failed_first_call_leaves_the_batch_to_commit(database: SqliteDatabase) -> None:
    add(database, 1)
    database.commit_batch()
    with pytest.raises(Duplicate):
        add(database, 2, "job_1")
    database.commit_batch()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(_write_plainly, database).result(5)
    assert names(database) == ["job_1", "job_9"]


def _write_plainly(database: SqliteDatabase) -> None:
    with database.writing() as connection:
        jobs.insert_job(connection, job(9), Names())


def test_batch__another_writer_waits_for_the_commit(database: SqliteDatabase) -> None:
    add(database, 1)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(_write_plainly, database)
        with pytest.raises(concurrent.futures.TimeoutError):
            other.result(0.1)
        database.commit_batch()
        other.result(5)
    assert names(database) == ["job_1", "job_9"]


def test_batch__a_taken_writer_is_told_at_once_and_nothing_is_written(database: SqliteDatabase) -> None:
    began, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.writing():
            began.set()
            done.wait(5)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(hold)
        began.wait(5)
        with pytest.raises(WriterBusy):
            add(database, 1)
        done.set()
        other.result(5)
    assert names(database) == []
