"""Systems reached through SQLAlchemy: run against its SQLite and PostgreSQL dialects, the others only as text."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle

from headrace.errors_cdm import CdmError, DatabaseUnreachable, DriverMissing, RunStopped, SqlFailed, TableMissing
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Surroundings, by_url, open_connector
from headrace.transfer.connectors.generic_sql import GenericSql, address
from headrace.transfer.job import run_job
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.database import Table
from headrace.transfer.relational.generic_rows import as_array, inferred
from headrace.transfer.relational.generic_session import refused
from headrace.transfer.relational.generic_types import arrow_type, declared_type, new_type


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
def place(tmp_path: Path) -> Surroundings:
    return surroundings(tmp_path)


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


def lite_url(path: Path, table: str = "") -> str:
    return f"sqlalchemy:sqlite:///{path}#{table}"


def lite_sql(path: Path, *statements: str) -> Sequence[tuple[Any, ...]]:
    connection = sqlite3.connect(path, autocommit=True) if hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL") else None
    connection = connection or sqlite3.connect(path, isolation_level=None)
    try:
        found: Sequence[tuple[Any, ...]] = []
        for statement in statements:
            found = connection.execute(statement).fetchall()
        return found
    finally:
        connection.close()


def opened(url: str, place: Surroundings) -> GenericSql:
    connector = open_connector(by_url(url).link, place)
    assert isinstance(connector, GenericSql)
    return connector


def read(url: str, place: Surroundings, **inputs: str) -> pa.Table:
    source = opened(url, place).source(Options(section="fromJobConfig", values={**by_url(url).source, **inputs}))
    try:
        found = [batch for split in source.splits(1) for batch in source.read(split, lambda row, reason: None)]
        return pa.Table.from_batches(found) if found else pa.table({name: [] for name in source.schema().names})
    finally:
        source.close()


@pytest.fixture(scope="module")
def postgres_url(new_module_postgres_url: Callable[[], str]) -> str:
    return new_module_postgres_url()


def through_sqlalchemy(url: str, table: str) -> str:
    return f"sqlalchemy:{url.replace('postgresql://', 'postgresql+psycopg://', 1)}#{table}"


CARRIED = "id flag small whole single wide exact huge name short data day moment zoned clock ident"
AWKWARD = (
    "CREATE TABLE {} (id BIGINT PRIMARY KEY, flag BOOLEAN, small SMALLINT, whole INTEGER, single REAL,"
    " wide DOUBLE PRECISION, exact NUMERIC(38,20), huge NUMERIC(60,10), free NUMERIC, name TEXT, short VARCHAR(20),"
    " data BYTEA, day DATE, moment TIMESTAMP, zoned TIMESTAMPTZ, clock TIME, ident UUID, doc JSON, words TEXT[])"
)
ROWS = (
    "(1, TRUE, -32768, 2147483647, 0.1, 'NaN', 123456789012345678.12345678901234567890, 1e49, 1e50, 'x', '',"
    " '\\x00ff5c0a', '0001-01-01', '9999-12-31 23:59:59.999999', '2024-01-31 10:00:00.123456+08', '23:59:59.999999',"
    " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{\"b\": [1]}', '{a,NULL}')",
    "(2, FALSE, 32767, -2147483648, 'Infinity', '-Infinity', -0.00000000000000000001, 0, 0.1, '',"
    " E'引号\"''\\\\\\n\\t%s :x ?', '\\x',"
    " '2024-02-29', '2024-01-31 10:00:00', '1969-12-31 23:59:59.999999+00', '00:00',"
    " '00000000-0000-0000-0000-000000000000', 'null', '{}')",
    "(3" + ", NULL" * 18 + ")",
)


@pytest.mark.postgres
def test_copy__through_the_dialect_of_postgresql_changes_nothing(postgres_url: str, place: Surroundings) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for table in ("awkward", "likewise"):
            connection.execute(AWKWARD.format(table))
        connection.execute(f"INSERT INTO awkward VALUES {', '.join(ROWS)}".encode())
        source, target = (through_sqlalchemy(postgres_url, table) for table in ("awkward", "likewise"))
        columns = tuple(CARRIED.split(" "))
        wishes = Wishes(columns=columns, target={"columnList": "&".join(columns)})
        run_job(copy_job(source, target, wishes), place, "run1")
        names = ", ".join(columns)
        checked = f"SELECT {names} FROM likewise EXCEPT SELECT {names} FROM awkward"
        assert connection.execute(checked.encode()).fetchall() == []
        assert connection.execute("SELECT COUNT(*) FROM likewise").fetchone() == (3,)


@pytest.mark.postgres
def test_read__through_the_dialect_of_postgresql_types_what_it_can(postgres_url: str, place: Surroundings) -> None:
    name = f"t_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(AWKWARD.format(name).encode())
        connection.execute(f"INSERT INTO {name} VALUES {ROWS[0]}".encode())
    found = read(through_sqlalchemy(postgres_url, name), place)
    kinds = dict(zip(found.schema.names, map(str, found.schema.types), strict=True))
    assert kinds["exact"] == "decimal128(38, 20)"
    assert (kinds["zoned"], kinds["clock"], kinds["free"]) == ("timestamp[us, tz=UTC]", "time64[us]", "string")
    row = found.to_pylist()[0]
    assert row["exact"] == Decimal("123456789012345678.12345678901234567890")
    assert (row["free"], row["words"], row["doc"]) == (f"1{'0' * 50}", '["a", null]', '{"b": [1]}')
    assert (row["day"], row["data"]) == (date(1, 1, 1), b"\x00\xff\x5c\x0a")
    assert row["ident"] == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"


@pytest.mark.postgres
def test_copy__in_ranges_reads_each_row_once(postgres_url: str, place: Surroundings) -> None:
    name = f"t_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE {name} AS SELECT n AS id, TIMESTAMP '2024-01-01' + n * INTERVAL '1 min' AS at,"
            " CASE WHEN n % 5 > 0 THEN n END AS some, n % 2 = 0 AS ok FROM generate_series(1, 3000) n".encode()
        )
        for partition in ("id", "at", "some"):
            target = f"{name}_{partition}"
            wishes = Wishes(partition=partition, parallel=3)
            run_job(
                copy_job(through_sqlalchemy(postgres_url, name), through_sqlalchemy(postgres_url, target), wishes),
                place,
                "run1",
            )
            found = connection.execute(f"SELECT COUNT(*), SUM(id) FROM {target}".encode()).fetchone()
            assert found == (3000, 4501500)


@pytest.mark.postgres
def test_load__rows_that_are_refused_are_named(postgres_url: str, place: Surroundings) -> None:
    name = f"t_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (id INT PRIMARY KEY, word VARCHAR(3) NOT NULL)".encode())
        database = opened(through_sqlalchemy(postgres_url, name), place).database(writes=True)
        loader = database.loader(Table("public", name), database.columns(Table("public", name)))
        words = ["ok"] * 300
        words[7], words[200] = "long", "long again"
        numbers = [*range(299), 5]
        rejected = loader.load(pa.RecordBatch.from_pydict({"id": pa.array(numbers, pa.int32()), "word": words}))
        loader.commit()
        assert [row for row, _ in rejected] == [7, 200, 299]
        assert "too long" in rejected[0].reason
        assert connection.execute(f"SELECT COUNT(*) FROM {name}".encode()).fetchone() == (297,)


@pytest.mark.postgres
def test_read__stops_at_once_when_the_run_is_cancelled(postgres_url: str, tmp_path: Path) -> None:
    cancellation = Cancellation()
    source = opened(through_sqlalchemy(postgres_url, ""), surroundings(tmp_path, cancellation)).source(
        Options(section="fromJobConfig", values={"useSql": "true", "sql": "SELECT pg_sleep(60) AS slept"})
    )
    raised: list[BaseException] = []

    def run() -> None:
        try:
            source.splits(1)
        except CdmError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        sleeping = (
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60)%%' AND state = 'active' AND pid <> %s"
        )
        deadline = time.monotonic() + 30
        while not connection.execute(sleeping.encode(), [connection.info.backend_pid]).fetchall():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    cancellation.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert isinstance(raised[0], RunStopped)


def test_copy__between_files_of_sqlite(lite: Path, place: Surroundings) -> None:
    lite_sql(
        lite,
        'CREATE TABLE "odd name" (id INTEGER PRIMARY KEY, "a"":b" TEXT, exact DECIMAL(20,4), data BLOB, day DATE,'
        " at DATETIME)",
        "INSERT INTO \"odd name\" VALUES (1, 'it''s :x ? %s', 12.5, X'00FF', '2024-02-29', '2024-02-29 10:00:00.5')",
        'INSERT INTO "odd name" VALUES (2, NULL, NULL, NULL, NULL, NULL)',
    )
    run_job(copy_job(lite_url(lite, "odd%20name"), lite_url(lite, "new"), Wishes()), place, "run1")
    assert lite_sql(lite, 'SELECT id, "a"":b", data, day, at, CAST(exact AS REAL) FROM new ORDER BY id') == [
        (1, "it's :x ? %s", b"\x00\xff", "2024-02-29", "2024-02-29 10:00:00.500000", 12.5),
        (2, None, None, None, None, None),
    ]
    assert lite_sql(lite, "SELECT name FROM sqlite_master WHERE name LIKE '%stage%'") == []


def test_load__rows_that_sqlite_refuses(lite: Path, place: Surroundings) -> None:
    lite_sql(lite, "CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT NOT NULL CHECK (word <> 'no'))")
    database = opened(lite_url(lite), place).database(writes=True)
    loader = database.loader(Table("", "t"), database.columns(Table("", "t")))
    batch = pa.RecordBatch.from_pydict({"id": [1, 2, 3, 1, 4], "word": ["a", "no", None, "d", "e"]})
    assert [row for row, _ in loader.load(batch)] == [1, 2, 3]
    loader.commit()
    assert lite_sql(lite, "SELECT id, word FROM t ORDER BY id") == [(1, "a"), (4, "e")]
    assert database.rows("SELECT word FROM t WHERE id = ?", [4]) == [("e",)]


def test_described__a_select_is_typed_by_its_values(lite: Path, place: Surroundings) -> None:
    lite_sql(lite, "CREATE TABLE t (id INTEGER, n)", "INSERT INTO t VALUES (1, 1), (2, 'x'), (3, 1.5)")
    found = read(lite_url(lite), place, useSql="true", sql="SELECT id, n, 'a' AS word, NULL AS none FROM t")
    assert found.to_pylist()[1] == {"id": 2, "n": "x", "word": "a", "none": None}
    assert [str(kind) for kind in found.schema.types] == ["int64", "string", "string", "string"]


def test_errors__say_what_is_wrong_and_no_password(lite: Path, place: Surroundings) -> None:
    with pytest.raises(DatabaseUnreachable):
        opened(f"sqlalchemy:sqlite:///{lite}/absent/x.db", place).test()
    database = opened(lite_url(lite), place).database()
    with pytest.raises(SqlFailed):
        database.rows("SELEC 1")
    with pytest.raises(TableMissing):
        read(lite_url(lite, "absent"), place)
    with pytest.raises(DriverMissing, match="nothing"):
        opened("sqlalchemy:nothing://u:p@h/d", place).test()
    with pytest.raises(CdmError, match="no URL"):
        by_url("sqlalchemy:what")
    if _is_installed("oracledb"):
        with pytest.raises(DatabaseUnreachable) as raised:
            opened("oracle://scott:tiger-secret@127.0.0.1:1/service/t", place).test()
        assert "tiger-secret" not in raised.value.message


def _is_installed(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def link(**values: str) -> Link:
    return Link(name="x", connector="generic-jdbc-connector", values=values)


def test_address__oracle_by_service_and_by_sid() -> None:
    common = {"databaseType": "ORACLE", "host": "db", "port": "1521", "username": "scott", "password": "p@:/"}
    service = address(link(**common, database="sales"))
    assert (
        service.render_as_string(hide_password=False) == "oracle+oracledb://scott:p%40%3A%2F@db:1521?service_name=sales"
    )
    sid = address(link(**common, database="ignored", databaseconfig="SID", sidname="ORCL"))
    assert (sid.database, dict(sid.query)) == ("ORCL", {})
    assert address(link(databaseType="SQLSERVER", host="db", database="m")).port == 1433
    assert address(link(databaseType="SAP HANA", host="db")).drivername == "hana+hdbcli"
    job = by_url("sqlserver://sa:p%40@db/m/dbo.orders?encrypt=true")
    assert job.source == {"schemaName": "dbo", "tableName": "orders"}
    assert job.link.text("password") == "p@"


@pytest.mark.parametrize(
    ("kind", "in_oracle", "in_sql_server"),
    [
        (pa.int64(), "NUMBER(19)", "BIGINT"),
        (pa.uint64(), "NUMERIC(20, 0)", "NUMERIC(20, 0)"),
        (pa.bool_(), "SMALLINT", "BIT"),
        (pa.float64(), "BINARY_DOUBLE", "DOUBLE PRECISION"),
        (pa.decimal128(38, 10), "NUMERIC(38, 10)", "NUMERIC(38, 10)"),
        (pa.decimal256(60, 10), "VARCHAR2(128 CHAR)", "VARCHAR(128)"),
        (pa.string(), "CLOB", "NVARCHAR(max)"),
        (pa.binary(), "BLOB", "VARBINARY(max)"),
        (pa.date32(), "DATE", "DATE"),
        (pa.timestamp("us"), "TIMESTAMP", "DATETIME2(6)"),
        (pa.timestamp("us", "UTC"), "TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET(6)"),
        (pa.time64("us"), "VARCHAR2(32 CHAR)", "TIME(6)"),
    ],
)
def test_new_type__holds_what_the_source_has(kind: pa.DataType, in_oracle: str, in_sql_server: str) -> None:
    field = pa.field("x", kind)
    for dialect, expected in ((oracle.dialect(), in_oracle), (mssql.dialect(), in_sql_server)):
        assert declared_type(new_type(field, dialect), dialect) == expected


def test_arrow_type__of_types_of_oracle_and_sql_server() -> None:
    assert arrow_type(oracle.NUMBER(), "oracle") == pa.string()
    assert arrow_type(oracle.NUMBER(12, 2), "oracle") == pa.decimal128(12, 2)
    assert arrow_type(oracle.FLOAT(126), "oracle") == pa.string()
    assert arrow_type(oracle.DATE(), "oracle") == pa.timestamp("us")
    assert arrow_type(oracle.TIMESTAMP(timezone=True), "oracle") == pa.timestamp("us", "UTC")
    assert arrow_type(oracle.RAW(16), "oracle") == pa.binary()
    assert arrow_type(mssql.MONEY(), "mssql") == pa.decimal128(19, 4)
    assert arrow_type(mssql.TINYINT(), "mssql") == pa.int16()
    assert arrow_type(mssql.BIT(), "mssql") == pa.bool_()
    assert arrow_type(mssql.UNIQUEIDENTIFIER(), "mssql") == pa.string()
    assert arrow_type(sa.types.NullType(), "mssql") == pa.string()


def test_as_array__a_value_that_does_not_fit_makes_the_column_text() -> None:
    assert as_array([1, None], pa.int32()).to_pylist() == [1, None]
    assert as_array([1, 2**40], pa.int32()).to_pylist() == ["1", str(2**40)]
    assert as_array([datetime(2024, 1, 2, 3), None], pa.date32()).to_pylist() == ["2024-01-02 03:00:00", None]  # noqa: DTZ001
    assert as_array([Decimal("1.50"), Decimal("NaN")], pa.decimal128(5, 2)).to_pylist() == ["1.50", "NaN"]
    assert as_array([0.1], pa.decimal128(5, 2)).to_pylist() == ["0.1"]
    assert as_array([memoryview(b"ab")], pa.binary()).to_pylist() == [b"ab"]
    assert inferred([None, 1, 2]) == pa.int64()
    assert inferred([1, 2.5]) == pa.string()
    assert inferred([Decimal(1)]) == pa.string()


def test_refused__tells_bad_rows_from_failures_by_the_number_of_the_error() -> None:
    class Told:
        code = 1438

    class OracleError(Exception):
        pass

    url = sa.make_url("oracle+oracledb://u:secret@h/d")
    bad = sa.exc.DatabaseError("INSERT", None, OracleError(Told()))
    assert refused(url, "oracle", bad) is not None
    Told.code = 1653  # unable to extend table
    assert refused(url, "oracle", sa.exc.DatabaseError("INSERT", None, OracleError(Told()))) is None
    assert refused(url, "mssql", sa.exc.OperationalError("INSERT", None, OracleError(8152, b"truncated"))) is not None
