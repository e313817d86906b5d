"""Kafka and DIS as sources, against librdkafka's mock cluster: it speaks the protocol on loopback, no real broker."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from headrace.errors_cdm import (
    CdmError,
    KafkaUnreachable,
    RunStopped,
    TooManyDirtyRows,
)
from headrace.objectstore.files import FileStore
from headrace.sql.dialects import HIVE
from headrace.sql.embedded import EmbeddedEngine
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Surroundings, open_connector
from headrace.transfer.counters import Counters
from headrace.transfer.definition import Job
from headrace.transfer.job import is_restartable, run_job
from headrace.transfer.options import Link, Options
from headrace.transfer.streams import kafka_cluster

library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")

_NUMBERS = count(1)
HIVE_LINK = Link(name="hive", connector="hive-connector", values={})


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    owner = library.Producer({"test.mock.num.brokers": 2, "bootstrap.servers": "mock", "log_level": 0})
    found = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    del owner


@pytest.fixture
def topic() -> str:
    return f"topic{next(_NUMBERS)}"


class Warehouse:
    """A table in the embedded engine, and jobs that fill it from Kafka."""

    def __init__(self, brokers: str, folder: Path) -> None:
        self.brokers = brokers
        self.engine = EmbeddedEngine(folder / "w.duckdb", folder / "obs")
        self.cancellation = Cancellation()
        self.lines: list[str] = []
        self.counters = Counters()
        self.surroundings = Surroundings(
            store=FileStore(folder / "obs"),
            files=folder,
            open_sql=lambda: self.engine,
            zone=UTC,
            now=lambda: 0,
            cancellation=self.cancellation,
            counters=self.counters,
            say=self.lines.append,
        )

    def create(self, columns: str) -> None:
        self.engine.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t ({columns})", HIVE, None)

    def job(self, link: Link | None = None, settings: Mapping[str, str] | None = None, **inputs: str) -> Job:
        link = link or Link(name="k", connector="kafka-connector", values={"brokerList": self.brokers})
        return Job(
            name="j",
            from_link=link,
            to_link=HIVE_LINK,
            source=Options(section="fromJobConfig", values={"kafkaConsumerStrategy": "EARLIEST", **inputs}),
            target=Options(section="toJobConfig", values={"table": "t"}),
            driver=settings or {},
        )

    def run(self, link: Link | None = None, settings: Mapping[str, str] | None = None, **inputs: str) -> None:
        run_job(self.job(link, settings, **inputs), self.surroundings, f"run{next(_NUMBERS)}")

    def rows(self) -> list[tuple[Any, ...]]:
        found = self.engine.execute("SELECT * FROM t", HIVE, None)
        return sorted(found[-1].rows, key=str)


@pytest.fixture
def warehouse(brokers: str, tmp_path: Path) -> Iterator[Warehouse]:
    made = Warehouse(brokers, tmp_path)
    yield made
    made.engine.close()


def send(brokers: str, topic: str, *values: str | bytes | None, partition: int = 0, key: bytes | None = None) -> None:
    producer = library.Producer({"bootstrap.servers": brokers, "log_level": 0})
    for value in values:
        producer.produce(topic, value, key, partition)
    assert producer.flush(30) == 0


def committed(brokers: str, group: str, topic: str, partition: int = 0) -> int:
    consumer = library.Consumer({"bootstrap.servers": brokers, "group.id": group, "log_level": 0})
    (found,) = consumer.committed([library.TopicPartition(topic, partition)], timeout=30)
    consumer.close()
    return int(found.offset)


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_csv__rows_of_all_partitions_arrive_in_typed_columns(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, "1,水,1.50", "2,,", "3,c,-7.00\n4,d,0")
    send(warehouse.brokers, topic, "5,e,5", partition=1)
    warehouse.create("id BIGINT, name STRING, price DECIMAL(12,2)")
    warehouse.run(topicsList=topic, dataFormat="CSV")
    assert warehouse.rows() == [
        (1, "水", "1.50"),
        (2, None, None),
        (3, "c", "-7.00"),
        (4, "d", "0.00"),
        (5, "e", "5.00"),
    ]
    assert warehouse.counters.now().rows_written == 5


def test_csv__the_separator_and_the_columns_of_the_job(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, "1 2 3", "4 5 6")
    warehouse.create("a INT, c INT")
    warehouse.run(topicsList=topic, dataFormat="CSV", separator="%20", columnList="1&3")
    assert warehouse.rows() == [(1, 3), (4, 6)]


def test_csv__a_row_of_another_width_is_a_dirty_one(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, "1,a", "2", None, "3,c")
    warehouse.create("id INT, name STRING")
    with pytest.raises(TooManyDirtyRows, match="Dirty data is not to be recorded"):
        warehouse.run(topicsList=topic, dataFormat="CSV")
    assert warehouse.rows() == []
    kept = {"throttlingConfig.recordDirtyData": "true"}
    warehouse.run(topicsList=topic, dataFormat="CSV", settings=kept)
    assert warehouse.rows() == [(1, "a"), (3, "c")]
    assert warehouse.counters.now().rows_skipped == 2


def test_json__objects_are_columns_by_their_names(warehouse: Warehouse, topic: str) -> None:
    first = json.dumps({"id": 12345678901234567890, "who": {"name": "a\nb"}, "tags": [1, 2]}, indent=1)
    send(warehouse.brokers, topic, first, '{"id": 2, "more": 1}')
    warehouse.create("id DECIMAL(20,0), name STRING, tags STRING")
    warehouse.run(topicsList=topic, dataFormat="JSON", columnList="id&who.name&tags")
    assert warehouse.rows() == [("12345678901234567890", "a\nb", "[\n  1,\n  2\n ]"), ("2", None, None)]


def test_binary__keys_and_values_as_they_are(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, b"\x00\xff", key=b"k")
    send(warehouse.brokers, topic, None, b"")
    warehouse.create("k BINARY, v BINARY")
    warehouse.run(topicsList=topic, encodeType="BINARY")
    assert warehouse.rows() == [("6b", "00ff"), (None, ""), (None, None)]


def test_binary__the_column_list_names_other_facts(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, "text")
    send(warehouse.brokers, topic, "文", partition=2)
    warehouse.create("v STRING, topic STRING, partition_of INT, at BIGINT")
    warehouse.run(topicsList=topic, columnList="value&topic&partition&offset")
    assert warehouse.rows() == [("text", topic, 0, 0), ("文", topic, 2, 0)]


def test_binary__text_in_another_character_set_and_bytes_that_are_no_text(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, "数".encode("gbk"))
    warehouse.create("k STRING, v STRING")
    warehouse.run(topicsList=topic, encodeType="GBK")
    assert warehouse.rows() == [(None, "数")]
    with pytest.raises(TooManyDirtyRows, match="The value is not utf-8"):
        warehouse.run(topicsList=topic)


def test_topics__are_parts_of_their_own(warehouse: Warehouse, topic: str) -> None:
    names = [f"{topic}-{letter}" for letter in "abc"]
    for name in names:
        send(warehouse.brokers, name, f"{name},1")
    warehouse.create("name STRING, n INT")
    warehouse.run(topicsList=",".join(names), dataFormat="CSV", settings={"throttlingConfig.numExtractors": "2"})
    assert warehouse.rows() == [(name, 1) for name in names]
    assert warehouse.counters.now().parts == 2


def test_group__goes_on_where_the_last_run_ended(warehouse: Warehouse, topic: str) -> None:
    group = f"g-{topic}"
    send(warehouse.brokers, topic, "1", "2")
    warehouse.create("n INT")
    for expected in ([(1,), (2,)], [(1,), (2,), (3,)]):
        warehouse.run(topicsList=topic, dataFormat="CSV", groupId=group, columnList="n")
        assert warehouse.rows() == expected
        send(warehouse.brokers, topic, "3")
    assert committed(warehouse.brokers, group, topic) == 3


def test_group__nothing_is_committed_when_the_job_fails(warehouse: Warehouse, topic: str) -> None:
    group = f"g-{topic}"
    send(warehouse.brokers, topic, "1", "no number")
    warehouse.create("n INT")
    with pytest.raises(TooManyDirtyRows):
        warehouse.run(topicsList=topic, dataFormat="CSV", groupId=group)
    assert committed(warehouse.brokers, group, topic) < 0
    assert warehouse.rows() == []


def test_latest__begins_at_the_end_and_lets_the_next_run_go_on_there(warehouse: Warehouse, topic: str) -> None:
    inputs = {"topicsList": topic, "dataFormat": "CSV", "groupId": f"g-{topic}", "kafkaConsumerStrategy": "LATEST"}
    send(warehouse.brokers, topic, "1")
    warehouse.create("n INT")
    warehouse.run(**inputs)
    send(warehouse.brokers, topic, "2")
    warehouse.run(**inputs)
    assert warehouse.rows() == [(2,)]


def test_permanency__runs_until_it_is_stopped_and_keeps_what_came(warehouse: Warehouse, topic: str) -> None:
    group = f"g-{topic}"
    send(warehouse.brokers, topic, "1")
    warehouse.create("n INT")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            warehouse.run(topicsList=topic, dataFormat="CSV", groupId=group, isPermanency="true", columnList="n")
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: warehouse.counters.now().rows_written == 1)
    send(warehouse.brokers, topic, "2")
    until(lambda: warehouse.counters.now().rows_written == 2)
    until(lambda: committed(warehouse.brokers, group, topic) == 2)
    send(warehouse.brokers, topic, "3")
    until(lambda: warehouse.counters.now().rows_written == 3)
    warehouse.cancellation.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert [type(one) for one in failures] == [RunStopped]
    assert warehouse.rows() == [(1,), (2,), (3,)]
    assert committed(warehouse.brokers, group, topic) == 3


def test_permanency__needs_a_destination_that_keeps_each_batch(warehouse: Warehouse, topic: str) -> None:
    send(warehouse.brokers, topic, "1")
    warehouse.create("n INT")
    job = warehouse.job(topicsList=topic, dataFormat="CSV", isPermanency="true")
    staged = Options(section="toJobConfig", values={"table": "t", "useStageTable": "true"})
    with pytest.raises(CdmError, match="keeps each batch"):
        run_job(Job(**{**vars(job), "target": staged}), warehouse.surroundings, "run")


def test_permanency__goes_on_after_a_crash_where_a_group_has_come_to(warehouse: Warehouse, topic: str) -> None:
    inputs = {"topicsList": topic, "dataFormat": "CSV", "isPermanency": "true"}
    assert is_restartable(warehouse.job(groupId="g", **inputs), warehouse.surroundings)
    assert not is_restartable(warehouse.job(**inputs), warehouse.surroundings)


def test_dis__a_stream_is_a_topic_and_a_shard_a_partition(warehouse: Warehouse, topic: str) -> None:
    link = Link(name="d", connector="dis-connector", values={"brokerList": warehouse.brokers, "ak": "a", "sk": "s"})
    send(warehouse.brokers, topic, "0")
    send(warehouse.brokers, topic, "1", partition=1)
    warehouse.create("n INT")
    inputs = {"streamName": topic, "disConsumerStrategy": "EARLIEST", "dataFormat": "CSV"}
    warehouse.run(link=link, shardId="shardId-0000000001", **inputs)
    assert warehouse.rows() == [(1,)]
    with pytest.raises(CdmError, match="no partition 99"):
        warehouse.run(link=link, shardId="1,99", **inputs)


def test_dis__goes_on_where_the_application_stopped(warehouse: Warehouse, topic: str) -> None:
    link = Link(name="d", connector="dis-connector", values={"brokerList": warehouse.brokers})
    send(warehouse.brokers, topic, "0")
    warehouse.create("n INT")
    inputs = {"streamName": topic, "disConsumerStrategy": "FROM_LAST_STOP", "dataFormat": "CSV", "appName": topic}
    warehouse.run(link=link, **inputs)
    send(warehouse.brokers, topic, "1")
    warehouse.run(link=link, **inputs)
    assert warehouse.rows() == [(0,), (1,)]


@pytest.mark.parametrize(
    ("connector", "values", "inputs", "named"),
    [
        ("kafka-connector", {}, {"topicsList": "t"}, "linkConfig.brokerList: missing"),
        ("kafka-connector", {"brokerList": "b"}, {}, "fromJobConfig.topicsList: missing"),
        ("kafka-connector", {"host": "b", "authType": "KERBEROS"}, {"topicsList": "t"}, "KERBEROS"),
        (
            "dms-kafka-connector",
            {"brokerList": "b", "properties": '{"ssl.engine.location": "/tmp/evil.so"}'},
            {"topicsList": "t"},
            "'ssl.engine.location' cannot be set",
        ),
        ("dis-connector", {"endpoint": "https://dis.example", "ak": "a"}, {"streamName": "s"}, "DIS are topics"),
        ("dis-connector", {"brokerList": "b"}, {"streamName": "s", "shardId": "x"}, "fromJobConfig.shardId: 'x'"),
        (
            "dis-connector",
            {"brokerList": "b"},
            {"streamName": "s", "disConsumerStrategy": "FROM_LAST_STOP"},
            "fromJobConfig.appName: missing",
        ),
    ],
)
def test_source__what_is_missing_is_named(
    warehouse: Warehouse, connector: str, values: dict[str, str], inputs: dict[str, str], named: str
) -> None:
    link = Link(name="k", connector=connector, values=values)
    with pytest.raises(CdmError) as failure:
        open_connector(link, warehouse.surroundings).source(Options(section="fromJobConfig", values=inputs))
    assert named in failure.value.message


def test_source__a_topic_without_messages_does_not_tell_its_columns(warehouse: Warehouse, topic: str) -> None:
    warehouse.create("n INT")
    with pytest.raises(CdmError, match="There is no topic"):
        warehouse.run(topicsList=topic, dataFormat="CSV", columnList="n")
    send(warehouse.brokers, topic, None)
    with pytest.raises(CdmError, match="no message yet that tells the columns"):
        warehouse.run(topicsList=topic, dataFormat="CSV")
    inputs = {"topicsList": topic, "dataFormat": "CSV", "columnList": "n", "kafkaConsumerStrategy": "LATEST"}
    warehouse.run(**inputs)
    assert (warehouse.rows(), warehouse.counters.now().parts) == ([], 0)


def test_source__a_cluster_that_is_down_is_told_without_the_password(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_cluster, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    values = {"brokerList": f"127.0.0.1:{port}", "user": "u", "password": "transport"}
    link = Link(name="k", connector="kafka-connector", values=values)
    with pytest.raises(KafkaUnreachable) as failure:
        open_connector(link, warehouse.surroundings).test()
    assert "transport" not in failure.value.message


def test_link__a_user_goes_over_sasl_and_tls_unless_said_otherwise() -> None:
    values = {"brokerList": "k1;k2:9095", "user": "u", "password": "p"}
    settings = kafka_cluster.client_settings(Link(name="k", connector="dms-kafka-connector", values=values))
    assert settings["bootstrap.servers"] == "k1:9092,k2:9095"
    assert (settings["security.protocol"], settings["sasl.mechanism"]) == ("SASL_SSL", "PLAIN")
    other = {**values, "properties": '{"sasl.mechanism": "SCRAM-SHA-512", "security.protocol": "SASL_PLAINTEXT"}'}
    settings = kafka_cluster.client_settings(Link(name="k", connector="dms-kafka-connector", values=other))
    assert (settings["security.protocol"], settings["sasl.mechanism"]) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")
    basic = {**values, "isPlatinumInstance": "false"}
    settings = kafka_cluster.client_settings(Link(name="k", connector="dms-kafka-connector", values=basic))
    assert "sasl.password" not in settings


def test_link__tells_who_answers(warehouse: Warehouse) -> None:
    link = Link(name="k", connector="kafka-connector", values={"brokerList": warehouse.brokers})
    assert open_connector(link, warehouse.surroundings).test().startswith("2 brokers, ")
