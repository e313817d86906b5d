"""Kafka, DMS for Kafka, and streams of DIS, which are topics of Kafka here. They are read, not written.

Source: CDM API reference, "From Kafka", "From DIS".
"""

from __future__ import annotations

import re

from headrace.errors_cdm import CdmError
from headrace.transfer.connector import Capability, Connector, Source, connector
from headrace.transfer.options import Link, Options
from headrace.transfer.streams.kafka_cluster import KafkaCluster
from headrace.transfer.streams.kafka_source import KafkaSource, Wanted
from headrace.transfer.streams.messages import message_format

EARLIEST, LATEST, LAST_STOP = "EARLIEST", "LATEST", "FROM_LAST_STOP"
MOST = 10_000  # rows of a batch where the job does not say
_MOST = 1_000_000
_SHARD = re.compile(r"(?:shardId-)?(\d{1,10})")
_MOCK = "librdkafka's mock cluster, no real broker"


@connector
class Kafka(Connector):
    """Topics of Kafka. A job of a consumer group goes on where the group has come to; the strategy is for the rest."""

    capability = Capability(
        title="Kafka, DMS for Kafka",
        connector_names=("kafka-connector", "dms-kafka-connector"),
        writes=False,
        extra="kafka",
        tested=_MOCK,
        limits="No Kerberos; the brokers are named in brokerList, also those of MRS. Messages may come again after a "
        "crash. A job that runs until it is stopped reads only partitions that were there when it began.",
    )

    @property
    def only_here(self) -> str:
        """The source keeps the positions."""
        return "the positions in topics are kept by it"

    def test(self) -> str:
        """Ask for the brokers."""
        return KafkaCluster(self.link).describe()

    def source(self, options: Options) -> Source:
        """Topics, by ``topicsList``."""
        topics = options.items("topicsList", ",")
        if not topics:
            raise CdmError(f"{options.section}.topicsList: missing.")
        wanted = Wanted(
            topics=tuple(dict.fromkeys(topics)),
            partitions=frozenset(),
            latest=options.choice("kafkaConsumerStrategy", (EARLIEST, LATEST), LATEST) == LATEST,
            group=options.text("groupId"),
            follows=True,
            endless=options.flag("isPermanency"),
            most=options.number("maxPollRecords", MOST, 1, _MOST),
        )
        return KafkaSource(KafkaCluster(self.link), wanted, message_format(options, ","), self.surroundings)


@connector
class Dis(Connector):
    """Streams of DIS as topics of Kafka; the link must name brokers, as there is no DIS here."""

    capability = Capability(
        title="DIS (topics of Kafka)",
        connector_names=("dis-connector",),
        writes=False,
        extra="kafka",
        tested=_MOCK,
        limits="DIS itself is not reached: a stream is the topic of its name in the Kafka of linkConfig.brokerList "
        "(ours), a shard a partition, appName the consumer group. As for Kafka otherwise.",
    )

    @property
    def only_here(self) -> str:
        """The source keeps the positions."""
        return "the positions in topics are kept by it"

    def test(self) -> str:
        """Ask for the brokers."""
        return _dis_cluster(self.link).describe()

    def source(self, options: Options) -> Source:
        """One stream, all of its shards or some."""
        strategy = options.choice("disConsumerStrategy", (LATEST, LAST_STOP, EARLIEST), LATEST)
        group = options.text("appName")
        if strategy == LAST_STOP and not group:
            raise CdmError(f"{options.section}.appName: missing; {LAST_STOP} goes on where this application stopped.")
        wanted = Wanted(
            topics=(options.required("streamName"),),
            partitions=frozenset(_shard(one, options.section) for one in options.items("shardId", ",")),
            latest=strategy == LATEST,
            group=group,
            follows=strategy == LAST_STOP,
            endless=options.flag("isPermanency"),
            most=options.number("maxPollRecords", MOST, 1, _MOST),
        )
        return KafkaSource(_dis_cluster(self.link), wanted, message_format(options, ","), self.surroundings)


def _dis_cluster(link: Link) -> KafkaCluster:
    if not link.text("brokerList"):
        raise CdmError(
            "linkConfig.brokerList: missing. Streams of DIS are topics of Kafka here: name its brokers, host:port."
        )
    return KafkaCluster(link)


def _shard(text: str, section: str) -> int:
    """The number of a shard, written alone or as DIS does: ``shardId-0000000001``."""
    found = _SHARD.fullmatch(text)
    if found is None:
        raise CdmError(f"{section}.shardId: {text!r} is no shard.")
    return int(found[1])
