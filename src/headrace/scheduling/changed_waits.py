"""Has instances wait for the plan times that jobs have since their schedules changed. See decision 19."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import structlog

from headrace.domain.clock import from_millis, to_millis
from headrace.domain.instance import JobState
from headrace.errors import HeadraceError
from headrace.scheduling.upstream import Dependency, dependencies_of
from headrace.services import Services
from headrace.storage import changed_schedules, instances, jobs, waits
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.waits import WaitRecord
from headrace.wire.v1.definition import read_definition

log = structlog.get_logger("headrace.scheduling")

JOBS_AT_ONCE = 100  # in one transaction


def follow_changes(services: Services, now: int) -> int:
    """Look at what waits for jobs whose schedules changed, or a first part; how many jobs."""
    zone = ZoneInfo(services.settings.time_zone)
    with services.db.writing(durable=False) as connection:
        found = changed_schedules.take(connection, JOBS_AT_ONCE)
        waiting = {(number, job_id) for job_id in found for number in changed_schedules.waiting_for(connection, job_id)}
        again = [number for number, job_id in sorted(waiting) if _wait_again(connection, number, job_id, zone, now)]
        waits.settle(connection, sorted(set(again)), now)
    return len(found)


def _wait_again(connection: Connection, number: int, job_id: int, zone: ZoneInfo, now: int) -> bool:
    """Have an instance wait for the plan times of a job that count now; whether they are others than before."""
    record = instances.lock(connection, number)
    if record is None or record.wish or record.start_time is not None:
        return False
    known = [each for each in waits.of_instance(connection, number) if each[0].upstream_job_id == job_id]
    counts = _counting(connection, record, job_id, zone)
    if counts is None or not known:
        return False
    before = [sorted(each.plan_time for each in awaited) for _, awaited in known]
    if before == [list(map(to_millis, each.upstream.plan_times)) for each in counts if each.upstream.plan_times]:
        return False
    log.info("an instance waits for other plan times", instance=number, job=record.job_name, upstream=job_id)
    unmet = next((each for each in counts if not each.upstream.plan_times), None)
    if unmet is not None and record.status == JobState.WAITING:
        reason = f"Cancelled: no instance of the job {unmet.job.name!r} counts for it ({unmet.upstream.rule})."
        waits.release(connection, waits.cancel(connection, record, reason, now), now)
        return False
    changed_schedules.drop_waits(connection, number, job_id)
    first = known[0][0]
    taken = {wait.number for wait, _ in waits.of_instance(connection, number)}
    free = (each for each in range(len(taken) + len(counts) + 1) if each not in taken)
    for place, dependency in zip(free, counts, strict=False):
        _wait(connection, first._replace(number=place), dependency)
    return True


def _wait(connection: Connection, wait: WaitRecord, on: Dependency) -> None:
    upstream = on.upstream
    wait = wait._replace(any_suffices=int(upstream.any_suffices), rule=upstream.rule, fail_policy=on.policy.value)
    waits.add(connection, wait, map(to_millis, upstream.plan_times))


def _counting(connection: Connection, record: InstanceRecord, job_id: int, zone: ZoneInfo) -> list[Dependency] | None:
    """What an instance waits for in a job by the schedules of now; None where its own cannot be read any more."""
    job = jobs.by_id(connection, record.job_id)
    text = jobs.version_document(connection, record.job_id, record.version)
    if job is None or text is None:
        return None
    try:
        planned = from_millis(record.plan_time)
        every = dependencies_of(connection, job, read_definition(text), planned, zone, alone=True)
    except HeadraceError as error:
        log.error("what an instance waits for cannot be found", instance=record.id, reason=error.message)
        return None
    return [each for each in every if each.job.id == job_id]
