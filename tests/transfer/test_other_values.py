"""Bad rows of the common suite in ClickHouse's engine and through SQLAlchemy's dialects."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from transfer_suite import BAD_ROWS, assert_only_bad_rows_are_refused

from headrace.sql.engine import Cancellation
from headrace.sql.real.target import Target
from headrace.transfer.relational.clickhouse_database import ClickHouseDatabase
from headrace.transfer.relational.clickhouse_session import ClickHouse
from headrace.transfer.relational.generic_database import GenericDatabase


@pytest.fixture(scope="module")
def clickhouse_port() -> Iterator[int]:
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("the engine of ClickHouse is not installed (pip install chdb-core)")
    script = Path(__file__).with_name("clickhouse_double.py")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture
def clickhouse(clickhouse_port: int) -> ClickHouseDatabase:
    def server(database: str) -> ClickHouse:
        target = Target(name="test", host="127.0.0.1", port=clickhouse_port, database=database)
        return ClickHouse(target=target, cancellation=Cancellation())

    ClickHouseDatabase(server("default")).run(["DROP DATABASE IF EXISTS awkward", "CREATE DATABASE awkward"])
    return ClickHouseDatabase(server("awkward"), writes=True)


@pytest.fixture
def postgresql(new_postgres_url: Callable[[], str]) -> GenericDatabase:
    url = sa.make_url(new_postgres_url()).set(drivername="postgresql+psycopg")
    return GenericDatabase(url, Cancellation(), writes=True)


@pytest.fixture
def sqlite(tmp_path: Path) -> GenericDatabase:
    return GenericDatabase(sa.make_url(f"sqlite:///{tmp_path}/some.db"), Cancellation(), writes=True)


@pytest.mark.parametrize("bad", BAD_ROWS, ids=len)
def test_clickhouse__bad_rows_are_refused_and_no_others(clickhouse: ClickHouseDatabase, bad: Sequence[int]) -> None:
    assert_only_bad_rows_are_refused(clickhouse, bad)


@pytest.mark.postgres
@pytest.mark.parametrize("bad", BAD_ROWS, ids=len)
def test_postgresql__bad_rows_are_refused_and_no_others(postgresql: GenericDatabase, bad: Sequence[int]) -> None:
    assert_only_bad_rows_are_refused(postgresql, bad)


@pytest.mark.parametrize("bad", BAD_ROWS, ids=len)
def test_sqlite__bad_rows_are_refused_and_no_others(sqlite: GenericDatabase, bad: Sequence[int]) -> None:
    assert_only_bad_rows_are_refused(sqlite, bad)
