"""Tables of HBase as source and destination of migrations, on a double of its Thrift gateway."""

from __future__ import annotations

import csv
import json
import sqlite3
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import (
    CdmError,
    ColumnsDiffer,
    HBaseColumnsMissing,
    HBaseColumnTwice,
    HBaseFamilyMissing,
    HBaseLoadFailed,
    HBaseReadFailed,
    HBaseRowKeyMissing,
    HBaseTableMissing,
    HBaseTableNotMade,
    HBaseUnreachable,
    RunStopped,
)
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Rejected, Surroundings, by_url, open_connector
from headrace.transfer.connectors.hbase import HBase
from headrace.transfer.counters import Counts
from headrace.transfer.job import run_job
from headrace.transfer.mapping import Mapper
from headrace.transfer.options import Link, Options

pytest.importorskip("happybase", reason="the extra headrace[hbase] is not installed")
double = pytest.importorskip("hbase_double")

Rows = list[dict[str, Any]]


@pytest.fixture
def server() -> Iterator[Any]:
    with double.running() as made:
        yield made


def surroundings(folder: Path, cancellation: Cancellation | None = None) -> Surroundings:
    def none() -> Any:
        raise AssertionError

    return Surroundings(
        store=FileStore(folder / "obs"),
        files=Path("/"),
        open_sql=none,
        zone=UTC,
        now=lambda: 0,
        cancellation=cancellation or Cancellation(),
    )


def connector(server: Any, place: Surroundings, **values: str) -> Any:
    given = {"hbaseType": "Apache Hadoop", "thriftServer": server.address, **values}
    return open_connector(Link(name="h", connector="hbase-connector", values=given), place)


def read(server: Any, place: Surroundings, *, wanted: int = 4, **values: Any) -> tuple[Rows, list[tuple[Any, str]]]:
    given = Options(section="fromJobConfig", values={"table": "orders", **values})
    rejected: list[tuple[Any, str]] = []
    with closing(connector(server, place).source(given)) as source:
        schema = source.schema()
        batches = [
            batch
            for split in source.splits(wanted)
            for batch in source.read(split, lambda row, reason: rejected.append((row, reason)))
        ]
    assert all(batch.schema == schema for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()], rejected


def write(server: Any, place: Surroundings, batch: pa.RecordBatch, **values: str) -> Sequence[Rejected]:
    given = Options(section="toJobConfig", values={"table": "orders", "storageType": "PUTLIST", **values})
    with closing(connector(server, place).target(given)) as target:
        prepared = target.prepare(batch.schema, "run1", 1)
        writer = target.writer(prepared, 0)
        refused: Sequence[Rejected] = writer.write(Mapper(batch.schema, prepared.schema, zone=UTC)(batch).batch)
        writer.close()
        target.finish(prepared)
    return refused


def seen(server: Any, name: bytes = b"orders") -> dict[bytes, dict[bytes, bytes]]:
    found: dict[bytes, dict[bytes, bytes]] = server.tables[name].seen()
    return found


# ---- reading


