"""Job instances as v2 spells them, in snake case. Source: API reference, "Job Instances (v2)".

Times and ``execute_time`` in milliseconds; times that are not yet are left out.
"""

from __future__ import annotations

import msgspec

from headrace.wire.base import Page, Wire


class ListInstancesByNameQuery(Page, rename=None):
    """``min_plan_time``, ``max_plan_time`` in milliseconds; older texts spell them ``…_plain_time``."""

    min_plan_time: int | None = None
    max_plan_time: int | None = None
    min_plain_time: int | None = None
    max_plain_time: int | None = None
    status: str = ""
    force_success: bool = False
    ignore_success: bool = False
    instance_type: int | None = None


class FactoryJobInstance(Wire, rename=None, omit_defaults=False):
    """An instance."""

    job_name: str
    status: str
    job_instance_name: str
    plan_time: int
    instance_id: int
    instance_type: int
    submit_time: int
    job_id: int
    version: int
    force_success: bool
    ignore_success: bool
    start_time: int | msgspec.UnsetType = msgspec.UNSET
    end_time: int | msgspec.UnsetType = msgspec.UNSET
    execute_time: int | msgspec.UnsetType = msgspec.UNSET


class FactoryJobInstanceList(Wire, rename=None, omit_defaults=False):
    """One page, newest plan time first; ``total`` counts all matches."""

    total: int
    instances: list[FactoryJobInstance]


class InstanceToRetry(Wire, rename=None):
    """Names an instance. Times in milliseconds, as the list gives them."""

    job_id: int | None = None
    plan_time: int | None = None
    submit_time: int | None = None


class JobToRetry(Wire, rename=None):
    """Names a job of a workspace."""

    job_name: str | None = None
    workspace_id: str | None = None


class RetryInstancesRequest(Wire, rename=None):
    """Which instances to run again: those named, or those of ``jobs`` planned from ``begin_time`` to ``end_time``.

    ``retry_location``: firstNode, errorNode, specifiedNode with ``node_name``. ``retry_task_version``:
    original_version or current_version.
    """

    retry_location: str | None = None
    node_name: str | None = None
    retry_task_version: str | None = None
    ignore_obs_monitor: bool | None = None
    task_retrys: list[InstanceToRetry] | None = None
    begin_time: int | None = None
    end_time: int | None = None
    jobs: list[JobToRetry] | None = None
    concurrent: int | None = None
