"""Files of SQLite as source and destination of migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from transfer_suite import BAD_ROWS, assert_only_bad_rows_are_refused

from headrace.errors_cdm import CdmError, DatabaseUnreachable, RunStopped, SqlFailed
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Surroundings, by_url, open_connector
from headrace.transfer.connectors.sqlite import Sqlite
from headrace.transfer.counters import Counts
from headrace.transfer.job import run_job
from headrace.transfer.relational.database import Table
from headrace.transfer.relational.sqlite_database import SqliteDatabase


def surroundings(folder: Path, cancellation: Cancellation | None = None) -> Surroundings:
    def none() -> Any:
        raise AssertionError

    return Surroundings(
        store=FileStore(folder / "obs"),
        files=folder,
        open_sql=none,
        zone=UTC,
        now=lambda: 0,
        cancellation=cancellation or Cancellation(),
    )


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    return opened(tmp_path)


def opened(folder: Path, cancellation: Cancellation | None = None) -> SqliteDatabase:
    found = open_connector(by_url("sqlite:///a.db/t").link, surroundings(folder, cancellation))
    assert isinstance(found, Sqlite)
    return found.database(create=True)


def copied(folder: Path, read: str, written: str, **wishes: Any) -> Counts:
    place = surroundings(folder)
    run_job(copy_job(read, written, Wishes(**wishes)), place, "r1")
    return place.counters.now()


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_loader__refuses_exactly_the_bad_rows(database: SqliteDatabase, bad: Sequence[int]) -> None:
    assert_only_bad_rows_are_refused(database, bad)


def test_columns__mean_what_they_were_declared_as(database: SqliteDatabase) -> None:
    database.run(
        [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(3) NOT NULL, price NUMERIC(12, 2), d DATE,"
            " at DATETIME, ok BOOLEAN, x, data BLOB, r DOUBLE PRECISION, n BIGINT, free DECIMAL)"
        ]
    )
    found = {column.name: column for column in database.columns(Table("", "t"))}
    assert [str(column.type) for column in found.values()] == [
        "int64", "string", "decimal128(12, 2)", "date32[day]", "timestamp[us]", "bool", "string", "binary", "double",
        "int64", "string",
    ]  # fmt: skip
    assert (found["id"].key, found["name"].nullable, found["price"].nullable) == (True, False, True)
    assert database.columns(Table("", "nothing")) == []


def test_copy__reads_what_sqlite_itself_keeps(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, price NUMERIC(12,2), d DATE, at DATETIME, ok BOOL)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)",
            [(number, None, None, None, None) for number in range(70_000)]
            + [(70_000, 1.5, "2024-01-31", "2024-01-31 10:00:00.5", 1), (70_001, "9999999999.99", None, None, 0)],
        )
    connection.close()
    copied(tmp_path, "sqlite:///a.db/t", "sqlite:///b.db/t")
    with sqlite3.connect(tmp_path / "b.db") as connection:
        found = connection.execute("SELECT * FROM t WHERE id >= 70000").fetchall()
        count = connection.execute("SELECT count(*) FROM t").fetchall()
    connection.close()
    assert found == [
        (70_000, 1.5, "2024-01-31", "2024-01-31 10:00:00.500000", 1),
        (70_001, 9999999999.99, None, None, 0),
    ]
    assert count == [(70_002,)]


def test_copy__of_a_query_and_a_range(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (id INTEGER, d DATE)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?)", [(n if n % 9 else None, "2024-01-31") for n in range(1000)]
        )
    connection.close()
    counts = copied(tmp_path, "sqlite:///a.db/t", "sqlite:///b.db/t", partition="id", parallel=3)
    assert (counts.rows_written, counts.parts_done) == (1000, 3)
    copied(tmp_path, "sqlite:///a.db?sql=SELECT id %2B 0.5 AS h, d FROM t WHERE id = 1", "sqlite:///b.db/q")
    assert opened(tmp_path).rows("SELECT 1") == [(1,)]
    with sqlite3.connect(tmp_path / "b.db") as connection:
        assert connection.execute("SELECT * FROM q").fetchall() == [(1.5, "2024-01-31")]
    connection.close()


@pytest.mark.parametrize(
    ("conflict", "left"),
    [
        ("IGNORE", [(1, "old", "kept"), (2, "new", None)]),
        ("UPDATE", [(1, "new", "kept"), (2, "new", None)]),
        ("REPLACE", [(1, "new", None), (2, "new", None)]),
    ],
)
def test_copy__does_with_rows_that_are_there_what_the_job_says(tmp_path: Path, conflict: str, left: list[Any]) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE new_rows (id INTEGER, name TEXT)")
        connection.execute("INSERT INTO new_rows VALUES (1, 'new'), (2, 'new')")
        connection.execute("CREATE TABLE old_rows (id INTEGER PRIMARY KEY, name TEXT, more TEXT)")
        connection.execute("INSERT INTO old_rows VALUES (1, 'old', 'kept')")
    connection.close()
    target = {"onConflict": conflict, "columnList": "id&name"}
    copied(tmp_path, "sqlite:///a.db/new_rows", "sqlite:///a.db/old_rows", target=target)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT * FROM old_rows ORDER BY id").fetchall() == left
    connection.close()


def test_stream__a_value_of_another_kind_stays_text(database: SqliteDatabase) -> None:
    database.run(["CREATE TABLE t (d DATE, ok BOOLEAN)", "INSERT INTO t VALUES ('2024-01-31', 1), ('soon', 7)"])
    columns = database.columns(Table("", "t"))
    selected = ", ".join(database.projected(column) for column in columns)
    (batch,) = database.stream(f"SELECT {selected} FROM t", columns, 1000)
    assert batch.to_pylist() == [{"d": "2024-01-31", "ok": "1"}, {"d": "soon", "ok": "7"}]


def test_stream__ends_when_it_is_cancelled(tmp_path: Path) -> None:
    opened(tmp_path).run(["CREATE TABLE t (a INTEGER)"])
    cancellation = Cancellation()
    database = opened(tmp_path, cancellation)
    endless = "SELECT a FROM (WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT a FROM n)"
    batches = database.stream(endless, database.columns(Table("", "t")), 1000)
    assert next(iter(batches)).column(0)[0].as_py() == 1
    cancellation.cancel()
    with pytest.raises(RunStopped):
        list(batches)


@pytest.mark.parametrize("path", ["../a.db", "/etc/passwd.db", "x/../../a.db", "link/a.db", "", "."])
def test_link__may_not_lead_out_of_the_folder(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    link = by_url(f"sqlite:///{path}?table=t").link
    with pytest.raises(CdmError):
        open_connector(link, surroundings(folder))


def test_test__says_what_is_there(tmp_path: Path) -> None:
    link = by_url("sqlite:///a.db/t").link
    with pytest.raises(DatabaseUnreachable):
        open_connector(link, surroundings(tmp_path)).test()
    opened(tmp_path).run(["CREATE TABLE t (a INTEGER)"])
    assert open_connector(link, surroundings(tmp_path)).test().startswith("SQLite 3")
    (tmp_path / "a.db").write_text("no database, but a text of some length" * 100)
    with pytest.raises(DatabaseUnreachable):
        open_connector(link, surroundings(tmp_path)).test()


def test_run__does_nothing_where_one_statement_fails(database: SqliteDatabase) -> None:
    with pytest.raises(SqlFailed):
        database.run(["CREATE TABLE t (a INTEGER)", "INSERT INTO nothing VALUES (1)"])
    assert database.tables("") == []


def test_literal__is_what_sqlite_compares_with(database: SqliteDatabase) -> None:
    values = [1, Decimal("1.5"), "it's", date(2024, 1, 31), datetime(2024, 1, 31, 10)]  # noqa: DTZ001
    assert [database.literal(value) for value in values] == [
        "1", "1.5", "'it''s'", "'2024-01-31'", "'2024-01-31 10:00:00'",
    ]  # fmt: skip


def test_read__a_file_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"none\.db does not exist"):
        copied(tmp_path, "sqlite:///none.db/t", "sqlite:///copy.db/t")
    assert not (tmp_path / "none.db").exists()
    assert not (tmp_path / "copy.db").exists()
