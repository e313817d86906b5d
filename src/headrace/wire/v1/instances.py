"""Job instances as v1 spells them. Source: API reference, "Viewing a Job Instance List" and its neighbours.

Times and ``executeTime`` in milliseconds; times that are not yet are left out.
"""

from __future__ import annotations

import msgspec

from headrace.wire.base import Page, Wire


class ListInstancesQuery(Page):
    """``minPlanTime``, ``maxPlanTime`` in milliseconds; ``preciseQuery``: the whole job name."""

    job_name: str = ""
    min_plan_time: int | None = None
    max_plan_time: int | None = None
    status: str = ""
    instance_type: int | None = None
    precise_query: bool = False


class JobInstance(Wire, omit_defaults=False):
    """A row of the list. ``instancesId`` repeats ``instanceId`` for the older SDK."""

    job_id: int
    job_name: str
    job_instance_name: str
    instance_id: int
    instances_id: int
    instance_type: int
    status: str
    plan_time: int
    submit_time: int
    version: int
    force_success: bool
    ignore_success: bool
    start_time: int | msgspec.UnsetType = msgspec.UNSET
    end_time: int | msgspec.UnsetType = msgspec.UNSET
    execute_time: int | msgspec.UnsetType = msgspec.UNSET
    error_message: str | msgspec.UnsetType = msgspec.UNSET


class JobInstanceList(Wire, omit_defaults=False):
    """One page; ``total`` counts all matches."""

    total: int
    instances: list[JobInstance]


class NodeInstance(Wire, omit_defaults=False):
    """A node of an instance. ``retryTimes``: retries made; ``queue`` is empty but for DLI nodes."""

    node_name: str
    status: str
    type: str
    node_type: str
    queue: str
    instance_id: int
    plan_time: int
    retry_times: int
    start_time: int | msgspec.UnsetType = msgspec.UNSET
    end_time: int | msgspec.UnsetType = msgspec.UNSET
    execute_time: int | msgspec.UnsetType = msgspec.UNSET
    input_row_count: int | msgspec.UnsetType = msgspec.UNSET
    speed: float | msgspec.UnsetType = msgspec.UNSET
    log_path: str | msgspec.UnsetType = msgspec.UNSET
    error_message: str | msgspec.UnsetType = msgspec.UNSET


class JobInstanceDetail(Wire, omit_defaults=False):
    """An instance with its nodes; ``total`` is their number.

    Ours: ``executeUser``, as whom it runs; ``emptyRunningJob``, whether the job is only a dry run; ``timedOut``,
    whether it took longer than the timeout of its job, which stops nothing.
    """

    job_id: int
    job_name: str
    job_instance_name: str
    instance_id: int
    instances_id: int
    instance_type: int
    status: str
    plan_time: int
    submit_time: int
    version: int
    force_success: bool
    ignore_success: bool
    total: int
    nodes: list[NodeInstance]
    execute_user: str
    empty_running_job: bool
    timed_out: bool
    start_time: int | msgspec.UnsetType = msgspec.UNSET
    end_time: int | msgspec.UnsetType = msgspec.UNSET
    execute_time: int | msgspec.UnsetType = msgspec.UNSET
    error_message: str | msgspec.UnsetType = msgspec.UNSET


class NodeAttempt(Wire, omit_defaults=False):
    """How an attempt of a node ended. ``outcome``: success, fail, timeout, stopped, or lost with its server."""

    number: int
    outcome: str
    start_time: int
    end_time: int
    execute_time: int
    log_path: str | msgspec.UnsetType = msgspec.UNSET
    error_message: str | msgspec.UnsetType = msgspec.UNSET


class NodeAttemptList(Wire, omit_defaults=False):
    """The attempts of a node, oldest first, also those of earlier runs of the instance. ``total`` counts them."""

    node_name: str
    total: int
    attempts: list[NodeAttempt]


class RestoreRequest(Wire, rename=None):
    """Where to run again from: first_node (default), error_node, specified_node with ``node_name``."""

    retry_location: str | None = None
    node_name: str | None = None
    job_param_version: str | None = None
    ignore_obs_monitor: bool | str | None = None
