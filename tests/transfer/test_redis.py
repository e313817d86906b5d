"""Keys of a real Redis as source and destination of migrations."""

from __future__ import annotations

import csv
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from headrace.errors_cdm import (
    CdmError,
    RedisColumnsMissing,
    RedisKeysMissing,
    RedisKeysNotListed,
    RedisUnreachable,
    RunStopped,
    TooManyDirtyRows,
)
from headrace.objectstore.files import FileStore
from headrace.sql.engine import Cancellation
from headrace.transfer.ad_hoc import Wishes, copy_job
from headrace.transfer.connector import Rejected, Surroundings, by_url, open_connector
from headrace.transfer.counters import Counts
from headrace.transfer.job import run_job
from headrace.transfer.options import Link, Options

redis = pytest.importorskip("redis")
pytestmark = pytest.mark.redis

PORTS = {
    "Single": int(os.environ.get("HEADRACE_TEST_REDIS_PORT", "55379")),
    "Cluster": int(os.environ.get("HEADRACE_TEST_REDIS_CLUSTER_PORT", "55380")),
}
PASSWORD = "headrace-test"
AWKWARD = ("", " 水 ", "😀\nline", "a\"b'c\\", "NULL", "\\N", "-0", "x" * 100_000, "\x00", "\r\n")


