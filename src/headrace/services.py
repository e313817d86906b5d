"""The parts a use case works with, chosen and joined once in ``app.py`` and handed down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headrace.auth.sealing import Sealer
from headrace.nodes.base import Migration, MigrationEnd, NodeFailed
from headrace.objectstore.base import ObjectStore
from headrace.objectstore.live import LiveLogs
from headrace.settings import Settings
from headrace.sql.engine import Cancellation, SqlEngine
from headrace.storage.database import Database


@dataclass(frozen=True, kw_only=True)
class NodeAttempt:
    """The attempt of a node that runs a migration job.

    ``plan_time``: of its instance, milliseconds; ``variables``: what ``${name}`` gives there; ``say``: a line for its
    log. ``instance_id``, ``position`` and ``fence`` name it.
    """

    project_id: str
    workspace_id: str
    instance_id: int
    position: int
    fence: int
    plan_time: int
    variables: Mapping[str, str]
    cancellation: Cancellation
    say: Callable[[str], None]


def _no_engine(_: str) -> SqlEngine:
    raise NodeFailed("What runs here has no engine for SQL.")


def _no_migrations(_: Migration, __: NodeAttempt) -> MigrationEnd:
    raise NodeFailed("What runs here has no migration jobs.")


@dataclass(frozen=True, kw_only=True)
class Services:
    """Database, object store, sealing of secrets, clock and ids; and how to wake what waits for work.

    ``token_key`` signs tokens. ``now`` gives milliseconds since the epoch, ``next_number`` 64-bit ids that grow with
    time, ``next_id`` ids of 32 hexadecimal digits. ``wake_engine`` tells the engine that ready work was committed,
    ``wake_alarms`` the sender of alarms that some may have been, ``wake_migrations`` the runner of migration jobs that
    one was started or is to stop; ``in_background`` runs a function on a worker thread
    and never raises. ``logs``: those of running attempts. ``migrate`` runs a migration job for a node,
    ``open_sql`` gives the embedded engine of a workspace.
    """

    settings: Settings
    db: Database
    store: ObjectStore
    sealer: Sealer
    token_key: bytes
    now: Callable[[], int]
    next_number: Callable[[], int]
    next_id: Callable[[], str]
    wake_engine: Callable[[], None] = lambda: None
    wake_alarms: Callable[[], None] = lambda: None
    wake_migrations: Callable[[], None] = lambda: None
    in_background: Callable[[Callable[[], None]], None] = lambda work: work()
    stopping: threading.Event = field(default_factory=threading.Event)
    logs: LiveLogs = field(default_factory=LiveLogs)
    migrate: Callable[[Migration, NodeAttempt], MigrationEnd] = _no_migrations
    open_sql: Callable[[str], SqlEngine] = _no_engine


class Numbers:
    """Ids that grow with time: microseconds since the epoch, never the same twice in a process.

    They stay below 2**53, so that a browser can hold them.
    """

    def __init__(self, now_micros: Callable[[], int]) -> None:
        self._now = now_micros
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, self._now())
            return self._last
