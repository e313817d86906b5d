"""Topics of Kafka as the source of a job: up to their ends at the start, or until the job is stopped.

A job that ends commits what it read when everything is in the destination; one that does not end, what the
destination has taken. A crash between the two makes messages come again, never get lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from headrace.errors_cdm import CdmError, KafkaUnreachable, RunStopped
from headrace.transfer.connector import BATCH_BYTES, Reject, Source, Split, Surroundings
from headrace.transfer.streams.kafka_cluster import KafkaCluster, Place
from headrace.transfer.streams.messages import Message, MessageFormat

POLL_SECONDS = 0.5  # how long messages are waited for; what came until then is a batch of a job that does not end
QUIET_SECONDS = 60.0  # without a sign of the cluster; then a job that ends is ended
SAMPLES = 100  # messages that are looked at for their columns
_PIECE = 200  # messages taken from the client at once

Positions = Mapping[Place, int]


class Wanted(NamedTuple):
    """What of a cluster is read.

    ``topics``, and of each only some ``partitions`` where there are any. ``latest``: begin at the end. ``group``: whose
    positions are committed, and, if ``follows``, come before the beginning or the end. ``endless``: until the job is
    stopped. ``most``: rows of a batch.
    """

    topics: Sequence[str]
    partitions: frozenset[int]
    latest: bool
    group: str
    follows: bool
    endless: bool
    most: int


class KafkaSource(Source):
    """Messages of topics. Source: CDM API reference, "From Kafka"."""

    def __init__(
        self, cluster: KafkaCluster, wanted: Wanted, messages: MessageFormat, surroundings: Surroundings
    ) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._format = messages
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._reached: dict[Place, int] = {}  # all that was read
        self._under_way: dict[str, deque[Positions]] = {}  # of batches that are not written yet, by split
        self._written: dict[Place, int] = {}  # what may be committed, and was not yet
        self.endless = wanted.endless
        self.resumes = bool(wanted.group) and wanted.follows

    def schema(self) -> pa.Schema:
        """Of the format; of some messages where it must be looked up."""
        return self._schema

    @cached_property
    def _schema(self) -> pa.Schema:
        if self._format.sampled:
            self._format.learn(self._samples())
        return self._format.schema

    @cached_property
    def _ranges(self) -> Mapping[Place, tuple[int, int]]:
        """Where reading begins in each partition, and where it ended when the job began."""
        wanted, cluster = self._wanted, self._cluster
        found = {}
        with cluster.consumer(wanted.group) as consumer:
            places = [place for topic in wanted.topics for place in self._places(consumer, topic)]
            committed = cluster.committed(consumer, places) if wanted.group and wanted.follows else {}
            for place in places:
                first, end = cluster.ends(consumer, place)
                begin = committed.get(place, -1)
                if begin >= 0 and not first <= begin <= end:
                    self._surroundings.say(f"{place.topic}/{place.partition}: {begin} is gone, reads from {first}.")
                    begin = first
                found[place] = (begin if begin >= 0 else end if wanted.latest else first, end)
        return found

    def _places(self, consumer: Any, topic: str) -> Sequence[Place]:
        found = self._cluster.partitions(consumer, topic)
        missing = self._wanted.partitions - {place.partition for place in found}
        if missing:
            raise CdmError(f"Topic {topic!r} has no partition {min(missing)}.")
        return [place for place in found if not self._wanted.partitions or place.partition in self._wanted.partitions]

    def _samples(self) -> Sequence[bytes]:
        """Values of the first messages that will be read; where there are none yet, of the last that are there."""
        ranges = {place: span for place, span in self._ranges.items() if span[0] < span[1]}
        if not ranges:
            ranges = {place: (max(0, end - 1), end) for place, (_, end) in self._ranges.items() if end}
        found: list[bytes] = []
        with closing(self._messages(ranges, SAMPLES)) as batches:
            for messages in batches:
                found += [one.value for one in messages if one.value is not None]
                if len(found) >= SAMPLES:
                    break
        return found

    def splits(self, wanted: int) -> Sequence[Split]:
        """A topic each, as far as there may be so many; only those with messages unless the job does not end."""
        topics: dict[str, dict[str, tuple[int, int]]] = {}
        for (topic, partition), (begin, end) in self._ranges.items():
            if self.endless or begin < end:
                topics.setdefault(topic, {})[str(partition)] = (begin, -1 if self.endless else end)
        names = list(topics)
        count = min(max(1, wanted), len(names))
        return [{"topics": {name: topics[name] for name in names[at::count]}} for at in range(count)]

    def read(self, split: Split, reject: Reject) -> Iterator[pa.RecordBatch]:
        """Messages as they come, those of a partition in their order. Raises KafkaUnreachable."""
        ranges = {
            Place(topic, int(partition)): (begin, end)
            for topic, partitions in split["topics"].items()
            for partition, (begin, end) in partitions.items()
        }
        under_way = self._under_way[_key(split)] = deque()
        none = pa.RecordBatch.from_pylist([], self.schema())
        with closing(self._messages(ranges, self._wanted.most)) as read:
            for messages in read:
                *batches, last = self._format.batch(messages, reject) or [none]
                for batch in batches:
                    under_way.append({})
                    yield batch
                reached = {Place(one.topic, one.partition): one.offset + 1 for one in messages}
                with self._lock:
                    self._reached.update(reached)
                under_way.append(reached)
                yield last

    def _messages(self, ranges: Mapping[Place, tuple[int, int]], most: int) -> Generator[list[Message], None, None]:
        """Messages of partitions in batches; an end below 0 never comes."""
        open_places = set(ranges)
        troubles: deque[str] = deque(maxlen=1)
        settings = {"enable.partition.eof": True, "error_cb": lambda error: troubles.append(self._cluster.plain(error))}
        if not ranges:
            return
        with self._cluster.consumer(self._wanted.group, **settings) as consumer:
            consumer.assign([self._cluster.at(place, begin) for place, (begin, _) in ranges.items()])
            kept: list[Message] = []
            size, heard = 0, time.monotonic()
            while open_places:
                self._check(heard, troubles)
                piece = consumer.consume(_PIECE, POLL_SECONDS)
                if piece:
                    heard = time.monotonic()
                for one in self._taken(piece, ranges, open_places):
                    kept.append(one)
                    size += len(one.key or b"") + len(one.value or b"")
                self._commit(consumer)
                idle = self.endless and len(piece) < _PIECE
                if kept and (len(kept) >= most or size >= BATCH_BYTES or idle):
                    yield kept
                    kept, size, heard = [], 0, time.monotonic()
            if kept:
                yield kept

    def _check(self, heard: float, troubles: deque[str]) -> None:
        """Raises RunStopped, or KafkaUnreachable where nothing is heard of the cluster any more."""
        if self._surroundings.cancellation.cancelled:
            raise RunStopped
        if self.endless:
            while troubles:
                self._surroundings.say(f"Kafka: {troubles.pop()}")
        elif time.monotonic() - heard > QUIET_SECONDS:
            raise KafkaUnreachable(troubles.pop() if troubles else f"No answer for {QUIET_SECONDS:.0f} seconds.")

    def _taken(
        self, piece: Sequence[Any], ranges: Mapping[Place, tuple[int, int]], open_places: set[Place]
    ) -> Iterator[Message]:
        """The messages that are wanted; partitions that are at their end are not open any more."""
        for one in piece:
            place, error = Place(one.topic(), one.partition()), one.error()
            if error is not None and error.code() != self._cluster.end_of_partition:
                raise KafkaUnreachable(f"{place.topic}: {self._cluster.plain(error)}")
            end = ranges[place][1]
            is_past = end >= 0 and (error is not None or one.offset() >= end - 1)
            if error is None and (end < 0 or one.offset() < end):
                kind, at = one.timestamp()
                yield Message(one.key(), one.value(), *place, one.offset(), at if kind and at >= 0 else None)
            if is_past:
                open_places.discard(place)

    def written(self, split: Split) -> None:
        """The oldest batch that is under way is in the destination, to stay."""
        positions = self._under_way[_key(split)].popleft()
        with self._lock:
            self._written.update(positions)

    def _commit(self, consumer: Any) -> None:
        """Commit what was written, if there is a group."""
        with self._lock:
            positions, self._written = self._written, {}
        if positions and self._wanted.group:
            self._cluster.commit(consumer, positions)

    def finish(self) -> None:
        """Everything is in the destination: commit it, and where reading of partitions without messages begins."""
        begins = {place: begin for place, (begin, _) in self._ranges.items()}
        with self._lock:
            self._written = begins | self._reached
        self._commit_rest()

    def close(self) -> None:
        """Commit what was written since the last time, as when the job was stopped."""
        if self._written:
            self._commit_rest()

    def _commit_rest(self) -> None:
        if self._wanted.group:
            with self._cluster.consumer(self._wanted.group) as consumer:
                self._commit(consumer)


def _key(split: Split) -> str:
    return "\n".join(split["topics"])
