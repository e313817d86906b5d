"""Running jobs and scripts as v1 spells it. Source: API reference, "Running a Job Immediately" and its neighbours."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.wire.base import Wire


class RunParameter(Wire):
    """A parameter of one run. ``type`` and ``paramType`` say the same: ``variable`` (default) or ``constants``."""

    name: str | None = None
    value: str | int | float | bool | None = None
    param_type: str | None = None
    type: str | None = None


class RunOnceRequest(Wire):
    """``useExecutionUser``: run as the job's execution user instead of the caller."""

    job_params: list[RunParameter] | None = None
    use_execution_user: str | bool | None = None


class RunOnceAnswer(Wire):
    """The instance that was made."""

    instance_id: int


class StartJobRequest(Wire):
    """``start_date``: the first day of the schedule, yyyyMMdd."""

    job_params: list[RunParameter] | None = None
    start_date: int | None = msgspec.field(default=None, name="start_date")
    ignore_first_self_dep: bool | None = msgspec.field(default=None, name="ignore_first_self_dep")
    ignore_first_self_dependence: bool | None = msgspec.field(default=None, name="ignore_first_self_dependence")


class NodeStatus(Wire):
    """A node in ShowJobStatus, in every spelling clients read."""

    name: str
    status: str
    type: str
    node_type: str
    last_instance_status: str | None = None
    last_instance_status_capital: str | None = msgspec.field(default=None, name="LastInstanceStatus")
    job_instance_id: int | None = None
    log_path: str | None = None


class JobStatus(Wire):
    """Times are RFC 3339 texts, absent while the job never ran."""

    name: str
    status: str
    nodes: list[NodeStatus]
    start_time: str | None = None
    starttime: str | None = msgspec.field(default=None, name="starttime")
    end_time: str | None = None
    last_update_time: str | None = None
    create_user: str | None = None
    last_modifiy_user: str | None = None


class ExecuteScriptRequest(Wire):
    """Values for the ``${name}`` of the script."""

    params: dict[str, str | int | float | bool | None] | None = None


class ExecuteScriptAnswer(Wire):
    """The script instance that was made."""

    instance_id: str


class ScriptResult(Wire):
    """What one statement gave. ``duration`` in seconds; ``schema``: a one-member object per column."""

    message: str | None = None
    duration: float | None = None
    row_count: int | None = None
    input_row_count: int | None = None
    result_count: int | None = None
    rows: list[list[Any]] | None = None
    schema: list[dict[str, str]] | None = None
    raw_result: dict[str, Any] | None = None


class ScriptResults(Wire, omit_defaults=False):
    """State and results of a script instance; ``result`` repeats ``results`` for the older SDK."""

    status: str
    message: str
    results: list[ScriptResult]
    result: list[ScriptResult]
