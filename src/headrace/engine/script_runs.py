"""Script instances on their way: launched, running, finished or failed."""

from __future__ import annotations

from collections import deque
from functools import partial

from headrace.domain.instance import ScriptState, moved
from headrace.engine.membership import Membership
from headrace.engine.script_attempt import run_script
from headrace.engine.slots import Ended, Key, Slots
from headrace.engine.surroundings import SqlEngines
from headrace.nodes.base import NodeResult
from headrace.services import Services
from headrace.sql.engine import Cancellation
from headrace.storage import engines, script_instances
from headrace.storage.database import Connection
from headrace.storage.script_instances import ScriptInstanceRecord

LOST = "The server ended while the script ran; what it did is unknown."


class ScriptRuns:
    """Begins script instances when a slot is free, and records how they end. Used by the coordinator's thread only."""

    def __init__(self, services: Services, engines: SqlEngines, slots: Slots, membership: Membership) -> None:
        self._services = services
        self._engines = engines
        self._slots = slots
        self._membership = membership
        self._waiting: deque[str] = deque()
        self._begun: set[str] = set()  # what this process runs, until its end is written

    def recover(self) -> None:
        """Fail what nobody runs, queue what nobody has begun, and end what runs here for nothing."""
        now, mine = self._services.now(), set()
        with self._services.db.writing(durable=False) as connection:
            alive = engines.all_ids(connection)
            for key in script_instances.open_ids(connection):
                record = script_instances.lock(connection, key)
                if record is None:
                    continue
                if record.owner == self._membership.id and key in self._begun:
                    mine.add(key)
                elif record.status == ScriptState.RUNNING and record.owner not in alive - {self._membership.id}:
                    _move(connection, record, ScriptState.FAILED, message=LOST, end_time=now)
                elif record.status == ScriptState.LAUNCHING and key not in self._waiting:
                    self._waiting.append(key)
        self._slots.cancel(lambda key, _: isinstance(key, str) and key not in mine)

    def round(self, *, woken: bool, ended: list[Ended]) -> bool:
        """Take wishes and ends, begin what can begin; whether anything moved."""
        if woken:
            self._read_wishes()
        ends = [(end.key, end.result) for end in ended if isinstance(end.key, str)]
        if not ends and not self._waiting:
            return False
        for key, result in ends:
            self._record(key, result)
            self._begun.discard(key)
        while self._waiting and self._slots.free > 0:
            self._begin(self._waiting.popleft())
        return True

    def _read_wishes(self) -> None:
        with self._services.db.reading() as connection:
            wishing = script_instances.wishing_ids(connection)
        if not wishing:
            return
        with self._services.db.writing(durable=False) as connection:
            for key in wishing:
                record = script_instances.lock(connection, key)
                if record is None or record.owner not in ("", self._membership.id):
                    continue
                if record.wish == script_instances.STOP:
                    self._slots.cancel(partial(_is_of, key))
                elif record.status == ScriptState.LAUNCHING and key not in self._waiting:
                    self._waiting.append(key)
                script_instances.update_instance(connection, record._replace(wish=""))

    def _begin(self, key: str) -> None:
        with self._services.db.writing(durable=False) as connection:
            record = script_instances.lock(connection, key)
            if record is None or record.status != ScriptState.LAUNCHING:
                return
            now, owner = self._services.now(), self._membership.id
            record = _move(connection, record, ScriptState.RUNNING, start_time=now, owner=owner)
        cancellation = Cancellation()
        work = partial(run_script, self._services, self._engines, record, cancellation)
        self._slots.begin(key, 0, work, cancellation)
        self._begun.add(key)

    def _record(self, key: str, result: NodeResult) -> None:
        """A result that comes after the instance was cancelled is refused."""
        with self._services.db.writing(durable=False) as connection:
            record = script_instances.lock(connection, key)
            if record is None or record.status != ScriptState.RUNNING or record.owner != self._membership.id:
                return
            state = ScriptState.FINISHED if result.success else ScriptState.FAILED
            now = self._services.now()
            _move(connection, record, state, message=result.message, results=result.output or "[]", end_time=now)


def _is_of(instance_id: str, key: Key, fence: int) -> bool:
    return key == instance_id


def _move(
    connection: Connection, record: ScriptInstanceRecord, after: ScriptState, **values: str | int
) -> ScriptInstanceRecord:
    state = moved(ScriptState(record.status), after)
    record = record._replace(status=state.value, **values)  # type: ignore[arg-type]
    script_instances.update_instance(connection, record)
    return record
