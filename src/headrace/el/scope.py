"""What an expression may see: the run it belongs to, and lookups its caller hands in.

When each part is evaluated: simple variables when the instance is generated; parameters, node properties and script
parameters when the node starts; conditions when the node before the connection has ended; CDM macros when the
migration job starts. No clock is read but through ``plan_time``, ``start_time`` and ``now``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

Workdays = Callable[[date], bool]


def _no_text(_: str) -> str | None:
    return None


def _no_calendar(_: str | None) -> Workdays | None:
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """The position of a For Each node in its dataset."""

    data: Sequence[Sequence[Any]]  # rows of cells, which keep their JSON types
    offset: int  # 0-based row


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Everything expressions of one run can read. Times are aware; ``zone`` is the instance's time zone.

    The defaults are a run without parameters, nodes, calendars and objects.
    """

    plan_time: datetime
    start_time: datetime
    zone: tzinfo
    now: Callable[[], datetime]
    job_name: str = ""
    project_id: str = ""
    job_id: str = ""
    instance_id: str | None = None  # None in a test run of a single node
    event_data: str | None = None
    obs_new_files: str | None = None  # paths, joined with commas
    parameters: Mapping[str, str] = field(default_factory=dict)  # what ${name} gives
    job_params: Mapping[str, str] = field(default_factory=dict)  # what Job.getParam gives: configured in the job
    environment: Mapping[str, str] = field(default_factory=dict)  # what Env.get gives
    node_output: Callable[[str], str | None] = _no_text  # of an upstream node that ran, by its exact name
    node_status: Callable[[str], str | None] = _no_text  # success, fail, ...
    running_data: Callable[[str], str | None] = _no_text  # JSON text
    insert_job_id: Callable[[str], str | None] = _no_text
    preceding_node: str | None = None
    workdays: Callable[[str | None], Workdays | None] = _no_calendar  # by calendar name; None is the job's own
    obs_exists: Callable[[str], bool] | None = None
    loop: Loop | None = None  # None outside For Each
    prefix_only_dlf: bool = False  # the workspace's switch: only ${dlf.name} is a variable
    simple_variables: bool = False  # the workspace's switch "Use Simple Variable Set"
