"""Messages of a Kafka topic as events. Positions are kept with the instances, not in a consumer group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from headrace.nodes.base import BoundConnection
from headrace.nodes.kafka import client_settings, library
from headrace.scheduling.event_instances import Event, Found, PositionLost, SourceFailed

ANSWER_SECONDS = 5.0  # for one question to the cluster; a server that stops waits for it
POLL_SECONDS = 0.5  # how long a look waits for a message; a listener that shall end notices it then
PARTITIONS_AFTER = 60  # looks without a message until the partitions are asked for again
_BUFFER_KILOBYTES = 8192


class KafkaSource:
    """The messages of a topic; a partition is a place, the offset that comes next its position."""

    def __init__(self, connection: BoundConnection, topic: str) -> None:
        self.name = f"kafka:{connection.name}/{topic}"
        self._topic = topic
        self._library = library()
        self._next: dict[int, int] = {}  # what the client reads next of each partition
        self._idle = count(1)
        settings = {
            **client_settings(connection),
            "group.id": "headrace",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": _BUFFER_KILOBYTES,
        }
        with self._told():
            self._consumer = self._library.Consumer(settings)

    def newest(self) -> Mapping[str, int]:
        """The end of every partition; none where there is no topic yet, whose messages are all new then."""
        with self._told():
            return {str(number): self._ends(number)[1] for number in self._partitions()}

    def look(self, reached: Mapping[str, int], most: int, wait: Callable[[float], bool]) -> Found:
        """Messages after what was reached. Raises SourceFailed, PositionLost."""
        with self._told():
            self._go_to(reached)
            if not self._next:
                wait(POLL_SECONDS)
                self._next_partitions()
                return Found()
            first = self._consumer.poll(POLL_SECONDS)
            if first is None:
                self._next_partitions()
                return Found()
            messages = [first, *self._consumer.consume(most - 1, 0)] if most > 1 else [first]
            return Found([self._event(message) for message in messages])

    def close(self) -> None:
        self._consumer.close()

    def _next_partitions(self) -> None:
        """Once in a while have the partitions asked for again."""
        if next(self._idle) % PARTITIONS_AFTER == 0 or not self._next:
            self._next.clear()

    def _go_to(self, reached: Mapping[str, int]) -> None:
        """Let the client read what comes after what was reached; a partition that is new from its beginning."""
        if self._next and all(reached.get(str(number), at) == at for number, at in self._next.items()):
            return
        numbers = list(self._next) or self._partitions()
        wanted = {
            number: reached[str(number)] if str(number) in reached else self._ends(number)[0] for number in numbers
        }
        self._consumer.assign([self._library.TopicPartition(self._topic, number, at) for number, at in wanted.items()])
        self._next = wanted

    def _event(self, message: Any) -> Event:
        error, number = message.error(), message.partition()
        if error is not None:
            if error.code() != self._library.KafkaError._AUTO_OFFSET_RESET:
                raise SourceFailed(f"{self.name}: {error.str()}")
            self._next.clear()
            raise PositionLost(str(number), self._ends(number)[0])
        offset = message.offset()
        self._next[number] = offset + 1
        text = (message.value() or b"").decode("utf-8", errors="replace")
        # the time tells a topic from the one of the same name before it
        key = f"{self.name}/{number}/{offset}@{message.timestamp()[1]}"
        return Event(place=str(number), position=offset + 1, key=key, data=text)

    def _partitions(self) -> list[int]:
        found = self._consumer.list_topics(self._topic, timeout=ANSWER_SECONDS).topics[self._topic]
        return sorted(found.partitions)

    def _ends(self, number: int) -> tuple[int, int]:
        place = self._library.TopicPartition(self._topic, number)
        first, end = self._consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
        return int(first), int(end)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._library.KafkaException as error:
            self._next.clear()
            raise SourceFailed(f"{self.name}: {error.args[0].str()}") from error
