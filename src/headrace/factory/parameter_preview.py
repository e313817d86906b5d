"""What the parameters of a job will be: at its next plan times, or at one that is given.

The saved content of the job is read, as a test run reads it. Only what a run knows before its first node is there to
read: an expression that needs the output of a node, or the object store, tells its error in place of a value. Secret
environment variables take part as a mask, so that no expression can show them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from headrace.auth.sealing import MASK
from headrace.domain.clock import from_millis, to_millis
from headrace.domain.identity import Caller
from headrace.domain.job import JobDefinition
from headrace.domain.names import PARAMETER_NAME
from headrace.domain.plan_times import next_plan_times
from headrace.domain.working_days import Works
from headrace.el.errors import CannotEvaluate, ExpressionError
from headrace.el.language import with_parameters
from headrace.el.scope import Scope
from headrace.errors import HeadraceError, InvalidParameter, JobNotFound
from headrace.factory.job_checks import within
from headrace.services import Services
from headrace.storage import calendars, default_items, environment, jobs
from headrace.storage.default_items import DefaultItems
from headrace.wire.document import as_text
from headrace.wire.v1.definition import read_definition
from headrace.wire.v1.parameter_preview import (
    ParameterError,
    ParametersPreview,
    PlanTimePreview,
    PreviewedParameter,
    PreviewParametersRequest,
)
from headrace.wire.v1.runs import RunParameter

MAX_COUNT = 10  # plan times of one preview
MAX_SHOWN = 32_768  # characters of a value
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """The job, and what its parameters are written as."""

    id: int
    name: str
    definition: JobDefinition
    parameters: Mapping[str, str]
    environment: Mapping[str, str]
    items: DefaultItems
    workdays: Callable[[str | None], Works | None]


def preview(services: Services, caller: Caller, name: str, request: PreviewParametersRequest) -> ParametersPreview:
    """The parameters of a job at its next plan times; without a cron schedule, of a run that starts now.

    Raises JobNotFound, InvalidParameter (planTime, count, params), InvalidSchedule.
    """
    within("count", request.count, 1, MAX_COUNT)
    given = _given(request.params or ())
    zone = ZoneInfo(services.settings.time_zone)
    job = _read(services, caller, name, given)
    if request.plan_time is not None:
        moments = [_plan_time(request.plan_time, zone)]
    elif job.definition.schedule.kind == "CRON" and not job.definition.real_time:
        moments = next_plan_times(job.definition.schedule, from_millis(caller.now), request.count or MAX_COUNT, zone)
    else:
        moments = [from_millis(caller.now)]
    return ParametersPreview(previews=[_at(job, caller, moment, zone) for moment in moments])


def _read(services: Services, caller: Caller, name: str, given: Mapping[str, str]) -> _Job:
    with services.db.reading() as connection:
        found = jobs.with_text(connection, caller.workspace.id, name)
        variables = environment.values(connection, caller.workspace.id)
        items = default_items.of_workspace(connection, caller.workspace.id)
    if found is None:
        raise JobNotFound(f"name: {name!r}.")
    record, text = found
    definition = read_definition(text)
    return _Job(
        id=record.id,
        name=record.name,
        definition=definition,
        parameters={**definition.parameters, **given},
        environment={key: MASK if services.sealer.is_sealed(value) else value for key, value in variables.items()},
        items=items,
        workdays=calendars.lookup(services.db, caller.workspace.id, definition.schedule.calendar),
    )


def _at(job: _Job, caller: Caller, moment: datetime, zone: tzinfo) -> PlanTimePreview:
    now = from_millis(caller.now)
    scope = Scope(
        plan_time=moment,
        start_time=moment,
        zone=zone,
        now=lambda: now,
        project_id=caller.project_id,
        job_name=job.name,
        job_id=str(job.id),
        node_output=_of_a_run,
        node_status=_of_a_run,
        running_data=_of_a_run,
        insert_job_id=_of_a_run,
        workdays=job.workdays,
        prefix_only_dlf=bool(job.items.prefix_only_dlf),
        simple_variables=bool(job.items.simple_variables),
    )
    scope = with_parameters(scope, job_params=job.parameters, environment=job.environment)
    return PlanTimePreview(
        plan_time=to_millis(moment),
        plan_time_text=f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        parameters=[
            _previewed(name, "job" if name in job.parameters else "environment", scope.parameters)
            for name in dict.fromkeys((*job.parameters, *job.environment))
        ],
    )


def _of_a_run(node: str) -> str | None:
    raise CannotEvaluate(f"what the node {node[:64]!r} gave in a run", "A preview has no run to ask.")


def _previewed(name: str, origin: str, values: Mapping[str, str]) -> PreviewedParameter:
    try:
        value = values[name]
        if len(value) > MAX_SHOWN:
            raise InvalidParameter(f"The value has {len(value):,} characters; a preview shows at most {MAX_SHOWN:,}.")
    except ExpressionError as error:
        told = ParameterError(code=error.code, message=error.message, expression=error.source, position=error.position)
    except HeadraceError as error:
        told = ParameterError(code=error.code, message=error.message)
    else:
        return PreviewedParameter(name=name, origin=origin, value=value)
    return PreviewedParameter(name=name, origin=origin, error=told)


def _given(parameters: Sequence[RunParameter]) -> dict[str, str]:
    for index, parameter in enumerate(parameters):
        if not PARAMETER_NAME.fullmatch(parameter.name or ""):
            raise InvalidParameter(
                f"params[{index}].name: {parameter.name!r} is not 1 to 64 letters, digits, '-', '_' or '.'."
            )
    return {parameter.name or "": as_text(parameter.value) for parameter in parameters}


def _plan_time(given: str | int, zone: tzinfo) -> datetime:
    try:
        moment = from_millis(given) if isinstance(given, int) else datetime.fromisoformat(given.strip())
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError(f"year {moment.year}")
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidParameter(
            f"planTime: {given!r} is no time like 2024-01-07 01:00:00, 2024-01-07T01:00:00+08:00 or 1704560400000."
        ) from error
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
