"""Hands the splits of a job to the workers of a Dask cluster, follows them and adds up what they tell.

A worker runs ``transfer/part_dask.py``. See decision 31.
"""

from __future__ import annotations

import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
import pyarrow as pa

from headrace.errors_cdm import CdmError, RunLost, RunStopped
from headrace.transfer.connector import Prepared, Split
from headrace.transfer.counters import Counters
from headrace.transfer.dispatch import LOOK_SECONDS, Dispatch, Outcome, Task, check
from headrace.transfer.drivers import driver

ANSWER_SECONDS = 15.0  # that the scheduler has when a job begins
LAST_SECONDS = 15.0  # that splits have to end when they are stopped


class Parcel:
    """What a worker is sent: JSON. Dask writes arguments into its logs, so it shows nothing of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __repr__(self) -> str:
        return "Parcel()"


@dataclass(frozen=True, kw_only=True)
class DaskDispatch(Dispatch):
    """A job whose splits go to a Dask cluster. ``scheduler``: its address."""

    scheduler: str

    def __call__(self, prepared: Prepared, source: pa.Schema, splits: Sequence[Split]) -> None:
        """Run all splits. Raises CdmError: that of the first that fails, which ends the others."""
        heard = Heard(self.counters, self.say)
        topic = f"headrace-{self.run}-{uuid4().hex}"  # what a crash left of the same run is another
        with _client(self.scheduler) as client:
            self.say(f"Hands {len(splits)} parts to {len(client.scheduler_info()['workers'])} workers of Dask.")
            client.subscribe_topic(topic, heard.event)
            self._all(client, self.tasks(prepared, source, splits, topic), heard)

    def _all(self, client: Any, tasks: Sequence[Task], heard: Heard) -> None:
        """Keep as many splits running as may run at a time."""
        waiting, running = deque(tasks), dict[Any, tuple[int, Any]]()
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            while waiting or running:
                while waiting and len(running) < self.at_once:
                    task = waiting.popleft()
                    future, ticket = self._submitted(client, task)
                    running[future] = (task.number, ticket)
                    future.add_done_callback(ended.put)
                if self.cancellation.cancelled:
                    raise RunStopped
                try:
                    future = ended.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    continue
                number, ticket = running.pop(future)
                _drop(ticket)
                heard.end(number, _outcome(future))
        finally:
            if running:
                client.cancel(list(running), force=True, reason="the migration ended")
                heard.wait([number for number, _ in running.values()], LAST_SECONDS)
                for _, ticket in running.values():
                    _drop(ticket)

    def _submitted(self, client: Any, task: Task) -> tuple[Any, Any]:
        """A split that is under way, and its ticket where it has one."""
        ticket = None
        if task.once:
            ticket = driver("distributed", "dask").Queue(task.key, client=client)
            ticket.put(task.number)
        run_part = importlib.import_module("headrace.transfer.part_dask").run_part
        parcel = Parcel(msgspec.json.encode(task))
        return client.submit(run_part, parcel, key=task.key, pure=False, retries=0), ticket


def _drop(ticket: Any) -> None:
    if ticket is not None:
        ticket.close()


class Heard:
    """What was heard of splits so far, as part of the counters of the job."""

    def __init__(self, counters: Counters, say: Callable[[str], None]) -> None:
        self._counters = counters
        self._say = say
        self._changed = threading.Condition()
        self._counts: dict[int, Mapping[str, int]] = {}
        self._running: set[int] = set()
        self._ended: set[int] = set()

    def event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Take an event of a worker."""
        told, number = event[1], event[1]["number"]
        for line in told["lines"]:
            self._say(line)
        with self._changed:
            if number in self._ended:
                return
            self._count(number, told["counts"])
            (self._running.discard if told["ended"] else self._running.add)(number)
            self._changed.notify_all()

    def end(self, number: int, outcome: Outcome) -> None:
        """Take the last counts of a split. Raises what it failed with."""
        with self._changed:
            self._ended.add(number)
            self._running.discard(number)
            self._count(number, outcome.counts)
        check(outcome)

    def _count(self, number: int, counts: Mapping[str, int]) -> None:
        """What is more, or less where a split began anew, than was counted before."""
        before = self._counts.get(number, {})
        self._counts[number] = counts
        self._counters.add(**{name: count - before.get(name, 0) for name, count in counts.items()})

    def wait(self, numbers: Sequence[int], seconds: float) -> None:
        """Wait until those of some splits that were begun have ended, but not for ever."""
        limit = time.monotonic() + seconds
        with self._changed:
            while self._running & set(numbers) and (left := limit - time.monotonic()) > 0:
                self._changed.wait(left)


def _outcome(future: Any) -> Outcome:
    """What a worker answered. Raises CdmError where none could."""
    if future.cancelled():
        raise RunStopped
    error = future.exception()
    if error is None:
        return msgspec.json.decode(future.result(), type=Outcome)
    if type(error).__name__ == "KilledWorker":
        raise RunLost("Workers of Dask are lost again and again.")
    raise CdmError(f"A worker of Dask could not run a split: {type(error).__name__}: {error}")


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection to the scheduler; its certificates come from the configuration of Dask. Raises CdmError."""
    distributed = driver("distributed", "dask")
    try:
        client = distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False, name="headrace")
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise CdmError(f"dask_scheduler: {address} cannot be reached: {error}") from error
    try:
        yield client
    finally:
        client.close()
