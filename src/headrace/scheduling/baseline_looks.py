"""Looks at what baselines promise, writes down how it stands, and alarms. See decision 27."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from headrace.domain.alarms import AlarmKind
from headrace.domain.baselines import (
    Judgement,
    Promise,
    PromisedRun,
    Standing,
    Terms,
    judge,
    next_promised,
    open_promises,
    terms_of,
    topic_of,
)
from headrace.domain.clock import from_millis, to_millis
from headrace.domain.instance import JobState
from headrace.domain.plan_times import schedule_times
from headrace.services import Services
from headrace.storage import alarms, baselines, instance_lists, jobs, schedules, waits
from headrace.storage.alarms import AlarmRecord, AlarmState
from headrace.storage.baselines import BaselineRecord, PromiseRecord
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.jobs import JobRecord
from headrace.storage.schedules import ScheduleRecord
from headrace.wire.v1.definition import read_definition

log = structlog.get_logger("headrace.scheduling")

BASELINES_AT_ONCE = 100  # in one transaction
LOOK_EVERY = 5 * 60_000
_LATEST_NEWS = timedelta(days=1) // timedelta(milliseconds=1)  # of promises that were broken while no server ran
_LATEST_END = timedelta(days=2) // timedelta(milliseconds=1)  # of what a broken promise is about
KEPT = timedelta(days=180) // timedelta(milliseconds=1)
AVERAGE_OF = 10  # runs of a job
_DEEPEST = 50  # upstream instances in a row that an estimate follows
_KINDS = {
    Standing.ERROR: AlarmKind.BASELINE_ERROR,
    Standing.DANGEROUS: AlarmKind.BASELINE_WARNING,
    Standing.OVER: AlarmKind.BASELINE_BROKEN,
}


def look_at_baselines(services: Services, now: int) -> int:
    """Look at the baselines that are due, or a first part; how many."""
    with services.db.writing(durable=False) as connection:
        found = baselines.due(connection, now, BASELINES_AT_ONCE)
        if found:
            baselines.forget(connection, now - KEPT)
        for baseline in found:
            _look(services, connection, baseline, now)
    if found:
        services.wake_alarms()
    return len(found)


def _look(services: Services, connection: Connection, baseline: BaselineRecord, now: int) -> None:
    """Write how the open promises of a baseline stand, and when to look again."""
    zone = ZoneInfo(services.settings.time_zone)
    document: dict[str, Any] = json.loads(baseline.document)
    terms = terms_of(document)
    since = from_millis(max(baseline.promised, now - _LATEST_NEWS))
    known = [
        _known(services, connection, baseline.id, each) for each in open_promises(terms, since, from_millis(now), zone)
    ]
    keys = {each.id for each in known}
    known += [each for each in baselines.broken(connection, baseline.id, now - _LATEST_END) if each.id not in keys]
    if known:
        promised = _Promised(connection, document["sla_task_ids"], known, now, zone)
        for each in known:
            runs, unscheduled = promised.runs(each.begins, each.ends)
            if runs or unscheduled:
                judged = judge(runs, unscheduled, *map(from_millis, (each.promised, each.warned, now)))
                baselines.put_promise(connection, _written(connection, baseline, document, each, judged, now))
    _advance(connection, baseline, terms, now, zone)


def _known(services: Services, connection: Connection, baseline_id: int, promise: Promise) -> PromiseRecord:
    """What was found of a promise before; nothing yet, where it is new."""
    promised, warned, begins, ends = map(to_millis, promise)
    found = baselines.promise(connection, baseline_id, promised, begins)
    if found is not None:
        return found
    key = services.next_number()
    return PromiseRecord(key, baseline_id, promised, warned, begins, ends, "", 0, None, "", "", None, None)


def _advance(connection: Connection, baseline: BaselineRecord, terms: Terms, now: int, zone: ZoneInfo) -> None:
    """Look again when something is due, and every five minutes, when other promises may have begun."""
    at = from_millis(now)
    coming = open_promises(terms, at, from_millis(now + LOOK_EVERY), zone)
    moments = (to_millis(moment) for each in coming for moment in (each.warned, each.promised) if moment > at)
    promised = to_millis(next_promised(terms, at, zone))
    baselines.advance(connection, baseline.id, promised, min([now + LOOK_EVERY, *moments]))


class _Promised:
    """The jobs of a baseline with the instances that its promises are about. Times in milliseconds."""

    def __init__(
        self, connection: Connection, job_ids: list[str], promises: Sequence[PromiseRecord], now: int, zone: ZoneInfo
    ) -> None:
        self._connection = connection
        self._zone = zone
        self._estimate = Estimate(connection, now)
        first, last = min(each.begins for each in promises), max(each.ends for each in promises)
        self._jobs = [
            (
                job_id,
                jobs.by_id(connection, job_id),
                schedules.by_job(connection, job_id),
                baselines.runs(connection, job_id, first, last),
            )
            for job_id in map(int, job_ids)
        ]

    def runs(self, begins: int, ends: int) -> tuple[list[PromisedRun], list[str]]:
        """The instances of one promise, with those to come; and the jobs that will not get any more."""
        runs, unscheduled = [], []
        for job_id, job, schedule, every in self._jobs:
            records = [each for each in every if begins <= each.plan_time < ends]
            if job is None:
                unscheduled.append(f"the job {job_id}, which was deleted")
            elif self._is_halted(job, schedule, records, begins, ends):
                unscheduled.append(f"{job.name} ({job.status})")
            else:
                runs += [self._made(job.name, record) for record in records]
                coming = None if schedule is None else schedule.next_time
                if coming is not None and begins <= coming < ends:
                    runs.append(self._coming(job, coming))
        return runs, unscheduled

    def _made(self, name: str, record: InstanceRecord) -> PromisedRun:
        end = self._estimate.end_of(record)
        planned = from_millis(record.plan_time).astimezone(self._zone)
        state = JobState(record.status)
        return PromisedRun(name, record.id, planned, state, None if end is None else from_millis(end))

    def _coming(self, job: JobRecord, planned: int) -> PromisedRun:
        took = self._estimate.average(job.id)
        end = None if took is None else from_millis(max(planned, self._estimate.now) + took)
        return PromisedRun(job.name, None, from_millis(planned).astimezone(self._zone), None, end)

    def _is_halted(
        self,
        job: JobRecord,
        schedule: ScheduleRecord | None,
        records: Sequence[InstanceRecord],
        begins: int,
        ends: int,
    ) -> bool:
        """Whether instances that were promised do not come: the job was paused before them, or stopped before any."""
        if schedule is None:
            return not records and self._is_planned(job, begins, ends)
        held = schedule.held_time
        return held is not None and held < ends and self._is_planned(job, max(begins, held), ends)

    def _is_planned(self, job: JobRecord, begins: int, ends: int) -> bool:
        """Whether a schedule would plan something from one time on until before another."""
        text = jobs.version_document(self._connection, job.id, job.version) if job.version else job.draft
        if text is None:
            return False
        schedule = read_definition(text).schedule
        times = schedule_times(schedule, from_millis(begins - 1), from_millis(ends - 1), self._zone)
        return next(times, None) is not None


def _written(
    connection: Connection,
    baseline: BaselineRecord,
    document: dict[str, Any],
    known: PromiseRecord,
    judged: Judgement,
    now: int,
) -> PromiseRecord:
    """A promise with what was found; a standing that is new is told."""
    told = set(filter(None, known.alarmed.split(",")))
    found = known._replace(
        standing=judged.standing.value,
        finished=int(judged.finished),
        finish=None if judged.finish is None else to_millis(judged.finish),
        reason=judged.reason,
    )
    if judged.standing is Standing.SAFE or judged.standing in told or judged.finished:
        return found
    log.warning("a promise of a baseline is in danger", baseline=baseline.name, standing=judged.standing.value)
    if document["baseline_alarm_enable"] and document["alarm_enable"]:
        _tell(connection, baseline, document, found, _KINDS[judged.standing], now)
        found = found._replace(first_alarm=known.first_alarm or now, last_alarm=now)
    return found._replace(alarmed=",".join(sorted(told | {judged.standing.value})))


def _tell(
    connection: Connection,
    baseline: BaselineRecord,
    document: dict[str, Any],
    found: PromiseRecord,
    kind: AlarmKind,
    now: int,
) -> None:
    """Queue an alarm on the topics of a baseline."""
    named = (topic_of(each, document["owner_name"]) for each in document["smn_topics"])
    topics = list(dict.fromkeys(filter(None, named)))
    if topics:
        alarm = AlarmRecord(
            rule_id=baseline.id,
            instance_id=found.id,
            occasion=found.promised + kind,  # one of each kind for a promise
            number=1,
            workspace_id=baseline.workspace_id,
            rule_name=baseline.name,
            kind=kind,
            job_id=0,
            job_name=baseline.name,
            instance_type=0,
            plan_time=found.promised,
            submit_time=now,
            error_message=found.reason,
            topics=json.dumps(topics, ensure_ascii=False),
            most_times=1,
            repeat_minutes=0,
            state=AlarmState.QUEUED,
            alarm_time=now,
            due_time=now,
        )
        alarms.queue(connection, alarm)


class Estimate:
    """When instances end, by what their jobs took before. Times in milliseconds."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self.now = now
        self._averages: dict[int, int | None] = {}
        self._ends: dict[int, int | None] = {}

    def average(self, job_id: int) -> int | None:
        """How long the last successful instances of a job ran."""
        if job_id not in self._averages:
            self._averages[job_id] = instance_lists.average_run(self._connection, job_id, AVERAGE_OF)
        return self._averages[job_id]

    def end_of(self, record: InstanceRecord, depth: int = 0) -> int | None:
        """When an instance ended, or may: None where nothing is known, or it will not end by itself."""
        if record.id not in self._ends:
            self._ends[record.id] = None  # of one that waits for itself
            self._ends[record.id] = self._end_of(record, depth)
        return self._ends[record.id]

    def _end_of(self, record: InstanceRecord, depth: int) -> int | None:
        if record.status in (JobState.SUCCESS, JobState.SKIP_BY_DEPEND):
            return record.end_time
        took = self.average(record.job_id)
        if took is None or record.status not in (JobState.WAITING, JobState.RUNNING) or depth == _DEEPEST:
            return None
        if record.start_time is not None and record.status == JobState.RUNNING:
            return max(self.now, record.start_time + took)
        ends = [self.end_of(each, depth + 1) for each in waits.parents(self._connection, record.id)]
        begins = [end for end in ends if end is not None]
        return None if len(begins) < len(ends) else max([self.now, *begins]) + took