@pytest.fixture(params=["Single", "Cluster"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def prefix(mode: str) -> Iterator[str]:
    """A prefix of no key, with all that is special in patterns."""
    name = f"t*?[{uuid.uuid4().hex[:12]}]\\"
    client = connected(mode)
    yield name
    made = [key for key in client.scan_iter(match="*", count=5000) if key.startswith(name.encode())]
    with client.pipeline(transaction=False) as pipeline:
        for key in made:
            pipeline.delete(key)
        pipeline.execute()
    client.close()


def connected(mode: str) -> Any:
    try:
        client = redis.Redis(
            host="127.0.0.1", port=PORTS[mode], password=PASSWORD if mode == "Single" else None, socket_timeout=30
        )
        client.ping()
    except redis.ConnectionError as error:
        pytest.skip(f"no Redis on 127.0.0.1:{PORTS[mode]} (make services starts one): {error}")
    return client


def link(mode: str, **values: str) -> Link:
    address = f"127.0.0.1:{PORTS[mode]}"
    password = PASSWORD if mode == "Single" else ""
    given = {"deploymentMode": mode, "serverlist": address, "password": password, "dbIndex": "0"}
    return Link(name="r", connector="redis-connector", values={**given, **values})


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


def options(section: str, prefix: str, store: str, **values: str) -> Options:
    given = {"keyPrefix": prefix, "keySeparator": ":", "valueStoreType": store, **values}
    if section == "toJobConfig":
        given.setdefault("primaryKeyList", "id")
    return Options(section=section, values={name: value for name, value in given.items() if value})


def written(mode: str, place: Surroundings, batch: pa.RecordBatch, given: Options) -> Sequence[Rejected]:
    target = open_connector(link(mode), place).target(given)
    prepared = target.prepare(batch.schema, "run1", 1)
    writer = target.writer(prepared, 0)
    refused = writer.write(batch.cast(prepared.schema))
    writer.close()
    target.finish(prepared)
    target.close()
    return refused


def read(mode: str, place: Surroundings, given: Options) -> tuple[list[dict[str, Any]], list[tuple[Any, str]]]:
    source = open_connector(link(mode), place).source(given)
    rejected: list[tuple[Any, str]] = []
    rows = [
        row
        for split in source.splits(4)
        for part in source.read(split, lambda row, reason: rejected.append((row, reason)))
        for row in part.to_pylist()
    ]
    names = source.schema().names
    source.close()
    return sorted(({name: row[name] for name in names} for row in rows), key=lambda row: str(row["id"])), rejected


def table(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


@pytest.mark.parametrize("store", ["HASH", "STRING"])
def test_round_trip__keeps_every_text(mode: str, prefix: str, store: str, tmp_path: Path) -> None:
    place = surroundings(tmp_path)
    ids = [f"{number:02}" for number in range(len(AWKWARD))]
    given = table(id=ids, name=list(AWKWARD), second=["z"] * len(ids))
    assert written(mode, place, given, options("toJobConfig", prefix, store)) == []
    found, rejected = read(mode, place, options("fromJobConfig", prefix, store, columnList="id&name&second"))
    assert (found, rejected) == (given.to_pylist(), [])


def test_round_trip__of_many_rows_holds_each_once(mode: str, prefix: str, tmp_path: Path) -> None:
    place = surroundings(tmp_path)
    count = 25_000
    given = table(id=[str(number) for number in range(count)], name=[f"n{number}" for number in range(count)])
    assert written(mode, place, given, options("toJobConfig", prefix, "STRING", valueSeparator="||")) == []
    options_read = options("fromJobConfig", prefix, "STRING", valueSeparator="||", columnList="id&name")
    found, _ = read(mode, place, options_read)
    assert sorted(int(row["id"]) for row in found) == list(range(count))
    assert all(row["name"] == f"n{row['id']}" for row in found)


def test_hash__null_fields_are_absent_and_are_removed(mode: str, prefix: str, tmp_path: Path) -> None:
    place, client = surroundings(tmp_path), connected(mode)
    goes = options("toJobConfig", prefix, "HASH")
    written(mode, place, table(id=["1", "2"], a=["x", "y"], b=["", "z"]), goes)
    client.hset(f"{prefix}:1", "other", "kept")
    client.expire(f"{prefix}:1", 5000)
    written(mode, place, table(id=["1"], a=pa.array([None], pa.string()), b=["new"]), goes)
    assert client.hgetall(f"{prefix}:1") == {b"id": b"1", b"b": b"new", b"other": b"kept"}
    assert 4000 < client.ttl(f"{prefix}:1") <= 5000
    found, _ = read(mode, place, options("fromJobConfig", prefix, "HASH", columnList="id&a&b"))
    assert found == [{"id": "1", "a": None, "b": "new"}, {"id": "2", "a": "y", "b": "z"}]


def test_string__is_the_row_joined_and_keeps_its_time_to_live(mode: str, prefix: str, tmp_path: Path) -> None:
    place, client = surroundings(tmp_path), connected(mode)
    client.set(f"{prefix}:1:a", "old", ex=5000)
    goes = options("toJobConfig", prefix, "STRING", primaryKeyList="id&kind")
    rows = table(id=[1, 2], kind=["a", "b"], price=[Decimal("1.50"), None], day=[date(2024, 1, 31), None])
    text = pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in rows.columns], names=rows.schema.names)
    assert written(mode, place, text, goes) == []
    assert client.get(f"{prefix}:1:a") == b"1\ta\t1.50\t2024-01-31"
    assert client.get(f"{prefix}:2:b") == b"2\tb\t\t"
    assert 4000 < client.ttl(f"{prefix}:1:a") <= 5000
    assert client.ttl(f"{prefix}:2:b") == -1


def test_binary__stays_bytes(mode: str, prefix: str, tmp_path: Path) -> None:
    data = bytes(range(256))
    written(mode, surroundings(tmp_path), table(id=["1"], data=[data]), options("toJobConfig", prefix, "HASH"))
    assert connected(mode).hget(f"{prefix}:1", "data") == data


def test_write__names_the_rows_that_cannot_be_keys(mode: str, prefix: str, tmp_path: Path) -> None:
    place, client = surroundings(tmp_path), connected(mode)
    client.rpush(f"{prefix}:2", "a list")
    rows = table(id=["1", "2", None, "4"], name=["a", "b", "c", "d"])
    refused = written(mode, place, rows, options("toJobConfig", prefix, "HASH"))
    assert [one.row for one in refused] == [1, 2]
    assert "another kind" in refused[0].reason
    assert "'id' is NULL" in refused[1].reason
    assert client.hget(f"{prefix}:4", "name") == b"d"
    refused = written(mode, place, table(id=["5", "6"], name=["a\tb", "c"]), options("toJobConfig", prefix, "STRING"))
    assert refused == [Rejected(0, "A value holds the separator '\\t'.")]
    assert client.get(f"{prefix}:6") == b"6\tc"


@pytest.mark.parametrize("store", ["HASH", "STRING"])
def test_read__gives_what_is_no_row_to_the_dirty_rows(mode: str, prefix: str, store: str, tmp_path: Path) -> None:
    client = connected(mode)
    client.rpush(f"{prefix}:list", "x")
    if store == "HASH":
        client.hset(f"{prefix}:good", mapping={"id": "1", "name": "a"})
        client.hset(f"{prefix}:bytes", mapping={"id": "2", "name": b"\xff"})
        client.hset(f"{prefix}:other", mapping={"else": "3"})
    else:
        client.set(f"{prefix}:good", "1\ta")
        client.set(f"{prefix}:bytes", b"2\t\xff")
        client.set(f"{prefix}:short", "3")
    options_read = options("fromJobConfig", prefix, store, columnList="id&name")
    found, rejected = read(mode, surroundings(tmp_path), options_read)
    alone = [{"id": "1", "name": "a"}]
    assert found == (alone if store == "STRING" else [*alone, {"id": None, "name": None}])
    reasons = {row.rpartition(":")[2]: reason for row, reason in rejected}
    assert reasons.pop("list") == f"The key holds no {store}."
    assert reasons.pop("bytes") == "It is no UTF-8."
    assert reasons == ({} if store == "HASH" else {"short": "It has 1 values where 2 columns are."})


def test_read__without_a_column_list_the_first_keys_say_it(mode: str, prefix: str, tmp_path: Path) -> None:
    client = connected(mode)
    place = surroundings(tmp_path)
    with pytest.raises(RedisColumnsMissing):
        open_connector(link(mode), place).source(options("fromJobConfig", prefix, "HASH")).schema()
    client.hset(f"{prefix}:1", mapping={"id": "1"})
    client.hset(f"{prefix}:2", mapping={"id": "2", "名": "a"})
    client.set(f"{prefix}:s", "x\ty\tz")
    hashes = open_connector(link(mode), place).source(options("fromJobConfig", prefix, "HASH"))
    assert hashes.schema().names == ["id", "名"]
    texts = open_connector(link(mode), place).source(options("fromJobConfig", prefix, "STRING"))
    assert texts.schema().names == ["c1", "c2", "c3"]
    hashes.close()
    texts.close()


def test_clearing__removes_the_keys_of_the_prefix_only(mode: str, prefix: str, tmp_path: Path) -> None:
    client = connected(mode)
    for name in (f"{prefix}:1", f"{prefix}:2", f"{prefix}2:1", f"x{prefix}:1"):
        client.set(name, "v")
    cleared = options("toJobConfig", prefix, "HASH", shouldClearDatabase="true")
    written(mode, surroundings(tmp_path), table(id=["9"]), cleared)
    found = {key.decode() for key in client.scan_iter(count=1000) if prefix.encode() in key}
    assert found == {f"{prefix}:9", f"{prefix}2:1", f"x{prefix}:1"}
    client.delete(f"x{prefix}:1")


def test_target__says_which_keys_it_needs(mode: str, prefix: str, tmp_path: Path) -> None:
    connector = open_connector(link(mode), surroundings(tmp_path))
    with pytest.raises(RedisKeysMissing):
        connector.target(options("toJobConfig", prefix, "HASH", primaryKeyList=""))
    target = connector.target(options("toJobConfig", prefix, "HASH", primaryKeyList="id&no"))
    with pytest.raises(RedisKeysNotListed, match="'no'"):
        target.prepare(pa.schema([("id", pa.string())]), "run1", 1)
    with pytest.raises(CdmError, match="valueStoreType"):
        connector.target(options("toJobConfig", prefix, "LIST"))


def test_job__from_a_file_to_redis_and_back(mode: str, prefix: str, tmp_path: Path) -> None:
    rows = [["id", "name", "note"], *([str(number), f"水,{number}", 'q"'] for number in range(5_000))]
    with (tmp_path / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    url = redis_url(mode, prefix)
    counts = ran(f"{(tmp_path / 'in.csv').as_uri()}", f"{url}&key=id", tmp_path)
    assert (counts.rows_written, counts.rows_skipped) == (5_000, 0)
    ran(url, (tmp_path / "out.csv").as_uri(), tmp_path, columns=("id", "name", "note"))
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    assert sorted(row for row in found if row[0] != "id") == sorted(rows[1:])


def test_job__keeps_going_with_the_rows_that_fit(mode: str, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,name\n1,a\n2,b\n3,c\n", "utf-8")
    connected(mode).rpush(f"{prefix}:2", "a list")
    url = f"{redis_url(mode, prefix)}&key=id"
    counts = ran((tmp_path / "in.csv").as_uri(), url, tmp_path, most_dirty=1)
    assert (counts.rows_written, counts.rows_skipped) == (2, 1)
    with pytest.raises(TooManyDirtyRows):
        ran((tmp_path / "in.csv").as_uri(), url, tmp_path)


def redis_url(mode: str, prefix: str) -> str:

    word = f":{PASSWORD}@" if mode == "Single" else ""
    cluster = "&cluster=true" if mode == "Cluster" else ""
    return f"redis://{word}127.0.0.1:{PORTS[mode]}/0/{quote(prefix, safe='')}?store=HASH{cluster}"


def ran(source: str, target: str, folder: Path, **wishes: Any) -> Counts:
    place = surroundings(folder)
    run_job(copy_job(source, target, Wishes(**wishes)), place, "r1")
    return place.counters.now()


def test_read__stops_when_the_run_is_cancelled(mode: str, prefix: str, tmp_path: Path) -> None:
    place = surroundings(tmp_path)
    ids = [str(number) for number in range(3_000)]
    written(mode, place, table(id=ids), options("toJobConfig", prefix, "HASH"))
    cancellation = Cancellation()
    stopped = surroundings(tmp_path, cancellation)
    source = open_connector(link(mode), stopped).source(options("fromJobConfig", prefix, "HASH", columnList="id"))
    batches = source.read({}, lambda row, reason: None)
    next(iter(batches))
    cancellation.cancel()
    with pytest.raises(RunStopped):
        list(batches)
    source.close()


def test_read__a_command_that_waits_ends_when_the_run_is_cancelled(tmp_path: Path) -> None:
    cancellation = Cancellation()
    raised: list[Exception] = []

    def run() -> None:
        try:
            list(source.read({}, lambda row, reason: None))
        except CdmError as error:
            raised.append(error)

    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = link("Single", serverlist=f"127.0.0.1:{mute.getsockname()[1]}")
        connector = open_connector(silent, surroundings(tmp_path, cancellation))
        source = connector.source(options("fromJobConfig", "none", "HASH", columnList="id"))
        reader = threading.Thread(target=run)
        reader.start()
        with mute.accept()[0] as connection:
            assert connection.recv(1)  # it asks, and waits
            cancellation.cancel()
            reader.join(30)
    assert [type(one) for one in raised] == [RunStopped]
    source.close()


def test_link__tells_what_is_wrong_without_the_password(tmp_path: Path) -> None:
    connected("Single").close()
    place = surroundings(tmp_path)
    assert open_connector(link("Single"), place).test().startswith("Redis ")
    with pytest.raises(RedisUnreachable) as raised:
        open_connector(link("Single", password="s3cr3t-wrong"), place).test()
    assert "s3cr3t" not in str(raised.value)
    with pytest.raises(RedisUnreachable):
        open_connector(link("Single", serverlist="127.0.0.1:1"), place).test()
    with pytest.raises(CdmError, match="serverlist"):
        open_connector(link("Single", serverlist=""), place).test()


def test_url__of_a_prefix() -> None:
    job = by_url("redis://me:p%40w@h:7000/2/a%3Ab?separator=.&key=id,kind&store=STRING")
    assert dict(job.link.values) == {
        "deploymentMode": "Single",
        "serverlist": "h:7000",
        "userName": "me",
        "password": "p@w",
        "dbIndex": "2",
    }
    assert job.source == {"keyPrefix": "a:b", "keySeparator": ".", "valueStoreType": "STRING"}
    assert job.target["primaryKeyList"] == "id&kind"
