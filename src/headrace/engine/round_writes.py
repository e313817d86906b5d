"""Writes a round of the coordinator: what became of its walks, and what follows from that, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from headrace.domain.instance import ENDED_JOB_STATES, LIMITED_TYPES, UNENDED_JOB_STATES, InstanceType, JobState
from headrace.engine.children import Instance
from headrace.engine.group_slots import taken_by
from headrace.engine.membership import Membership
from headrace.engine.walk import Walk
from headrace.services import Services
from headrace.storage import (
    alarms,
    backfill_progress,
    instance_children,
    instances,
    jobs,
    lock_order,
    task_groups,
    turns,
    waits,
)
from headrace.storage.backfill_progress import Clockwork
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord

_ENDED = (JobState.SUCCESS, JobState.FAIL, JobState.MANUAL_STOP)
_NO_NEWS = UNENDED_JOB_STATES - {JobState.RUNNING_EXCEPTION}  # states on which no rule alarms


@dataclass
class Written:
    """What a transaction did. ``stale``: walks not written, since somebody changed their instances meanwhile."""

    stale: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)  # other instances of which something is wished now
    ended: list[InstanceRecord] = field(default_factory=list)
    told_others: bool = False  # whether something is wished of instances that may be another engine's


class RoundWrites:
    """Writes the rounds of one engine."""

    def __init__(self, services: Services, membership: Membership, zone: ZoneInfo) -> None:
        self._services = services
        self._membership = membership
        self._zone = zone

    def write(
        self, touched: Mapping[int, Walk], every: Collection[Walk], made: Mapping[int, Sequence[Instance]]
    ) -> Written:
        """Write the walks that were touched, but for the stale ones. ``every``: all walks; they hold slots of groups.

        ``made``: child instances that were made in this round, by their parent.
        """
        done = Written()
        if not touched:
            return done
        with self._services.db.writing(durable=False) as connection:
            self._membership.check(connection)
            done.stale = self._stale(connection, touched, every)
            walks = [walk for key, walk in touched.items() if key not in done.stale]
            changed = [walk for walk in walks if walk.record != walk.loaded]
            instances.update_instances(connection, [walk.record for walk in changed])
            nodes = [walk.nodes[at] for walk in walks for at in sorted(walk.changed_nodes)]
            instances.update_nodes(connection, nodes)
            for walk in walks:
                self._write_consequences(connection, walk, made.get(walk.record.id, ()), done)
            for walk in changed:
                self._queue_alarms(connection, walk)
                self._after_end(connection, walk, done)
            self._begin_next_dates(connection, changed, done)
        if any(walk.record.status not in _NO_NEWS for walk in changed):
            self._services.wake_alarms()
        for walk in walks:
            walk.written()
        return done

    def _stale(self, connection: Connection, touched: Mapping[int, Walk], every: Collection[Walk]) -> set[int]:
        """Lock the instances; those that somebody changed, or to which another engine left no turn or no slot."""
        if self._services.db.shared:
            self._lock_in_order(connection, touched)
        stale: set[int] = set()
        begun: Counter[int] = Counter()
        for key in sorted(touched):
            walk = touched[key]
            if instances.lock(connection, key) != walk.loaded or not self._may_begin(connection, walk, begun):
                stale.add(key)
        return stale | self._without_slot(connection, [touched[key] for key in touched.keys() - stale], every)

    def _lock_in_order(self, connection: Connection, touched: Mapping[int, Walk]) -> None:
        """Lock what this round may change of what others change too; see ``lock_order``."""
        ends = [walk.record for walk in touched.values() if walk.record != walk.loaded and walk.state in _ENDED]
        begins = [walk.record for walk in touched.values() if limit_of(walk, walk.loaded.status)]
        backfill_progress.lock_tasks(connection, ends)
        lock_order.lock_jobs(connection, (record.job_id for record in (*ends, *begins)))
        others = {each for record in ends for each in lock_order.concerned(connection, record)}
        for walk in touched.values():
            others.update(walk.begun)
            if walk.abandoned:
                others.update(instance_children.open_of(connection, walk.record.id))
        lock_order.lock_instances(connection, others | touched.keys())

    def _may_begin(self, connection: Connection, walk: Walk, begun: Counter[int]) -> bool:
        """Whether it still is the turn of an instance that begins: another engine may have begun one of its job."""
        limit = limit_of(walk, walk.loaded.status)
        if not self._services.db.shared or not limit or walk.state is not JobState.RUNNING:
            return True
        job_id = walk.record.job_id  # which is locked
        may = turns.running_of_job(connection, job_id) + begun[job_id] < limit
        begun[job_id] += may
        return may

    def _without_slot(self, connection: Connection, walks: Sequence[Walk], every: Collection[Walk]) -> set[int]:
        """The walks whose nodes took slots of a group that another engine has taken meanwhile."""
        if not self._services.db.shared:
            return set()
        claiming = [walk for walk in walks if any(walk.nodes[at].task_group for at in walk.claimed())]
        refused: set[int] = set()
        for group in sorted({(walk.record.workspace_id, name) for walk in claiming for name in walk.job.task_groups}):
            limit = task_groups.locked_limit(connection, *group)
            others = task_groups.running_elsewhere(connection, *group, self._membership.id)
            if limit is not None and taken_by(every)[group] + others > limit:
                refused |= {walk.record.id for walk in claiming if group[1] in walk.job.task_groups}
        return refused

    def _write_consequences(self, connection: Connection, walk: Walk, made: Sequence[Instance], done: Written) -> None:
        """What became of attempts, and what that means for child instances."""
        instances.add_attempts(connection, walk.outcomes)
        done.told_others |= bool(walk.outcomes and walk.job.task_groups)
        for instance, nodes in made:
            instances.insert_instance(connection, instance, nodes)
            if instance.wish:
                done.unread.add(instance.id)
        instance_children.begin_children(connection, walk.begun)
        done.unread.update(walk.begun)
        done.told_others |= bool(walk.begun or walk.abandoned)
        if walk.abandoned:
            now = self._services.now()
            done.unread.update(instance_children.end_children(connection, walk.record.id, walk.abandoned, now))

    def _begin_next_dates(self, connection: Connection, changed: Iterable[Walk], done: Written) -> None:
        """Begin what comes next in the backfills whose instances have ended."""
        ends = [walk.record for walk in changed if walk.state in ENDED_JOB_STATES]
        works = Clockwork(now=self._services.now(), zone=self._zone, next_number=self._services.next_number)
        begun = backfill_progress.ended(connection, ends, works)
        done.unread.update(begun)
        done.told_others |= bool(begun)

    def _queue_alarms(self, connection: Connection, walk: Walk) -> None:
        """Queue the alarms on an instance that has ended or was suspended."""
        if walk.record.end_time is not None or walk.record.status != walk.loaded.status:
            alarms.reached(connection, walk.record, self._services.now())

    def _after_end(self, connection: Connection, walk: Walk, done: Written) -> None:
        """What the end of an instance means for its job, for those that wait for it and for the one that runs it."""
        record = walk.record
        if record.end_time is None or walk.state not in _ENDED:
            return
        done.ended.append(record)
        done.told_others |= walk.job.schedule.concurrent > 0
        released = waits.release(connection, record, self._services.now())
        done.unread.update(released)
        done.told_others |= bool(released)
        parent = instance_children.tell_parent(connection, record)
        if parent is not None:
            done.unread.add(parent)
            done.told_others = True
        if walk.state is not JobState.MANUAL_STOP:
            jobs.set_last_instance(connection, record.job_id, record.status, record.end_time)
        if record.instance_type == InstanceType.RUN_ONCE:
            job = jobs.by_id(connection, record.job_id)
            if job is not None and job.status == "SCHEDULING":
                jobs.set_status(connection, record.job_id, "STOPPED", end_time=record.end_time)


def limit_of(walk: Walk, status: str | None = None) -> int:
    """How many instances of its job may run at once, if this one waits and counts for that; else 0."""
    waiting = (walk.record.status if status is None else status) == JobState.WAITING
    return walk.job.schedule.concurrent if waiting and walk.record.instance_type in LIMITED_TYPES else 0
