"""Tables of ClickHouse: its own engine (chdb) behind a small HTTP server of the tests."""

from __future__ import annotations

import http.server
import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import CdmError, DatabaseUnreachable, RunStopped, SqlFailed, TableMissing, TypeUnsupported
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Surroundings, by_url, open_connector
from headrace.transfer.connectors.clickhouse import ClickHouseTables
from headrace.transfer.job import run_job
from headrace.transfer.options import Options
from headrace.transfer.relational.clickhouse_types import arrow_type, new_type
from headrace.transfer.relational.database import Table

AWKWARD = """
    CREATE TABLE awkward (
        id UInt64, flag Nullable(Bool), i8 Nullable(Int8), u32 Nullable(UInt32), i64 Nullable(Int64),
        i256 Nullable(Int256), f32 Nullable(Float32), f64 Nullable(Float64), exact Nullable(Decimal(38, 20)),
        huge Nullable(Decimal(76, 30)), name Nullable(String), low LowCardinality(Nullable(String)),
        fixed Nullable(FixedString(3)), day Nullable(Date), far Nullable(Date32),
        at Nullable(DateTime('Asia/Shanghai')),
        at6 Nullable(DateTime64(6)), at9 Nullable(DateTime64(9, 'UTC')), ident Nullable(UUID),
        choice Nullable(Enum8('a' = 1, '水' = 2)), ip Nullable(IPv4)
    ) ENGINE = MergeTree ORDER BY id
"""
ROWS = (
    "(1, true, -128, 4294967295, -9223372036854775808, "
    "-57896044618658097711785492504343953926634992332820282019728792003956564819968,"
    " 0.1, nan, 123456789012345678.12345678901234567890, -0.000000000000000000000000000001, '', '', 'ab',"
    " '1970-01-01', '1900-01-01', '1970-01-01 08:00:00', '1969-12-31 23:59:59.999999', '2024-01-31 10:00:00.123456789',"
    " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '水', '10.0.0.1')",
    "(18446744073709551615, false, 127, 0, 9223372036854775807, 0, inf, -1e-300, 0, 0, 'line\\nquote\\'\\\\ 水😀\\0',"
    " 'x', 'abc', '2149-06-06', '2299-12-31', '2106-02-07 14:28:15', '2299-12-31 23:59:59.999999',"
    " '1970-01-01 00:00:00.000000001', '00000000-0000-0000-0000-000000000000', 'a', '255.255.255.255')",
    "(3" + ", NULL" * 20 + ")",
)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The URL of the server."""
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("the engine of ClickHouse is not installed (pip install chdb-core)")
    script = Path(__file__).with_name("clickhouse_double.py")
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdecimal(), "the server did not start"
        yield f"clickhouse://127.0.0.1:{port}/default"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


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


def opened(url: str, place: Surroundings) -> ClickHouseTables:
    connector = open_connector(by_url(url).link, place)
    assert isinstance(connector, ClickHouseTables)
    return connector


@pytest.fixture
def tables(base: str, place: Surroundings) -> Iterator[str]:
    """The URL, with an empty database that has the awkward table."""
    database = opened(base, place).database()
    database.run(["DROP DATABASE IF EXISTS trial", "CREATE DATABASE trial"])
    url = base.replace("/default", "/trial")
    opened(url, place).database().run([AWKWARD, f"INSERT INTO awkward VALUES {', '.join(ROWS)}"])
    yield url
    database.run(["DROP DATABASE trial"])


def read(url: str, place: Surroundings, **inputs: str) -> pa.Table:
    source = opened(url, place).source(Options(section="fromJobConfig", values={**by_url(url).source, **inputs}))
    found = [batch for split in source.splits(1) for batch in source.read(split, lambda row, reason: None)]
    return pa.Table.from_batches(found) if found else pa.table({name: [] for name in source.schema().names})


def rows(url: str, place: Surroundings, statement: str) -> Sequence[tuple[Any, ...]]:
    return opened(url, place).database().rows(statement)


def test_read__every_type_arrives_as_it_left(tables: str, place: Surroundings) -> None:
    found = read(f"{tables}/awkward", place).sort_by("id")
    assert [str(kind) for kind in found.schema.types] == [
        "uint64", "bool", "int8", "uint32", "int64", "string", "float", "double", "decimal128(38, 20)",
        "decimal256(76, 30)", "string", "string", "binary", "date32[day]", "date32[day]", "timestamp[s, tz=UTC]",
        "timestamp[us, tz=UTC]", "timestamp[ns, tz=UTC]", "string", "string", "string",
    ]  # fmt: skip
    first, none, second = found.to_pylist()
    assert none == {"id": 3, **dict.fromkeys(found.column_names[1:])}
    assert (first["i64"], first["i256"], second["id"]) == (-(2**63), str(-(2**255)), 2**64 - 1)
    assert found["f32"][0] == pa.scalar(0.1, pa.float32())
    assert first["exact"] == Decimal("123456789012345678.12345678901234567890")
    assert first["huge"] == Decimal("-1E-30")
    assert (first["name"], first["low"], first["fixed"]) == ("", "", b"ab\x00")
    assert second["name"] == "line\nquote'\\ 水😀\0"
    assert (first["far"], second["day"], second["far"]) == (date(1900, 1, 1), date(2149, 6, 6), date(2299, 12, 31))
    assert (first["at"], second["at"]) == (
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC),
    )
    assert second["at6"] == datetime(2299, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert found["at9"].cast(pa.int64()).to_pylist() == [1706695200123456789, None, 1]
    assert (first["ident"], first["choice"], first["ip"]) == (
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "水",
        "10.0.0.1",
    )


def test_copy__into_a_table_like_it_and_into_a_new_one_changes_nothing(tables: str, place: Surroundings) -> None:
    opened(tables, place).database().run(["CREATE TABLE likewise AS awkward"])
    run_job(copy_job(f"{tables}/awkward", f"{tables}/likewise", Wishes()), place, "run1")
    assert rows(tables, place, "SELECT count() FROM likewise") == [(3,)]
    same = "SELECT groupBitXor(cityHash64(*)) FROM {}"
    assert rows(tables, place, same.format("likewise")) == rows(tables, place, same.format("awkward"))
    run_job(copy_job(f"{tables}/awkward", f"{tables}/fresh", Wishes()), place, "run2")
    before, after = read(f"{tables}/awkward", place).sort_by("id"), read(f"{tables}/fresh", place).sort_by("id")
    plain = [name for name in before.column_names if name not in ("f64", "at", "fixed")]
    assert after.select(plain).to_pylist() == before.select(plain).to_pylist()


def test_load__rows_that_do_not_fit_are_refused_and_no_others(tables: str, place: Surroundings) -> None:
    opened(tables, place).database().run(
        [
            "CREATE TABLE strict (id Int32, word String, day Date, at DateTime, e Enum8('a' = 1), made Int32 ALIAS id,"
            " CONSTRAINT c CHECK word != 'no') ENGINE = MergeTree ORDER BY id"
        ]
    )
    database = opened(tables, place).database(writes=True)
    columns = database.columns(Table("", "strict"))
    assert [column.name for column in columns] == ["id", "word", "day", "at", "e"]
    size = 100
    words: list[str | None] = ["ok"] * size
    days, moments, choices = [0] * size, [0] * size, ["a"] * size
    words[3], words[50], days[60], moments[70], choices[80] = "no", None, -1, 2**32, "b"
    batch = pa.RecordBatch.from_pydict(
        {
            "id": pa.array(range(size), pa.int32()),
            "word": words,
            "day": pa.array(days, pa.int32()).cast(pa.date32()),
            "at": pa.array(moments, pa.timestamp("s", "UTC")),
            "e": choices,
        }
    )
    loader = database.loader(Table("", "strict"), columns)
    rejected = loader.load(batch)
    loader.commit()
    assert [row for row, _ in rejected] == [3, 50, 60, 70, 80]
    assert "c" in rejected[0].reason
    assert "does not fit Date" in rejected[2].reason
    assert rows(tables, place, "SELECT count(), uniqExact(id) FROM strict") == [(95, 95)]


def test_load__the_same_rows_twice_are_there_twice(tables: str, place: Surroundings) -> None:
    opened(tables, place).database().run(["CREATE TABLE twice (id Int32) ENGINE = MergeTree ORDER BY id"])
    database = opened(tables, place).database(writes=True)
    loader = database.loader(Table("", "twice"), database.columns(Table("", "twice")))
    for _ in range(2):
        assert not loader.load(pa.RecordBatch.from_pydict({"id": pa.array([1, 2], pa.int32())}))
    assert rows(tables, place, "SELECT count() FROM twice") == [(4,)]


def test_copy__in_ranges_of_a_column_reads_each_row_once(tables: str, place: Surroundings) -> None:
    opened(tables, place).database().run(
        [
            "CREATE TABLE many ENGINE = MergeTree ORDER BY id AS SELECT number AS id, toDateTime(number * 5000) AS at,"
            " toDateTime64(number, 3) AS at3, toDate(number) AS day, if(number % 5 = 0, NULL, number) AS some"
            " FROM numbers(3000)"
        ]
    )
    for partition in ("id", "at", "at3", "day", "some"):
        target = f"many_{partition}"
        wishes = Wishes(partition=partition, parallel=3)
        run_job(copy_job(f"{tables}/many", f"{tables}/{target}", wishes), place, "run1")
        assert rows(tables, place, f"SELECT count(), sum(id) FROM {target}") == [(3000, 4498500)]


def test_read__what_holds_several_values_comes_as_json_and_is_not_written(tables: str, place: Surroundings) -> None:
    opened(tables, place).database().run(
        [
            "CREATE TABLE several (l Array(Nullable(String)), m Map(String, Int64))"
            " ENGINE = MergeTree ORDER BY tuple()",
            "INSERT INTO several VALUES (['a', NULL, '\\''], {'k': 1})",
        ]
    )
    assert read(f"{tables}/several", place).to_pylist() == [{"l": '["a",null,"\'"]', "m": '{"k":1}'}]
    database = opened(tables, place).database(writes=True)
    with pytest.raises(TypeUnsupported):
        database.loader(Table("", "several"), database.columns(Table("", "several")))


def test_read__text_that_is_no_text_comes_as_bytes(tables: str, place: Surroundings) -> None:
    found = read(f"{tables}/", place, useSql="true", sql="SELECT unhex('FF00') AS x, 1 AS n")
    assert found.to_pylist() == [{"x": b"\xff\x00", "n": 1}]


def test_target__what_the_system_cannot_do_is_said(tables: str, place: Surroundings) -> None:
    with pytest.raises(CdmError, match="onConflict"):
        run_job(copy_job(f"{tables}/awkward", f"{tables}/x", Wishes(target={"onConflict": "UPDATE"})), place, "run1")
    assert opened(tables, place).database().tables("trial") == ["awkward"]
    with pytest.raises(TableMissing):
        read(f"{tables}/absent", place)
    with pytest.raises(SqlFailed):
        opened(tables, place).database().run(["SELEC 1"])
    assert opened(tables, place).test().startswith("ClickHouse ")


def test_new_type__and_back() -> None:
    for kind in (pa.int8(), pa.uint64(), pa.float32(), pa.decimal256(70, 5), pa.date32(), pa.bool_(), pa.string()):
        assert arrow_type(new_type(pa.field("x", kind))) == kind
    assert new_type(pa.field("x", pa.timestamp("us"))) == "DateTime64(6)"
    assert arrow_type("LowCardinality(Nullable(String))") == pa.string()
    assert arrow_type("DateTime64(3, 'Asia/Shanghai')") == pa.timestamp("us", "UTC")


class Broken(http.server.BaseHTTPRequestHandler):
    """Answers a stream of Arrow without its end, or never."""

    hangs = threading.Event()
    asked = threading.Event()

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "KILL" in query:
            Broken.hangs.set()
        if "hang" in query:
            Broken.asked.set()
            Broken.hangs.wait(30)
            return
        data = b'{"meta": [{"name": "n", "type": "Int32"}], "data": []}'
        if "ArrowStream" in query:
            batch = pa.RecordBatch.from_pydict({"n": pa.array([1], pa.int32())})
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            data = sink.getvalue().to_pybytes()[:-8]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def broken() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"clickhouse://user:secret-word@127.0.0.1:{server.server_address[1]}/x"
        Broken.hangs.set()
        server.shutdown()
        thread.join()


def test_read__a_server_that_breaks_off_is_an_error(broken: str, place: Surroundings) -> None:
    with pytest.raises(SqlFailed, match="broke off"):
        read(f"{broken}/", place, useSql="true", sql="SELECT n FROM t")


def test_read__stops_at_once_when_the_run_is_cancelled(broken: str, tmp_path: Path) -> None:
    Broken.hangs.clear()
    Broken.asked.clear()
    cancellation = Cancellation()
    database = opened(broken, surroundings(tmp_path, cancellation)).database()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            database.rows("SELECT hang")
        except CdmError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert Broken.asked.wait(30)
    cancellation.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert isinstance(raised[0], RunStopped)
    assert Broken.hangs.is_set()  # the server was told


def test_errors__no_server(place: Surroundings) -> None:
    with pytest.raises(DatabaseUnreachable) as raised:
        opened("clickhouse://u:secret-word@127.0.0.1:1/x", place).test()
    assert "secret-word" not in raised.value.message
