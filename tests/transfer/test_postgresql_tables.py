"""Tables of a real PostgreSQL as source and destination of migrations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pytest

from headrace.errors_cdm import DatabaseUnreachable, RunStopped, StageFailed
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Surroundings, by_url, open_connector
from headrace.transfer.connectors.postgresql import PostgreSql
from headrace.transfer.counters import Counters
from headrace.transfer.job import run_job
from headrace.transfer.options import Options
from headrace.transfer.relational.database import Table
from headrace.transfer.relational.postgres_database import PostgresDatabase
from headrace.transfer.relational.source import RelationalSource

pytestmark = pytest.mark.postgres

AWKWARD = """
    CREATE TABLE awkward (
        id BIGINT PRIMARY KEY, flag BOOLEAN, small SMALLINT, whole INTEGER, single REAL, double DOUBLE PRECISION,
        exact NUMERIC(38,20), huge NUMERIC(60,10), free NUMERIC, name TEXT, fixed CHAR(10), short VARCHAR(20),
        data BYTEA, day DATE, moment TIMESTAMP, zoned TIMESTAMPTZ, clock TIME, zoned_clock TIMETZ, span INTERVAL,
        cash MONEY, ident UUID, doc JSON, docb JSONB, bits BIT(5), addr INET, words TEXT[], numbers INT[], xml XML
    )
