"""Alarms: written in the transaction that causes them, sent afterwards, kept as records. See decision 23."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, delete, func, literal_column, select, update

from headrace.domain.alarms import WATCHED, AlarmKind, due_at, kinds_of
from headrace.domain.clock import to_millis
from headrace.domain.instance import InstanceType, JobState
from headrace.storage import alarm_rules
from headrace.storage.alarm_rules import RuleRecord
from headrace.storage.database import Connection
from headrace.storage.instances import InstanceRecord
from headrace.storage.jobs import JobRecord
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import alarms


class AlarmState(StrEnum):
    """What is to be done with an alarm, or was."""

    WATCH = "WATCH"  # to be looked at when it is due
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class AlarmRecord(NamedTuple):
    """A row of ``alarms``. Times in milliseconds."""

    rule_id: int
    instance_id: int
    occasion: int
    number: int
    workspace_id: str
    rule_name: str
    kind: int
    job_id: int
    job_name: str
    instance_type: int
    plan_time: int
    submit_time: int
    error_message: str
    topics: str
    most_times: int
    repeat_minutes: int
    state: str
    alarm_time: int
    due_time: int | None
    tries: int = 0
    message: str = ""
    outcome: str = ""


_KEY = ("rule_id", "instance_id", "occasion", "number")
_this = and_(*(alarms.c[name] == bindparam(f"key_{name}") for name in _KEY))
_ADD = InsertStatement(alarms, AlarmRecord._fields, lambda new: new.on_conflict_do_nothing(index_elements=_KEY))
_EARLIEST = Statement(select(func.min(alarms.c.due_time)))
_DUE = Statement(
    select(alarms)
    .where(alarms.c.due_time <= bindparam("now"))
    .order_by(alarms.c.due_time)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)
_CHANGEABLE = ("state", "alarm_time", "due_time", "tries", "message", "outcome")
_CHANGE = Statement(update(alarms).where(_this).values({name: bindparam(name) for name in _CHANGEABLE}))
_DROP = Statement(delete(alarms).where(_this))
_UNCLAIM = Statement(update(alarms).where(alarms.c.due_time.is_not(None)).values(due_time=alarms.c.alarm_time))
_FORGET = Statement(delete(alarms).where(alarms.c.alarm_time < bindparam("before"), alarms.c.due_time.is_(None)))
_ALARMED = Statement(
    select(literal_column("1"))
    .where(alarms.c.instance_id == bindparam("instance_id"), alarms.c.kind == bindparam("kind"))
    .limit(literal_column("1"))
)
_between = and_(
    alarms.c.workspace_id == bindparam("workspace_id"),
    alarms.c.alarm_time >= bindparam("after"),
    alarms.c.alarm_time <= bindparam("until"),
    alarms.c.due_time.is_(None),
)
_PAGE = Statement(
    select(alarms)
    .where(_between)
    .order_by(alarms.c.alarm_time.desc(), *(alarms.c[name].desc() for name in _KEY))
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
_COUNT = Statement(select(func.count()).select_from(alarms).where(_between))


def reached(connection: Connection, record: InstanceRecord, now: int) -> None:
    """Queue the alarms on the state that an instance has reached."""
    kinds = kinds_of(JobState(record.status), record.instance_type)
    if kinds:
        raise_for(connection, record, kinds, occasion=record.end_time or now, now=now)


def raise_for(
    connection: Connection, record: InstanceRecord, kinds: Collection[AlarmKind], *, occasion: int, now: int
) -> None:
    """Queue the alarms of these kinds that rules ask for; what the same occasion has caused already stays as it is."""
    for rule in _rules(connection, record, kinds):
        if rule.kind == AlarmKind.RECOVERED and not _was_alarmed(connection, record.id, AlarmKind.FAILURE):
            continue
        alarm = _alarm(rule, record, AlarmState.QUEUED, occasion=occasion, due=now)
        connection.run(_ADD, **alarm._asdict())


def watch(connection: Connection, record: InstanceRecord, zone: ZoneInfo) -> None:
    """Write down when a new instance is to be looked at, for the rules on what is late."""
    for rule in _rules(connection, record, WATCHED):
        at = due_at(AlarmKind(rule.kind), record.plan_time, zone, rule.finished_by, rule.minutes)
        if at is not None:
            due = to_millis(at)
            connection.run(_ADD, **_alarm(rule, record, AlarmState.WATCH, occasion=due, due=due)._asdict())


def queue(connection: Connection, alarm: AlarmRecord) -> None:
    """Queue an alarm; one that is there already stays as it is."""
    connection.run(_ADD, **alarm._asdict())


def modified(connection: Connection, job: JobRecord, by: str, deed: str, now: int) -> None:
    """Queue the alarms on a job that was ``changed`` or ``deleted``, unless its owner did it."""
    for rule in alarm_rules.for_job(connection, job.workspace_id, job.id) if by != job.owner else ():
        if rule.kind == AlarmKind.MODIFIED:
            queue(
                connection,
                AlarmRecord(
                    rule_id=rule.id,
                    instance_id=0,
                    occasion=now,
                    number=1,
                    workspace_id=job.workspace_id,
                    rule_name=rule.name,
                    kind=rule.kind,
                    job_id=job.id,
                    job_name=job.name,
                    instance_type=0,
                    plan_time=now,
                    submit_time=now,
                    error_message=f"was {deed} by {by}",
                    topics=rule.topics,
                    most_times=1,
                    repeat_minutes=0,
                    state=AlarmState.QUEUED,
                    alarm_time=now,
                    due_time=now,
                ),
            )


def repeat(connection: Connection, alarm: AlarmRecord, due: int) -> None:
    """Look once more at what an alarm was about."""
    again = alarm._replace(
        number=alarm.number + 1, state=AlarmState.WATCH, alarm_time=due, due_time=due, tries=0, message="", outcome=""
    )
    connection.run(_ADD, **again._asdict())


def _rules(connection: Connection, record: InstanceRecord, kinds: Collection[AlarmKind]) -> list[RuleRecord]:
    """The rules of these kinds that count for an instance. One of a node needs a rule that names its job."""
    return [
        rule
        for rule in alarm_rules.for_job(connection, record.workspace_id, record.job_id)
        if rule.kind in kinds and (rule.job_id is not None or record.instance_type != InstanceType.SUBJOB)
    ]


def _alarm(rule: RuleRecord, record: InstanceRecord, state: AlarmState, *, occasion: int, due: int) -> AlarmRecord:
    return AlarmRecord(
        rule_id=rule.id,
        instance_id=record.id,
        occasion=occasion,
        number=1,
        workspace_id=record.workspace_id,
        rule_name=rule.name,
        kind=rule.kind,
        job_id=record.job_id,
        job_name=record.job_name,
        instance_type=record.instance_type,
        plan_time=record.plan_time,
        submit_time=record.submit_time,
        error_message=record.error_message,
        topics=rule.topics,
        most_times=rule.most_times,
        repeat_minutes=rule.repeat_minutes,
        state=state,
        alarm_time=due,
        due_time=due,
    )


def _was_alarmed(connection: Connection, instance_id: int, kind: AlarmKind) -> bool:
    return connection.one(_ALARMED, instance_id=instance_id, kind=int(kind)) is not None


def earliest(connection: Connection) -> int | None:
    """When something is due next."""
    found: int | None = connection.value(_EARLIEST)
    return found


def take(connection: Connection, now: int, rows: int, until: int) -> list[AlarmRecord]:
    """Claim alarms that are due, for one sender until a time, after which they are due again."""
    found = [AlarmRecord(*row) for row in connection.all(_DUE, now=now, rows=rows)]
    for alarm in found:
        change(connection, alarm._replace(due_time=until))
    return found


def unclaim(connection: Connection) -> None:
    """Make due at once what a sender claimed that is gone."""
    connection.run(_UNCLAIM)


def change(connection: Connection, alarm: AlarmRecord) -> None:
    """Write what has become of an alarm."""
    connection.run(_CHANGE, **_key(alarm), **{name: getattr(alarm, name) for name in _CHANGEABLE})


def drop(connection: Connection, alarm: AlarmRecord) -> None:
    """Forget an alarm that is not so."""
    connection.run(_DROP, **_key(alarm))


def forget(connection: Connection, before: int) -> None:
    """Forget what was raised before a time and is done."""
    connection.run(_FORGET, before=before)


def page(
    connection: Connection, workspace_id: str, *, after: int, until: int, skip: int, rows: int
) -> tuple[int, Sequence[AlarmRecord]]:
    """What was raised in a range and is done, newest first; and how many there are."""
    wanted = {"workspace_id": workspace_id, "after": after, "until": until}
    found = [AlarmRecord(*row) for row in connection.all(_PAGE, **wanted, skip=skip, rows=rows)]
    return connection.value(_COUNT, **wanted), found


def _key(alarm: AlarmRecord) -> dict[str, int]:
    return {f"key_{name}": getattr(alarm, name) for name in _KEY}
