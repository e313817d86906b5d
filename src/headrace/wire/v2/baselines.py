"""Baselines as v2 spells them. Source: API reference, "Baselines". Times in milliseconds; pages are counted from 1.

Hours and minutes are text in requests and numbers in answers.
"""

from __future__ import annotations

import msgspec

from headrace.wire.base import Wire


class SmnTopicRequest(Wire, rename=None):
    """Whom to tell. ``notify_method``: SUBJECT names a topic; DUTY_SCHEDULE, DINGDING, OWNER stand for topics too."""

    name: str | None = None
    urn: str | None = None
    notify_method: str | None = None
    protocol: str | None = None
    other_persons: str | None = None
    max_send_times: int | None = None
    send_interval: int | None = None
    duty_schedule_name: str | None = None
    smn_config_name: str | None = None


class PeriodTime(Wire, rename=None):
    """An hour of the day, 1 to 24, and by when (hh:mm, hh from 00 to 47) what is planned in it is promised."""

    period_num: int | None = None
    period_time: str | None = None


class CreateBaselineRequest(Wire, rename=None):
    """A promise. ``buffer``: milliseconds before the promised time at which to warn.

    ``type``: DAY with ``sla_hour`` and ``sla_min``, or HOUR with ``period``.
    """

    workspace_id: str | None = None
    name: str | None = None
    owner_name: str | None = None
    type: str | None = None
    sla_task_ids: list[str] | None = None
    priority: int | None = None
    buffer: int | None = None
    enable: bool | None = None
    alarm_enable: bool | None = None
    sign_enable: bool | None = None
    sla_hour: str | None = None
    sla_min: str | None = None
    baseline_alarm_enable: bool | None = None
    smn_topics: list[SmnTopicRequest] | None = None
    event_smn_topics: list[SmnTopicRequest] | None = None
    event_alarm: list[str] | None = None
    period: list[PeriodTime] | None = None


class ListBaselinesQuery(Wire, rename=None):
    """``order_by``: ``priority asc`` or ``priority desc``; by name without it. ``offset``: a page number from 1."""

    workspace_id: str = ""
    name: str = ""
    owner_name: str = ""
    priority: list[int] | None = None
    order_by: str = ""
    enable: bool | None = None
    offset: int = 1
    limit: int = 10


class Baseline(Wire, rename=None, omit_defaults=False):
    """A baseline. ``exp_…``: the time of warning. ``…_detail``: JSON, time by number of an hour of the day.

    ``sla_hour`` to ``exp_min`` are of the type DAY only, the details and ``period`` of HOUR.
    """

    id: str
    name: str
    version: int
    create_time: int
    last_update_time: int
    type: str
    owner_name: str
    project_id: str
    instance_id: str
    workspace_id: str
    sla_task_ids: list[str]
    priority: int
    buffer: int
    enable: bool
    alarm_enable: bool
    baseline_alarm_enable: bool
    sign_enable: bool
    smn_topics: list[SmnTopicRequest]
    event_alarm: list[str]
    event_smn_topics: list[SmnTopicRequest]
    sla_hour: int | msgspec.UnsetType = msgspec.UNSET
    sla_min: int | msgspec.UnsetType = msgspec.UNSET
    exp_hour: int | msgspec.UnsetType = msgspec.UNSET
    exp_min: int | msgspec.UnsetType = msgspec.UNSET
    hour_sla_detail: str | msgspec.UnsetType = msgspec.UNSET
    hour_exp_detail: str | msgspec.UnsetType = msgspec.UNSET
    period: list[PeriodTime] | msgspec.UnsetType = msgspec.UNSET


class BaselineList(Wire, rename=None, omit_defaults=False):
    """One page; ``total`` counts all matches."""

    baselines: list[Baseline]
    total: int


class ListBaselineInstancesQuery(Wire, rename=None):
    """``start_time`` and ``end_time``: bounds of the promised time, today without them. ``offset``: from 1."""

    workspace_id: str = ""
    baseline_name: str = ""
    owner_name: str = ""
    type: str = ""
    priority: list[int] | None = None
    status: str = ""
    finish_status: str = ""
    start_time: int | None = None
    end_time: int | None = None
    order_by: str = ""
    offset: int = 1
    limit: int = 10


class BaselineInstance(Wire, rename=None):
    """The promise of a day, or of an hour that begins at ``start_time``. Absent: not known.

    ``buffer``: seconds from the estimated end to the promised time.
    """

    id: str
    baseline_id: str
    baseline_name: str
    baseline_version: int
    priority: int
    status: str
    finish_status: str
    owner_name: str
    project_id: str
    instance_id: str
    workspace_id: str
    instance_type: str
    sla_time: int
    expect_time: int
    start_time: int
    buffer: int | None = None
    estimate_complete_time: int | None = None
    end_time: int | None = None
    error_message: str | None = None
    first_alarm_time: int | None = None
    last_alarm_time: int | None = None


class BaselineInstanceList(Wire, rename=None, omit_defaults=False):
    """One page; ``total`` counts all matches."""

    baseline_instances: list[BaselineInstance]
    total: int
