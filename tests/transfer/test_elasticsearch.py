"""Indexes of Elasticsearch as source and destination of migrations, on a double of its server."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from elastic_double import ElasticDouble, running

from headrace.errors_cdm import (
    CdmError,
    ElasticsearchHostMissing,
    ElasticsearchIndexFailed,
    ElasticsearchKeyNotListed,
    ElasticsearchReadFailed,
    ElasticsearchUnreachable,
    RunStopped,
    TooManyDirtyRows,
)
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Rejected, Surroundings, by_url, open_connector
from headrace.transfer.connectors.elasticsearch import Elasticsearch
from headrace.transfer.counters import Counts
from headrace.transfer.job import run_job
from headrace.transfer.mapping import Mapper
from headrace.transfer.options import Link, Options

EXACT = "12345678901234567890.0123456789"
NOW = datetime(2018, 12, 17, 1, 30, tzinfo=UTC)  # 09:30 where the cluster is


@pytest.fixture
def server() -> Iterator[ElasticDouble]:
    with running() as made:
        yield made


def surroundings(cancellation: Cancellation | None = None, folder: Path = Path("/nowhere")) -> Surroundings:
    def none() -> Any:
        raise AssertionError

    return Surroundings(
        store=FileStore(folder / "obs"),
        files=Path("/"),
        open_sql=none,
        zone=timezone(timedelta(hours=8)),
        now=lambda: int(NOW.timestamp() * 1000),
        cancellation=cancellation or Cancellation(),
    )


def link(server: ElasticDouble, **values: str) -> Link:
    return Link(name="e", connector="elasticsearch-connector", values={"host": server.address, **values})


def read(server: ElasticDouble, **values: str) -> tuple[list[dict[str, Any]], list[tuple[Any, str]]]:
    given = Options(section="fromJobConfig", values={"index": "orders", **values})
    rejected: list[tuple[Any, str]] = []
    with closing(open_connector(link(server), surroundings()).source(given)) as source:
        names = source.schema().names
        rows = [
            {name: row[name] for name in names}
            for split in source.splits(int(values.get("wanted", "1")))
            for part in source.read(split, lambda row, reason: rejected.append((row, reason)))
            for row in part.to_pylist()
        ]
    return rows, rejected


def write(server: ElasticDouble, batch: pa.RecordBatch, **values: str) -> Sequence[Rejected]:
    given = Options(section="toJobConfig", values={"index": "orders", **values})
    with closing(open_connector(link(server), surroundings()).target(given)) as target:
        prepared = target.prepare(batch.schema, "run1", 1)
        writer = target.writer(prepared, 0)
        refused = writer.write(Mapper(batch.schema, prepared.schema, zone=UTC)(batch).batch)
        writer.close()
        target.finish(prepared)
    return refused


def test_read__gives_values_as_they_stand_in_the_document(server: ElasticDouble) -> None:
    source = (
        '{"text": "水 \\"\\u00e9\\n", "empty": "", "none": null, "long": -9223372036854775808, "yes": true,'
        ' "exact": 1234567890123456789.12345678901234567890, "e": 1e400, "list": [1, {"a": 1.50}],'
        ' "o": {"p": {"q": "x"}, "r": [{"s": 1}, {}, 2]}}'
    )
    server.indexes["orders"] = {"i1": source.encode()}
    columns = "_id&text:string&empty&none&long:long&yes:boolean&exact:numeric&e&list&o:nested&o.p.q&o.r.s&absent.x"
    rows, rejected = read(server, columnList=columns)
    assert rejected == []
    assert rows == [
        {
            "_id": "i1",
            "text": '水 "é\n',
            "empty": "",
            "none": None,
            "long": "-9223372036854775808",
            "yes": "true",
            "exact": "1234567890123456789.12345678901234567890",
            "e": "1e400",
            "list": '[1, {"a": 1.50}]',
            "o": '{"p": {"q": "x"}, "r": [{"s": 1}, {}, 2]}',
            "o.p.q": "x",
            "o.r.s": "[1,null]",
            "absent.x": None,
        }
    ]


@pytest.mark.parametrize("old", [False, True])
def test_read__the_mapping_has_the_columns(server: ElasticDouble, old: bool) -> None:
    inner = {"properties": {"q": {"type": "long"}, "r": {"type": "keyword"}}}
    properties = {"properties": {"a": {"type": "boolean"}, "o": inner, "z": {"type": "double"}}}
    server.mappings["orders"] = {"doc": properties} if old else properties
    server.indexes["orders"] = {"1": b'{"a": false, "o": {"q": 5}}'}
    assert read(server)[0] == [{"a": "false", "o": '{"q": 5}', "z": None}]
    assert read(server, splitNestedField="true")[0] == [{"a": "false", "o.q": "5", "o.r": None, "z": None}]
    given = Options(section="fromJobConfig", values={"index": "orders", "splitNestedField": "true"})
    with closing(open_connector(link(server), surroundings()).source(given)) as source:
        assert source.schema().types == [pa.bool_(), pa.int64(), pa.string(), pa.float64()]


@pytest.mark.parametrize("wanted", ["1", "3"])
def test_read__of_many_documents_gives_each_once(server: ElasticDouble, wanted: str) -> None:
    server.indexes["orders"] = {str(number): b'{"n": %d}' % number for number in range(5_500)}
    rows, _ = read(server, columnList="n:long", wanted=wanted)
    assert sorted(int(row["n"]) for row in rows) == list(range(5_500))
    assert server.scrolls == {}  # all were given back


def test_read__asks_the_query_string(server: ElasticDouble) -> None:
    server.indexes["orders"] = {"1": b'{"name": "Smith"}', "2": b'{"name": "Doe"}'}
    assert read(server, columnList="name", queryString="name:Doe")[0] == [{"name": "Doe"}]


def test_read__fails_where_the_server_could_not_search_everything(server: ElasticDouble) -> None:
    server.indexes["orders"] = {"1": b'{"n": 1}'}
    server.failed_shards = 1
    with pytest.raises(ElasticsearchReadFailed):
        read(server, columnList="n")
    with pytest.raises(ElasticsearchReadFailed, match="no such index"):
        read(server, index="nothing", columnList="n")


def test_write__keeps_what_was_read(server: ElasticDouble) -> None:
    columns: dict[str, tuple[pa.DataType, Any, str, str]] = {
        "id": (pa.int64(), -(2**63), "-9223372036854775808", "long"),
        "text": (pa.string(), '水 "\\\n\x01', '"水 \\"\\\\\\n\\u0001"', "text"),
        "exact": (pa.decimal128(30, 10), Decimal(EXACT), EXACT, "double"),
        "float": (pa.float64(), 0.1, "0.1", "double"),
        "yes": (pa.bool_(), True, "true", "boolean"),
        "day": (pa.date32(), date(2024, 1, 31), '"2024-01-31"', "date"),
        "moment": (pa.timestamp("us", "UTC"), NOW, '"2018-12-17T01:30:00.000000Z"', "date"),
        "wall": (pa.timestamp("s"), NOW.replace(tzinfo=None), '"2018-12-17T01:30:00"', "date"),
        "data": (pa.binary(), b"\x00\xff", '"AP8="', "binary"),
        "list": (pa.list_(pa.int32()), [1, None], "[1,null]", "long"),
        "map": (pa.struct([("a", pa.string())]), {"a": "x"}, '{"a":"x"}', "object"),
    }
    arrays = [pa.array([value, None if name != "id" else 1], kind) for name, (kind, value, _, _) in columns.items()]
    assert write(server, pa.RecordBatch.from_arrays(arrays, names=list(columns)), primaryKey="id") == []
    first, second = server.indexes["orders"].values()
    expected = {name: text for name, (_, _, text, _) in columns.items()}
    assert first.decode() == "{" + ",".join(f'"{name}":{text}' for name, text in expected.items()) + "}"
    assert json.loads(second) == {**dict.fromkeys(columns), "id": 1}
    assert list(server.indexes["orders"]) == ["-9223372036854775808", "1"]
    types = {name: about["type"] for name, about in server.mappings["orders"]["properties"].items()}
    assert types == {name: kind for name, (_, _, _, kind) in columns.items()}


def test_write__with_the_types_of_the_job(server: ElasticDouble) -> None:
    batch = pa.RecordBatch.from_pydict({"a": ["5"], "b": ["x"], "c": ['{"k":\n[1.50]}']})
    assert write(server, batch, columnList="n:integer&s:keyword&o:nested") == []
    assert list(server.indexes["orders"].values()) == [b'{"n":5,"s":"x","o":{"k": [1.50]}}']
    assert server.mappings["orders"]["properties"]["o"] == {"type": "nested"}


def test_write__names_the_rows_that_are_refused(server: ElasticDouble) -> None:
    count = 12_000
    batch = pa.RecordBatch.from_pydict(
        {
            "id": [None if number == 5 else str(number) for number in range(count)],
            "refuse": [number in (0, 7_000) for number in range(count)],
            "busy": [number == 6_000 for number in range(count)],
            "o": ["{" if number == 9 else "{}" for number in range(count)],
        }
    )
    refused = write(server, batch, primaryKey="id", columnList="id:keyword&refuse:boolean&busy:boolean&o:object")
    assert [one.row for one in refused] == [0, 5, 9, 7_000]
    assert refused[0].reason.startswith("mapper_parsing_exception")
    assert len(server.indexes["orders"]) == count - 4  # the one that was put off is in


def test_write__sends_less_at_a_time_where_the_server_says_so(server: ElasticDouble) -> None:
    server.largest = 20_000
    batch = pa.RecordBatch.from_pydict({"n": list(range(300)), "text": ["x" * 100] * 299 + ["y" * 30_000]})
    refused = write(server, batch)
    assert [one.row for one in refused] == [299]
    assert sorted(one["n"] for one in server.documents("orders")) == list(range(299))


def test_write__clears_only_where_the_job_says_so(server: ElasticDouble) -> None:
    server.indexes["orders"] = {"old": b'{"n": 0}'}
    one = pa.RecordBatch.from_pydict({"n": [1]})
    write(server, one)
    assert sorted(one["n"] for one in server.documents("orders")) == [0, 1]
    write(server, one, shouldClearType="true", pipeLine="trim it")
    assert [one["n"] for one in server.documents("orders")] == [1]
    assert "POST /_bulk?pipeline=trim%20it" in server.log


@pytest.mark.parametrize(
    ("strategy", "index"),
    [
        ("EveryHour", "orders2018121709"),
        ("EveryDay", "orders20181217"),
        ("EveryWeek", "orders201851"),
        ("EveryMonth", "orders201812"),
    ],
)
def test_write__to_the_index_of_the_time(server: ElasticDouble, strategy: str, index: str) -> None:
    write(server, pa.RecordBatch.from_pydict({"n": [1]}), createIndexStrategy=strategy)
    assert list(server.indexes) == [index]


def test_write__before_version_7_documents_have_a_type() -> None:
    with running("6.8.0") as server:
        write(server, pa.RecordBatch.from_pydict({"n": [1]}), type="order")
        assert list(server.mappings["orders"]) == ["order"]
        read(server, columnList="n", type="order")
        assert any(line.startswith("POST /orders/order/_search") for line in server.log)


def test_target__says_what_is_wrong(server: ElasticDouble) -> None:
    connector = open_connector(link(server), surroundings())
    with pytest.raises(ElasticsearchIndexFailed):
        connector.target(Options(section="toJobConfig", values={"index": "Orders"}))
    with pytest.raises(ElasticsearchKeyNotListed):
        write(server, pa.RecordBatch.from_pydict({"n": [1]}), primaryKey="id")
    with pytest.raises(CdmError, match="columnList"):
        write(server, pa.RecordBatch.from_pydict({"n": [1]}), columnList="n:no type!")


def ran(source: str, target: str, folder: Path, **wishes: Any) -> Counts:
    place = surroundings(folder=folder)
    run_job(copy_job(source, target, Wishes(**wishes)), place, "r1")
    return place.counters.now()


def test_job__from_a_file_to_elasticsearch_and_back(server: ElasticDouble, tmp_path: Path) -> None:
    rows = [["n", "name"], *([str(number), f'水,{number}"'] for number in range(3_000))]
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    url = f"elasticsearch+http://{server.address}/orders"
    assert ran((tmp_path / "in.csv").as_uri(), f"{url}?key=n", tmp_path).rows_written == 3_000
    ran(url, (tmp_path / "out.csv").as_uri(), tmp_path)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        assert sorted(row for row in csv.reader(file) if row[0] != "n") == sorted(rows[1:])


def test_job__keeps_going_with_the_rows_that_fit(server: ElasticDouble, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("n,name\n1,a\nx,b\n3,c\n", "utf-8")
    url = f"elasticsearch+http://{server.address}/orders"
    typed = Wishes(most_dirty=1, target={"columnList": "n:long&name:keyword"})
    place = surroundings(folder=tmp_path)
    run_job(copy_job((tmp_path / "in.csv").as_uri(), url, typed), place, "r1")
    counts = place.counters.now()
    assert (counts.rows_written, counts.rows_skipped) == (2, 1)
    with pytest.raises(TooManyDirtyRows):
        run_job(copy_job((tmp_path / "in.csv").as_uri(), url, replace(typed, most_dirty=0)), place, "r2")


def test_read__a_page_that_is_waited_for_ends_when_the_run_is_cancelled(server: ElasticDouble) -> None:
    server.indexes["orders"] = {str(number): b'{"n": 1}' for number in range(3_000)}
    cancellation = Cancellation()
    given = Options(section="fromJobConfig", values={"index": "orders", "columnList": "n"})
    source = open_connector(link(server), surroundings(cancellation)).source(given)
    server.waits.set()
    raised: list[Exception] = []

    def run() -> None:
        try:
            list(source.read({"slice": 0, "of": 1}, lambda row, reason: None))
        except CdmError as error:
            raised.append(error)

    reader = threading.Thread(target=run)
    reader.start()
    assert server.waiting.wait(30)
    cancellation.cancel()
    reader.join(30)
    assert [type(one) for one in raised] == [RunStopped]
    source.close()


def test_link__asks_the_next_host_where_one_does_not_answer(server: ElasticDouble) -> None:
    two = link(server, host=f"127.0.0.1:1;{server.address}")
    assert open_connector(two, surroundings()).test() == "Elasticsearch 7.10.2"


def test_link__tells_what_is_wrong_without_the_password(server: ElasticDouble) -> None:
    server.password = "s3cr3t"
    with pytest.raises(CdmError) as raised:
        open_connector(link(server, safemode="true", user="me", password="w0rd"), surroundings()).test()
    assert "no such user" in str(raised.value)
    assert "w0rd" not in str(raised.value)
    assert open_connector(link(server, user="me", password="s3cr3t"), surroundings()).test()
    with pytest.raises(ElasticsearchUnreachable):
        open_connector(link(server, host="127.0.0.1:1"), surroundings()).test()
    with pytest.raises(ElasticsearchHostMissing):
        open_connector(link(server, host=""), surroundings()).test()


def test_url__of_an_index() -> None:
    job = by_url("elasticsearch+https://me:p%40w@h/orders?query=a:b&key=id")
    values = {"host": "h:9200", "linkType": "Elasticsearch", "user": "me", "password": "p@w", "httpsAccess": "true"}
    assert dict(job.link.values) == values
    assert job.source == {"index": "orders", "queryString": "a:b"}
    assert job.target == {"index": "orders", "primaryKey": "id", "pipeLine": ""}
    with pytest.raises(CdmError):
        by_url("elasticsearch+http://h")
    assert Elasticsearch.capability.tested == ""
