"""Alarms: rules, and records of what was sent. Source: API reference, "Notifications"; reference on scheduling §10."""

from __future__ import annotations

import json
import re

from headrace.domain.alarms import OF_BASELINES, AlarmKind
from headrace.domain.day_hours import read_hours
from headrace.domain.identity import Caller
from headrace.domain.names import JOB_NAME
from headrace.errors import InvalidParameter, JobNotFound
from headrace.factory import paging
from headrace.services import Services
from headrace.storage import alarm_rules, alarms, jobs
from headrace.storage.alarm_rules import RuleRecord, RuleShown
from headrace.storage.alarms import AlarmRecord, AlarmState
from headrace.wire.base import Page
from headrace.wire.v2.alarms import (
    AlarmInfo,
    AlarmInfoList,
    AlarmPeriod,
    AlarmRule,
    AlarmRuleList,
    ListAlarmRulesQuery,
    ListAlarmsQuery,
    PutAlarmRuleRequest,
)

HOUR_MILLIS = 3_600_000
MAX_RULES_PER_PAGE = 100
MAX_TOPICS = 20
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_RANGES = {"minutes": (1, 1440), "max_send_times": (1, 50), "send_interval": (5, 60), "use_flag": (0, 1)}
_DEFAULTS = {"minutes": 0, "max_send_times": 1, "send_interval": 30, "use_flag": 1}


def list_page(services: Services, caller: Caller, query: ListAlarmsQuery) -> AlarmInfoList:
    """What was sent or could not be, newest first; that of the last hour without bounds. Raises InvalidParameter."""
    skip, rows = paging.rows(Page(offset=query.offset, limit=query.limit))
    after = caller.now - HOUR_MILLIS if query.start_time is None else query.start_time
    until = caller.now if query.end_time is None else query.end_time
    if not 0 <= after <= until < 2**63:
        raise InvalidParameter(f"start_time: {after} is not between 0 and end_time, {until}.")
    with services.db.reading() as connection:
        total, found = alarms.page(connection, caller.workspace.id, after=after, until=until, skip=skip, rows=rows)
    return AlarmInfoList(alarm_info=[_record(alarm) for alarm in found], total=total)


def list_rules(services: Services, caller: Caller, query: ListAlarmRulesQuery) -> AlarmRuleList:
    """Rules by name, and counts of all by what they are about. Raises InvalidParameter."""
    skip, rows = paging.rows(Page(offset=query.offset, limit=query.limit))
    if rows > MAX_RULES_PER_PAGE:
        raise InvalidParameter(f"limit: {rows} is not between 1 and {MAX_RULES_PER_PAGE}.")
    with services.db.reading() as connection:
        total, found = alarm_rules.page(connection, caller.workspace.id, query.name, query.remind_type, skip, rows)
        counts = alarm_rules.counts(connection, caller.workspace.id)
    if query.ding_name:  # no rule of ours tells a robot by name
        total, found = 0, []
    return AlarmRuleList(
        alarm_rules_items_details=[_rule(shown) for shown in found],
        assurance_mission_commitment_time_not_completed_count=0,
        assurance_mission_failed_count=0,
        assurance_mission_warning_time_not_completed_count=0,
        baseline_error_count=0,
        cancel_jobs_count=counts.get(AlarmKind.CANCELLED, 0),
        exception_count=counts.get(AlarmKind.FAILURE, 0),
        modify_count=counts.get(AlarmKind.MODIFIED, 0),
        multi_period_unfinished_count=counts.get(AlarmKind.PERIOD_NOT_FINISHED, 0),
        overload_count=0,  # there are no queues that could be busy
        recover_jobs_count=counts.get(AlarmKind.RECOVERED, 0),
        success_count=counts.get(AlarmKind.SUCCESS, 0),
        total=total,
        total_all=sum(counts.values()),
        unfinished_count=counts.get(AlarmKind.NOT_FINISHED, 0),
    )


def put_rule(services: Services, caller: Caller, name: str, request: PutAlarmRuleRequest) -> AlarmRule:
    """Make a rule, or replace the one of that name; it counts for what happens from then on.

    Raises InvalidParameter, JobNotFound.
    """
    if not JOB_NAME.fullmatch(name):
        raise InvalidParameter(f"rule_name: {name!r} is not 1 to 128 letters, digits, Chinese, '-', '_' or '.'.")
    kind = _kind(request)
    numbers = {member: _number(request, member) for member in _RANGES}
    topics = _topics(request)
    with services.db.writing() as connection:
        job = None
        if request.job_name is not None:
            job = jobs.by_name(connection, caller.workspace.id, request.job_name)
            if job is None:
                raise JobNotFound(f"job_name: there is no job {request.job_name!r} in the workspace.")
        rule = RuleRecord(
            id=services.next_number(),
            workspace_id=caller.workspace.id,
            name=name,
            job_id=None if job is None else job.id,
            kind=kind,
            topics=json.dumps(topics, ensure_ascii=False),
            finished_by=_finished_by(kind, request),
            minutes=numbers["minutes"],
            most_times=numbers["max_send_times"],
            repeat_minutes=numbers["send_interval"],
            enabled=numbers["use_flag"],
            create_user=caller.user.name,
            create_time=caller.now,
        )
        alarm_rules.put(connection, rule)
        shown = alarm_rules.by_name(connection, caller.workspace.id, name)
    assert shown is not None  # noqa: S101 - written above
    return _rule(shown)


