"""Moves the open instances: what happened, what follows from it, one transaction for all of it.

A round works in memory first: it takes what happened, moves the walks concerned and decides what follows. Then one
transaction writes that, and only then attempts begin or are ended. A walk is a cache: an instance that a use case
changed meanwhile is read again, and what was moved in vain is forgotten.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import partial
from zoneinfo import ZoneInfo

from headrace.domain.instance import ENDED_JOB_STATES, InstanceType, JobState, NodeState
from headrace.engine.attempt import Attempt, run_attempt
from headrace.engine.children import Instance, parallel_of, plan_children
from headrace.engine.group_slots import GroupSlots, StoredGroups
from headrace.engine.logs import log_path
from headrace.engine.membership import Membership
from headrace.engine.round_writes import RoundWrites, limit_of
from headrace.engine.slots import Ended, Key, Slots
from headrace.engine.surroundings import SqlEngines
from headrace.engine.timeouts import InstanceTimeouts
from headrace.engine.timers import Due, Timer, Timers
from headrace.engine.turns import Turns
from headrace.engine.walk import Walk
from headrace.engine.walk_reading import holds, is_on_working_day, read_walk
from headrace.nodes.base import Children, NodeFailed, NodeResult
from headrace.services import Services
from headrace.storage import instance_children, instances, open_instances, turns
from headrace.storage.database import Connection
from headrace.storage.instances import NodeRecord


class Coordinator:
    """Holds the walks of the open instances. Used by one thread only."""

    def __init__(self, services: Services, engines: SqlEngines, slots: Slots, membership: Membership) -> None:
        self._services = services
        self._membership = membership
        self._groups = StoredGroups(services.db, membership)
        self._engines = engines
        self._slots = slots
        self._zone = ZoneInfo(services.settings.time_zone)
        self._writes = RoundWrites(services, membership, self._zone)
        self._walks: dict[int, Walk] = {}
        self._undecided: set[int] = set()  # walks with candidates left
        self._ready: dict[int, None] = {}  # walks with startable nodes, in the order in which they take turns
        self._unread: set[int] = set()  # instances to be read again
        self._timers = Timers()
        self._timeouts = InstanceTimeouts(services, self._timers)
        self._turns = Turns()
        self.told_others = False  # whether the last round wished something of instances that may be another engine's
        self._made: dict[int, list[Instance]] = {}  # child instances of this round, by the parent
        self._begun: set[tuple[Key, int]] = set()  # attempts of this process whose end has not been written
        self._ending: set[int] = set()  # stopped instances of which an attempt has not ended yet

    # ---- what the engine asks

    def recover(self) -> None:
        """Have what was taken over read; what its engine ran is retried or failed then."""
        with self._services.db.reading() as connection:
            self._unread |= set(open_instances.open_ids(connection, self._membership.id)) - self._walks.keys()

    def forget(self) -> None:
        """Read everything again: a transaction failed, and memory may say more than the database."""
        self._walks.clear()
        self._ready.clear()
        self._turns = Turns()
        self._timeouts = InstanceTimeouts(self._services, self._timers)
        with self._services.db.reading() as connection:
            self._unread |= set(open_instances.open_ids(connection, self._membership.id))

    def disown(self) -> None:
        """Another engine has taken over everything: end what runs here, and know of nothing."""
        self._slots.cancel(lambda key, _: not isinstance(key, str))
        self._begun.clear()
        self._walks.clear()
        self._ready.clear()
        self._undecided.clear()
        self._unread.clear()
        self._turns = Turns()

    def wait_seconds(self) -> float | None:
        """How long nothing is due; None for as long as nothing happens."""
        if self._undecided or self._unread or self._turns.due:
            return 0.0
        return self._timers.wait_seconds(self._services.now())

    def round(self, *, woken: bool, ended: list[Ended]) -> tuple[list[int], list[Ended]]:
        """One round: the instances that moved, and the ends that must be taken again because theirs was read again."""
        now, self.told_others = self._services.now(), False
        self._made.clear()  # of a round that failed
        touched = {key: self._walks[key] for key in self._undecided if key in self._walks}
        self._undecided.clear()
        if woken or self._unread or self._turns.due:
            touched |= self._read_wishes(now)
        touched |= self._take_ends(ended, now)
        touched |= self._take_timers(now)
        for walk in touched.values():
            walk.decide(now, partial(holds, self._services, walk))
            if walk.startable:
                self._ready[walk.record.id] = None
        claimed = self._claim(touched, now)
        for walk in touched.values():
            walk.settle(now)
        stale = self._write(touched)
        self._begun -= {(end.key, end.fence) for end in ended if end.key[0] not in stale}
        self._carry_out(touched, [attempt for attempt in claimed if attempt.record.id not in stale])
        self._unread |= stale
        return [key for key in touched if key not in stale], [end for end in ended if end.key[0] in stale]

    # ---- what happened

    def _read_wishes(self, now: int) -> dict[int, Walk]:
        with self._services.db.reading() as connection:
            keys = self._unread | self._wishing(connection)
            walks = {key: walk for key in sorted(keys) if (walk := self._load(connection, key)) is not None}
            walks = self._in_turn(connection, walks)
        for key in self._unread - walks.keys():  # gone, waiting for its turn, or another engine's now
            self._slots.cancel(partial(_is_outdated, key, {}))
        self._unread.clear()
        for key, walk in list(walks.items()):
            current: dict[Key, int] = {(key, at): walk.nodes[at].fence for at in walk.attempting()}
            self._slots.cancel(partial(_is_outdated, key, current))
            if self._is_ending(walk):
                self._ending.add(key)
                del walks[key], self._walks[key]
                continue
            self._grant(walk, now)
            self._tally(walk, now)
            self._timeouts.watch(walk.record, walk.job)
        return walks

    def _is_ending(self, walk: Walk) -> bool:
        """Whether an instance was stopped and an attempt has not ended yet: its wish stays until then."""
        stopped = walk.record.wish == instances.STOP and walk.state in ENDED_JOB_STATES
        return stopped and any(key[0] == walk.record.id for key, _ in self._begun)

    def _wishing(self, connection: Connection) -> set[int]:
        """The instances that wish something, but for those that wait for their turn and wish nothing else."""
        wishes = open_instances.wishes(connection, self._membership.id)
        return {key for key, wish in wishes.items() if wish != instances.START or not self._turns.is_waiting(key)}

    def _in_turn(self, connection: Connection, read: dict[int, Walk]) -> dict[int, Walk]:
        """The instances that were read, but for those that must wait for others of their job; and whose turn it is."""
        walks = {}
        for key, walk in read.items():
            self._turns.leave(key)
            if walk.record.wish == instances.START and (limit := limit_of(walk)):
                self._turns.wait(walk.record.job_id, key, limit)
                self._timeouts.watch(walk.record, walk.job)
                del self._walks[key]
            else:
                walks[key] = walk
        if self._services.db.shared:
            self._turns.look_at_all()
        for key in self._turns.take(partial(turns.running_of_job, connection)):
            if (begun := self._load(connection, key)) is not None:
                walks[key] = begun
        return walks

    def _grant(self, walk: Walk, now: int) -> None:
        """Do what is wished of an instance: begin, or end."""
        wish = walk.record.wish
        walk.see()
        if wish == instances.STOP:
            walk.stop(now)
            walk.abandoned |= {node.position for node in walk.nodes if node.children is not None}
        elif not walk.job.nodes:
            if walk.state in (JobState.WAITING, JobState.RUNNING):
                walk.fail("The version of the job that this instance runs cannot be read.", now)
        elif wish == instances.START:
            if walk.record.instance_type == InstanceType.PATCH_DATA:
                with self._services.db.reading() as connection:
                    works = is_on_working_day(connection, walk, self._zone)
                walk.record = walk.record._replace(dry_run=int(not works))
            walk.begin(now, self._membership.id)

    def _tally(self, walk: Walk, now: int) -> None:
        """Look at what the child instances of an instance have become."""
        for position in walk.with_children():
            node = walk.nodes[position]
            with self._services.db.reading() as connection:
                children = instance_children.children_of(connection, walk.record.id, position, node.fence)
            walk.tally(position, children, parallel_of(node.children or ""), now)
            self._set_retry(walk, position)

    def _load(self, connection: Connection, key: int) -> Walk | None:
        walk = read_walk(connection, key, self._membership.id)
        if walk is None:
            self._walks.pop(key, None)
            self._ready.pop(key, None)
            return None
        self._walks[key] = walk
        self._ready.pop(key, None)
        if walk.record.owner:
            walk.lost(self._services.now(), self._runs_here)
        for node in walk.nodes:
            if node.retry_at is not None:
                self._timers.add(Timer(node.retry_at, Due.RETRY, key, node.position, node.fence))
            if node.lease_until is not None and node.status == NodeState.RUNNING:
                self._timers.add(Timer(node.lease_until, Due.LEASE_END, key, node.position, node.fence))
        return walk

    def _runs_here(self, node: NodeRecord) -> bool:
        """Whether this process has the attempt of a running node; what another one had ended with it."""
        return ((node.instance_id, node.position), node.fence) in self._begun

    def _take_ends(self, ended: Iterable[Ended], now: int) -> dict[int, Walk]:
        touched = {}
        for end in ended:
            if isinstance(end.key, str):
                continue
            key, position = end.key
            walk = self._walks.get(key)
            if walk is None:
                if key in self._ending:
                    self._ending.discard(key)
                    self._unread.add(key)
                continue
            result = (
                end.result
                if end.result.children is None
                else self._adopted(walk, position, end.fence, end.result.children)
            )
            if result is not None and walk.ended(position, end.fence, result, now):
                self._set_retry(walk, position)
            if result is None or walk.changed_nodes:
                touched[key] = walk
        return touched

    def _adopted(self, walk: Walk, position: int, fence: int, children: Children) -> NodeResult | None:
        """Make the child instances of an attempt; how it ended if there is nothing to wait for."""
        if not children.instances:
            return NodeResult(success=True)
        try:
            with self._services.db.reading() as connection:
                plan = plan_children(self._services, connection, walk.record, walk.nodes[position], children)
        except NodeFailed as error:
            return NodeResult(success=False, message=str(error), retry=False)
        if walk.adopt(position, fence, plan.note):
            self._made.setdefault(walk.record.id, []).extend(plan.instances)
        return None

    def _take_timers(self, now: int) -> dict[int, Walk]:
        touched = {}
        for timer in self._timers.due(now):
            if timer.kind is Due.OVERDUE:
                self._timeouts.tell(timer)
                continue
            walk = self._walks.get(timer.instance_id)
            if walk is None or walk.nodes[timer.position].fence != timer.fence:
                continue
            if timer.kind is Due.RETRY:
                walk.retry_due(timer.position)
            elif walk.timed_out(timer.position, timer.fence, now):
                self._set_retry(walk, timer.position)
            touched[timer.instance_id] = walk
        return touched

    def _set_retry(self, walk: Walk, position: int) -> None:
        node = walk.nodes[position]
        if node.retry_at is not None:
            self._timers.add(Timer(node.retry_at, Due.RETRY, node.instance_id, position, node.fence))

    # ---- what follows

    def _claim(self, touched: dict[int, Walk], now: int) -> list[Attempt]:
        """Claim startable nodes for the free slots of all and of their groups; instances take turns."""
        attempts: list[Attempt] = []
        groups, full = GroupSlots(self._walks.values(), self._groups), []
        free = self._slots.free if self._ready else 0
        while self._ready and len(attempts) < free:
            key = next(iter(self._ready))
            del self._ready[key]
            walk = self._walks.get(key)
            if walk is None or not walk.startable:
                continue
            position = groups.take(walk)
            if position is None:
                full.append(key)
                continue
            walk.startable.remove(position)
            attempts.append(self._claimed(walk, position, now))
            touched[key] = walk
            if walk.startable:
                self._ready[key] = None
        self._ready |= dict.fromkeys(full)
        return attempts

    def _claimed(self, walk: Walk, position: int, now: int) -> Attempt:
        record, name = walk.record, walk.definition(position).name
        path = log_path(record, name, self._zone)
        node = walk.claim(position, now, path)
        if node.lease_until is not None:
            self._timers.add(Timer(node.lease_until, Due.LEASE_END, record.id, position, node.fence))
        return Attempt(record=record, job=walk.job, nodes=tuple(walk.nodes), position=position)

    def _write(self, touched: dict[int, Walk]) -> set[int]:
        """Write the walks; those that somebody changed meanwhile are not written, and forgotten."""
        done = self._writes.write(touched, self._walks.values(), self._made)
        self._made.clear()
        for record in done.ended:
            self._timeouts.forget(record.id)
            self._turns.look_again(record.job_id)
        for key in done.stale:
            del self._walks[key]
        self._unread |= done.unread
        self.told_others |= done.told_others
        return done.stale

    def _carry_out(self, touched: dict[int, Walk], attempts: list[Attempt]) -> None:
        for attempt in attempts:
            work = partial(run_attempt, self._services, self._engines, attempt)
            self._slots.begin(attempt.key, attempt.fence, work, attempt.cancellation)
            self._begun.add((attempt.key, attempt.fence))
        for key, walk in touched.items():
            ending: set[tuple[Key, int]] = {((key, position), fence) for position, fence in walk.cancelled}
            walk.cancelled.clear()
            if ending:
                self._slots.cancel(partial(_is_one_of, ending))
            if walk.candidates:
                self._undecided.add(key)
            elif walk.state is not JobState.RUNNING and not walk.running():
                self._walks.pop(key, None)
                self._ready.pop(key, None)


def _is_outdated(instance_id: int, current: Mapping[Key, int], key: Key, fence: int) -> bool:
    """Whether an attempt of the instance is not the one its node runs now."""
    return key[0] == instance_id and current.get(key) != fence


def _is_one_of(attempts: Container[tuple[Key, int]], key: Key, fence: int) -> bool:
    return (key, fence) in attempts
