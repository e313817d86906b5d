"""Open engines when a script needs one.

DuckDB and sqlglot take about half a second and 50 MB to import, which ``headrace up`` does not spend before the first
SQL statement: only this module may be imported at start, and it loads the engine by name. The same holds for drivers
of real engines.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from headrace.sql.engine import SqlEngine


class ClosableEngine(SqlEngine, Protocol):
    """An engine that holds on to something: a file, a connection."""

    def close(self) -> None:
        """Let go of it."""


def open_embedded(
    path: Path,
    objects_root: Path,
    resolve: Callable[[str], Path],
    *,
    memory_limit: str = "1GB",
    threads: int = 2,
    time_zone: str = "UTC",
) -> ClosableEngine:
    """The embedded engine of a workspace on its database file, made if absent; open it once per process and file."""
    module = importlib.import_module("headrace.sql.embedded")
    engine: ClosableEngine = module.EmbeddedEngine(
        path, objects_root, resolve, memory_limit=memory_limit, threads=threads, time_zone=time_zone
    )
    return engine
