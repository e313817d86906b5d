"""Jobs as v1 spells them. Source: API reference, "Creating a Job", tables 3 to 15, and the real exports.

Everything is optional and loosely typed here: the service checks little when a job is saved, the use case names each
failure with its own code, and members no table knows stay in the document.
"""

from __future__ import annotations

from typing import Any

from headrace.wire.base import Page, Wire

Number = int | float | str


class Approver(Wire):
    """One reviewer."""

    approver_name: str | None = None


class Parameter(Wire):
    """A job parameter. ``type``: ``variable`` (default), ``constants`` or ``procedure``; kept as sent."""

    name: str | None = None
    value: str | Number | bool | None = None
    type: str | None = None
    param_type: str | None = None


class DependWorkspaceJob(Wire):
    """A job that another one depends on, with its workspace."""

    job_name: str | None = None
    work_space: str | None = None
    work_space_id: str | None = None
    depend_type: str | None = None
    depend_on_last_period: bool | None = None
    depend_on_last_n_period_value: int | None = None


class DependJobs(Wire):
    """Upstream jobs of a schedule."""

    jobs: list[str] | str | None = None
    depend_period: str | None = None
    depend_fail_policy: str | None = None
    same_work_space_jobs: list[DependWorkspaceJob] | None = None
    other_work_space_jobs: list[DependWorkspaceJob] | None = None


class Cron(Wire):
    """A cron schedule, of a job or of one node of a real-time job. Times are kept as text."""

    start_time: str | None = None
    end_time: str | None = None
    expression: str | None = None
    expression_time_zone: str | None = None
    interval_type: str | None = None
    period: str | None = None
    depend_pre_period: bool | str | None = None
    depend_jobs: DependJobs | None = None
    concurrent: int | None = None


class Event(Wire):
    """An event schedule; empty text and 0 mean the default."""

    event_type: str | None = None
    channel: str | None = None
    fail_policy: str | None = None
    concurrent: int | None = None
    read_policy: str | None = None


class Schedule(Wire):
    """When a job runs. ``type``: EXECUTE_ONCE, CRON, EVENT and their other spellings."""

    type: str | None = None
    sche_type: str | None = None
    cron: Cron | None = None
    event: Event | None = None


class BasicConfig(Wire):
    """Owner, priority (0 high to 2 low), instance timeout (minutes, 0 for none) and labels."""

    owner: str | None = None
    priority: int | None = None
    task_priority: int | None = None
    execute_user: str | None = None
    agency: str | None = None
    instance_timeout: int | None = None
    is_ignore_waiting: int | None = None
    custom_fields: dict[str, Any] | None = None
    tags: list[str] | dict[str, Any] | None = None
    job_description: str | None = None


class Property(Wire, rename=None):
    """A property of a node; values are text on output."""

    name: str | None = None
    value: Any = None
    value_is_sensitive: bool | None = None


class Condition(Wire):
    """The node runs when the expression holds after the named node ended."""

    pre_node_name: str | None = None
    expression: str | None = None


class Location(Wire):
    """Position on the canvas; numbers or numeric text come in, integers go out."""

    x: Number | None = None
    y: Number | None = None


class Node(Wire):
    """A node. Units: pollingInterval s (1..60), maxExecutionTime min (5..7200), retryInterval s (5..600)."""

    name: str | None = None
    type: str | None = None
    node_type: str | None = None
    location: Location | None = None
    pre_node_name: list[str] | None = None
    pre_node_names: str | list[str] | None = None
    conditions: list[Condition] | None = None
    properties: list[Property] | None = None
    polling_interval: int | None = None
    max_execution_time: int | None = None
    exec_time_out_retry: str | bool | None = None
    retry_times: int | None = None
    retry_interval: int | None = None
    fail_policy: str | None = None
    event_trigger: Event | None = None
    cron_trigger: Cron | None = None
    lineage_info: str | None = None


class JobInfo(Wire):
    """Body of create and update; content of a ``.job`` file."""

    name: str | None = None
    process_type: str | None = None
    job_type: str | None = None
    nodes: list[Node] | None = None
    schedule: Schedule | None = None
    params: list[Parameter] | None = None
    directory: str | None = None
    description: str | None = None
    log_path: str | None = None
    basic_config: BasicConfig | None = None
    single_node_job_flag: bool | None = None
    single_node_job_type: str | None = None
    last_update_user: str | None = None
    clean_overdue_days: int | None = None
    clean_waiting_job: str | None = None
    empty_running_job: str | None = None
    target_status: str | None = None
    approvers: list[Approver] | None = None
    id: int | str | None = None
    version: str | int | None = None


class JobListItem(Wire):
    """A row of the job list. Times in milliseconds; absent while unset."""

    name: str
    job_type: str
    status: str
    create_user: str
    create_time: int
    owner: str
    priority: int
    path: str
    single_node_job_flag: bool
    last_update_time: int
    last_update_user: str
    start_time: int | None = None
    end_time: int | None = None
    last_instance_status: str | None = None
    last_instance_end_time: int | None = None


class JobList(Wire):
    """One page of jobs; ``total`` counts all matches."""

    total: int
    jobs: list[JobListItem]


class ListJobsQuery(Page):
    """``jobType``: BATCH (default) or REAL_TIME; ``jobName``: part of a name; ``tags``: names with commas between."""

    job_type: str = "BATCH"
    job_name: str = ""
    tags: str = ""


class ShowJobQuery(Wire):
    """``version`` -1 means not set; then ``getJobSubmitVersion`` reads the newest submitted one."""

    version: int = -1
    get_job_submit_version: bool = False
    dependencies: bool = False


class DeleteRequest(Wire):
    """Only meaningful with the review function on."""

    approvers: list[Approver] | None = None
