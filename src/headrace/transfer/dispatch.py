"""The splits of a job as they are handed to other machines, and what comes back.

Those who run them there use ``transfer/part.py``.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import pyarrow as pa

from headrace import errors_cdm
from headrace.errors import HeadraceError
from headrace.errors_cdm import LoadFailed
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Prepared, Split
from headrace.transfer.counters import Counters
from headrace.transfer.definition import Job

LOOK_SECONDS = 0.2  # between two looks whether the job is stopped
LOST = "The worker that ran a split is gone, and the destination does not allow to write it again."


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A split as a worker is sent it.

    ``source``: the schema of what is read; ``prepared``: as JSON; ``zone``: by its name; ``once``: whether it may begin
    only once; ``topic``: where a worker of Dask tells how far it is.
    """

    job: Job
    run: str
    source: str
    prepared: Mapping[str, Any]
    split: Mapping[str, Any]
    number: int
    zone: str
    now: int
    once: bool
    topic: str = ""

    @property
    def key(self) -> str:
        """What a cluster of Dask knows the split by."""
        return f"{self.topic}-{self.number}"


class Outcome(msgspec.Struct, kw_only=True):
    """How a split ended.

    ``lines``: for the log, where they were not told before; ``error``: the class of headrace.errors_cdm, and the
    detail.
    """

    counts: dict[str, int]
    lines: list[str] = []
    error: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Dispatch(ABC):
    """A job whose splits are handed out. ``at_once``: splits at a time."""

    job: Job
    run: str
    zone: str
    now: int
    at_once: int
    repeatable: bool
    counters: Counters
    cancellation: Cancellation
    say: Callable[[str], None]
    as_json: Callable[[Prepared], Mapping[str, Any]]

    @property
    def kept(self) -> Mapping[str, Any]:
        """What a recovery needs to know, beside the destination."""
        return {}

    @abstractmethod
    def __call__(self, prepared: Prepared, source: pa.Schema, splits: Sequence[Split]) -> None:
        """Run all splits. Raises CdmError: that of the first that fails, which ends the others."""

    def tasks(self, prepared: Prepared, source: pa.Schema, splits: Sequence[Split], topic: str = "") -> list[Task]:
        """The splits as workers are sent them."""
        shape = Task(
            job=self.job,
            run=self.run,
            source=base64.b64encode(source.serialize()).decode(),
            prepared=self.as_json(prepared),
            split={},
            number=0,
            zone=self.zone,
            now=self.now,
            once=not self.repeatable,
            topic=topic,
        )
        return [msgspec.structs.replace(shape, split=dict(split), number=number) for number, split in enumerate(splits)]


def counts_of(counters: Counters) -> dict[str, int]:
    """Counts by their names."""
    return asdict(counters.now())


def error_of(error: HeadraceError) -> tuple[str, str]:
    """An error as it travels."""
    return type(error).__name__, error.detail


def check(outcome: Outcome) -> None:
    """Raise what a split failed with."""
    if outcome.error is None:
        return
    name, detail = outcome.error
    found = getattr(errors_cdm, name, None)
    if isinstance(found, type) and issubclass(found, HeadraceError):
        raise found(detail)
    raise LoadFailed(f"{name}: {detail}")
