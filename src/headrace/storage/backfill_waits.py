"""Which dates of a backfill wait for which: looked at when a date has ended. Decision 21."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from sqlalchemy import and_, bindparam, literal_column, select, update

from headrace.domain.clock import from_millis
from headrace.domain.dependencies import Upstream, Verdict, all_together, verdict
from headrace.domain.dependency_words import DependFailPolicy
from headrace.domain.instance import JobState
from headrace.storage.backfills import DateState
from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import backfill_dates, backfill_waits

_MOVE = Statement(
    update(backfill_dates)
    .where(backfill_dates.c.backfill_id == bindparam("key"), backfill_dates.c.position == bindparam("at"))
    .values(state=bindparam("state"))
)
_WAITING = Statement(
    select(backfill_waits.c.position).distinct().where(backfill_waits.c.backfill_id == bindparam("backfill_id"))
)
_DEPENDENTS = Statement(
    select(backfill_waits.c.position)
    .distinct()
    .select_from(
        backfill_waits.join(
            backfill_dates,
            and_(
                backfill_dates.c.backfill_id == backfill_waits.c.backfill_id,
                backfill_dates.c.position == backfill_waits.c.position,
            ),
        )
    )
    .where(
        backfill_waits.c.backfill_id == bindparam("backfill_id"),
        backfill_waits.c.upstream == bindparam("upstream"),
        backfill_dates.c.state == literal_column(f"'{DateState.WAITING}'"),
    )
    .order_by(backfill_waits.c.position)
)
_WAITED_FOR = Statement(
    select(
        backfill_waits.c.number,
        backfill_waits.c.any_suffices,
        backfill_waits.c.fail_policy,
        backfill_dates.c.plan_time,
        backfill_dates.c.state,
    )
    .select_from(
        backfill_waits.join(
            backfill_dates,
            and_(
                backfill_dates.c.backfill_id == backfill_waits.c.backfill_id,
                backfill_dates.c.position == backfill_waits.c.upstream,
            ),
        )
    )
    .where(backfill_waits.c.backfill_id == bindparam("backfill_id"), backfill_waits.c.position == bindparam("position"))
    .order_by(backfill_waits.c.number)
)

_AS_INSTANCE: Mapping[str, JobState] = {
    DateState.SUCCESS: JobState.SUCCESS,
    DateState.FAIL: JobState.FAIL,
    DateState.MANUAL_STOP: JobState.MANUAL_STOP,
    DateState.DROPPED: JobState.MANUAL_STOP,
}


def move(connection: Connection, backfill_id: int, position: int, state: str) -> None:
    """Give a date another state."""
    connection.run(_MOVE, key=backfill_id, at=position, state=state)


def wait_again(connection: Connection, backfill_id: int, positions: Iterable[int]) -> None:
    """Dates are to begin once more: those that wait for others wait again, for what these have become."""
    waiting = {row[0] for row in connection.all(_WAITING, backfill_id=backfill_id)}
    chosen = list(positions)
    for position in chosen:
        move(connection, backfill_id, position, DateState.WAITING if position in waiting else DateState.READY)
    for position in chosen:
        if position in waiting:
            _decide(connection, backfill_id, position)


def settle(connection: Connection, backfill_id: int, positions: Iterable[int]) -> None:
    """Look at the dates that wait for these: ready, or dropped where that is clear now, and so on."""
    queue = deque(positions)
    while queue:
        for (position,) in connection.all(_DEPENDENTS, backfill_id=backfill_id, upstream=queue.popleft()):
            if _decide(connection, backfill_id, position) is Verdict.CANCEL:
                queue.append(position)


def _decide(connection: Connection, backfill_id: int, position: int) -> Verdict:
    """Make a waiting date ready, or drop it, if that is clear now."""
    decided = _verdict(connection, backfill_id, position)
    if decided is not Verdict.WAIT:
        state = DateState.READY if decided is Verdict.RUN else DateState.DROPPED
        move(connection, backfill_id, position, state)
    return decided


def _verdict(connection: Connection, backfill_id: int, position: int) -> Verdict:
    groups: dict[int, list[tuple[int, str, int, str]]] = {}
    for number, *rest in connection.all(_WAITED_FOR, backfill_id=backfill_id, position=position):
        groups.setdefault(number, []).append(tuple(rest))
    return all_together(
        verdict(
            Upstream(
                windows=(),
                plan_times=tuple(from_millis(plan_time) for _, _, plan_time, _ in rows),
                any_suffices=bool(rows[0][0]),
                runs_without=True,
                rule="",
            ),
            [_AS_INSTANCE.get(state) for *_, state in rows],
            DependFailPolicy(rows[0][1]),
        )
        for rows in groups.values()
    )
