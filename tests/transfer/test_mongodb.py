"""Collections of MongoDB as source and destination of migrations, on a double of its server."""

from __future__ import annotations

import csv
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors_cdm import CdmError, ColumnsDiffer, MongoAddressMissing, MongoUnreachable, RunStopped
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Rejected, Surroundings, by_url, open_connector
from headrace.transfer.connectors.mongodb import MongoDb
from headrace.transfer.counters import Counts
from headrace.transfer.documents.shell_json import read_shell_json
from headrace.transfer.job import run_job
from headrace.transfer.options import Link, Options

bson = pytest.importorskip("bson", reason="the extra headrace[mongodb] is not installed")
double = pytest.importorskip("mongo_double")

ID = bson.ObjectId("65b9f1e0a0b1c2d3e4f50617")
MOMENT = datetime(2024, 1, 31, 10, 0, 0, 123000, tzinfo=UTC)


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
    given = {"serverList": server.address, "database": "shop", **values}
    return open_connector(Link(name="m", connector="mongodb-connector", values=given), place)


def read(server: Any, place: Surroundings, **values: str) -> tuple[list[dict[str, Any]], list[tuple[Any, str]]]:
    given = Options(section="fromJobConfig", values={"collectionName": "orders", **values})
    rejected: list[tuple[Any, str]] = []
    with closing(connector(server, place).source(given)) as source:
        names = source.schema().names
        rows = [
            {name: row[name] for name in names}
            for split in source.splits(4)
            for part in source.read(split, lambda row, reason: rejected.append((row, reason)))
            for row in part.to_pylist()
        ]
    return rows, rejected


def write(server: Any, place: Surroundings, batch: pa.RecordBatch, **values: str) -> Sequence[Rejected]:
    given = Options(section="toJobConfig", values={"database": "shop", "collectionName": "orders", **values})
    with closing(connector(server, place).target(given)) as target:
        prepared = target.prepare(batch.schema, "run1", 1)
        writer = target.writer(prepared, 0)
        refused: Sequence[Rejected] = writer.write(batch.cast(prepared.schema))
        writer.close()
        target.finish(prepared)
    return refused


