"""The Kafka and DIS nodes: send a text, count what is not consumed, look whether a stream is well (extra ``kafka``)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from headrace.nodes.base import BoundConnection, Node, NodeContext, NodeFailed, NodeResult, node_type

ANSWER_SECONDS = 15.0  # for one question to the cluster
SEND_SECONDS = 60.0
_NEEDS = "`headrace[kafka]` and a connection with the brokers"
_CONNECTION = {"names": ("connectionName", "connection")}
_TOPIC = {"names": ("topic", "topicName")}


@node_type("KafkaClient")
@dataclass(frozen=True, kw_only=True)
class KafkaClient(Node):
    """Sends ``text`` to partition 0 of ``topic``; success when the cluster has it. Source: user guide, "Kafka Client".

    The wire names of the properties are not published (inferred), as in all nodes of this module but DISStream.
    """

    needs: ClassVar[str] = _NEEDS

    connection_name: str = field(default="", metadata=_CONNECTION)
    topic: str = field(default="", metadata=_TOPIC)
    text: str = field(default="", metadata={"names": ("text", "data", "message", "content")})

    def run(self, ctx: NodeContext) -> NodeResult:
        return _produce(ctx, self.connection_name, _named("topic", self.topic), self.text)


@node_type("DISClient")
@dataclass(frozen=True, kw_only=True)
class DisClient(Node):
    """Sends ``data`` to a stream, which is a topic of Kafka here. Source: user guide, "DIS Client"."""

    needs: ClassVar[str] = f"{_NEEDS}, or the setting `dis_connection`"

    connection_name: str = field(default="", metadata=_CONNECTION)
    stream_name: str = field(default="", metadata={"names": ("streamName", "stream")})
    data: str = field(default="", metadata={"names": ("data", "text", "message")})

    def run(self, ctx: NodeContext) -> NodeResult:
        return _produce(
            ctx, _dis_connection(ctx, self.connection_name), _named("streamName", self.stream_name), self.data
        )


@node_type("DISStream")
@dataclass(frozen=True, kw_only=True)
class DisStream(Node):
    """Success if the stream, a topic of Kafka here, is there and every partition of it has a leader.

    Source: user guide, "DIS Stream"; exported jobs.
    """

    needs: ClassVar[str] = "`headrace[kafka]` and the setting `dis_connection`"

    connection_name: str = field(default="", metadata=_CONNECTION)
    stream_name: str = ""

    def run(self, ctx: NodeContext) -> NodeResult:
        name = _named("streamName", self.stream_name)
        with _consumer(ctx, _dis_connection(ctx, self.connection_name), "headrace") as consumer:
            partitions = _partitions(consumer, "streamName", name)
        lost = [str(number) for number, item in partitions.items() if item.leader < 0]
        if lost:
            return NodeResult(success=False, message=f"Stream {name!r}: no leader for partition {', '.join(lost)}.")
        ctx.log.line(f"Stream {name!r} is well; {len(partitions)} partitions.")
        return NodeResult(success=True)


@node_type("MRSKafka")
@dataclass(frozen=True, kw_only=True)
class MrsKafka(Node):
    """The output is the number of messages of ``topic`` that ``group`` has not consumed; of all kept, without a group.

    Source: user guide, "MRS Kafka"; that a group may be named is ours.
    """

    needs: ClassVar[str] = _NEEDS

    connection_name: str = field(default="", metadata=_CONNECTION)
    topic: str = field(default="", metadata=_TOPIC)
    group: str = field(default="", metadata={"names": ("group", "groupId", "consumerGroup")})

    def run(self, ctx: NodeContext) -> NodeResult:
        topic = _named("topic", self.topic)
        with _consumer(ctx, self.connection_name, self.group or "headrace") as consumer:
            count = 0
            for number in _partitions(consumer, "topic", topic):
                if ctx.cancellation.cancelled:
                    raise NodeFailed("Stopped.")
                count += self._waiting(consumer, topic, number)
        ctx.log.line(f"Topic {topic!r}: {count} messages are not consumed.")
        return NodeResult(success=True, output=str(count))

    def _waiting(self, consumer: Any, topic: str, number: int) -> int:
        place = library().TopicPartition(topic, number)
        first, end = consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
        if not self.group:
            return int(end - first)
        (committed,) = consumer.committed([place], timeout=ANSWER_SECONDS)
        return int(end - max(first, committed.offset))


def _named(member: str, value: str) -> str:
    if not value:
        raise NodeFailed(f"{member}: the node names none.")
    return value


def _dis_connection(ctx: NodeContext, named: str) -> str:
    if named or ctx.settings.dis_connection:
        return named or ctx.settings.dis_connection or ""
    raise NodeFailed(
        "Streams are topics of Kafka here: set dis_connection in headrace.toml (HEADRACE_DIS_CONNECTION) to the "
        "name of the connection that has the brokers."
    )


def _produce(ctx: NodeContext, connection: str, topic: str, text: str) -> NodeResult:
    """Send one message and wait until the cluster has it."""
    outcome: list[tuple[Any, Any]] = []
    with _told(connection):
        settings = {**client_settings(_bound(ctx, connection)), "message.timeout.ms": int(SEND_SECONDS * 1000)}
        producer = library().Producer(settings)
        producer.produce(topic, text.encode(), partition=0, on_delivery=lambda *result: outcome.append(result))
        while not outcome:
            if ctx.cancellation.cancelled:
                producer.purge()
                raise NodeFailed("Stopped before the cluster had the message.")
            producer.poll(0.1)
    error, message = outcome[0]
    if error is not None:
        raise NodeFailed(f"Topic {topic!r}: the message was not taken: {error.str()}.")
    ctx.log.line(f"Sent {len(text.encode())} bytes to {topic!r}, partition 0, offset {message.offset()}.")
    return NodeResult(success=True)


@contextmanager
def _consumer(ctx: NodeContext, connection: str, group: str) -> Iterator[Any]:
    """Something that can ask about topics and groups; it joins no group."""
    with _told(connection):
        settings = {**client_settings(_bound(ctx, connection)), "group.id": group, "enable.auto.commit": False}
        consumer = library().Consumer(settings)
        try:
            yield consumer
        finally:
            consumer.close()


def _partitions(consumer: Any, member: str, topic: str) -> Mapping[int, Any]:
    found = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    if found.error is not None or not found.partitions:
        raise NodeFailed(f"{member}: there is no topic {topic!r} in the cluster.")
    partitions: Mapping[int, Any] = found.partitions
    return partitions


@contextmanager
def _told(connection: str) -> Iterator[None]:
    try:
        yield
    except library().KafkaException as error:
        raise NodeFailed(f"Connection {connection!r}: {error.args[0].str()}.") from error


def _bound(ctx: NodeContext, name: str) -> BoundConnection:
    found = ctx.find_connection(name) if name else None
    if found is None:
        raise NodeFailed(
            f"connectionName: {name!r} is no connection with brokers (config.ip) and a password; for brokers that ask "
            'for none, set its config.authentication to "NONE".'
        )
    return found


def client_settings(connection: BoundConnection) -> dict[str, Any]:
    """What librdkafka is told of a cluster. ``ip``: a host, or hosts with ports between commas."""
    config = connection.config
    port = config.get("port") or 9092
    hosts = [host.strip() for host in str(config["ip"]).split(",") if host.strip()]
    brokers = ",".join(host if ":" in host else f"{host}:{port}" for host in hosts)
    settings: dict[str, Any] = {"bootstrap.servers": brokers, "log_level": 0, "socket.timeout.ms": 10_000}
    if config.get("password"):
        settings |= {
            "security.protocol": str(config.get("securityProtocol") or "SASL_SSL"),
            "sasl.mechanism": str(config.get("saslMechanism") or "PLAIN"),
            "sasl.username": str(config.get("userName") or ""),
            "sasl.password": str(config["password"]),
        }
    elif config.get("securityProtocol"):
        settings["security.protocol"] = str(config["securityProtocol"])
    return settings


def library() -> Any:
    """The client library. Raises NodeFailed where it is not installed."""
    try:
        return importlib.import_module("confluent_kafka")
    except ModuleNotFoundError as error:
        raise NodeFailed("Kafka and DIS need the extra: pip install 'headrace[kafka]'.") from error
