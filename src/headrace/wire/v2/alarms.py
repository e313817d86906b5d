"""Notification records and rules as v2 spells them. Source: API reference, "Notifications". Times in milliseconds.

No published operation makes rules; that shape is ours, in the words of the published ones.
"""

from __future__ import annotations

from headrace.wire.base import Wire


class ListAlarmsQuery(Wire, rename=None):
    """Bounds of the time at which alarms were raised: the last hour without them. ``offset``: a page number from 0."""

    start_time: int | None = None
    end_time: int | None = None
    offset: int = 0
    limit: int = 100


class AlarmInfo(Wire, rename=None, omit_defaults=False):
    """What was sent, or could not be. ``send_status``: 0 sent, 1 failed. Ours: the members from ``instance_id`` on."""

    alarm_time: int
    job_name: str
    schedule_type: int
    send_msg: str
    plan_time: int
    remind_type: int
    send_status: int
    job_id: int
    instance_id: int
    rule_name: str
    send_error: str


class AlarmInfoList(Wire, rename=None, omit_defaults=False):
    """One page, newest first; ``total`` counts all matches."""

    alarm_info: list[AlarmInfo]
    total: int


class ListAlarmRulesQuery(Wire, rename=None):
    """``name``: a part of the name of a rule or of its job."""

    name: str = ""
    remind_type: int | None = None
    ding_name: str = ""
    offset: int = 0
    limit: int = 10


class AlarmPeriod(Wire, rename=None):
    """An hour of the day, 1 to 24, and by when (hh:mm, hh from 00 to 47) what is planned in it must be finished."""

    complete_time: str | None = None
    period: int | None = None


class AlarmRule(Wire, rename=None, omit_defaults=False):
    """A rule. ``notify_type``: 1, on jobs; ``node_id`` is the job's, 0 for the whole workspace.

    ``topics`` and ``minutes`` are ours.
    """

    name: str
    id: int
    node_id: int
    remind_type: int
    topic_name: str
    urn: str
    notify_type: int
    complete_time: str
    create_time: int
    use_flag: int
    create_user: str
    rule_name: str
    alarm_periods: list[AlarmPeriod]
    node_id_list: list[int]
    node_name_list: list[str]
    notify_method: str
    max_send_times: int
    send_interval: int
    topics: list[str]
    minutes: int


class AlarmRuleList(Wire, rename=None, omit_defaults=False):
    """One page; counts of all rules by what they are about; ``total`` counts with filters, ``total_all`` without."""

    alarm_rules_items_details: list[AlarmRule]
    assurance_mission_commitment_time_not_completed_count: int
    assurance_mission_failed_count: int
    assurance_mission_warning_time_not_completed_count: int
    baseline_error_count: int
    cancel_jobs_count: int
    exception_count: int
    modify_count: int
    multi_period_unfinished_count: int
    overload_count: int
    recover_jobs_count: int
    success_count: int
    total: int
    total_all: int
    unfinished_count: int


class PutAlarmRuleRequest(Wire, rename=None):
    """What to tell whom. Ours.

    ``remind_type``: 0 success, 1 failure, 3 not finished by ``complete_time`` (HH:MM), 12 not finished by the time of
    ``alarm_periods`` for the hour in which it is planned, 13 cancelled, 14 succeeded after an alarmed failure,
    15 changed or deleted (the job) by somebody who does not own it;
    ours: 101 longer than the timeout of its job, 102 not begun ``minutes`` after its plan time.
    ``job_name``: absent for every job of the workspace. ``topics``: names or URNs. ``max_send_times`` (1 to 50) and
    ``send_interval`` (5 to 60 minutes): how often a failure is said while it lasts. ``use_flag``: 0 switches it off.
    """

    remind_type: int | None = None
    job_name: str | None = None
    topics: list[str] | None = None
    complete_time: str | None = None
    alarm_periods: list[AlarmPeriod] | None = None
    minutes: int | None = None
    max_send_times: int | None = None
    send_interval: int | None = None
    use_flag: int | None = None
