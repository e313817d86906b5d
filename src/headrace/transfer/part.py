"""One split of a job, run by a worker of another machine: the links are opened there."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, tzinfo
from pathlib import Path
from typing import NoReturn, cast
from zoneinfo import ZoneInfo

import pyarrow as pa

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError
from headrace.objectstore.base import ObjectStore
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.transfer.connector import Surroundings
from headrace.transfer.counters import Counters
from headrace.transfer.dispatch import Outcome, Task, counts_of, error_of
from headrace.transfer.job import from_json, opened
from headrace.transfer.pipeline import run_split

BEAT_SECONDS = 0.5  # between two looks whether the split is still wanted
_NOT_HERE = "A worker on another machine has no part of the server's installation."


def run_task(
    task: Task, may_begin: Callable[[], None], counters: Counters, cancellation: Cancellation, lines: list[str]
) -> Outcome:
    """Run a split. ``may_begin`` raises RunLost where it may not; ``counters`` and ``lines`` tell how far it is."""
    outcome = Outcome(counts={})
    try:
        may_begin()
        _run(task, counters, cancellation, lines)
    except HeadraceError as error:
        outcome.error = error_of(error)
    outcome.counts = counts_of(counters)
    return outcome


def _run(task: Task, counters: Counters, cancellation: Cancellation, lines: list[str]) -> None:
    surroundings = Surroundings(
        store=cast(ObjectStore, _NoStore()),
        files=Path(os.devnull) / "headrace",  # never there, never to be made
        open_sql=_no_engine,
        zone=_zone(task.zone),
        now=lambda: task.now,
        cancellation=cancellation,
        counters=counters,
        say=lines.append,
    )
    transfer = opened(task.job, surroundings, task.run)
    with closing(transfer.source), closing(transfer.target):
        prepared = from_json(task.prepared)
        source = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(task.source)))
        run_split(transfer, prepared, transfer.mapper(source, prepared.schema), task.split, task.number)


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _no_engine() -> SqlEngine:
    raise CdmError(_NOT_HERE)


class _NoStore:
    """Stands for the object store of the server, which a worker has not."""

    def __getattr__(self, name: str) -> NoReturn:
        raise CdmError(_NOT_HERE)
