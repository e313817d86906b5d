"""One split of a job, run by a worker of a Dask cluster: the links are opened there."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NoReturn, cast
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, RunLost
from headrace.objectstore.base import ObjectStore
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.transfer.connector import Surroundings
from headrace.transfer.counters import Counters
from headrace.transfer.dispatch import LOST, Outcome, Parcel, Task, counts_of, error_of
from headrace.transfer.drivers import driver
from headrace.transfer.job import from_json, opened
from headrace.transfer.pipeline import run_split

BEAT_SECONDS = 0.5  # between two words to the server, and two looks whether the split is still wanted
TICKET_SECONDS = 5.0
_NOT_HERE = "A worker of Dask has no part of the server's installation."


def run_part(parcel: Parcel) -> bytes:
    """Run a split; what comes back is an ``Outcome`` as JSON."""
    task = msgspec.json.decode(parcel.content, type=Task)
    counters, cancellation, lines = Counters(), Cancellation(), list[str]()
    outcome = Outcome(counts={})
    with _telling(task, counters, cancellation, lines):
        try:
            _check_ticket(task.ticket)
            _run(task, counters, cancellation, lines)
        except HeadraceError as error:
            outcome.error = error_of(error)
        outcome.counts = counts_of(counters)
    return msgspec.json.encode(outcome)


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


def _check_ticket(name: str) -> None:
    """Take the ticket of a split that may begin only once. Raises RunLost where it was taken before."""
    if not name:
        return
    distributed = driver("distributed", "dask")
    try:
        distributed.Queue(name, client=distributed.get_client()).get(timeout=TICKET_SECONDS)
    except TimeoutError as error:
        raise RunLost(LOST) from error


@contextmanager
def _telling(task: Task, counters: Counters, cancellation: Cancellation, lines: list[str]) -> Iterator[None]:
    """Tell the server how far the split is, and stop it when nobody wants it any more."""
    worker = driver("distributed", "dask").get_worker()
    key = worker.get_current_task()
    over = threading.Event()

    def tell(*, ended: bool) -> None:
        told = [lines.pop(0) for _ in range(len(lines))]
        event = {"number": task.number, "counts": counts_of(counters), "lines": told, "ended": ended}
        worker.log_event(task.topic, event)

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            if not _is_wanted(worker, key):
                cancellation.cancel()
            tell(ended=False)

    tell(ended=False)
    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        tell(ended=True)


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether the worker is part of its cluster, and its task was not released."""
    state = worker.state.tasks.get(key)
    return worker.status.name in ("running", "paused", "closing_gracefully") and (
        state is not None and state.state in ("executing", "long-running")
    )


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _no_engine() -> SqlEngine:
    raise CdmError(_NOT_HERE)


class _NoStore:
    """Stands for the object store of the server, which a worker has not."""

    def __getattr__(self, name: str) -> NoReturn:
        raise CdmError(_NOT_HERE)
