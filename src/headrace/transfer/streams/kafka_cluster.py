"""A Kafka cluster as a link describes it: its client, partitions, ends and the positions of groups."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from headrace.errors_cdm import CdmError, KafkaUnreachable
from headrace.transfer.drivers import driver
from headrace.transfer.options import Link

ANSWER_SECONDS = 15.0  # for one question to the cluster
NO_GROUP = "headrace"  # named to the client, which wants one; nothing is committed for it
_PORT = "9092"
_SILENT = logging.Logger("kafka", logging.CRITICAL)  # what the client has to say comes as errors
_BUFFER_KILOBYTES = 16_384  # of messages that were fetched ahead
_CAN_BE_SET = frozenset(  # librdkafka has others that load libraries or read files
    {
        "client.id",
        "enable.ssl.certificate.verification",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.wait.max.ms",
        "isolation.level",
        "max.partition.fetch.bytes",
        "sasl.mechanism",
        "sasl.mechanisms",
        "security.protocol",
        "session.timeout.ms",
        "ssl.ca.pem",
        "ssl.endpoint.identification.algorithm",
    }
)


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Ends(NamedTuple):
    """The first offset that a partition still has, and the one that its next message gets."""

    first: int
    next: int


class KafkaCluster:
    """The cluster of a link. Raises CdmError for a link that does not say how to reach one."""

    def __init__(self, link: Link) -> None:
        self._settings = client_settings(link)
        self._secret = link.text("password")
        self._library = driver("confluent_kafka", "kafka")

    @property
    def end_of_partition(self) -> int:
        """The code of the event that says that there is nothing more for now."""
        return int(self._library.KafkaError._PARTITION_EOF)

    @contextmanager
    def consumer(self, group: str = "", **settings: Any) -> Iterator[Any]:
        """A consumer that reads what it is assigned, joins no group and commits nothing by itself.

        What the client raises inside is told as CdmError.
        """
        every = {
            **self._settings,
            "group.id": group or NO_GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": _BUFFER_KILOBYTES,
            **settings,
        }
        with self.told():
            opened = self._library.Consumer(every, logger=_SILENT)
            try:
                yield opened
            finally:
                opened.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """What the client raises, without the password."""
        try:
            yield
        except self._library.KafkaException as error:
            raise KafkaUnreachable(self.plain(error.args[0])) from None

    def plain(self, error: Any) -> str:
        """An error of the client as a sentence."""
        text = str(error.str() if hasattr(error, "str") else error)
        return text.replace(self._secret, "***") if self._secret else text

    def partitions(self, consumer: Any, topic: str) -> Sequence[Place]:
        """The partitions of a topic. Raises CdmError where there is none."""
        found = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        if found.error is not None or not found.partitions:
            raise CdmError(f"There is no topic {topic!r} in the cluster.")
        return [Place(topic, number) for number in sorted(found.partitions)]

    def ends(self, consumer: Any, place: Place) -> Ends:
        """What a partition has now."""
        first, end = consumer.get_watermark_offsets(self.at(place), timeout=ANSWER_SECONDS)
        return Ends(int(first), int(end))

    def committed(self, consumer: Any, places: Iterable[Place]) -> Mapping[Place, int]:
        """Where the group of a consumer goes on; partitions for which it has committed nothing are left out."""
        found = consumer.committed([self.at(place) for place in places], timeout=ANSWER_SECONDS)
        return {Place(one.topic, one.partition): int(one.offset) for one in found if one.offset >= 0}

    def commit(self, consumer: Any, positions: Mapping[Place, int]) -> None:
        """Let the group of a consumer go on from there."""
        if positions:
            done = consumer.commit(offsets=[self.at(place, at) for place, at in positions.items()], asynchronous=False)
            wrong = [one.error for one in done or () if one.error is not None]
            if wrong:
                raise KafkaUnreachable(self.plain(wrong[0]))

    def at(self, place: Place, *offset: int) -> Any:
        """A partition, and an offset in it, as the client has them."""
        return self._library.TopicPartition(place.topic, place.partition, *offset)

    def describe(self) -> str:
        """Ask who is there. Raises KafkaUnreachable."""
        with self.consumer() as consumer:
            found = consumer.list_topics(timeout=ANSWER_SECONDS)
        return f"{len(found.brokers)} brokers, {len(found.topics)} topics."


def client_settings(link: Link) -> dict[str, Any]:
    """What librdkafka is told of the cluster of a link. Raises CdmError.

    A user with a password goes over SASL (PLAIN) and TLS unless the link's properties say otherwise.
    Source: CDM API reference, "Kafka link", "DMS Kafka link".
    """
    settings: dict[str, Any] = {"bootstrap.servers": _brokers(link), "log_level": 0, "socket.timeout.ms": 10_000}
    if link.text("authType").upper() == "KERBEROS":
        raise CdmError("linkConfig.authType: KERBEROS is not spoken; let the brokers take a user and a password.")
    if link.text("password") and link.flag("isPlatinumInstance", default=True):
        settings |= {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": link.text("user"),
            "sasl.password": link.text("password"),
        }
    return settings | _properties(link.text("properties"))


def _brokers(link: Link) -> str:
    text = link.text("brokerList") or link.text("host")
    hosts = [host.strip() for host in text.replace(";", ",").split(",") if host.strip()]
    if not hosts:
        raise CdmError("linkConfig.brokerList: missing; it names the brokers, host:port,host:port.")
    port = link.text("port", _PORT)
    return ",".join(host if ":" in host else f"{host}:{port}" for host in hosts)


def _properties(text: str) -> dict[str, Any]:
    """Settings of the client in a link, by the names of librdkafka. Raises CdmError."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CdmError(f"linkConfig.properties: is no JSON object: {error}.") from error
    if not isinstance(found, dict):
        raise CdmError("linkConfig.properties: is no JSON object.")
    unknown = sorted(set(found) - _CAN_BE_SET)
    if unknown:
        raise CdmError(f"linkConfig.properties: {unknown[0]!r} cannot be set; {', '.join(sorted(_CAN_BE_SET))} can.")
    return {name: value if isinstance(value, bool | int) else str(value) for name, value in found.items()}
