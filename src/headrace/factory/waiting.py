"""Why an instance waits, and letting it go without what it waits for. Source: reference on scheduling §3, §5.4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo

from msgspec import UNSET

from headrace.domain.clock import from_millis
from headrace.domain.dependencies import FAILED, SUCCEEDED, Verdict
from headrace.domain.dependency_words import DependFailPolicy
from headrace.domain.identity import Caller
from headrace.domain.instance import LIMITED_TYPES, InstanceType, JobOperation, JobState, NodeState
from headrace.domain.plan_times import schedule_times
from headrace.errors import InvalidParameter
from headrace.factory.instance_operations import allowed
from headrace.factory.instances import found
from headrace.services import Services
from headrace.storage import instances, jobs, listenings, schedules, turns, waits
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.listenings import ListeningRecord
from headrace.storage.waits import Awaited, WaitRecord
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.waiting import Dependency, Listening, RemoveDependencyRequest, UpstreamInstance, WaitingReasons

Waits = Sequence[tuple[WaitRecord, Sequence[Awaited]]]

_HELD = {
    JobState.WAITING_CONFIRM: "A person must confirm it, as its job asks for that.",
    JobState.PAUSE: "A person paused it, or one of its nodes; resume it to let it go on.",
    JobState.FREEZE: "A person froze it; unfreeze it to let it go on.",
    JobState.RUNNING_EXCEPTION: "A node failed that suspends the job; retry it, or let it go on.",
}


def why(services: Services, caller: Caller, job_name: str, instance_id: str) -> WaitingReasons:
    """Why an instance has not gone on, and what it waits or waited for. Raises InstanceNotFound."""
    with services.db.reading() as connection:
        record = found(connection, caller, job_name, instance_id)
        listed = waits.of_instance(connection, record.id)
        listening = listenings.of_instance(connection, record.id)
        return WaitingReasons(
            instance_id=record.id,
            job_name=record.job_name,
            plan_time=record.plan_time,
            status=record.status,
            reasons=list(_reasons(connection, record, listed, ZoneInfo(services.settings.time_zone))),
            dependencies=[_dependency(connection, wait, awaited) for wait, awaited in listed],
            listening=UNSET if listening is None else _listening(listening),
        )


def remove_dependency(
    services: Services, caller: Caller, job_name: str, instance_id: str, request: RemoveDependencyRequest
) -> None:
    """Have a waiting instance not wait for an upstream job any more, or for one plan time of it.

    Raises InstanceNotFound, InvalidParameter (it does not wait for that).
    """

    def removed(each: Awaited, wait: WaitRecord) -> bool:
        return (
            wait.upstream_job_name == request.job_name
            and request.number in (None, wait.number)
            and request.plan_time in (None, each.plan_time)
        )

    with services.db.writing() as connection:
        record, listed = _waiting(connection, caller, job_name, instance_id, JobOperation.REMOVE_DEPENDENCY)
        chosen = [each for wait, awaited in listed for each in awaited if removed(each, wait)]
        if not chosen:
            at = "" if request.plan_time is None else f" planned at {request.plan_time}"
            raise InvalidParameter(
                f"jobName: the instance {record.id} waits for no instance of {request.job_name!r}{at}."
            )
        waits.ignore(connection, record.id, chosen)
        waits.settle(connection, [record.id], caller.now)
    services.wake_engine()


def run_without_dependencies(services: Services, caller: Caller, job_name: str, instance_id: str) -> None:
    """Let a waiting instance run without those it waits for, and the file it listens for.

    Raises InstanceNotFound, InvalidParameter.
    """
    with services.db.writing() as connection:
        record, listed = _waiting(connection, caller, job_name, instance_id, JobOperation.RUN_WITHOUT_DEPENDENCIES)
        waits.ignore(connection, record.id, [each for _, awaited in listed for each in awaited])
        listening = listenings.lock(connection, record.id)
        if listening is not None:
            listenings.put(connection, listening._replace(next_time=None))
        waits.settle(connection, [record.id], caller.now)
    services.wake_engine()


def _waiting(
    connection: Connection, caller: Caller, job_name: str, instance_id: str, operation: JobOperation
) -> tuple[InstanceRecord, Waits]:
    """An instance that waits for others, locked, and what it waits for. Raises InstanceNotFound, InvalidParameter."""
    record = allowed(connection, caller, job_name, instance_id, operation)
    listed = [] if record.wish else waits.of_instance(connection, record.id)
    listens = operation is JobOperation.RUN_WITHOUT_DEPENDENCIES and listenings.is_listening(connection, record.id)
    if not (listed or listens) or record.wish:
        raise InvalidParameter(f"The instance {record.id} does not wait for instances of other jobs.")
    return record, listed


def _reasons(connection: Connection, record: InstanceRecord, listed: Waits, zone: tzinfo) -> Iterator[str]:
    state = JobState(record.status)
    if state in _HELD:
        yield _HELD[state]
    elif state is JobState.RUNNING:
        yield from _of_nodes(connection, record)
    elif state is JobState.WAITING and record.wish:
        yield _its_turn(connection, record)
    elif state is JobState.WAITING and record.parent_id is not None:
        yield f"The instance {record.parent_id}, a node of which runs it, begins it when its turn has come."
    elif state is JobState.WAITING and (listening := listenings.of_instance(connection, record.id)) is not None:
        yield from _of_upstreams(connection, listed, zone)
        if listening.next_time is not None:
            yield _of_file(listening, zone)
    elif state is JobState.WAITING and record.instance_type == InstanceType.PATCH_DATA:
        yield "It runs again when its backfill has a free slot."
    elif state is JobState.WAITING:
        yield from _of_upstreams(connection, listed, zone)


def _of_file(listening: ListeningRecord, zone: tzinfo) -> str:
    times = (listening.since, listening.until)
    since, until = (f"{from_millis(each).astimezone(zone):%Y-%m-%d %H:%M:%S}" for each in times)
    minutes = listening.interval // 60_000
    often = "every minute" if minutes == 1 else f"every {minutes} minutes"
    path = listening.path or listening.expression
    return f"It listens for a file below {path!r} that is new since {since}, {often} until {until}."


def _listening(record: ListeningRecord) -> Listening:
    shown = Listening(path=record.path or record.expression, since=record.since, until=record.until)
    if record.next_time is not None:
        shown.next_time = record.next_time
    if record.found:
        shown.found = record.found
    return shown


def _of_upstreams(connection: Connection, listed: Waits, zone: tzinfo) -> Iterator[str]:
    for wait, awaited in listed:
        if waits.verdict_of(wait, awaited) is not Verdict.RUN:
            yield _of_upstream(connection, wait, awaited, zone)


def _of_upstream(connection: Connection, wait: WaitRecord, awaited: Sequence[Awaited], zone: tzinfo) -> str:
    blocking = [each for each in awaited if _blocks(wait, each)]
    unmade = [each for each in blocking if each.status is None]
    lost = sum(not _comes(connection, wait, each, zone) for each in unmade)
    missing = len(unmade) - lost
    failed = sum(each.status in FAILED for each in blocking)
    job = jobs.by_id(connection, wait.upstream_job_id)
    told = [
        f"{missing} not made yet" + ("" if job is None or job.status == "SCHEDULING" else f" (the job is {job.status})")
        if missing
        else "",
        f"{lost} that the schedule of the job does not make any more" if lost else "",
        f"{failed} failed, stopped or frozen" if failed else "",
        f"{rest} not ended" if (rest := len(blocking) - len(unmade) - failed) else "",
    ]
    words = ", ".join(filter(None, told))
    enough = "one of " if wait.any_suffices else ""
    many = f"{enough}{len(awaited)} instance" + ("" if len(awaited) == 1 else "s")
    return f"It waits for {many} of the job {wait.upstream_job_name!r} ({wait.rule}): {words}."


def _comes(connection: Connection, wait: WaitRecord, awaited: Awaited, zone: tzinfo) -> bool:
    """Whether the upstream job, as it is scheduled now, will have an instance at a plan time."""
    job = jobs.by_id(connection, wait.upstream_job_id)
    schedule = schedules.by_job(connection, wait.upstream_job_id)
    text = None if job is None else jobs.version_document(connection, job.id, job.version)
    if text is None or schedule is None or schedule.coming is None or awaited.plan_time < schedule.coming:
        return False
    planned = from_millis(awaited.plan_time)
    return any(schedule_times(read_definition(text).schedule, planned - timedelta(milliseconds=1), planned, zone))


def _its_turn(connection: Connection, record: InstanceRecord) -> str:
    counts = record.instance_type in LIMITED_TYPES
    text = jobs.version_document(connection, record.job_id, record.version) if counts else None
    limit = 0 if text is None else read_definition(text).schedule.concurrent
    running = turns.running_of_job(connection, record.job_id) if limit else 0
    if limit and running >= limit:
        run = "instance of the job runs" if running == 1 else "instances of the job run"
        return f"{running} {run}, and no more than {limit} may at once."
    return "It has all it needs and is about to begin."


def _of_nodes(connection: Connection, record: InstanceRecord) -> Iterator[str]:
    """What keeps a running instance none of whose nodes runs."""
    nodes = instances.nodes_of(connection, record.id)
    if any(node.status == NodeState.RUNNING for node in nodes):
        return
    for node in nodes:
        if node.retry_at is not None:
            yield f"The node {node.name!r} failed and is tried again."
    if not any(node.retry_at for node in nodes) and any(node.status == NodeState.WAITING for node in nodes):
        yield "Its next nodes wait for a free slot, of the server or of their task group."


def _dependency(connection: Connection, wait: WaitRecord, awaited: Sequence[Awaited]) -> Dependency:
    satisfied = waits.verdict_of(wait, awaited) is Verdict.RUN
    dependency = Dependency(
        number=wait.number,
        job_name=wait.upstream_job_name,
        rule=wait.rule,
        fail_policy=wait.fail_policy,
        any_suffices=bool(wait.any_suffices),
        satisfied=satisfied,
        instances=[_upstream(each, blocking=not satisfied and _blocks(wait, each)) for each in awaited],
    )
    if (job := jobs.by_id(connection, wait.upstream_job_id)) is not None:
        dependency.job_status = job.status
    return dependency


def _upstream(each: Awaited, *, blocking: bool) -> UpstreamInstance:
    shown = UpstreamInstance(plan_time=each.plan_time, blocking=blocking)
    if each.id is not None and each.status is not None:
        shown.instance_id, shown.status = each.id, each.status
    return shown


def _blocks(wait: WaitRecord, each: Awaited) -> bool:
    ended = wait.fail_policy == DependFailPolicy.IGNORE and each.status in FAILED
    return each.status not in SUCCEEDED and not ended