def delete_rule(services: Services, caller: Caller, name: str) -> None:
    """Forget a rule; what it has queued is sent. Raises InvalidParameter for an unknown one."""
    with services.db.writing() as connection:
        if not alarm_rules.delete_rule(connection, caller.workspace.id, name):
            raise InvalidParameter(f"rule_name: there is no rule {name!r} in the workspace.")


def _kind(request: PutAlarmRuleRequest) -> AlarmKind:
    """What a rule is about, with what that needs and nothing else. Raises InvalidParameter."""
    possible = [each for each in AlarmKind if each not in OF_BASELINES]  # a baseline says itself whom it tells
    kind = next((each for each in possible if each == request.remind_type), None)
    if kind is None:
        known = ", ".join(str(int(each)) for each in possible)
        raise InvalidParameter(f"remind_type: {request.remind_type} is none of {known}.")
    if (kind is AlarmKind.NOT_FINISHED) != bool(request.complete_time):
        raise InvalidParameter(f"complete_time: it belongs to remind_type 3, and only to it; remind_type is {kind}.")
    if request.complete_time and not _TIME_OF_DAY.fullmatch(request.complete_time):
        raise InvalidParameter(f"complete_time: {request.complete_time!r} is no time of day like 08:30.")
    if (kind is AlarmKind.PERIOD_NOT_FINISHED) != bool(request.alarm_periods):
        raise InvalidParameter(f"alarm_periods: it belongs to remind_type 12, and only to it; remind_type is {kind}.")
    if (kind is AlarmKind.LATE) != (request.minutes is not None):
        raise InvalidParameter(f"minutes: it belongs to remind_type 102, and only to it; remind_type is {kind}.")
    if kind is not AlarmKind.FAILURE and request.max_send_times not in (None, 1):
        raise InvalidParameter(f"max_send_times: only failures (remind_type 1) are repeated; remind_type is {kind}.")
    return kind


def _finished_by(kind: AlarmKind, request: PutAlarmRuleRequest) -> str:
    """By when an instance must be finished, as the rule keeps it. Raises InvalidParameter."""
    if kind is not AlarmKind.PERIOD_NOT_FINISHED:
        return request.complete_time or ""
    periods = [(each.period, each.complete_time) for each in request.alarm_periods or ()]
    read_hours(periods, "alarm_periods")
    return json.dumps(periods)


def _number(request: PutAlarmRuleRequest, member: str) -> int:
    value: int | None = getattr(request, member)
    least, most = _RANGES[member]
    if value is None:
        return _DEFAULTS[member]
    if not least <= value <= most:
        raise InvalidParameter(f"{member}: {value} is not between {least} and {most}.")
    return value


def _topics(request: PutAlarmRuleRequest) -> list[str]:
    topics = list(dict.fromkeys(request.topics or ()))
    if not 1 <= len(topics) <= MAX_TOPICS or not all(topics):
        raise InvalidParameter(f"topics: {len(topics)} names or URNs; 1 to {MAX_TOPICS} are possible, none empty.")
    return topics


def _record(alarm: AlarmRecord) -> AlarmInfo:
    return AlarmInfo(
        alarm_time=alarm.alarm_time,
        job_name=alarm.job_name,
        schedule_type=alarm.instance_type,
        send_msg=alarm.message,
        plan_time=alarm.plan_time,
        remind_type=alarm.kind,
        send_status=int(alarm.state == AlarmState.FAILED),
        job_id=alarm.job_id,
        instance_id=alarm.instance_id,
        rule_name=alarm.rule_name,
        send_error=alarm.outcome,
    )


def _rule(shown: RuleShown) -> AlarmRule:
    rule = shown.rule
    topics: list[str] = json.loads(rule.topics)
    by_period = rule.kind == AlarmKind.PERIOD_NOT_FINISHED
    periods = json.loads(rule.finished_by) if by_period else ()
    return AlarmRule(
        name=shown.job_name or rule.name,
        id=rule.id,
        node_id=rule.job_id or 0,
        remind_type=rule.kind,
        topic_name=topics[0].rpartition(":")[2],
        urn=topics[0],
        notify_type=1,
        complete_time="" if by_period else rule.finished_by,
        create_time=rule.create_time,
        use_flag=rule.enabled,
        create_user=rule.create_user,
        rule_name=rule.name,
        alarm_periods=[AlarmPeriod(complete_time=at, period=number) for number, at in periods],
        node_id_list=[] if rule.job_id is None else [rule.job_id],
        node_name_list=[] if shown.job_name is None else [shown.job_name],
        notify_method="SUBJECT",
        max_send_times=rule.most_times,
        send_interval=rule.repeat_minutes,
        topics=topics,
        minutes=rule.minutes,
    )