def test_read__gives_listed_columns_and_null_where_a_row_has_no_cell(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    table.put(b"1", 1, a="水".encode(), b=b"")
    table.put(b"2", 1, b=b"x")
    rows, rejected = read(server, surroundings(tmp_path), columns="cf:b&rowkey:rowkey&cf:a")
    assert rows == [
        {"cf:b": "", "rowkey:rowkey": "1", "cf:a": "水"},
        {"cf:b": "x", "rowkey:rowkey": "2", "cf:a": None},
    ]
    assert rejected == []


def test_read__with_its_key_a_row_is_one_though_it_has_none_of_the_columns(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders", [b"cf", b"other"])
    table.put(b"1", 1, a=b"x")
    table.put(b"2", 1, b=b"y")
    table.rows[b"3"] = {b"other:c": {1: b"z"}}
    rows, _ = read(server, surroundings(tmp_path), columns="rowkey:rowkey&cf:a")
    assert [tuple(row.values()) for row in rows] == [("1", "x"), ("2", None)]
    rows, _ = read(server, surroundings(tmp_path), columns="cf:a")
    assert rows == [{"cf:a": "x"}]


def test_read__a_name_without_a_family_is_of_the_only_one(server: Any, tmp_path: Path) -> None:
    server.table(b"orders").put(b"1", 1, a=b"x")
    rows, _ = read(server, surroundings(tmp_path), columnList="a&rowkey:rowkey")
    assert rows == [{"a": "x", "rowkey:rowkey": "1"}]
    server.table(b"both", [b"cf", b"other"]).put(b"1", 1, a=b"y")
    rows, _ = read(server, surroundings(tmp_path), table="both", columnFamilies="rowkey&cf", columns="a")
    assert rows == [{"a": "y"}]
    with pytest.raises(HBaseFamilyMissing, match="cf, other"):
        read(server, surroundings(tmp_path), table="both", columns="a")
    with pytest.raises(HBaseTableMissing):
        read(server, surroundings(tmp_path), table="nothing", columns="a")


def test_read__finds_columns_in_the_first_rows_of_the_families(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders", [b"cf", b"other"])
    table.put(b"1", 1, b=b"x")
    table.put(b"2", 1, a=b"y")
    table.rows[b"2"][b"other:c"] = {1: b"z"}
    rows, _ = read(server, surroundings(tmp_path))
    assert rows[1] == {"rowkey:rowkey": "2", "cf:a": "y", "cf:b": None, "other:c": "z"}
    rows, _ = read(server, surroundings(tmp_path), columnFamilies="rowkey&other")
    assert rows == [{"rowkey:rowkey": "2", "other:c": "z"}]
    rows, _ = read(server, surroundings(tmp_path), columnFamily="cf")
    assert rows == [{"cf:a": None, "cf:b": "x"}, {"cf:a": "y", "cf:b": None}]


def test_read__what_tells_no_columns_is_an_error(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    with pytest.raises(HBaseColumnsMissing):
        read(server, surroundings(tmp_path))
    table.rows[b"1"] = {b"cf:\xff": {1: b"x"}}
    with pytest.raises(HBaseColumnsMissing, match="UTF-8"):
        read(server, surroundings(tmp_path))
    with pytest.raises(HBaseTableMissing, match=r"nothing"):
        read(server, surroundings(tmp_path), table="nothing", columns="cf:a")


def test_read__only_keys_asks_for_no_values(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    table.put(b"1", 1, a=b"x" * 1000, b=b"y")
    rows, _ = read(server, surroundings(tmp_path), columns="rowkey:rowkey")
    assert rows == [{"rowkey:rowkey": "1"}]
    assert server.scans[-1].filterString


def test_read__in_pages_gives_every_row_once_in_the_order_of_keys(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    keys = [struct.pack(">I", number * 77_777_777 % 2**32) for number in range(20_000)]
    for number, key in enumerate(keys):
        table.put(key, 1, n=str(number).encode())
    rows, _ = read(
        server, surroundings(tmp_path), columns="rowkey:rowkey&cf:n", columnTypes='{"rowkey:rowkey":"binary"}'
    )
    assert [row["rowkey:rowkey"] for row in rows] == sorted(keys)
    assert {int(row["cf:n"]) for row in rows} == set(range(20_000))
    assert len(server.scans) > 3
    assert server.scanners == {}


@pytest.mark.parametrize(("wanted", "parts"), [(1, 1), (2, 2), (3, 3), (4, 4), (9, 4)])
def test_splits__are_ranges_of_regions_and_give_every_row_once(
    server: Any, tmp_path: Path, wanted: int, parts: int
) -> None:
    table = server.table(b"orders", splits=[b"3", b"6", b"\xff"])
    keys = [str(number).encode() for number in range(10)] + [b"\xff\x00", b"\xfe"]
    for key in keys:
        table.put(key, 1, a=b"x")
    types = '{"rowkey:rowkey": "binary"}'
    rows, _ = read(server, surroundings(tmp_path), wanted=wanted, columnTypes=types)
    assert [row["rowkey:rowkey"] for row in rows] == sorted(keys)
    with closing(
        connector(server, surroundings(tmp_path)).source(Options(section="f", values={"table": "orders"}))
    ) as source:
        assert len(source.splits(wanted)) == parts


def test_read__takes_cells_from_the_start_on_before_the_end(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    at = {day: round(datetime(2024, 1, day, tzinfo=UTC).timestamp() * 1000) for day in range(1, 6)}
    for day, moment in at.items():
        table.put(b"all", moment, a=str(day).encode())
        table.put(f"only {day}".encode(), moment, a=str(day).encode(), b=b"x")
    table.put(b"only 3", at[1], b=b"old")
    table.rows[b"only 3"][b"cf:b"].pop(at[3])
    rows, _ = read(
        server,
        surroundings(tmp_path),
        columns="rowkey:rowkey&cf:a&cf:b",
        startTime="2024-01-02 00:00:00",
        endTime="2024-01-04 00:00:00",
    )
    assert [tuple(row.values()) for row in rows] == [("all", "3", None), ("only 2", "2", "x"), ("only 3", "3", None)]
    keys, _ = read(server, surroundings(tmp_path), columns="rowkey:rowkey", startTime=str(at[5]))
    assert [row["rowkey:rowkey"] for row in keys] == ["all", "only 5"]


def test_read__pages_of_cells_that_are_too_old_are_no_end(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    for number in range(1_000):
        table.put(f"{number:04}".encode(), 1, a=b"old")
    table.put(b"9999", 1, a=b"old")
    table.put(b"9999", 5, b=b"new")
    rows, _ = read(server, surroundings(tmp_path), columns="rowkey:rowkey", startTime="5")
    assert rows == [{"rowkey:rowkey": "9999"}]


def test_read__splits_row_keys_where_the_job_says_so(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    for key in (b"a|1|", b"b|2|x", b"c|3"):
        table.put(key, 1, n=b"y")
    given: dict[str, Any] = {"isSplit": "true", "delimiter": "|"}
    rows, rejected = read(server, surroundings(tmp_path), **given)
    assert [tuple(row.values()) for row in rows] == [("a", "1", "", "y"), ("b", "2", "x", "y")]
    assert list(rows[0]) == ["rowkey:1", "rowkey:2", "rowkey:3", "cf:n"]
    assert rejected == [("c|3", "The row key has 2 parts where 3 columns are.")]
    rows, rejected = read(server, surroundings(tmp_path), columns="rowkey:day&cf:n&rowkey:number", **given)
    assert [tuple(row.values()) for row in rows] == [("c", "y", "3")]
    assert len(rejected) == 2
    rows, _ = read(server, surroundings(tmp_path), columns="rowkey:rowkey", delimiter="|")
    assert rows[0] == {"rowkey:rowkey": "a|1|"}


def test_read__takes_binary_values_of_java_where_types_are_named(server: Any, tmp_path: Path) -> None:
    cells: dict[str, tuple[bytes, Any]] = {
        "short": (b"\xff\xfe", -2),
        "int": (b"\x80\x00\x00\x00", -(2**31)),
        "long": (b"\x7f" + b"\xff" * 7, 2**63 - 1),
        "float": (b"\x3f\x00\x00\x00", 0.5),
        "double": (struct.pack(">d", 0.1), 0.1),
        "boolean": (b"\xff", True),
        "decimal": (b"\x00\x00\x00\x02\xff\x6a", "-1.50"),
        "binary": (b"\x00\xff", b"\x00\xff"),
        "string": ("水".encode(), "水"),
    }
    table = server.table(b"orders")
    table.put(b"1", 1, **{name: cell for name, (cell, _) in cells.items()})
    table.put(b"2", 1, **{name: b"123" for name in cells if name != "string"}, string=b"\xff")
    types = json.dumps({f"cf:{name}": name for name in cells})
    rows, rejected = read(
        server, surroundings(tmp_path), columns="&".join(f"cf:{name}" for name in cells), columnTypes=types
    )
    assert rows == [{f"cf:{name}": value for name, (_, value) in cells.items()}]
    assert rejected == [("2", "Column 'cf:short': it is no int16.")]
    with pytest.raises(CdmError, match="columnTypes"):
        read(server, surroundings(tmp_path), columns="cf:a", columnTypes='{"cf:a": "blob"}')
    with pytest.raises(CdmError, match="columnTypes"):
        read(server, surroundings(tmp_path), columns="cf:a", columnTypes="[1]")


@pytest.mark.parametrize("names", [("cf:d", "cf:t"), ("2", "3")])
@pytest.mark.parametrize("as_list", [False, True])
def test_read__takes_dates_by_their_patterns(
    server: Any, tmp_path: Path, names: tuple[str, str], as_list: bool
) -> None:
    formats = dict(zip(names, ("yyyyMMdd", "dd/MM/yyyy HH:mm"), strict=True))
    listed = [{"name": name, "value": pattern} for name, pattern in formats.items()]
    wire = json.dumps(listed if as_list else formats)
    table = server.table(b"orders")
    table.put(b"1", 1, d=b"20240229", t=b"31/01/2024 10:30")
    table.put(b"2", 1, d=b"20240229 ")
    rows, rejected = read(server, surroundings(tmp_path), columns="rowkey:rowkey&cf:d&cf:t", formats=wire)
    assert rows == [{"rowkey:rowkey": "1", "cf:d": date(2024, 2, 29), "cf:t": datetime(2024, 1, 31, 10, 30)}]  # noqa: DTZ001
    assert [key for key, _ in rejected] == ["2"]
    with pytest.raises(CdmError, match="formats"):
        read(server, surroundings(tmp_path), columns="cf:d", formats='{"cf:d": "bbb"}')


def test_read__a_cell_that_is_no_text_is_dirty(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    table.put(b"1", 1, a=b"\xff")
    table.put(b"\xfe", 1, a=b"x")
    table.put(b"2", 1, a=b"x")
    rows, rejected = read(server, surroundings(tmp_path), columns="rowkey:rowkey&cf:a")
    assert rows == [{"rowkey:rowkey": "2", "cf:a": "x"}]
    assert rejected == [
        ("1", "Column 'cf:a': it is no UTF-8."),
        ("\\xfe", "Column 'rowkey:rowkey': it is no UTF-8."),
    ]


# ---- writing


def test_write__keeps_values_as_text_under_a_joined_key(server: Any, tmp_path: Path) -> None:
    batch = pa.record_batch(
        {
            "day": pa.array([date(2024, 1, 31)] * 3),
            "n": pa.array([1, 2, 3]),
            "price": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(20, 2)),
            "name": ["水", "", None],
            "data": pa.array([b"\x00\xff", None, b""]),
        }
    )
    given = {"columns": "cf:day&cf:n&cf:price&cf:name&x:data", "rowKeyColumn": "cf:n&cf:day", "algorithm": "SNAPPY"}
    assert write(server, surroundings(tmp_path), batch, **given) == []
    assert seen(server) == {
        b"1 2024-01-31": {b"cf:price": b"1.50", b"cf:name": "水".encode(), b"x:data": b"\x00\xff"},
        b"2 2024-01-31": {b"cf:name": b""},
        b"3 2024-01-31": {b"cf:price": b"-0.01", b"x:data": b""},
    }
    made = server.tables[b"orders"].families
    assert sorted(made) == [b"cf", b"x"]
    assert (made[b"cf"].compression, made[b"cf"].maxVersions, made[b"cf"].bloomFilterType) == ("SNAPPY", 1, "ROW")
    assert server.walls == {True}


def test_write__numbers_in_binary_are_read_again_as_they_were(server: Any, tmp_path: Path) -> None:
    columns: dict[str, tuple[pa.Array, str]] = {
        "k": (pa.array([-1, 2], pa.int64()), "long"),
        "i8": (pa.array([-128, 127], pa.int8()), "short"),
        "i16": (pa.array([-(2**15), 0], pa.int16()), "short"),
        "i32": (pa.array([2**31 - 1, None], pa.int32()), "int"),
        "u32": (pa.array([2**32 - 1, 0], pa.uint32()), "long"),
        "u64": (pa.array([2**64 - 1, 0], pa.uint64()), "decimal"),
        "f32": (pa.array([0.5, float("inf")], pa.float32()), "float"),
        "f64": (pa.array([0.1, -0.0]), "double"),
        "exact": (pa.array([Decimal("-128.00"), Decimal("0.01")], pa.decimal128(38, 2)), "decimal"),
        "text": (pa.array(["é", "1"]), "string"),
        "yes": (pa.array([True, False]), "string"),
    }
    batch = pa.record_batch({name: array for name, (array, _) in columns.items()})
    assert write(server, surroundings(tmp_path), batch, rowKeyColumn="k", transType="true") == []
    assert list(seen(server)) == [b"\x00" * 7 + b"\x02", b"\xff" * 8]
    assert seen(server)[b"\xff" * 8][b"cf:exact"] == b"\x00\x00\x00\x02\xce\x00"
    listed = "&".join("rowkey:k" if name == "k" else f"cf:{name}" for name in columns)
    types = {("rowkey:k" if name == "k" else f"cf:{name}"): kind for name, (_, kind) in columns.items()}
    rows, rejected = read(server, surroundings(tmp_path), columns=listed, columnTypes=json.dumps(types))
    assert rejected == []
    expected = [
        {**row, "u64": str(row["u64"]), "exact": str(row["exact"]), "yes": str(row["yes"]).lower()}
        for row in batch.to_pylist()
    ]
    assert [repr(list(row.values())) for row in rows] == [repr(list(row.values())) for row in reversed(expected)]


def test_write__numbers_that_are_a_part_of_the_key_are_text(server: Any, tmp_path: Path) -> None:
    batch = pa.record_batch({"a": [1], "b": ["x"], "n": [7]})
    write(server, surroundings(tmp_path), batch, rowKeyColumn="a&b", transType="true", delimiter="|")
    assert seen(server) == {b"1|x": {b"cf:n": struct.pack(">q", 7)}}


def test_write__a_row_replaces_the_one_of_its_key(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    table.put(b"1", 1, a=b"old", b=b"old", other=b"stays")
    batch = pa.record_batch({"id": ["1", "2", "2"], "a": ["new", "x", "last"], "b": [None, "y", None]})
    assert write(server, surroundings(tmp_path), batch, rowKeyColumn="id", writeToWAL="false") == []
    assert seen(server) == {b"1": {b"cf:a": b"new", b"cf:other": b"stays"}, b"2": {b"cf:a": b"last"}}
    assert server.walls == {False}
    before = seen(server)
    write(server, surroundings(tmp_path), batch, rowKeyColumn="id")
    assert seen(server) == before


@pytest.mark.parametrize("flag", [{"isOverride": "true"}, {"beforeImportType": "shouldClearTable"}])
def test_write__empties_the_table_first_where_the_job_says_so(
    server: Any, tmp_path: Path, flag: dict[str, str]
) -> None:
    table = server.table(b"orders", [b"cf", b"x"], splits=[b"5"])
    for number in range(3_000):
        table.put(str(number).encode(), 1, a=b"old", b=b"old")
    table.rows[b"1"][b"x:"] = {1: b"old"}
    batch = pa.record_batch({"id": ["1"], "a": ["new"], "b": pa.array([None], pa.string())})
    write(server, surroundings(tmp_path), batch, columns="cf:id&cf:a&cf:b", rowKeyColumn="cf:id", **flag)
    assert seen(server) == {b"1": {b"cf:a": b"new"}}
    assert len(server.tables[b"orders"].splits) == 2
    assert len(server.tables[b"orders"].rows[b"1"][b"cf:b"]) == 2  # nothing to remove any more


def test_write__keeps_key_columns_too_where_the_job_says_so(server: Any, tmp_path: Path) -> None:
    batch = pa.record_batch({"id": [1], "a": ["x"]})
    write(server, surroundings(tmp_path), batch, rowKeyColumn="f:id", isRowkeyRedundancy="true", columnFamily="f")
    assert seen(server) == {b"1": {b"f:id": b"1", b"f:a": b"x"}}


def test_write__names_the_rows_that_are_refused(server: Any, tmp_path: Path) -> None:
    count = 5_000
    keys: list[str | None] = [str(number) for number in range(count)]
    keys[3], keys[4], keys[5] = None, "", "x" * 32_768
    values = ["refuse" if number in (0, 2_500, count - 1) else "y" for number in range(count)]
    batch = pa.record_batch(
        {"id": keys, "a": pa.array([None if number == 9 else one for number, one in enumerate(values)])}
    )
    refused = write(server, surroundings(tmp_path), batch, rowKeyColumn="id")
    assert {one.row: one.reason for one in refused} == {
        0: "HBase refuses it: IllegalArgumentException: KeyValue size too large",
        3: "A part of its row key is NULL.",
        4: "Its row key is empty.",
        5: "Its row key has 32768 bytes, of 32767 that it may have.",
        9: "All its columns are NULL, and HBase keeps no row without a cell.",
        2_500: "HBase refuses it: IllegalArgumentException: KeyValue size too large",
        count - 1: "HBase refuses it: IllegalArgumentException: KeyValue size too large",
    }
    assert len(seen(server)) == count - 7
    assert max(server.together) == 1_000


def test_write__what_does_not_fit_is_refused_before_the_first_row(server: Any, tmp_path: Path) -> None:
    place, batch = surroundings(tmp_path), pa.record_batch({"id": [1], "a": ["x"]})
    expected: list[tuple[type[CdmError], dict[str, str]]] = [
        (HBaseRowKeyMissing, {}),
        (HBaseRowKeyMissing, {"rowKeyColumn": "cf:other"}),
        (HBaseColumnsMissing, {"rowKeyColumn": "id&a"}),
        (ColumnsDiffer, {"rowKeyColumn": "id", "columns": "cf:id"}),
        (HBaseColumnTwice, {"rowKeyColumn": "id", "columns": "cf:id&cf:id"}),
        (HBaseTableNotMade, {"rowKeyColumn": "id", "table": "-x"}),
        (CdmError, {"rowKeyColumn": "id", "algorithm": "LZO"}),
        (CdmError, {"rowKeyColumn": "id", "storageType": "BULKLOAD"}),
    ]
    for error, values in expected:
        with pytest.raises(error):
            write(server, place, batch, **values)
    assert server.tables == {}
    server.table(b"orders", [b"a", b"b"])
    with pytest.raises(HBaseFamilyMissing, match="a, b"):
        write(server, place, batch, rowKeyColumn="id")
    with pytest.raises(HBaseFamilyMissing, match="cf"):
        write(server, place, batch, rowKeyColumn="cf:id", columns="cf:id&cf:a")


def test_write__what_the_server_cannot_take_is_said_in_a_line(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    given = Options(section="toJobConfig", values={"table": "orders", "rowKeyColumn": "id"})
    batch = pa.record_batch({"id": ["1"], "a": ["x"]})
    with closing(connector(server, surroundings(tmp_path)).target(given)) as target:
        writer = target.writer(target.prepare(batch.schema, "run1", 1), 0)
        table.families.clear()
        with pytest.raises(HBaseLoadFailed, match=r"NoSuchColumnFamilyException: b'cf:a'$"):
            writer.write(batch)
        writer.abort()


# ---- jobs, links, URLs


def ran(source: str, target: str, folder: Path, **wishes: Any) -> Counts:
    place = surroundings(folder)
    run_job(copy_job(source, target, Wishes(**wishes)), place, "r1")
    return place.counters.now()


def test_job__from_a_file_to_hbase_and_back(server: Any, tmp_path: Path) -> None:
    rows = [["n", "part", "name"], *([f"{number:05}", "x", f'水,{number}"'] for number in range(12_000))]
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    url = f"hbase://{server.address}/orders?key=n,part&separator=%7C&family=f"
    assert ran((tmp_path / "in.csv").as_uri(), url, tmp_path).rows_written == 12_000
    server.tables[b"orders"].splits = [b"", b"03", b"07", b"09"]
    counts = ran(url, (tmp_path / "out.csv").as_uri(), tmp_path, parallel=3)
    assert (counts.rows_read, counts.rows_written, counts.parts_done) == (12_000, 12_000, 3)
    found = []
    for path in tmp_path.glob("out*"):
        for one in [path] if path.is_file() else path.iterdir():
            with one.open(newline="", encoding="utf-8") as file:
                found += [row for row in csv.reader(file) if row[1] == "x"]
    assert sorted(found) == rows[1:]


def test_job__from_hbase_to_a_table_leaves_out_dirty_rows(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    table.put(b"1", 1, price=b"1.50")
    table.put(b"2", 1, price=b"x")
    table.put(b"\xff", 1, price=b"2")
    database = tmp_path / "w.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL)")
        connection.commit()
        url = f"hbase://{server.address}/orders"
        counts = ran(url, f"sqlite://{database}/orders", tmp_path, columns=("rowkey:rowkey", "cf:price"), most_dirty=2)
        assert (counts.rows_written, counts.rows_skipped) == (1, 2)
        assert connection.execute("SELECT * FROM orders").fetchall() == [(1, 1.5)]


@pytest.mark.parametrize("kind", [{"framed": True}, {"compact": True}, {"framed": True, "compact": True}])
def test_link__speaks_as_the_gateway_was_started(tmp_path: Path, kind: dict[str, bool]) -> None:
    given = json.dumps({f"hbase.regionserver.thrift.{name}": is_on for name, is_on in kind.items()})
    with double.running(**kind) as server:
        server.table(b"orders").put(b"1", 1, a=b"x")
        link = connector(server, surroundings(tmp_path), properties=given)
        assert link.test() == "HBase has 1 tables."
        options = Options(section="fromJobConfig", values={"table": "orders"})
        with closing(link.source(options)) as source:
            batches = list(source.read(source.splits(1)[0], lambda row, reason: None))
        assert [batch.to_pylist() for batch in batches] == [[{"rowkey:rowkey": "1", "cf:a": "x"}]]


def test_link__finds_the_gateway_by_each_of_its_inputs(server: Any, tmp_path: Path) -> None:
    place = surroundings(tmp_path)
    host, port = server.address.split(":")
    assert connector(server, place, thriftServer="", host=host, port=port).test() == "HBase has 0 tables."
    assert connector(server, place, thriftServer=f"127.0.0.1:1,{server.address}").test() == "HBase has 0 tables."
    with pytest.raises(HBaseUnreachable, match=r"127\.0\.0\.2:1"):
        connector(server, place, thriftServer="127.0.0.2:1").test()
    wrong: list[dict[str, str]] = [
        {"thriftServer": ""},
        {"thriftServer": "a:b"},
        {"authType": "KERBEROS"},
        {"principal": "hbase/_HOST"},
        {"iamAuth": "true"},
    ]
    for values in wrong:
        with pytest.raises(CdmError, match="linkConfig"):
            connector(server, place, **values).test()


def test_link__quorum_of_zookeeper_stands_for_gateways_on_its_servers(server: Any, tmp_path: Path) -> None:
    link = connector(server, surroundings(tmp_path), thriftServer="", zookeeperQuorum="127.0.0.2:2181,127.0.0.3:2181")
    with pytest.raises(HBaseUnreachable, match=r"127\.0\.0\.2:9090, 127\.0\.0\.3:9090"):
        link.test()


def test_link__passwords_are_never_sent_nor_said(server: Any, tmp_path: Path) -> None:
    values = {"user": "me", "password": "s3cr3t", "securityKey": "s3cr3t"}
    assert connector(server, surroundings(tmp_path), **values).test() == "HBase has 0 tables."
    with pytest.raises(HBaseUnreachable) as raised:
        connector(server, surroundings(tmp_path), thriftServer="127.0.0.1:1", **values).test()
    assert "s3cr3t" not in str(raised.value)


def test_read__what_goes_away_is_said_and_can_be_read_again(server: Any, tmp_path: Path) -> None:
    table = server.table(b"orders")
    table.put(b"1", 1, a=b"x")
    options = Options(section="fromJobConfig", values={"table": "orders", "columns": "cf:a"})
    with closing(connector(server, surroundings(tmp_path)).source(options)) as source:
        (split,) = source.splits(1)
        gone = server.tables.pop(b"orders")
        with pytest.raises(HBaseReadFailed, match=r"TableNotFoundException: orders$"):
            list(source.read(split, lambda row, reason: None))
        server.tables[b"orders"] = gone
        (batch,) = source.read(split, lambda row, reason: None)
        assert batch.to_pylist() == [{"cf:a": "x"}]


def test_session__that_was_cut_connects_again(server: Any, tmp_path: Path) -> None:
    server.table(b"orders")
    options = Options(section="fromJobConfig", values={"table": "default:orders"})
    with closing(connector(server, surroundings(tmp_path)).source(options)) as source:
        assert len(source.splits(1)) == 1
        server.cut()
        with pytest.raises(HBaseUnreachable):
            source.splits(1)
        assert len(source.splits(1)) == 1


def test_write__each_split_has_a_connection_of_its_own(server: Any, tmp_path: Path) -> None:
    options = Options(section="toJobConfig", values={"table": "orders", "rowKeyColumn": "id"})
    batch = pa.record_batch({"id": ["1"], "a": ["x"]})
    with closing(connector(server, surroundings(tmp_path)).target(options)) as target:
        prepared = target.prepare(batch.schema, "run1", 2)
        writers = [target.writer(prepared, split) for split in range(2)]
        for writer in writers:
            assert writer.write(batch) == []
        assert len(server.changers) == 2
        for writer in writers:
            writer.close()


def test_read__a_scanner_that_waits_ends_when_the_run_is_cancelled(server: Any, tmp_path: Path) -> None:
    server.table(b"orders").put(b"1", 1, a=b"x")
    cancellation = Cancellation()
    options = Options(section="fromJobConfig", values={"table": "orders", "columns": "cf:a"})
    source = connector(server, surroundings(tmp_path, cancellation)).source(options)
    server.waits.set()
    raised: list[Exception] = []

    def run() -> None:
        try:
            list(source.read({"start": "", "stop": ""}, lambda row, reason: None))
        except CdmError as error:
            raised.append(error)

    reader = threading.Thread(target=run)
    reader.start()
    assert server.waiting.wait(30)
    cancellation.cancel()
    reader.join(30)
    assert [type(one) for one in raised] == [RunStopped]
    source.close()


def test_url__of_a_table() -> None:
    job = by_url("hbase://h/ns:orders?key=id,n&family=cf&separator=%7C&framed=true")
    assert job.link.values["thriftServer"] == "h:9090"
    assert json.loads(job.link.values["properties"])["hbase.regionserver.thrift.framed"] == "true"
    assert {name: value for name, value in job.source.items() if value} == {
        "table": "ns:orders",
        "columnFamilies": "rowkey&cf",
        "isSplit": "true",
        "delimiter": "|",
    }
    assert job.target == {"table": "ns:orders", "rowKeyColumn": "id&n", "columnFamily": "cf", "delimiter": "|"}
    for wrong in ("hbase://h:9090", "hbase:///orders", "hbase://me:s3cr3t@h/orders"):
        with pytest.raises(CdmError) as raised:
            by_url(wrong)
        assert "s3cr3t" not in str(raised.value)
    assert HBase.capability.tested == ""
