"""Bad rows of the common suite in a real MariaDB, by either way to load."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence

import pytest
from transfer_suite import BAD_ROWS, assert_only_bad_rows_are_refused

from headrace.sql.engine import Cancellation
from headrace.transfer.relational.mysql_address import Habits, MySqlAddress

pymysql = pytest.importorskip("pymysql")
pytestmark = pytest.mark.mariadb

PORT = int(os.environ.get("HEADRACE_TEST_MARIADB_PORT", "55306"))


@pytest.fixture(params=["file", "insert"])
def database(request: pytest.FixtureRequest) -> Iterator[object]:
    from headrace.transfer.relational.mysql_database import MySqlDatabase

    name = f"headrace_{uuid.uuid4().hex[:12]}"
    entry = {"host": "127.0.0.1", "port": PORT, "user": "headrace", "password": "headrace-test"}
    try:
        connection = pymysql.connect(**entry, connect_timeout=2)
    except pymysql.OperationalError as error:
        pytest.skip(f"no MariaDB on 127.0.0.1:{PORT} (make services starts one): {error}")
    with connection:
        connection.query(f"CREATE DATABASE {name}")
        yield MySqlDatabase(
            MySqlAddress(**entry, database=name), Cancellation(), Habits(writes=True, native=request.param == "file")
        )
        connection.query(f"DROP DATABASE {name}")


@pytest.mark.parametrize("bad", BAD_ROWS, ids=len)
def test_bad_rows__are_refused_and_no_others(database: object, bad: Sequence[int]) -> None:
    assert_only_bad_rows_are_refused(database, bad)  # type: ignore[arg-type]
