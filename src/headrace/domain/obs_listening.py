"""What a job says about the file that its instances wait for. Source: reference on scheduling §2.4; decision 26."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObsListening:
    """``path``: a folder or an object, as written (``#{…}`` allowed), empty where the job names none.

    ``interval``: between two looks; ``longest``: how long an instance waits before it fails.
    """

    path: str
    interval: timedelta
    longest: timedelta


def listening_of(path: str, interval: int, longest: int) -> ObsListening:
    """Minutes as they are written: 1 to 60 and 1 to 1,440; 0 for the shortest interval and the longest wait."""
    return ObsListening(
        path=path,
        interval=min(max(interval, 1), 60) * _MINUTE,
        longest=min(max(longest or 1440, 1), 1440) * _MINUTE,
    )


def is_new(modified: int, since: int) -> bool:
    """Whether an object that was changed at a time (ms) is new for who listens since one; stores tell seconds only."""
    return modified // 1000 >= since // 1000
