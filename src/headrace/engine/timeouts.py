"""Tells, and alarms, when an instance takes longer than its job allows; it goes on.

Source: reference on scheduling §7.
"""

from __future__ import annotations

import structlog

from headrace.domain.alarms import AlarmKind
from headrace.domain.instance import ENDED_JOB_STATES, JobState
from headrace.domain.job import JobDefinition
from headrace.engine.timers import Due, Timer, Timers
from headrace.services import Services
from headrace.storage import alarms, instances
from headrace.storage.instances import InstanceRecord

_NOT_OVERDUE = ENDED_JOB_STATES | {JobState.SKIP_BY_DEPEND}

log = structlog.get_logger("headrace.engine")


class InstanceTimeouts:
    """Watches instances, each until it has ended. Used by the engine's thread only."""

    def __init__(self, services: Services, timers: Timers) -> None:
        self._services = services
        self._timers = timers
        self._due: dict[int, int] = {}  # when each instance will have taken too long

    def watch(self, record: InstanceRecord, job: JobDefinition) -> None:
        """Remember when that will be; nothing happens where it is remembered already."""
        at = job.overdue_at(record.submit_time, record.start_time)
        if at is not None and record.status not in ENDED_JOB_STATES and self._due.get(record.id) != at:
            self._due[record.id] = at
            self._timers.add(Timer(at, Due.OVERDUE, record.id, 0, 0))

    def forget(self, instance_id: int) -> None:
        """An instance has ended."""
        self._due.pop(instance_id, None)

    def tell(self, timer: Timer) -> None:
        """The time of an instance is over: warn, unless it has ended or began anew meanwhile."""
        if self._due.get(timer.instance_id) != timer.at:
            return
        with self._services.db.writing(durable=False) as connection:
            record = instances.by_id(connection, timer.instance_id)
            if record is not None and record.status not in _NOT_OVERDUE:
                now = self._services.now()
                alarms.raise_for(connection, record, {AlarmKind.TIMEOUT}, occasion=timer.at, now=now)
        self._services.wake_alarms()
        if record is None or record.status in _NOT_OVERDUE:
            self.forget(timer.instance_id)
            return
        log.warning(
            "an instance takes longer than its timeout; it goes on",
            instance=record.id,
            job=record.job_name,
            workspace=record.workspace_id,
            status=record.status,
            start_time=record.start_time,
            due=timer.at,
        )
