"""Jobs from table to table that run in a thread, their splits perhaps on other machines."""

from __future__ import annotations

import threading
import time
from datetime import UTC
from pathlib import Path
from typing import Any

import psycopg

from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Elsewhere, Surroundings
from headrace.transfer.counters import Counters
from headrace.transfer.job import Listener, run_job

MEGABYTE = "repeat(md5(i::text), 32768)"
STAGES = "SELECT count(*) FROM pg_class WHERE relname LIKE '%cdm_stage%'"
TABLES = (
    "CREATE TABLE many AS SELECT i AS id, 'n' || i AS name, i / 7.0 AS part FROM generate_series(1, 20000) i;"
    "CREATE FUNCTION slowly(i INT) RETURNS INT LANGUAGE SQL VOLATILE AS 'SELECT i FROM pg_sleep(0.1)';"
    f"CREATE VIEW slow AS SELECT slowly(i) AS id, {MEGABYTE} AS text FROM generate_series(1, 60) i"
)


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def no_engine() -> SqlEngine:
    raise AssertionError


class Run:
    """A job that runs in a thread."""

    def __init__(
        self,
        url: str,
        folder: Path,
        elsewhere: Elsewhere,
        read: str,
        written: str,
        listener: Listener | None = None,
        **wishes: Any,
    ) -> None:
        self.lines: list[str] = []
        self.counters = Counters()
        self.cancellation = Cancellation()
        self.failure: BaseException | None = None
        self.job = copy_job(f"{url}/{read}", written if ":" in written else f"{url}/{written}", Wishes(**wishes))
        self.surroundings = Surroundings(
            store=FileStore(folder / "obs"),
            files=folder,
            open_sql=no_engine,
            zone=UTC,
            now=lambda: 0,
            cancellation=self.cancellation,
            counters=self.counters,
            say=self.lines.append,
            elsewhere=elsewhere,
        )
        self._listener = listener
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        try:
            run_job(self.job, self.surroundings, f"r{time.monotonic_ns()}", self._listener)
        except BaseException as error:
            self.failure = error

    def start(self) -> Run:
        self._thread.start()
        return self

    def end(self) -> Run:
        self._thread.join(90)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure
        return self

    def until_written(self, rows: int) -> None:
        deadline = time.monotonic() + 60
        while self.counters.now().rows_written < rows:
            assert self.failure is None, self.failure
            assert time.monotonic() < deadline
            time.sleep(0.05)
