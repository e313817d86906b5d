"""What makes an EVENT job run, in the words of its document. Source: reference on scheduling §2.5."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

MOST_EVENTS_AT_ONCE = 128


class EventType(StrEnum):
    """Where events come from."""

    KAFKA = "KAFKA"
    DIS = "DIS"
    OBS = "OBS"


class ReadPolicy(StrEnum):
    """Which events count that came while the job was not started."""

    LAST = "LAST"  # all since it was stopped; at the first start none
    NEW = "NEW"  # none


class EventFailPolicy(StrEnum):
    """What a failed instance does to the events after its own."""

    SUSPEND = "SUSPEND"  # they wait until it has succeeded after all, or the job is started again
    IGNORE = "IGNORE"


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSource:
    """The events of a job. ``channel``: a topic, a stream, or an obs:// folder; ``interval``: between two looks.

    ``type`` is None for a word that is none of them; ``connection`` is empty for the one of the setting
    ``dis_connection``.
    """

    type: EventType | None = None
    channel: str = ""
    connection: str = ""
    read_policy: ReadPolicy = ReadPolicy.LAST
    fail_policy: EventFailPolicy = EventFailPolicy.SUSPEND
    interval: timedelta = timedelta(seconds=10)
