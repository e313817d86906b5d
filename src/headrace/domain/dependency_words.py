"""What a job says about the jobs it depends on, in the words of its document."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_PREVIOUS = 30  # cycles; source: "Setting Up Scheduling for a Job", "Previous N cycles"


class DependPeriod(StrEnum):
    """Which cycle of the upstream job counts."""

    SAME_PERIOD = "SAME_PERIOD"
    PRE_PERIOD = "PRE_PERIOD"


class DependType(StrEnum):
    """Which instances of this cycle count."""

    DEFAULT = "default"  # as the pair of periods says
    ALL = "all"
    ANY = "any"  # one that succeeds is enough
    LAST = "last"
    NEAREST = "nearest"  # the last one before the instance that waits


class DependFailPolicy(StrEnum):
    """What a failed upstream instance does to one that waits for it."""

    FAIL = "FAIL"  # it is cancelled
    SUSPEND = "SUSPEND"  # it waits until the upstream instance has succeeded after all
    IGNORE = "IGNORE"  # it runs when all have ended


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamJob:
    """One job that another depends on, and how.

    ``workspace`` and ``workspace_id`` are empty for the workspace of the job that depends. ``previous``: how many
    cycles before count (1 to 30), with PRE_PERIOD only.
    """

    job: str
    workspace: str = ""
    workspace_id: str = ""
    period: DependPeriod = DependPeriod.SAME_PERIOD
    previous: int = 1
    type: DependType = DependType.DEFAULT
