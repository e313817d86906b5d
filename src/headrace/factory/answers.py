"""Answers that were rendered once: kept while they fit, because a job is read far more often than it is saved."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class AnswerCache:
    """The most recently used answers, ``capacity`` bytes of them with their keys."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Hashable, tuple[bytes, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, weight: int, render: Callable[[], bytes]) -> bytes:
        """The answer of a key; rendered when it is not kept. ``weight``: bytes that the key takes."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found[0]
        answer = render()
        size = weight + len(answer)
        if size * 8 <= self._capacity:  # one answer does not push all others out
            with self._lock:
                if key not in self._kept:
                    self._kept[key] = (answer, size)
                    self._size += size
                while self._size > self._capacity:
                    self._size -= self._kept.popitem(last=False)[1][1]
        return answer
