"""Looks at what baselines promise, writes down how it stands, and alarms. See decision 27."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from headrace.domain.alarms import AlarmKind
from headrace.domain.baselines import Judgement, PromisedRun, Standing, begins_at, judge, promised_at, topic_of
from headrace.domain.clock import from_millis, to_millis
from headrace.domain.instance import JobState
from headrace.services import Services
from headrace.storage import alarms, baselines, instance_lists, jobs, schedules, waits
from headrace.storage.alarms import AlarmRecord, AlarmState
from headrace.storage.baselines import BaselineRecord, PromiseRecord
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.schedules import ScheduleRecord

log = structlog.get_logger("headrace.scheduling")

BASELINES_AT_ONCE = 100  # in one transaction
LOOK_EVERY = 5 * 60_000
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
    """Write how the open promise of a baseline stands, and when to look again."""
    zone = ZoneInfo(services.settings.time_zone)
    document: dict[str, Any] = json.loads(baseline.document)
    warned = baseline.promised - document["buffer"]
    open_promise = baselines.promise(connection, baseline.id, baseline.promised)
    if open_promise is None:
        begins = to_millis(begins_at(from_millis(baseline.promised), zone))
        key = services.next_number()
        times = (baseline.promised, warned, begins)
        open_promise = PromiseRecord(key, baseline.id, *times, "", 0, None, "", "", None, None)
    estimate = Estimate(connection, now)
    broken = baselines.broken(connection, baseline.id, now - _LATEST_END)
    for known in (open_promise, *(each for each in broken if each.promised != baseline.promised)):
        runs, unscheduled = _runs(connection, document["sla_task_ids"], known.begins, known.promised, estimate, zone)
        if runs or unscheduled:
            moments = (from_millis(known.promised), from_millis(known.warned), from_millis(now))
            judged = judge(runs, unscheduled, *moments)
            baselines.put_promise(connection, _written(connection, baseline, document, known, judged, now))
    _advance(connection, baseline, document, warned, now, zone)


def _advance(
    connection: Connection, baseline: BaselineRecord, document: dict[str, Any], warned: int, now: int, zone: ZoneInfo
) -> None:
    promised = baseline.promised
    if now >= promised:
        hour, minute = int(document["sla_hour"]), int(document["sla_min"])
        promised = to_millis(promised_at(hour, minute, from_millis(now), zone))
        warned = promised - document["buffer"]
    moments = [moment for moment in (warned, promised) if moment > now]
    baselines.advance(connection, baseline.id, promised, min([now + LOOK_EVERY, *moments]))


def _runs(
    connection: Connection, job_ids: list[str], begins: int, promised: int, estimate: Estimate, zone: ZoneInfo
) -> tuple[list[PromisedRun], list[str]]:
    """The instances that a promise is about, with those to come; and the jobs that will not get any more."""
    runs, unscheduled = [], []
    for job_id in map(int, job_ids):
        job, schedule = jobs.by_id(connection, job_id), schedules.by_job(connection, job_id)
        records = baselines.runs(connection, job_id, begins, promised)
        if job is None or _is_halted(schedule, records, promised):
            unscheduled.append(f"the job {job_id}, which was deleted" if job is None else f"{job.name} ({job.status})")
            continue
        for record in records:
            planned, end = from_millis(record.plan_time).astimezone(zone), estimate.end_of(record)
            ends = None if end is None else from_millis(end)
            runs.append(PromisedRun(job.name, record.id, planned, JobState(record.status), ends))
        coming = None if schedule is None else schedule.next_time
        if coming is not None and begins <= coming < promised:
            took = estimate.average(job_id)
            ends = None if took is None else from_millis(max(coming, estimate.now) + took)
            runs.append(PromisedRun(job.name, None, from_millis(coming).astimezone(zone), None, ends))
    return runs, unscheduled


def _is_halted(schedule: ScheduleRecord | None, records: Sequence[InstanceRecord], promised: int) -> bool:
    """Whether instances that were promised do not come: the job was paused before them, or stopped before any."""
    if schedule is None:
        return not records
    return schedule.held_time is not None and schedule.held_time < promised


def _written(
    connection: Connection,
    baseline: BaselineRecord,
    document: dict[str, Any],
    known: PromiseRecord,
    judged: Judgement,
    now: int,
) -> PromiseRecord:
    """A promise with what was found; a standing that is new that day is told."""
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
            occasion=found.promised + kind,  # one of each kind a day
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
