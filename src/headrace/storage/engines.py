"""Engines: who runs the instances of this database, and until when each may. Leases count by the database's clock."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, bindparam, cast, delete, func, insert, select, update

from headrace.storage.database import Connection
from headrace.storage.statement import Statement
from headrace.storage.tables import engines

FOREVER = 9_223_372_036_854_775_807  # of a database that only one process opens: no lease ends

_INSERT = Statement(insert(engines))
_BEAT = Statement(update(engines).where(engines.c.id == bindparam("key")).values(lease_until=bindparam("lease_until")))
_HOLDS = Statement(select(engines.c.id).where(engines.c.id == bindparam("key")).with_for_update(key_share=True))
_DELETE = Statement(delete(engines).where(engines.c.id == bindparam("key")))
_LATE = Statement(
    select(engines.c.id, engines.c.place)
    .where((engines.c.lease_until < bindparam("now")) | (engines.c.place == bindparam("place")))
    .where(engines.c.id != bindparam("me"))
    .with_for_update()
)
_IDS = Statement(select(engines.c.id))
_CLOCK = Statement(select(cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)))


def clock(connection: Connection) -> int:
    """Milliseconds since the epoch, by the database's clock; 0 where the database has none of its own."""
    return int(connection.value(_CLOCK)) if connection.dialect == "postgresql" else 0


def add(connection: Connection, engine_id: str, place: str, lease_until: int) -> None:
    """An engine begins."""
    connection.run(_INSERT, id=engine_id, place=place, lease_until=lease_until)


def beat(connection: Connection, engine_id: str, lease_until: int) -> bool:
    """Extend a lease; False when another engine has taken over meanwhile."""
    return connection.run(_BEAT, key=engine_id, lease_until=lease_until) > 0


def holds(connection: Connection, engine_id: str) -> bool:
    """Whether no other engine has taken over, nor can until the transaction ends."""
    return connection.one(_HOLDS, key=engine_id) is not None


def late(connection: Connection, engine_id: str, place: str, now: int) -> dict[str, str]:
    """Other engines whose lease is over or whose place this one has, with their places; for nobody else meanwhile."""
    return {row[0]: row[1] for row in connection.all(_LATE, me=engine_id, place=place, now=now)}


def all_ids(connection: Connection) -> set[str]:
    """Every engine that has not been taken over."""
    return {row[0] for row in connection.all(_IDS)}


def remove(connection: Connection, engine_ids: Iterable[str]) -> None:
    """Forget engines."""
    connection.run_many(_DELETE, [{"key": key} for key in engine_ids])
