"""Tables behind a real HiveServer2, that of Spark, as source and destination of migrations."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.errors_cdm import CdmError, HiveUnreachable, RunStopped, TypeUnsupported
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.transfer.connector import Elsewhere, Surroundings, open_connector
from headrace.transfer.connectors.warehouse import Warehouse
from headrace.transfer.counters import Counters
from headrace.transfer.definition import Job
from headrace.transfer.job import run_job
from headrace.transfer.options import Link, Options
from headrace.transfer.relational.database import Table
from headrace.transfer.relational.hive_database import HiveDatabase
from headrace.transfer.relational.hive_session import HiveAddress

pytest.importorskip("impala.dbapi", reason="the extra headrace[hive] is not installed")
pytestmark = pytest.mark.spark

FILES = Link(name="files", connector="local-connector", values={})
TABLE = pa.table(
    {
        "a": pa.array([-128, 127, None], pa.int8()),
        "b": pa.array([2**63 - 1, -(2**63), None], pa.int64()),
        "c": pa.array([1.5, float("nan"), None], pa.float32()),
        "d": pa.array([float("-inf"), 1e-300, None], pa.float64()),
        "e": pa.array([True, False, None], pa.bool_()),
        "f": pa.array(["水 ${env:HOME} '\"\\ \n\t", "", None], pa.string()),
        "g": pa.array([b"\x00\xff'", b"", None], pa.binary()),
        "h": pa.array([date(1, 1, 1), date(9999, 12, 31), None], pa.date32()),
        "i": pa.array(["2024-01-31 10:00:00.123456", "1999-12-31 00:00:00", None]).cast(pa.timestamp("us")),
        "j": pa.array(
            [Decimal("12345678901234567890.1234567890"), Decimal("-0.0000000001"), None], pa.decimal128(38, 10)
        ),
    }
)


@pytest.fixture(scope="module")
def port() -> int:
    port = int(os.environ.get("HEADRACE_TEST_HIVE_PORT", "55010"))
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        pytest.skip(f"no HiveServer2 on 127.0.0.1:{port} (make services starts one): {error}")
    return port


@pytest.fixture(scope="module")
def link(port: int) -> Link:
    return Link(
        name="hive", connector="hive-connector", values={"properties": f'{{"hiveserver2": "127.0.0.1:{port}"}}'}
    )


@pytest.fixture
def database(port: int) -> HiveDatabase:
    return HiveDatabase(HiveAddress(host="127.0.0.1", port=port), Cancellation())


@pytest.fixture
def schema(database: HiveDatabase) -> Iterator[str]:
    name = f"headrace_{uuid4().hex[:12]}"
    database.run([database.with_schema(name)])
    yield name
    database.run([f"DROP DATABASE {name} CASCADE"])


def no_engine() -> SqlEngine:
    raise AssertionError


@pytest.fixture
def place(tmp_path: Path) -> Surroundings:
    return Surroundings(
        store=FileStore(tmp_path / "obs"),
        files=tmp_path,
        open_sql=no_engine,
        zone=UTC,
        now=lambda: 0,
        counters=Counters(),
    )


def migrate(
    place: Surroundings,
    from_link: Link,
    to_link: Link,
    source: dict[str, str],
    target: dict[str, str],
    settings: dict[str, str] | None = None,
) -> None:
    job = Job(
        name="j",
        from_link=from_link,
        to_link=to_link,
        source=Options(section="fromJobConfig", values=source),
        target=Options(section="toJobConfig", values=target),
        driver=settings or {},
    )
    run_job(job, place, "r1")


def load(place: Surroundings, link: Link, table: pa.Table, target: dict[str, str], **settings: str) -> None:
    pq.write_table(table, place.files / "in.parquet")
    migrate(place, FILES, link, {"inputDirectory": "in.parquet", "inputFormat": "PARQUET_FILE"}, target, settings)


def test_hive__awkward_values_come_back_as_they_left(place: Surroundings, link: Link, schema: str) -> None:
    table = {"database": schema, "table": "awkward"}
    load(place, link, TABLE, {**table, "tablePreparation": "CREATE_WHEN_NOT_EXIST"})
    written = {"outputDirectory": "out.parquet"}
    migrate(place, link, FILES, table, written)
    (found,) = place.files.rglob("out*.parquet")
    read = pq.read_table(found)
    assert read.schema.names == TABLE.schema.names
    assert read.schema.types == TABLE.schema.types
    assert sorted(map(repr, read.to_pylist())) == sorted(map(repr, TABLE.to_pylist()))


def test_hive__a_table_is_emptied_and_filled_in_statements(
    place: Surroundings, link: Link, database: HiveDatabase, schema: str
) -> None:
    database.run([f"CREATE TABLE {schema}.t (id INT, name STRING)", f"INSERT INTO {schema}.t VALUES (-1, 'old')"])
    rows = pa.table({"id": pa.array(range(12_000), pa.int32()), "name": [f"n{number}" for number in range(12_000)]})
    load(place, link, rows, {"database": schema, "table": "t", "shouldClearTable": "true"})
    assert database.rows(f"SELECT count(*), count(DISTINCT id), min(id), max(name) FROM {schema}.t") == [
        (12_000, 12_000, 0, "n9999")
    ]


def test_hive__a_row_that_is_refused_is_put_aside(
    place: Surroundings, link: Link, database: HiveDatabase, schema: str
) -> None:
    database.run([f"CREATE TABLE {schema}.short (id INT, name VARCHAR(3))"])
    rows = pa.table({"id": pa.array(range(10), pa.int32()), "name": ["ok"] * 7 + ["too long"] + ["ok"] * 2})
    settings = {"throttlingConfig.recordDirtyData": "true"}
    load(place, link, rows, {"database": schema, "table": "short"}, **settings)
    assert database.rows(f"SELECT count(*), sum(id) FROM {schema}.short") == [(9, 38)]
    assert place.counters.now().rows_skipped == 1


def test_hive__nested_values_are_read_as_json_and_not_written(
    place: Surroundings, link: Link, database: HiveDatabase, schema: str
) -> None:
    database.run(
        [
            f"CREATE TABLE {schema}.nested (o ARRAY<INT>, p MAP<STRING,INT>, q STRUCT<x:INT>)"
            " PARTITIONED BY (day DATE)",
            f"INSERT INTO {schema}.nested VALUES (array(1, NULL), map('a', 1), named_struct('x', 1), DATE'2024-01-31')",
        ]
    )
    migrate(place, link, FILES, {"database": schema, "table": "nested"}, {"outputDirectory": "out.parquet"})
    (found,) = place.files.rglob("out*.parquet")
    assert pq.read_table(found).to_pylist() == [
        {"o": "[1,null]", "p": '{"a":1}', "q": '{"x":1}', "day": date(2024, 1, 31)}
    ]
    with pytest.raises(TypeUnsupported, match=r"nested\.o is array<int>"):
        migrate(
            place,
            FILES,
            link,
            {"inputDirectory": str(found.relative_to(place.files))},
            {"database": schema, "table": "nested"},
        )


def test_hive__a_statement_ends_when_the_job_is_stopped(port: int) -> None:
    cancellation = Cancellation()
    database = HiveDatabase(HiveAddress(host="127.0.0.1", port=port), cancellation)
    threading.Timer(1, cancellation.cancel).start()
    with pytest.raises(RunStopped):
        database.rows("SELECT count(*) FROM range(0, 1000000000000) a WHERE sqrt(id) + sin(id) = -1")


def test_hive__tells_who_answers(place: Surroundings, link: Link) -> None:
    assert open_connector(link, place).test().startswith("HiveServer2 answers; ")
    assert open_connector(link, place).only_here == ""


def test_hive__what_is_wrong_is_told(place: Surroundings, database: HiveDatabase) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for properties, kind, named in (
        (f"hiveserver2=127.0.0.1:{port}", HiveUnreachable, "refused"),
        ("hiveserver2=somewhere", CdmError, "hiveserver2 is host:port, not 'somewhere'"),
    ):
        link = Link(name="h", connector="hive-connector", values={"properties": properties})
        with pytest.raises(kind) as failure:
            open_connector(link, place).test()
        assert named in failure.value.message
    assert database.columns(Table("default", "nothing_of_that_name")) == ()


def test_hive__without_a_server_the_embedded_engine_is_meant(place: Surroundings) -> None:
    link = Link(name="h", connector="hive-connector", values={"host": "10.1.1.1", "properties": "{}"})
    connector = open_connector(link, replace(place, elsewhere=Elsewhere(dask="tcp://x")))
    assert isinstance(connector, Warehouse)
    assert connector.test() == "The tables of the workspace are here."
    assert connector.only_here
