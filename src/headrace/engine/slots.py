"""A bounded number of worker threads for attempts; each end is told to the coordinator."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from headrace.nodes.base import NodeResult
from headrace.sql.engine import Cancellation

Key = tuple[int, int] | str  # instance and position of a node, or the id of a script instance


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that has ended."""

    key: Key
    fence: int
    result: NodeResult


Tell = Callable[[Ended], None]


class Slots:
    """Runs attempts on at most ``size`` threads. A slot is taken until its attempt has really ended."""

    def __init__(self, size: int, tell: Tell) -> None:
        self._size = size
        self._tell = tell
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="node")
        self._lock = threading.Lock()
        self._running: dict[tuple[Key, int], Cancellation] = {}
        self._futures: set[Future[None]] = set()

    @property
    def free(self) -> int:
        """How many more attempts can begin now."""
        with self._lock:
            return self._size - len(self._running)

    def begin(self, key: Key, fence: int, work: Callable[[], NodeResult], cancellation: Cancellation) -> None:
        """Run ``work``, which never raises, on a thread."""

        def run() -> None:
            result = work()
            with self._lock:
                del self._running[(key, fence)]
            self._tell(Ended(key, fence, result))

        with self._lock:
            self._running[(key, fence)] = cancellation
            future = self._pool.submit(run)
            self._futures.add(future)
        future.add_done_callback(self._forget)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._futures.discard(future)

    def cancel(self, wanted: Callable[[Key, int], bool]) -> None:
        """Ask the attempts that are wanted (key, fence) to end."""
        with self._lock:
            found = [cancellation for at, cancellation in self._running.items() if wanted(*at)]
        for cancellation in found:
            cancellation.cancel()

    def close(self, seconds: float) -> None:
        """Ask everything to end, and wait for it so long at most."""
        self.cancel(lambda *_: True)
        with self._lock:
            futures = set(self._futures)
        wait(futures, timeout=seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)
