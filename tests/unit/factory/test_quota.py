"""The quota of a workspace."""

from __future__ import annotations

from typing import Any

from headrace.factory import quota


class Held:
    """Stands for a database: how many it holds, and how often that was counted."""

    def __init__(self, held: int = 0) -> None:
        self.held, self.counted = held, 0

    def count(self) -> int:
        self.counted += 1
        return self.held

    def add(self, limit: int, kind: str = "script") -> bool:
        database: Any = self
        fits = quota.has_room(database, kind, "w", limit, self.count)
        self.held += fits
        return fits


def test_has_room__is_exact_at_the_limit() -> None:
    held = Held()
    assert [held.add(3) for _ in range(5)] == [True, True, True, False, False]
    held.held = 2
    assert [held.add(3), held.add(3)] == [True, False]


def test_has_room__counts_once_in_a_hundred_additions() -> None:
    held = Held()
    assert all(held.add(10_000) for _ in range(1000))
    assert held.counted == 10


def test_has_room__another_limit_or_kind_is_counted_for_itself() -> None:
    held = Held(5)
    assert held.add(10_000)
    assert not held.add(6)
    assert not held.add(6, "job")


def test_forget__counts_again() -> None:
    held = Held()
    database: Any = held
    assert held.add(10)
    held.held = 10
    assert held.add(10)
    quota.forget(database)
    assert not held.add(10)
