"""Supplement data (backfill) as v2 spells it. Source: API reference, "Supplement Data".

Times in milliseconds where they are numbers.
"""

from __future__ import annotations

import msgspec

from headrace.wire.base import Wire


class DependJob(Wire, rename=None):
    """A job that is run with the one named."""

    job_name: str | None = None
    workspace_id: str | None = None


class InstanceTime(Wire, rename=None):
    """Discrete days (``2023/09/05-2023/09/07``) and a part of the day (``00:00-23:59``)."""

    days: list[str] | None = None
    time_of_day: str | None = None


class RunTime(Wire, rename=None):
    """When instances may begin: ``10:15-23:30``, days of the week (1 is Sunday) and of the month, with commas."""

    time_of_day: str | None = None
    day_of_week: str | None = None
    day_of_month: str | None = None


class StepTime(Wire, rename=None):
    """Only every so many (1 to 366) days, weeks or months of the range. ``unit``: DAY, WEEK, MONTH.

    Ours, for "Run periodically" of the console.
    """

    unit: str | None = None
    step: int | None = None


class CreateSupplementData(Wire, rename=None):
    """What to run again, or for the first time. Dates as ``2023-09-05T00:00:00 +08``.

    ``ignore_obs_monitor``: false has instances wait for their files, which they do not unless somebody says so.
    ``supplement_data_period`` is ours; requests without it are as published.
    """

    name: str | None = None
    job_name: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    parallel: int | None = None
    depend_jobs: list[DependJob] | None = None
    is_day_granularity: bool | None = None
    priority: int | None = None
    is_stop_when_fail: bool | None = None
    reverse_order: int | None = None
    supplement_data_run_time: RunTime | None = None
    supplement_data_instance_time: InstanceTime | None = None
    supplement_data_period: StepTime | None = None
    force: str | bool | None = None
    ignore_obs_monitor: str | bool | None = None


class ListSupplementDataQuery(Wire, rename=None):
    """``page`` counts from 0. ``name``: a part of it. Bounds of the covered range in milliseconds."""

    sort: str = "desc"
    page: int = 0
    size: int = 10
    name: str = ""
    user_name: str = ""
    status: str = ""
    start_date: int | None = None
    end_date: int | None = None


class InstanceTimeShown(Wire, rename=None, omit_defaults=False):
    """Discrete days; none where the range is whole."""

    days: list[str]
    time_of_day: str


class RunTimeShown(Wire, rename=None, omit_defaults=False):
    """The window of execution; ``00:00-00:00`` is no restriction."""

    time_of_day: str
    day_of_week: str
    day_of_month: str


class SupplementData(Wire, rename=None, omit_defaults=False):
    """A task. ``status``: RUNNING, SUCCESS, CANCLE or FAIL; ``type``: 0, begun by a person."""

    name: str
    job_list: list[str]
    status: str
    start_date: int
    end_date: int
    submitted_date: int
    parallel: int
    type: int
    user_name: str
    supplement_data_instance_time: InstanceTimeShown
    supplement_data_run_time: RunTimeShown


class SupplementDataList(Wire, rename=None, omit_defaults=False):
    """One page; ``total`` counts all matches."""

    msg: str
    success: bool
    total: int
    rows: list[SupplementData]


class AwaitedDate(Wire, rename=None, omit_defaults=False):
    """A date that another waits for."""

    job_name: str
    plan_time: int


class PlannedDate(Wire, rename=None, omit_defaults=False):
    """A date that would run: in which order, and after which dates of which jobs.

    ``dry_run``: it is no working day of the job's calendar.
    """

    job_name: str
    plan_time: int
    day: int
    waits_for: list[AwaitedDate]
    dry_run: bool


class SupplementDataPreview(Wire, rename=None, omit_defaults=False):
    """What would run, in the order in which it would begin. Ours."""

    parallel: int
    total: int
    dates: list[PlannedDate]


class SupplementDataDate(Wire, rename=None, omit_defaults=False):
    """A date of a task. ``state``: waiting (for other dates), ready (for a slot), begun, success, fail, manual-stop or
    dropped; ``instance_status``: that of its instance now.
    """

    job_name: str
    plan_time: int
    state: str
    instance_id: int | msgspec.UnsetType = msgspec.UNSET
    instance_status: str | msgspec.UnsetType = msgspec.UNSET


class SupplementDataProgress(Wire, rename=None, omit_defaults=False):
    """A task with its dates in their order. Ours."""

    name: str
    status: str
    counts: dict[str, int]
    dates: list[SupplementDataDate]
