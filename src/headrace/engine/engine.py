"""The engine: one thread that is woken by wishes, ends of attempts and timers, and otherwise sleeps.

Stopping asks running attempts to end and waits a few seconds for them. Their instances stay open: the next start
retries or fails those attempts as their policies say, as after a crash.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable

import structlog

from headrace.domain.instance import UNENDED_JOB_STATES, JobState
from headrace.engine.coordinator import Coordinator
from headrace.engine.membership import Membership, Overtaken
from headrace.engine.recovery import HomeLock
from headrace.engine.script_runs import ScriptRuns
from headrace.engine.slots import Ended, Slots
from headrace.engine.surroundings import SqlEngines
from headrace.errors import InstanceNotFound
from headrace.nodes.process import end_leftovers
from headrace.services import Services
from headrace.sql.engine import SqlEngine
from headrace.storage import instances
from headrace.storage.instances import InstanceRecord, NodeRecord

log = structlog.get_logger("headrace.engine")

STOP_SECONDS = 8.0  # how long a stop waits for attempts to end
TROUBLE_SECONDS = 1.0  # how long the engine rests after a round that failed
OnChange = Callable[[InstanceRecord, list[NodeRecord]], None]


class Engine:
    """Runs the instances of an installation. ``wake`` may be called from any thread, also before ``start``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._condition = threading.Condition()
        self._woken = False
        self._stopping = False
        self._ended: list[Ended] = []
        self._changes = threading.Condition()
        self._change_count = 0
        self._thread: threading.Thread | None = None
        self._next_beat: int | None = None
        self._lock = HomeLock(services.settings.home)

    def start(self) -> None:
        """Recover what the last process left, and begin. Raises EngineTaken when another process runs this home."""
        if self._thread is not None:
            return
        self._lock.acquire()
        settings = self._services.settings
        self._stopping, self._ended = False, []
        self._engines = SqlEngines(settings, self._services.store)
        self._slots = Slots(settings.max_parallel_nodes, self._tell)
        self._membership = Membership(self._services)
        self._coordinator = Coordinator(self._services, self._engines, self._slots, self._membership)
        self._scripts = ScriptRuns(self._services, self._engines, self._slots, self._membership)
        self._recover([str(settings.home), *self._membership.join().homes])
        shutil.rmtree(settings.home / "scratch", ignore_errors=True)
        self._woken, self._silent = True, threading.Event()
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()
        if self._services.db.shared:
            threading.Thread(target=self._listen, name="engine-listener", daemon=True).start()

    def _recover(self, homes: list[str]) -> None:
        """Go on with what engines had that are gone, after the processes of their homes on this machine have ended.

        All of them: also an attempt that was stopped may still be there, because its engine died before it could act.
        """
        leftovers = end_leftovers(homes=homes)
        if leftovers:
            log.warning("ended processes that the last server left running", count=leftovers)
        self._coordinator.recover()
        self._scripts.recover()

    @property
    def id(self) -> str:
        """The id of this engine among those of the database; empty before it has started."""
        return self._membership.id if self._thread is not None else ""

    def open_sql(self, workspace_id: str) -> SqlEngine:
        """The embedded engine of a workspace, while this engine runs."""
        return self._engines.of(workspace_id)

    def stop(self) -> None:
        """Ask running attempts to end, wait for them a few seconds, and stop."""
        if self._thread is None:
            return
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()
        self._silent.set()
        self._slots.close(STOP_SECONDS)
        self._membership.leave()
        self._services.db.announce(self._membership.id)
        self._engines.close()
        self._thread = None
        self._lock.release()
        self._announce()
        self._services.logs.tell_all()

    def wake(self) -> None:
        """Something was committed that an engine must see."""
        self._wake_here()
        self._tell_others()

    def _wake_here(self) -> None:
        with self._condition:
            self._woken = True
            self._condition.notify()

    def _tell_others(self) -> None:
        """Wake the engines of other processes; the thread that listens here ignores it."""
        if self._services.db.shared:
            self._services.db.announce("" if self._thread is None else self._membership.id)

    def _listen(self) -> None:
        def hear(engine_id: str) -> None:
            if engine_id != self._membership.id:
                self._wake_here()

        self._services.db.listen(hear, self._silent)

    def wait(self, instance_id: int, timeout: float | None = None, on_change: OnChange | None = None) -> InstanceRecord:
        """Wait until an instance has ended (or was suspended), telling each change; its last state.

        ``timeout`` in seconds: then the state it has is given. Raises InstanceNotFound.
        """
        deadline = None if timeout is None else self._services.now() + timeout * 1000
        seen: tuple[InstanceRecord, list[NodeRecord]] | None = None
        while True:
            count = self._change_count
            with self._services.db.reading() as connection:
                record = instances.by_id(connection, instance_id)
                nodes = instances.nodes_of(connection, instance_id)
            if record is None:
                raise InstanceNotFound(f"instance {instance_id}.")
            if on_change is not None and (record, nodes) != seen:
                on_change(record, nodes)
            seen = (record, nodes)
            rest = None if deadline is None else (deadline - self._services.now()) / 1000
            if _at_rest(record) or self._thread is None or (rest is not None and rest <= 0):
                return record
            with self._changes:
                self._changes.wait_for(lambda count=count: self._change_count != count, rest)  # type: ignore[misc]

    # ---- the thread

    def _tell(self, end: Ended) -> None:
        with self._condition:
            self._ended.append(end)
            self._condition.notify()

    def _loop(self) -> None:
        self._next_beat = self._beat_after(self._services.now())
        while True:
            with self._condition:
                if not (self._stopping or self._woken or self._ended):
                    self._condition.wait(self._wait_seconds())
                if self._stopping:
                    return
                woken, ended = self._woken, self._ended
                self._woken, self._ended = False, []
            try:
                self._round(woken, ended)
            except Overtaken:
                log.warning("this engine was silent for longer than its lease; others have taken over what it ran")
                self._rejoin()
            except Exception:
                log.exception("a round of the engine failed; everything is read again")
                self._recover_from_trouble(ended)

    def _wait_seconds(self) -> float | None:
        rest = self._coordinator.wait_seconds()
        if self._next_beat is None:
            return rest
        beat = max(0.0, (self._next_beat - self._services.now()) / 1000)
        return beat if rest is None else min(rest, beat)

    def _beat_after(self, now: int) -> int | None:
        every = self._membership.beat_millis
        return None if every is None else now + every

    def _beat(self) -> None:
        """Extend the lease when that is due, and go on with what engines had that are late."""
        now = self._services.now()
        if self._next_beat is None or now < self._next_beat:
            return
        taken = self._membership.beat()
        if taken.engines or taken.instances:
            log.warning("took over from engines that are gone", engines=taken.engines, instances=taken.instances)
            self._recover(taken.homes)
            self._woken = True
        self._next_beat = self._beat_after(now)

    def _round(self, woken: bool, ended: list[Ended]) -> None:
        self._beat()
        moved = self._scripts.round(woken=woken, ended=ended)
        touched, again = self._coordinator.round(woken=woken, ended=ended)
        if again:
            with self._condition:
                self._ended += again
        if touched or moved:
            self._announce()
        for key in touched:
            self._services.logs.tell(key)
        if self._coordinator.told_others:
            self._tell_others()

    def _rejoin(self) -> None:
        """Begin anew after others have taken over."""
        try:
            self._coordinator.disown()
            self._recover(self._membership.join().homes)
            self._woken, self._next_beat = True, self._beat_after(self._services.now())
        except Exception:
            log.exception("the engine cannot begin anew")
            self._recover_from_trouble([])

    def _recover_from_trouble(self, ended: list[Ended]) -> None:
        """Rest a moment and read the open instances again, as often as it takes."""
        with self._condition:
            self._ended = ended + self._ended
            self._woken = True
        while not self._stopping:
            with self._condition:
                self._condition.wait_for(lambda: self._stopping, TROUBLE_SECONDS)
            try:
                self._coordinator.forget()
                self._scripts.recover()
            except Exception:
                log.exception("the open instances cannot be read")
            else:
                return

    def _announce(self) -> None:
        with self._changes:
            self._change_count += 1
            self._changes.notify_all()


def _at_rest(record: InstanceRecord) -> bool:
    state = JobState(record.status)
    return state not in UNENDED_JOB_STATES or state is JobState.RUNNING_EXCEPTION
