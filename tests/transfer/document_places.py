"""Places with keys, documents and messages: a real Redis, doubles of the other servers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from elastic_double import running as running_elastic
from places import NOWHERE, SECRET, Opener, Place, closed_port, listed, url_link

from headrace.errors_cdm import (
    CdmError,
    ElasticsearchReadFailed,
    ElasticsearchUnreachable,
    HBaseTableMissing,
    HBaseUnreachable,
    KafkaUnreachable,
    MongoUnreachable,
    RedisColumnsMissing,
    RedisUnreachable,
)
from headrace.transfer.formats.json_format import JsonWriter
from headrace.transfer.options import Link


@contextmanager
def redis(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    library = pytest.importorskip("redis")
    port = int(os.environ.get("HEADRACE_TEST_REDIS_PORT", "55379"))
    client = library.Redis(host="127.0.0.1", port=port, password="headrace-test", socket_timeout=30)
    try:
        client.ping()
    except library.ConnectionError as error:
        pytest.skip(f"no Redis on 127.0.0.1:{port} (make services starts one): {error}")
    start = f"suite{uuid.uuid4().hex[:12]}"
    link = url_link(f"redis://:headrace-test@127.0.0.1:{port}/0/t")
    down = f"redis://:{SECRET}@127.0.0.1:{closed_port()}/0/t"

    def inputs(name: str) -> dict[str, str]:
        return {"keyPrefix": f"{start}{name}", "keySeparator": ":", "valueStoreType": "HASH"}

    try:
        yield Place(
            link=link,
            source=lambda name, schema: inputs(name) | ({} if name == NOWHERE else listed(schema.names)),
            target=lambda name: {**inputs(name), "primaryKeyList": "n"},
            urls=[down],
            down=(url_link(down), RedisUnreachable),
            missing=RedisColumnsMissing,
            keeps_nothing=True,
        )
    finally:
        for key in client.scan_iter(match=f"{start}*", count=5000):
            client.delete(key)
        client.close()


@contextmanager
def mongodb(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("bson", reason="the extra headrace[mongodb] is not installed")
    from mongo_double import running

    with running() as server:
        down = f"mongodb://me:{SECRET}@127.0.0.1:{closed_port()}/shop/t"
        yield Place(
            link=url_link(f"mongodb://{server.address}/shop/t"),
            source=lambda name, schema: {"collectionName": name} | ({} if name == NOWHERE else listed(schema.names)),
            target=lambda name: {"collectionName": name},
            urls=[down],
            down=(url_link(down), MongoUnreachable),
            missing=CdmError,
            keeps_nothing=True,
        )


@contextmanager
def elasticsearch(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with running_elastic() as server:
        down = f"elasticsearch+http://me:{SECRET}@127.0.0.1:{closed_port()}/t"
        yield Place(
            link=Link(name="", connector="elasticsearch-connector", values={"host": server.address}),
            source=lambda name, schema: {"index": name, **listed(schema.names)},
            target=lambda name: {"index": name, "primaryKey": "n"},
            urls=[down, down.replace("+http:", "+https:")],
            down=(url_link(down), ElasticsearchUnreachable),
            missing=ElasticsearchReadFailed,
        )


@contextmanager
def hbase(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("happybase", reason="the extra headrace[hbase] is not installed")
    from hbase_double import running

    with running() as server:
        down = f"hbase://127.0.0.1:{closed_port()}/t"
        lost = url_link(down)
        yield Place(
            link=url_link(f"hbase://{server.address}/t"),
            source=lambda name, schema: {"table": name, "columnFamilies": "cf", "columns": "&".join(schema.names)},
            target=lambda name: {
                "table": name,
                "columnFamily": "cf",
                "rowKeyColumn": "n",
                "isRowkeyRedundancy": "true",
            },
            urls=[down],
            down=(
                Link(name="", connector=lost.connector, values={**lost.values, "password": SECRET}),
                HBaseUnreachable,
            ),
            missing=HBaseTableMissing,
        )


@contextmanager
def brokers() -> Iterator[tuple[str, Callable[[str, pa.Table], None]]]:
    """The mock cluster of the client, and what sends rows to it, each an object of JSON."""
    library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")
    owner = library.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    address = ",".join(f"{broker.host}:{broker.port}" for broker in owner.list_topics(timeout=10).brokers.values())

    def fill(name: str, table: pa.Table) -> None:
        lines: list[bytes] = []
        writer = JsonWriter(lines.append, table.schema)
        for batch in table.to_batches():
            writer.write(batch)
        producer = library.Producer({"bootstrap.servers": address, "log_level": 0, "message.max.bytes": 10_000_000})
        producer.list_topics(name, timeout=10)
        for line in b"".join(lines).split(b"\n")[:-1]:
            producer.produce(name, line, partition=0)
        assert producer.flush(30) == 0

    yield address, fill
    del owner


def messages(connector: str, stream: str, strategy: str) -> Opener:
    @contextmanager
    def opened(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
        with brokers() as (address, fill):
            lost = {"brokerList": f"127.0.0.1:{closed_port()}", "user": "me"}
            down = Link(name="", connector=connector, values={**lost, "password": SECRET})
            yield Place(
                link=Link(name="", connector=connector, values={"brokerList": address}),
                source=lambda name, schema: {
                    stream: name,
                    strategy: "EARLIEST",
                    "dataFormat": "JSON",
                    **listed(schema.names),
                },
                fill=fill,
                down=(down, KafkaUnreachable),
                missing=CdmError,
            )

    return opened