def orders(server: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.collections.setdefault(("shop", "orders"), [])
    return found


def test_read__gives_every_kind_of_value_as_text(server: Any, tmp_path: Path) -> None:
    values: dict[str, tuple[Any, str | None]] = {
        "_id": (ID, "65b9f1e0a0b1c2d3e4f50617"),
        "text": ("水 \"'\n\t", "水 \"'\n\t"),
        "empty": ("", ""),
        "nothing": (None, None),
        "yes": (True, "true"),
        "whole": (2**31 - 1, "2147483647"),
        "long": (bson.Int64(-(2**63)), "-9223372036854775808"),
        "float": (0.1, "0.1"),
        "nan": (float("nan"), "NaN"),
        "endless": (float("-inf"), "-Infinity"),
        "exact": (bson.Decimal128("1234567890123456789012345678901.234"), "1234567890123456789012345678901.234"),
        "large": (bson.Decimal128("1E+5"), "100000"),
        "odd": (bson.Decimal128("NaN"), "NaN"),
        "moment": (MOMENT, "2024-01-31 10:00:00.123000+00:00"),
        "bytes": (b"\x00\xff", "\x00ÿ"),
        "uuid": (bson.Binary.from_uuid(uuid.UUID(int=1)), "00000000-0000-0000-0000-000000000001"),
        "nested": (
            {"a": [1, None, bson.Decimal128("1.50")], "b": {"c": ID, "d": MOMENT}, "名": 'é"'},
            '{"a":[1,null,1.50],"b":{"c":"65b9f1e0a0b1c2d3e4f50617","d":"2024-01-31 10:00:00.123000+00:00"},'
            '"名":"é\\""}',
        ),
        "list": ([], "[]"),
        "pattern": (bson.Regex("^a", "i"), '{"$regularExpression": {"pattern": "^a", "options": "i"}}'),
    }
    orders(server).append({name: value for name, (value, _) in values.items()})
    rows, rejected = read(server, surroundings(tmp_path))
    assert rejected == []
    assert rows == [{name: text for name, (_, text) in values.items()}]


def test_read__takes_listed_columns_also_from_inside(server: Any, tmp_path: Path) -> None:
    orders(server).extend(
        [{"_id": 1, "a": {"b": {"c": 5}}, "x": "y"}, {"_id": 2, "a": 7}, {"_id": 3, "a": {"b": [{"c": 1}, {}, 5]}}]
    )
    rows, _ = read(server, surroundings(tmp_path), columnList="x&a.b.c&_id")
    assert [tuple(row.values()) for row in rows] == [("y", "5", "1"), (None, None, "2"), (None, "[1,null]", "3")]
    without, _ = read(server, surroundings(tmp_path), columnList="x")
    assert without == [{"x": "y"}, {"x": None}, {"x": None}]


def test_read__asks_the_query_of_the_job(server: Any, tmp_path: Path) -> None:
    orders(server).extend({"n": number, "at": datetime(2024, 1, number, tzinfo=UTC)} for number in range(1, 6))
    asked = "{'at': {'$gte': ISODate(\"2024-01-02T00:00:00Z\"), $lt: ISODate('2024-01-04')}}"
    rows, _ = read(server, surroundings(tmp_path), columnList="n", filters=asked)
    assert [row["n"] for row in rows] == ["2", "3"]


def test_read__of_many_documents_goes_on_where_the_server_stopped(server: Any, tmp_path: Path) -> None:
    orders(server).extend({"_id": number, "n": number} for number in range(70_000))
    rows, _ = read(server, surroundings(tmp_path), columnList="n")
    assert [int(row["n"]) for row in rows] == list(range(70_000))


def test_read__documents_that_cannot_be_read_are_dirty(server: Any, tmp_path: Path) -> None:
    orders(server).extend(
        [{"_id": 1, "n": 1}, {"_id": 2, "n": 2, "break": True}, {"_id": 3, "n": bson.DatetimeMS(2**60)}]
    )
    rows, rejected = read(server, surroundings(tmp_path), columnList="_id&n")
    assert rows == [{"_id": "1", "n": "1"}]
    assert sorted(reason.partition(":")[0] for _, reason in rejected) == ["A value has no text", "It cannot be read"]


def test_read__of_an_empty_collection_needs_a_column_list(server: Any, tmp_path: Path) -> None:
    with pytest.raises(CdmError, match="columnList"):
        read(server, surroundings(tmp_path))
    assert read(server, surroundings(tmp_path), columnList="a") == ([], [])


def test_write__keeps_the_types_of_the_source(server: Any, tmp_path: Path) -> None:
    columns: dict[str, tuple[pa.DataType, Any, Any]] = {
        "whole": (pa.int64(), -(2**63), -(2**63)),
        "float": (pa.float64(), 0.1, 0.1),
        "yes": (pa.bool_(), False, False),
        "text": (pa.string(), "水", "水"),
        "exact": (pa.decimal128(34, 10), Decimal("123456789012345678901234.0123456789"), None),
        "data": (pa.binary(), b"\x00\xff", b"\x00\xff"),
        "day": (pa.date32(), date(2024, 1, 31), datetime(2024, 1, 31, tzinfo=UTC)),
        "moment": (pa.timestamp("ms", "UTC"), MOMENT, MOMENT),
        "clock": (pa.time64("us"), time(1, 2, 3), "01:02:03.000000"),
        "list": (pa.list_(pa.decimal128(5, 2)), [Decimal("1.50"), None], [bson.Decimal128("1.50"), None]),
        "map": (pa.struct([("a", pa.int32())]), {"a": 1}, {"a": 1}),
    }
    arrays = [pa.array([value, None], kind) for kind, value, _ in columns.values()]
    assert write(server, surroundings(tmp_path), pa.RecordBatch.from_arrays(arrays, names=list(columns))) == []
    first, second = orders(server)
    assert first.pop("exact") == bson.Decimal128("123456789012345678901234.0123456789")
    assert {name: first[name] for name in first if name != "_id"} == {
        name: kept for name, (_, _, kept) in columns.items() if name != "exact"
    }
    assert set(second.values()) - {second["_id"]} == {None}


def test_write__names_the_rows_that_are_refused(server: Any, tmp_path: Path) -> None:
    orders(server).append({"_id": 2})
    count = 1000
    batch = pa.RecordBatch.from_pydict(
        {
            "_id": list(range(count)),
            "refuse": [number == 999 for number in range(count)],
            "exact": pa.array(
                [Decimal("1" * 40 if number == 7 else "1") for number in range(count)], pa.decimal256(60, 0)
            ),
        }
    )
    refused = write(server, surroundings(tmp_path), batch)
    assert [one.row for one in refused] == [2, 7, 999]
    assert refused[0].reason.startswith("E11000")
    assert refused[1].reason.startswith("It is no document")
    assert len(orders(server)) == count - 2


def test_write__a_document_that_is_too_large_is_dirty(server: Any, tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pydict({"n": [1, 2], "text": ["x" * (17 << 20), "y"]})
    refused = write(server, surroundings(tmp_path), batch)
    assert [one.row for one in refused] == [0]
    assert [one["n"] for one in orders(server)] == [2]


def test_write__clears_first_where_the_copy_says_so(server: Any, tmp_path: Path) -> None:
    orders(server).append({"_id": 2})
    write(server, surroundings(tmp_path), pa.RecordBatch.from_pydict({"n": [1]}), beforeImportType="shouldClearTable")
    assert [one["n"] for one in orders(server)] == [1]


def test_write__names_columns_by_their_places(server: Any, tmp_path: Path) -> None:
    write(server, surroundings(tmp_path), pa.RecordBatch.from_pydict({"a": [1], "b": ["x"]}).rename_columns(["n", "m"]))
    assert {name: one for name, one in orders(server)[0].items() if name != "_id"} == {"n": 1, "m": "x"}
    with pytest.raises(ColumnsDiffer):
        write(server, surroundings(tmp_path), pa.RecordBatch.from_pydict({"a": [1], "b": [2]}), columnList="one")


def ran(source: str, target: str, folder: Path, **wishes: Any) -> Counts:
    place = surroundings(folder)
    run_job(copy_job(source, target, Wishes(**wishes)), place, "r1")
    return place.counters.now()


def test_job__from_a_file_to_mongodb_and_back(server: Any, tmp_path: Path) -> None:
    rows = [["n", "name"], *([str(number), f'水,{number}"'] for number in range(3_000))]
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    url = f"mongodb://{server.address}/shop/orders"
    assert ran((tmp_path / "in.csv").as_uri(), url, tmp_path).rows_written == 3_000
    ran(url, (tmp_path / "out.csv").as_uri(), tmp_path, columns=("n", "name"))
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert [row for row in csv.reader(file) if row[0] != "n"] == rows[1:]


def test_job__into_a_table_with_types(server: Any, tmp_path: Path) -> None:
    orders(server).extend([{"n": 1, "price": bson.Decimal128("1.50")}, {"n": 2.0, "price": None}, {"n": "x"}])
    database = tmp_path / "w.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE orders (n INTEGER, price TEXT)")
    connection.close()
    url = f"mongodb://{server.address}/shop/orders?filter={{}}"
    counts = ran(url, f"sqlite://{database}/orders", tmp_path, columns=("n", "price"), most_dirty=1)
    assert (counts.rows_written, counts.rows_skipped) == (2, 1)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT * FROM orders ORDER BY n").fetchall() == [(1, "1.50"), (2, None)]
    connection.close()


def test_read__a_cursor_that_waits_ends_when_the_run_is_cancelled(server: Any, tmp_path: Path) -> None:
    orders(server).extend({"n": number} for number in range(70_000))
    cancellation = Cancellation()
    given = Options(section="fromJobConfig", values={"collectionName": "orders", "columnList": "n"})
    source = connector(server, surroundings(tmp_path, cancellation)).source(given)
    server.waits.set()
    raised: list[Exception] = []

    def run() -> None:
        try:
            list(source.read({}, lambda row, reason: None))
        except CdmError as error:
            raised.append(error)

    reader = threading.Thread(target=run)
    reader.start()
    assert server.waiting.wait(30)
    cancellation.cancel()
    reader.join(30)
    assert [type(one) for one in raised] == [RunStopped]
    source.close()


def test_link__tells_what_is_wrong_without_the_password(server: Any, tmp_path: Path) -> None:
    place = surroundings(tmp_path)
    assert connector(server, place).test() == "MongoDB 7.0.0"
    with pytest.raises(MongoUnreachable) as raised:
        connector(server, place, userName="me", password="s3cr3t").test()
    assert "s3cr3t" not in str(raised.value)
    with pytest.raises(MongoAddressMissing):
        connector(server, place, serverList="").test()


def test_url__of_a_collection() -> None:
    job = by_url("mongodb://me:p%40w@a:1,b:2/shop/orders?filter=%7Bn:1%7D")
    assert dict(job.link.values) == {"serverList": "a:1;b:2", "database": "shop", "userName": "me", "password": "p@w"}
    assert job.source["filters"] == "{n:1}"
    assert job.target == {"database": "shop", "collectionName": "orders"}
    with pytest.raises(CdmError):
        by_url("mongodb://a/shop")
    assert MongoDb.capability.tested == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", {}),
        ("{a: 1, 'b': -2.5, \"c\": [true, null, 'x\\'y',],}", {"a": 1, "b": -2.5, "c": [True, None, "x'y"]}),
        ("{ $or: [{a: {$gt: 0x1F}}, {b: 'é\\u00e9\\n'}] } // all", {"$or": [{"a": {"$gt": 31}}, {"b": "éé\n"}]}),
        ("{a: f(1, 'x'), b: new f()}", {"a": (1, "x"), "b": ()}),
        ("{a: /x\\/y/i}", {"a": "x\\/y:i"}),
        ("{'a.b': 1e3, /* c */ n: -Infinity}", {"a.b": 1000.0, "n": float("-inf")}),
    ],
)
def test_shell_json__reads_what_the_shell_takes(text: str, found: Any) -> None:
    calls = {"f": lambda *given: given, "RegExp": lambda *given: ":".join(given)}
    assert read_shell_json(text, "filters", calls) == found


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "{a}", "{a:}", "{a:1", "{a:1} x", "{a: g()}", "{a: open}", "{a: f('x'}", "{a:" * 200]
)
def test_shell_json__refuses_what_is_none(text: str) -> None:
    with pytest.raises(CdmError, match="filters"):
        read_shell_json(text, "filters", {"f": lambda *given: given})
