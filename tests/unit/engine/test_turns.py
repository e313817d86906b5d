"""Instances take turns where only so many of their job run at once."""

from __future__ import annotations

from headrace.engine.turns import Turns

SALES, STOCK = 1, 2


def waiting(*instances: int, job: int = SALES, limit: int = 2) -> Turns:
    turns = Turns()
    for instance in instances:
        turns.wait(job, instance, limit)
    return turns


def test_the_oldest_begin_as_far_as_the_limit_allows() -> None:
    turns = waiting(11, 12, 13, 14)
    assert turns.take(lambda _: 0) == [11, 12]
    assert [turns.is_waiting(number) for number in (11, 12, 13, 14)] == [False, False, True, True]


def test_nothing_is_asked_before_one_of_the_job_has_ended() -> None:
    turns = waiting(11, 12, 13)
    turns.take(lambda _: 0)
    assert not turns.due
    assert turns.take({SALES: 0}.__getitem__) == []
    turns.look_again(SALES)
    assert turns.due
    assert turns.take(lambda _: 1) == [13]


def test_an_end_in_a_job_for_which_nobody_waits_changes_nothing() -> None:
    turns = waiting(11)
    turns.take(lambda _: 0)
    turns.look_again(SALES)
    turns.look_again(STOCK)
    assert not turns.due


def test_each_job_has_its_own_turns() -> None:
    turns = waiting(11, 12, limit=1)
    turns.wait(STOCK, 21, 1)
    assert turns.take({SALES: 1, STOCK: 0}.__getitem__) == [21]
    turns.look_at_all()
    assert turns.take(lambda _: 0) == [11]


def test_one_that_leaves_makes_room_for_the_next() -> None:
    turns = waiting(11, 12, 13, limit=1)
    turns.take(lambda _: 0)
    turns.leave(12)
    turns.leave(12)
    assert turns.take(lambda _: 0) == [13]
    assert not turns.is_waiting(12)


def test_one_that_comes_back_is_as_old_as_it_was() -> None:
    turns = waiting(12, 11, 13, limit=1)
    assert turns.take(lambda _: 0) == [11]
    turns.leave(12)
    turns.wait(SALES, 12, 1)
    assert turns.take(lambda _: 0) == [12]


def test_an_instance_that_waits_twice_has_one_turn() -> None:
    turns = waiting(11, 11, 12)
    assert turns.take(lambda _: 0) == [11, 12]
