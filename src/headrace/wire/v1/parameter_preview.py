"""The preview of parameters, an operation of ours."""

from __future__ import annotations

from headrace.wire.base import Wire
from headrace.wire.v1.runs import RunParameter


class PreviewParametersRequest(Wire):
    """``planTime``, instead of the schedule: ms, ``yyyy-MM-dd HH:mm:ss`` in the service's zone, or ISO 8601.

    ``count``: how many plan times of the schedule, 1 to 10 (default). ``params`` stand before those of the job, as at
    a start.
    """

    plan_time: str | int | None = None
    count: int | None = None
    params: list[RunParameter] | None = None


class ParameterError(Wire):
    """Why a value cannot be told. ``position``: 0-based offset into ``expression``, the text at fault."""

    code: str
    message: str
    expression: str | None = None
    position: int | None = None


class PreviewedParameter(Wire):
    """One parameter: its value or an error. ``origin``: ``job`` or ``environment``."""

    name: str
    origin: str
    value: str | None = None
    error: ParameterError | None = None


class PlanTimePreview(Wire):
    """The parameters at one plan time. ``planTime``: ms; ``planTimeText``: the same in the service's zone."""

    plan_time: int
    plan_time_text: str
    parameters: list[PreviewedParameter]


class ParametersPreview(Wire):
    """One preview for each plan time, ascending; none when the schedule has ended."""

    previews: list[PlanTimePreview]
