"""The common suite of connectors on a real PostgreSQL, and what only PostgreSQL has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from transfer_suite import BAD_ROWS, assert_only_bad_rows_are_refused, write

from headrace.errors_cdm import DatabaseUnreachable, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connectors.postgresql import address, storage_clause
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.database import Table
from headrace.transfer.relational.postgres_database import PostgresDatabase
from headrace.transfer.relational.postgres_session import Address, stopping
from headrace.transfer.relational.urls import properties

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def url(new_module_postgres_url: Callable[[], str]) -> str:
    return new_module_postgres_url()


def opened(url: str, cancellation: Cancellation | None = None) -> PostgresDatabase:
    parameters = {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(url).items()}
    return PostgresDatabase(Address(parameters), cancellation or Cancellation())


@pytest.fixture
def database(url: str) -> PostgresDatabase:
    return opened(url)


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_loader__refuses_exactly_the_bad_rows(database: PostgresDatabase, bad: Sequence[int]) -> None:
    assert_only_bad_rows_are_refused(database, bad)


@pytest.mark.parametrize("more", ["", ", more INTERVAL"])
def test_loader__every_kind_of_bad_row_has_its_reason(url: str, database: PostgresDatabase, more: str) -> None:
    """Through the binary form of COPY, and through its text form, which a column of intervals needs."""
    sql(url, "DROP TABLE IF EXISTS strict")
    sql(
        url,
        "CREATE TABLE strict (id INT PRIMARY KEY CHECK (id <> 5), name VARCHAR(3), price NUMERIC(5,2), ident UUID,"
        f" doc JSONB{more})",
    )
    good = {"id": 0, "name": "水", "price": "NaN", "ident": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "doc": '{"a": 1}'}
    changes: list[dict[str, Any]] = [
        {},
        {"id": 0},
        {"name": "long"},
        {"price": "1000"},
        {"price": "0.001"},
        {"id": 5},
        {"ident": "x"},
    ]
    changes += [{"doc": "{"}, {"price": "-1.5"}, {"name": "a\0b"}, {"id": None}, {}]
    rows = [{**good, "id": number, **change} for number, change in enumerate(changes)]
    names = ["id", "name", "price", "ident", "doc", *(["more"] if more else [])]
    types = [pa.int32(), *[pa.string()] * (len(names) - 1)]
    batch = pa.RecordBatch.from_pylist(rows, pa.schema(list(zip(names, types, strict=True))))
    refused = write(database, Table("", "strict"), batch)
    assert sql(url, "SELECT id, name, price::text, doc::text FROM strict ORDER BY id") == [
        (0, "水", "NaN", '{"a": 1}'),
        (8, "水", "-1.50", '{"a": 1}'),
        (11, "水", "NaN", '{"a": 1}'),
    ]
    assert refused == [row for row in range(1, 11) if row != 8]


def test_loader__a_deferred_row_is_found_by_halves(url: str, database: PostgresDatabase) -> None:
    sql(url, "DROP TABLE IF EXISTS child, parent; CREATE TABLE parent (id INT PRIMARY KEY)")
    sql(url, "INSERT INTO parent VALUES (1), (2); CREATE TABLE child (id INT REFERENCES parent)")
    batch = pa.record_batch({"id": pa.array([1, 2, 3, 1, 4, 2] * 100, pa.int32())})
    refused = write(database, Table("", "child"), batch)
    assert refused == [row for row in range(600) if row % 6 in (2, 4)]
    assert sql(url, "SELECT count(*) FROM child") == [(400,)]


def test_stream__infinite_dates_are_texts(url: str, database: PostgresDatabase) -> None:
    sql(url, "DROP TABLE IF EXISTS ends; CREATE TABLE ends (d DATE, t TIMESTAMP, z TIMESTAMPTZ)")
    sql(url, "INSERT INTO ends VALUES ('infinity', '-infinity', 'infinity'), ('2024-01-31', '2024-01-31', NULL)")
    columns = database.columns(Table("", "ends"))
    (batch,) = database.stream("SELECT d, t, z FROM ends", columns, 1000)
    assert batch.column(0).to_pylist() == ["infinity", "2024-01-31"]
    assert batch.column(1).to_pylist()[0] == "-infinity"
    assert batch.column(2).to_pylist() == ["infinity", None]


def test_loader__stops_when_it_is_cancelled(url: str) -> None:
    sql(url, "DROP TABLE IF EXISTS locked; CREATE TABLE locked (id INT PRIMARY KEY)")
    cancellation = Cancellation()
    database = opened(url, cancellation)
    loader = database.loader(Table("", "locked"), database.columns(Table("", "locked")))
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
        threading.Timer(0.2, cancellation.cancel).start()
        with pytest.raises(RunStopped):
            loader.load(pa.record_batch({"id": pa.array([1], pa.int32())}))
    loader.rollback()
    assert sql(url, "SELECT * FROM locked") == []
    assert database.columns(Table("", "locked"))  # what a stopped run left can still be removed


def test_stopping__reaches_a_statement_that_begins_after_it(url: str) -> None:
    cancellation = Cancellation()
    database = opened(url, cancellation)
    columns = database.described("SELECT 1 AS a")
    cancellation.cancel()
    with (
        psycopg.connect(url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.QueryCanceled),
        stopping(cancellation, connection.cancel_safe),
    ):
        connection.execute("SELECT pg_sleep(60)")
    with pytest.raises(RunStopped):
        list(database.stream("SELECT 1 AS a", columns, 1000))


def test_loader__a_lost_connection_is_told_as_such(url: str, database: PostgresDatabase) -> None:
    sql(url, "DROP TABLE IF EXISTS lost; CREATE TABLE lost (id INT)")
    loader = database.loader(Table("", "lost"), database.columns(Table("", "lost")))
    batch = pa.record_batch({"id": pa.array([1], pa.int32())})
    assert loader.load(batch) == []
    ended = sql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert ended
    with pytest.raises(DatabaseUnreachable):
        loader.load(batch)
    loader.rollback()


def test_names__of_any_signs_stay_names(url: str, database: PostgresDatabase) -> None:
    table = Table("", 'x"; DROP TABLE "y')
    database.run([f'CREATE TABLE {database.qualified(table)} ("a""b" TEXT, "水 %s ?" TEXT)'])
    batch = pa.record_batch([pa.array(["1"]), pa.array(["2"])], ['a"b', "水 %s ?"])
    assert write(database, table, batch) == []
    assert database.rows(f"SELECT * FROM {database.qualified(table)}") == [("1", "2")]
    assert [column.name for column in database.columns(table)] == ['a"b', "水 %s ?"]


def test_rows__take_parameters(database: PostgresDatabase) -> None:
    assert database.rows("SELECT ?::text || '%'", ["'; --"]) == [("'; --%",)]
    for value in ("it's", "back\\slash", 1, Decimal("1.5"), True):
        assert database.rows(f"SELECT {database.literal(value)}") == [(value,)]


def test_address__knows_the_properties_of_the_jdbc_driver() -> None:
    values = {"databaseType": "DWS", "host": "h", "username": "u", "password": "secret", "database": "d"}
    given = '{"connectTimeout": 3, "ssl": "true", "targetServerType": "primary", "other": "x"}'
    found = address(Link(name="l", connector="c", values={**values, "jdbcProperties": given}))
    assert found.parameters["port"] == "8000"
    assert found.parameters["connect_timeout"] == "3"
    assert found.parameters["target_session_attrs"] == "primary"
    assert "other" not in found.parameters
    assert "secret" not in repr(found)
    assert properties("a=1&b=x%20y") == {"a": "1", "b": "x y"}


def test_storage_clause__says_how_a_new_table_of_dws_is_kept() -> None:
    options = Options(section="toJobConfig", values={"orientation": "column", "isCompress": "true"})
    assert storage_clause(options) == " WITH (ORIENTATION = COLUMN, COMPRESSION = YES)"
