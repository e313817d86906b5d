"""A run of a migration job that this process has in its hands."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

from headrace.sql.engine import Cancellation
from headrace.transfer.counters import Counters


@dataclass
class Running:
    """``say``: a line for the log of whoever waits for it."""

    cancellation: Cancellation = field(default_factory=Cancellation)
    counters: Counters = field(default_factory=Counters)
    say: Callable[[str], None] = lambda text: None


def transfer() -> ModuleType:
    """`headrace.migration.transfer`, which moves the data; it takes a moment to load, and nothing else needs it."""
    return importlib.import_module("headrace.migration.transfer")
