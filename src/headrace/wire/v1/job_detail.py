"""A job as ShowJob answers it. Source: API reference, "Viewing Job Details"; factory-v1-notes §4.

The answer itself is the stored document (``job_view.py``); these shapes describe it. Unlike in a request every type is
the documented one. Members no table knows come with it, and each node, schedule and parameter also has the spellings
of the older SDK.
"""

from __future__ import annotations

from headrace.wire.base import Wire
from headrace.wire.v1.jobs import Condition, DependWorkspaceJob, Event


class ShownDependJobs(Wire):
    """Upstream jobs of a schedule."""

    jobs: list[str] | None = None
    depend_period: str | None = None
    depend_fail_policy: str | None = None
    same_work_space_jobs: list[DependWorkspaceJob] | None = None
    other_work_space_jobs: list[DependWorkspaceJob] | None = None


class ShownCron(Wire):
    """A cron schedule; times are text, as received."""

    start_time: str | None = None
    end_time: str | None = None
    expression: str | None = None
    expression_time_zone: str | None = None
    interval_type: str | None = None
    period: str | None = None
    depend_pre_period: bool | None = None
    depend_jobs: ShownDependJobs | None = None
    concurrent: int | None = None


class ShownSchedule(Wire):
    """When a job runs."""

    type: str | None = None
    sche_type: str | None = None
    cron: ShownCron | None = None
    event: Event | None = None


class ShownParameter(Wire):
    """A parameter; the value is text."""

    name: str | None = None
    value: str | None = None
    type: str | None = None
    param_type: str | None = None


class ShownBasicConfig(Wire):
    """Owner, priority (0 high to 2 low), instance timeout (minutes, 0 for none) and labels."""

    owner: str | None = None
    priority: int | None = None
    task_priority: int | None = None
    execute_user: str | None = None
    agency: str | None = None
    instance_timeout: int | None = None
    is_ignore_waiting: int | None = None
    custom_fields: dict[str, str] | None = None
    tags: list[str] | None = None
    job_description: str | None = None


class ShownProperty(Wire, rename=None):
    """A property; the value is text, and a mask where it is sensitive."""

    name: str | None = None
    value: str | None = None
    value_is_sensitive: bool | None = None


class ShownLocation(Wire):
    """Position on the canvas, rounded half away from zero."""

    x: int | None = None
    y: int | None = None


class ShownNode(Wire):
    """A node. Units: pollingInterval s, maxExecutionTime min, retryInterval s."""

    name: str | None = None
    type: str | None = None
    node_type: str | None = None
    location: ShownLocation | None = None
    pre_node_name: list[str] | None = None
    pre_node_names: str | None = None
    conditions: list[Condition] | None = None
    properties: list[ShownProperty] | None = None
    polling_interval: int | None = None
    max_execution_time: int | None = None
    exec_time_out_retry: str | None = None
    retry_times: int | None = None
    retry_interval: int | None = None
    fail_policy: str | None = None
    event_trigger: Event | None = None
    cron_trigger: ShownCron | None = None
    lineage_info: str | None = None


class DownstreamJob(Wire):
    """A job that depends on the one shown."""

    work_space: str
    job_name: str
    job_id: int


class JobDetail(Wire):
    """The document, with the server's members."""

    id: int
    name: str
    process_type: str
    version: str
    create_time: int
    schedule: ShownSchedule
    nodes: list[ShownNode]
    job_type: str | None = None
    params: list[ShownParameter] | None = None
    directory: str | None = None
    description: str | None = None
    log_path: str | None = None
    basic_config: ShownBasicConfig | None = None
    single_node_job_flag: bool | None = None
    single_node_job_type: str | None = None
    last_update_user: str | None = None
    clean_overdue_days: int | None = None
    clean_waiting_job: str | None = None
    empty_running_job: str | None = None
    downstream_jobs: list[DownstreamJob] | None = None
