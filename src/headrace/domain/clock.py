"""Times as the wire counts them."""

from __future__ import annotations

from datetime import UTC, datetime


def to_millis(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware time."""
    return int(moment.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    """The aware UTC time of so many milliseconds since the epoch."""
    return datetime.fromtimestamp(millis / 1000, UTC)
