"""Whether a workspace may hold one more: counting every row at every create would cost more than the create."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

from headrace.storage.database import Database

STEP = 100  # additions between two counts, while there is room for them

_Key = tuple[str, str, int]
_room: weakref.WeakKeyDictionary[Database, dict[_Key, int]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def has_room(database: Database, kind: str, workspace_id: str, limit: int, count: Callable[[], int]) -> bool:
    """Whether one more of a kind fits below the limit; to be asked once per addition.

    Exact in one process, also at the limit; processes that add at the same time may pass it by ``STEP`` each.
    """
    key = (kind, workspace_id, limit)
    with _lock:
        known = _room.setdefault(database, {})
        if known.get(key, 0) > 0:
            known[key] -= 1
            return True
    left = limit - count()
    with _lock:
        known[key] = max(0, min(left, STEP) - 1)
    return left > 0


def forget(database: Database) -> None:
    """Count again at the next addition: many were added at once."""
    with _lock:
        _room.pop(database, None)