"""
ROWS = (
    "(1, TRUE, -32768, 2147483647, 1.5, 'NaN', 123456789012345678.12345678901234567890, 1e49, 1e50, 'x', 'ab', '',"
    " '\\x00ff5c0a', '0001-01-01', '9999-12-31 23:59:59.999999', '2024-01-31 10:00:00.123456+08', '23:59:59.999999',"
    " '10:00+02', '1 year 2 mons 3 days 04:05:06.7', '12.34', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',"
    " '{\"b\": 1,  \"a\": [1]}', '{\"b\": 1}', B'10101', '10.1.0.0/16', '{\"a,b\",\"c\\\"d\",NULL}', '{1,NULL}',"
    " '<a/>')",
    "(2, FALSE, 32767, -2147483648, 'Infinity', '-Infinity', 'NaN', 'NaN', 'NaN', '', '水 ', '引号\"''\\',"
    " '', '2024-02-29', '2024-01-31 10:00:00', '0001-01-01 00:00:00+00', '00:00', '00:00+00', '-1 day', '-0.01',"
    " '00000000-0000-0000-0000-000000000000', 'null', '[]', B'00000', '::1', '{}', '{}', '<b>x</b>')",
    "(3" + ", NULL" * 27 + ")",
    "(4, TRUE, 0, 0, -0.0, 1e-300, -0.00000000000000000001, 0, 0.1, E'line\\nbreak\\ttab\\r', '', '😀', '\\x',"
    " '1999-12-31',"
    " '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999+00', '12:00', '12:00+00', '0', '0', "
    "'ffffffff-ffff-ffff-ffff-ffffffffffff', '1', '\"x\"', B'11111', '1.2.3.4', '{x}', '{2147483647}', '<c/>')",
)


@pytest.fixture(scope="module")
def url(new_module_postgres_url: Callable[[], str]) -> str:
    made = new_module_postgres_url()
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute(AWKWARD)
        connection.execute(f"INSERT INTO awkward VALUES {', '.join(ROWS)}")
    return made


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


def database_of(url: str, place: Surroundings) -> PostgresDatabase:
    connector = open_connector(by_url(f"{url}/awkward").link, place)
    assert isinstance(connector, PostgreSql)
    return connector.database()


@pytest.fixture
def database(url: str, tmp_path: Path) -> PostgresDatabase:
    return database_of(url, surroundings(tmp_path))


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def copied(url: str, folder: Path, read: str, written: str, **wishes: Any) -> Counters:
    place = surroundings(folder)
    run_job(copy_job(f"{url}/{read}", f"{url}/{written}", Wishes(**wishes)), place, "r1")
    return place.counters


def test_copy__of_awkward_values_into_the_same_types_changes_nothing(url: str, tmp_path: Path) -> None:
    sql(url, "DROP TABLE IF EXISTS same; CREATE TABLE same (LIKE awkward INCLUDING ALL)")
    counters = copied(url, tmp_path, "awkward", "same").now()
    assert (counters.rows_read, counters.rows_written, counters.rows_skipped) == (4, 4, 0)
    texts = "SELECT t::text FROM {} t ORDER BY id"
    assert sql(url, texts.format("same")) == sql(url, texts.format("awkward"))
    assert sql(url, "SELECT count(*) FROM pg_class WHERE relname LIKE '%cdm_stage%'") == [(0,)]


def test_copy__into_a_new_table_keeps_every_value(url: str, tmp_path: Path) -> None:
    sql(url, "DROP TABLE IF EXISTS made; DELETE FROM awkward WHERE id > 4")
    columns = (
        "id", "flag", "small", "whole", "single", "double", "free", "name", "fixed", "short", "data", "day", "moment",
        "zoned", "clock", "ident", "words",
    )  # fmt: skip
    copied(url, tmp_path, "awkward", "made", columns=columns)
    listed = ", ".join(f"{name}::text" for name in columns)
    assert sql(url, f"SELECT {listed} FROM made ORDER BY id") == sql(url, f"SELECT {listed} FROM awkward ORDER BY id")
    types = dict(sql(url, "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'made'"))
    assert (types["small"], types["zoned"], types["data"]) == ("smallint", "timestamp with time zone", "bytea")


def test_columns__are_as_the_catalogue_has_them(database: PostgresDatabase) -> None:
    columns = {column.name: column for column in database.columns(Table("public", "awkward"))}
    assert columns["exact"].type == pa.decimal128(38, 20)
    assert columns["huge"].type == pa.decimal256(60, 10)
    assert columns["free"].type == pa.string()
    assert (columns["id"].key, columns["id"].nullable, columns["name"].key) == (True, False, False)
    assert database.columns(Table("public", "nothing")) == []


def test_described__knows_the_types_of_a_query(database: PostgresDatabase) -> None:
    found = database.described("SELECT id, exact AS e, now()::date AS d, 'x' LIKE '%x' AS l FROM awkward")
    assert [(column.name, column.declared) for column in found] == [
        ("id", "bigint"), ("e", "numeric(38,20)"), ("d", "date"), ("l", "boolean"),
    ]  # fmt: skip


@pytest.mark.parametrize("bad", [[0], [9_999], [0, 1, 5_000, 9_998, 9_999], list(range(100, 120))])
def test_loader__refuses_exactly_the_bad_rows(url: str, database: PostgresDatabase, bad: Sequence[int]) -> None:
    sql(url, "DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (id INT PRIMARY KEY, name VARCHAR(8))")
    rows = [{"id": number, "name": "too long for it" if number in bad else "fits"} for number in range(10_000)]
    loader = database.loader(Table("public", "keyed"), database.columns(Table("public", "keyed")))
    rejected = loader.load(pa.RecordBatch.from_pylist(rows, pa.schema([("id", pa.int32()), ("name", pa.string())])))
    loader.commit()
    assert [one.row for one in rejected] == list(bad)
    assert "too long" in rejected[0].reason
    assert sql(url, "SELECT count(*), count(DISTINCT id) FROM keyed") == [(10_000 - len(bad),) * 2]


def test_loader__duplicate_keys_are_bad_rows(url: str, database: PostgresDatabase) -> None:
    sql(url, "DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (id INT PRIMARY KEY); INSERT INTO keyed VALUES (3)")
    loader = database.loader(Table("", "keyed"), database.columns(Table("", "keyed")))
    rejected = loader.load(pa.RecordBatch.from_pydict({"id": pa.array([1, 2, 3, 4], pa.int32())}))
    loader.commit()
    assert [one.row for one in rejected] == [2]
    assert sql(url, "SELECT id FROM keyed ORDER BY id") == [(1,), (2,), (3,), (4,)]


@pytest.mark.parametrize(
    ("conflict", "left"), [("IGNORE", [(1, "old"), (2, "new")]), ("UPDATE", [(1, "new"), (2, "new")])]
)
def test_copy__does_with_rows_that_are_there_what_the_job_says(
    url: str, tmp_path: Path, conflict: str, left: list[Any]
) -> None:
    sql(url, "DROP TABLE IF EXISTS old_rows, new_rows; CREATE TABLE old_rows (id INT PRIMARY KEY, name TEXT)")
    sql(url, "CREATE TABLE new_rows AS SELECT i AS id, 'new' AS name FROM generate_series(1, 2) i")
    sql(url, "INSERT INTO old_rows VALUES (1, 'old')")
    copied(url, tmp_path, "new_rows", "old_rows", target={"onConflict": conflict})
    assert sql(url, "SELECT * FROM old_rows ORDER BY id") == left


def test_copy__a_load_that_fails_leaves_the_table_as_it_was(url: str, tmp_path: Path) -> None:
    sql(url, "DROP TABLE IF EXISTS old_rows, new_rows; CREATE TABLE old_rows (id INT PRIMARY KEY, name TEXT)")
    sql(url, "CREATE TABLE new_rows AS SELECT i AS id, 'new' AS name FROM generate_series(1, 1000) i")
    sql(url, "INSERT INTO old_rows VALUES (1000, 'old')")
    with pytest.raises(StageFailed, match="duplicate key"):
        copied(url, tmp_path, "new_rows", "old_rows")
    assert sql(url, "SELECT * FROM old_rows") == [(1000, "old")]
    assert sql(url, "SELECT count(*) FROM pg_class WHERE relname LIKE '%cdm_stage%'") == [(0,)]


def test_copy__reads_ranges_side_by_side(url: str, tmp_path: Path) -> None:
    sql(url, "DROP TABLE IF EXISTS many, of_many; CREATE TABLE many (id INT, at TIMESTAMP, even BOOL)")
    sql(
        url,
        "INSERT INTO many SELECT NULLIF(i % 500, 7), TIMESTAMP '2024-01-01' + i * INTERVAL '1 h', i % 2 = 0 "
        "FROM generate_series(1, 5000) i",
    )
    for column, parts in (("id", 4), ("at", 4), ("even", 2)):
        counters = copied(url, tmp_path, "many", "of_many", partition=column, parallel=4, mode="replace").now()
        assert (counters.parts_done, counters.rows_written) == (parts, 5000)
        assert sql(url, "SELECT * FROM many EXCEPT ALL SELECT * FROM of_many") == []


def test_copy__of_a_query_and_a_condition(url: str, tmp_path: Path) -> None:
    sql(url, "DROP TABLE IF EXISTS picked")
    query = quote("SELECT id + 10 AS id, name FROM awkward WHERE name LIKE '%x'")
    run_job(copy_job(f"{url}?sql={query}", f"{url}/picked", Wishes()), surroundings(tmp_path), "r1")
    assert sql(url, "SELECT * FROM picked") == [(11, "x")]
    copied(url, tmp_path, "awkward", "picked", mode="truncate", columns=("id", "name"), where="id = 2 -- two")
    assert sql(url, "SELECT * FROM picked") == [(2, "")]


def test_stream__ends_when_it_is_cancelled(url: str, tmp_path: Path) -> None:
    cancellation = Cancellation()
    database = database_of(url, surroundings(tmp_path, cancellation))
    options = Options(section="fromJobConfig", values={"useSql": "true", "sql": "SELECT pg_sleep(60)::text AS s"})
    source = RelationalSource(database, options)
    (split,) = source.splits(1)
    threading.Timer(0.3, cancellation.cancel).start()
    with pytest.raises(RunStopped):
        list(source.read(split, reject=print))


def test_test__says_what_answers_and_never_the_password(url: str, tmp_path: Path) -> None:
    assert open_connector(by_url(f"{url}/x").link, surroundings(tmp_path)).test().startswith("PostgreSQL")
    wrong = by_url("postgresql://me:very-secret@127.0.0.1:9/db/t").link
    with pytest.raises(DatabaseUnreachable) as error:
        open_connector(wrong, surroundings(tmp_path)).test()
    assert "very-secret" not in error.value.message


def test_stream__gives_batches_not_the_whole(url: str, database: PostgresDatabase) -> None:
    sql(
        url,
        "DROP TABLE IF EXISTS wide; CREATE TABLE wide AS SELECT i, repeat('x', 1000) AS x "
        "FROM generate_series(1, 50000) i",
    )
    columns = database.columns(Table("", "wide"))
    sizes = [batch.nbytes for batch in database.stream('SELECT "i", "x" FROM wide', columns, 1000)]
    assert len(sizes) > 3
    assert max(sizes) < 20 << 20
