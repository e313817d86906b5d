"""One split of a job, run by a worker of a Dask cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec

from headrace.errors_cdm import RunLost
from headrace.sql.engine import Cancellation
from headrace.transfer.counters import Counters
from headrace.transfer.dispatch import LOST, Task, counts_of
from headrace.transfer.dispatch_dask import Parcel
from headrace.transfer.drivers import driver
from headrace.transfer.part import BEAT_SECONDS, run_task

TICKET_SECONDS = 5.0


def run_part(parcel: Parcel) -> bytes:
    """Run a split; what comes back is an ``Outcome`` as JSON."""
    task = msgspec.json.decode(parcel.content, type=Task)
    counters, cancellation, lines = Counters(), Cancellation(), list[str]()
    with _telling(task, counters, cancellation, lines):
        outcome = run_task(task, partial(_check_ticket, task), counters, cancellation, lines)
    return msgspec.json.encode(outcome)


def _check_ticket(task: Task) -> None:
    """Take the ticket of a split that may begin only once. Raises RunLost where it was taken before."""
    if not task.once:
        return
    distributed = driver("distributed", "dask")
    try:
        distributed.Queue(task.key, client=distributed.get_client()).get(timeout=TICKET_SECONDS)
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
