"""The queue between the reader and the writer of a split, bounded in bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

import pyarrow as pa


class Closed(Exception):
    """The writer gave up; the reader stops."""


class Channel:
    """Batches on their way. One may always pass, so that an oversized row never blocks."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._items: deque[pa.RecordBatch] = deque()
        self._used = 0
        self._ended = self._closed = False
        self._error: BaseException | None = None

    def put(self, batch: pa.RecordBatch) -> None:
        """Hand over a batch; waits while the queue is full. Raises Closed."""
        size = batch.nbytes
        with self._changed:
            while self._used and self._used + size > self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                raise Closed
            self._items.append(batch)
            self._used += size
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; with an error that the writer's side raises. Only the first call counts."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
                self._changed.notify_all()

    def close(self) -> None:
        """Nothing more is taken."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._take()) is not None:
            yield batch

    def _take(self) -> pa.RecordBatch | None:
        with self._changed:
            while not self._items and not self._ended:
                self._changed.wait()
            if self._items:
                batch = self._items.popleft()
                self._used -= batch.nbytes
                self._changed.notify_all()
                return batch
            if self._error is not None:
                raise self._error
            return None
