"""The Kafka and DIS nodes against librdkafka's mock cluster: it speaks the protocol on loopback, no real broker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.nodes import kafka
from headrace.nodes.base import BoundConnection, NodeContext, NodeFailed
from headrace.settings import Settings
from headrace.sql.engine import Cancellation
from node_surroundings import KeptLog, context, run_node

library = pytest.importorskip("confluent_kafka", reason="the extra headrace[kafka] is not installed")


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    owner = library.Producer({"test.mock.num.brokers": 2, "bootstrap.servers": "mock", "log_level": 0})
    found = owner.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    del owner


def surroundings(brokers: str, **members: Any) -> NodeContext:
    connection = BoundConnection(name="k", type="KAFKA", config={"ip": brokers, "authentication": "NONE"})
    return context(connections={"k": connection}, settings=Settings(dis_connection="k"), **members)


def received(brokers: str, topic: str) -> list[bytes]:
    consumer = library.Consumer(
        {"bootstrap.servers": brokers, "group.id": "reader", "auto.offset.reset": "earliest", "log_level": 0}
    )
    consumer.assign([library.TopicPartition(topic, 0, 0)])
    _, end = consumer.get_watermark_offsets(library.TopicPartition(topic, 0), timeout=10)
    messages = consumer.consume(end, timeout=10)
    consumer.close()
    return [message.value() for message in messages]


def test_kafka_client__the_text_arrives_in_partition_0(brokers: str) -> None:
    log = KeptLog()
    ctx = surroundings(brokers, log=log)
    assert run_node("Kafka Client", ctx, connectionName="k", topic="texts", text="磁盘 1").success
    assert run_node("DISClient", ctx, streamName="texts", data="2").success
    assert received(brokers, "texts") == ["磁盘 1".encode(), b"2"]
    assert "to 'texts', partition 0, offset 1." in log.text


def test_mrs_kafka__the_output_counts_what_is_not_consumed(brokers: str) -> None:
    ctx = surroundings(brokers)
    for number in range(3):
        run_node("KafkaClient", ctx, connectionName="k", topic="counted", text=str(number))
    consumer = library.Consumer({"bootstrap.servers": brokers, "group.id": "g", "log_level": 0})
    consumer.commit(offsets=[library.TopicPartition("counted", 0, 2)], asynchronous=False)
    consumer.close()

    outputs = [
        run_node("MRSKafka", ctx, connectionName="k", topic="counted", group=group).output for group in ("", "g", "new")
    ]
    assert outputs == ["3", "1", "3"]


def test_dis_stream__is_well_when_the_topic_is_there(brokers: str) -> None:
    ctx = surroundings(brokers)
    run_node("DISClient", ctx, streamName="dis-event", data="x")
    assert run_node("DISStream", ctx, streamName="dis-event").success
    with pytest.raises(NodeFailed, match="streamName: there is no topic 'nothing'"):
        run_node("DISStream", ctx, streamName="nothing")


def test_kafka_client__a_stop_ends_the_wait_for_a_cluster_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stop = Cancellation()
    threading.Timer(0.2, stop.cancel).start()
    with pytest.raises(NodeFailed, match="Stopped before"):
        run_node(
            "KafkaClient", surroundings(f"127.0.0.1:{port}", cancellation=stop), connectionName="k", topic="t", text="x"
        )


def test_kafka__a_cluster_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NodeFailed, match=r"Connection 'k': .*(transport|timed out)"):
        run_node("MRSKafka", surroundings(f"127.0.0.1:{port}"), connectionName="k", topic="t")


@pytest.mark.parametrize(
    ("kind", "properties", "named"),
    [
        ("KafkaClient", {"connectionName": "other", "topic": "t"}, "connectionName: 'other'"),
        ("KafkaClient", {"connectionName": "k"}, "topic: the node names none"),
        ("DISStream", {"streamName": "s"}, "set dis_connection in headrace.toml"),
        ("MRSKafka", {"topic": "t"}, "connectionName: ''"),
    ],
)
def test_kafka__what_is_missing_is_named(kind: str, properties: dict[str, str], named: str) -> None:
    with pytest.raises(NodeFailed) as failure:
        run_node(kind, context(), **properties)
    assert named in str(failure.value)


def test_kafka__a_password_goes_over_sasl_and_tls_unless_said_otherwise() -> None:
    config = {"ip": "k1, k2:9095", "port": "9093", "userName": "u", "password": "p"}
    settings = kafka.client_settings(BoundConnection(name="k", type="KAFKA", config=config))
    assert settings["bootstrap.servers"] == "k1:9093,k2:9095"
    assert (settings["security.protocol"], settings["sasl.mechanism"]) == ("SASL_SSL", "PLAIN")
    other = {**config, "securityProtocol": "SASL_PLAINTEXT", "saslMechanism": "SCRAM-SHA-512"}
    assert kafka.client_settings(BoundConnection(name="k", type="K", config=other))["sasl.mechanism"] == "SCRAM-SHA-512"
