"""Hands the splits of a job to the workers of a Dask cluster, follows them and adds up what they tell.

A worker runs ``transfer/part.py``. See decision 31.
"""

from __future__ import annotations

import base64
import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import msgspec
import pyarrow as pa

from headrace import errors_cdm
from headrace.errors import HeadraceError
from headrace.errors_cdm import CdmError, LoadFailed, RunLost, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import Prepared, Split
from headrace.transfer.counters import Counters
from headrace.transfer.definition import Job
from headrace.transfer.drivers import driver

ANSWER_SECONDS = 15.0  # that the scheduler has when a job begins
LAST_SECONDS = 15.0  # that splits have to end when they are stopped
_LOOK_SECONDS = 0.2  # between two looks whether the job is stopped
LOST = "The worker that ran a split is gone, and the destination does not allow to write it again."


class Parcel:
    """What a worker is sent: JSON. Dask writes arguments into its logs, so it shows nothing of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __repr__(self) -> str:
        return "Parcel()"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A split as a worker is sent it.

    ``source``: the schema of what is read; ``prepared``: as JSON; ``zone``: by its name; ``topic``: where the worker
    tells how far it is; ``ticket``: a queue that lets the split begin once, empty where it may begin again.
    """

    job: Job
    run: str
    source: str
    prepared: Mapping[str, Any]
    split: Mapping[str, Any]
    number: int
    zone: str
    now: int
    topic: str
    ticket: str


class Outcome(msgspec.Struct, kw_only=True):
    """How a split ended; ``error``: the class of headrace.errors_cdm, and the detail."""

    counts: dict[str, int]
    error: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """A job whose splits are handed out. ``scheduler``: its address; ``at_once``: splits at a time."""

    scheduler: str
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

    def __call__(self, prepared: Prepared, source: pa.Schema, splits: Sequence[Split]) -> None:
        """Run all splits. Raises CdmError: that of the first that fails, which ends the others."""
        heard = Heard(self.counters, self.say)
        topic = f"headrace-{self.run}-{uuid4().hex}"  # what a crash left of the same run is another
        shape = Task(
            job=self.job,
            run=self.run,
            source=base64.b64encode(source.serialize()).decode(),
            prepared=self.as_json(prepared),
            split={},
            number=0,
            zone=self.zone,
            now=self.now,
            topic=topic,
            ticket="",
        )
        with _client(self.scheduler) as client:
            self.say(f"Hands {len(splits)} parts to {len(client.scheduler_info()['workers'])} workers of Dask.")
            client.subscribe_topic(topic, heard.event)
            tasks = [
                msgspec.structs.replace(shape, split=dict(split), number=number) for number, split in enumerate(splits)
            ]
            self._all(client, tasks, heard)

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
                    future = ended.get(timeout=_LOOK_SECONDS)
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
        name, ticket = f"{task.topic}-{task.number}", None
        if not self.repeatable:
            ticket = driver("distributed", "dask").Queue(name, client=client)
            ticket.put(task.number)
            task = msgspec.structs.replace(task, ticket=name)
        run_part = importlib.import_module("headrace.transfer.part").run_part
        parcel = Parcel(msgspec.json.encode(task))
        return client.submit(run_part, parcel, key=name, pure=False, retries=0), ticket


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
        if outcome.error is not None:
            raise _error(*outcome.error)

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


def counts_of(counters: Counters) -> dict[str, int]:
    """Counts by their names."""
    return asdict(counters.now())


def error_of(error: HeadraceError) -> tuple[str, str]:
    """An error as it travels."""
    return type(error).__name__, error.detail


def _error(name: str, detail: str) -> HeadraceError:
    found = getattr(errors_cdm, name, None)
    if isinstance(found, type) and issubclass(found, HeadraceError):
        return found(detail)
    return LoadFailed(f"{name}: {detail}")


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
