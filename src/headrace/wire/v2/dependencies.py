"""Dependencies between instances and between jobs. Source: API reference, "Querying Job Instance Dependencies (v2)".

Times and durations in milliseconds; those that are not yet are left out.
"""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from headrace.wire.base import Wire


class DependInstancesQuery(Wire, rename=None):
    """``relation``: parent, child or both. ``depth``: levels, 1 to 50. ``latest``: only one instance of each job."""

    relation: str = "both"
    depth: int = 1
    latest: bool = True


class DependInstance(Wire, rename=None, omit_defaults=False):
    """An upstream or downstream instance. ``parent_instance_ids``: those it waits or waited for itself."""

    id: int
    job_id: int
    job_name: str
    directory_path: str
    force_success: bool
    ignore_success: bool
    parent_instance_ids: list[int]
    plan_time: int
    status: str
    submit_time: int
    version: int
    workspace_id: str
    workspace_name: str
    running_time: int | UnsetType = UNSET
    start_time: int | UnsetType = UNSET
    end_time: int | UnsetType = UNSET
    avg_execute_time_ms: int | UnsetType = UNSET


class DependInstances(Wire, rename=None, omit_defaults=False):
    """The instances of a walk, nearest first; not the one it began at."""

    total: int
    depend_instances_info: list[DependInstance]


class JobDependQuery(Wire, rename=None):
    """``relation``: parent, child or both."""

    relation: str = "both"


class DependJob(Wire, rename=None, omit_defaults=False):
    """A job that another depends on (``depend_layer`` parent), or that depends on it (child)."""

    job_name: str
    job_path: str
    depend_layer: str
    workspace_name: str
    owner: str
