"""What a job must satisfy to be saved. The service checks little here; strictness belongs to start and run.

Each failure has its documented code and names the member and the value. Import does not ask these checks beyond what
storage needs. Source: factory-v1-notes §7 and §10.1, error table.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Sequence

from msgspec.structs import astuple

from headrace.domain.cron import check_cron
from headrace.domain.names import JOB_NAME, NODE_NAME, PARAMETER_NAME, is_directory
from headrace.domain.schedule_time import read_schedule_time
from headrace.errors import (
    InvalidJobDescription,
    InvalidJobName,
    InvalidJobType,
    InvalidParameter,
    InvalidSchedule,
    JobNameBlank,
)
from headrace.objectstore.path import ObsPath
from headrace.settings import Settings
from headrace.wire.v1.jobs import BasicConfig, Cron, DependJobs, Event, JobInfo, Node, Parameter, Schedule
from headrace.wire.v1.node_jobs import check_triggers

MAX_DESCRIPTION = 1024
MAX_PARAMETER_VALUE = 1024
MAX_CUSTOM_FIELDS = 2048
PROCESS_TYPES = ("BATCH", "REAL_TIME")
SCHEDULE_TYPES = ("EXECUTE_ONCE", "CRON", "EVENT", "EVENT_TRIGGER", "RUN_ONCE", "SCHEDULE")
FAIL_POLICIES = ("FAIL", "IGNORE", "SUSPEND", "FAIL_CHILD", "EXIT", "CONTINUE", "EXIT_CHILD")
TARGET_STATUSES = ("SAVED", "SUBMITTED", "PRODUCTION")


def process_type(job: JobInfo) -> str:
    """BATCH or REAL_TIME, in either spelling of the member. Raises InvalidJobType."""
    value = job.process_type or job.job_type
    if value not in PROCESS_TYPES:
        raise InvalidJobType(f"processType: {value or 'missing'!r} is neither BATCH nor REAL_TIME.")
    return value


def check_job(job: JobInfo, settings: Settings) -> None:
    """Check everything but the name. Raises the documented error of the first thing that is wrong."""
    process_type(job)
    _check_texts(job)
    _check_parameters(job.params or ())
    if job.basic_config is not None:
        _check_basic_config(job.basic_config)
    if job.schedule is not None:
        check_schedule(job.schedule)
    check_nodes(job.nodes or (), settings)
    if process_type(job) == "REAL_TIME":
        for index, node in enumerate(job.nodes or ()):
            check_triggers(str(node.name), _given(node.cron_trigger), _given(node.event_trigger), f"nodes[{index}]")


def _given(trigger: Cron | Event | None) -> bool:
    """Whether a trigger says anything; clients send an empty object for none."""
    return trigger is not None and any(value is not None for value in astuple(trigger))


def check_name(name: str | None) -> str:
    """The name of a job. Raises JobNameBlank, InvalidJobName."""
    if not name:
        raise JobNameBlank
    if not JOB_NAME.fullmatch(name) or name in (".", ".."):  # a job is a folder of archives and of logs
        raise InvalidJobName(f"name: {name!r} is not 1 to 128 letters, digits, Chinese characters, '-', '_' or '.'.")
    return name


def _check_texts(job: JobInfo) -> None:
    if job.description is not None and len(job.description) > MAX_DESCRIPTION:
        raise InvalidJobDescription(f"description: {len(job.description)} characters are more than {MAX_DESCRIPTION}.")
    if job.directory and not is_directory(job.directory):
        raise InvalidParameter(f"directory: {job.directory!r} is no path of at most 10 levels of 1 to 64 characters.")
    if job.log_path:
        ObsPath.parse(job.log_path, "logPath")
    if job.target_status and job.target_status not in TARGET_STATUSES:
        raise InvalidParameter(f"targetStatus: {job.target_status!r} is none of {', '.join(TARGET_STATUSES)}.")


def _check_parameters(parameters: Sequence[Parameter]) -> None:
    seen: set[str] = set()
    for index, parameter in enumerate(parameters):
        where = f"params[{index}]"
        if not parameter.name or not PARAMETER_NAME.fullmatch(parameter.name):
            raise InvalidParameter(f"{where}.name: {parameter.name!r} is not 1 to 64 letters, digits, '-', '_' or '.'.")
        if parameter.name in seen:
            raise InvalidParameter(f"{where}.name: {parameter.name!r} occurs twice.")
        seen.add(parameter.name)
        if isinstance(parameter.value, str) and len(parameter.value) > MAX_PARAMETER_VALUE:
            raise InvalidParameter(f"{where}.value: more than {MAX_PARAMETER_VALUE} characters.")


def _check_basic_config(config: BasicConfig) -> None:
    within("basicConfig.priority", config.priority, 0, 2)
    within("basicConfig.taskPriority", config.task_priority, 0, 2)
    within("basicConfig.instanceTimeout", config.instance_timeout, 0, 1440)
    if config.owner is not None and len(config.owner) > 128:
        raise InvalidParameter("basicConfig.owner: more than 128 characters.")
    size = sum(len(str(name)) + len(str(value)) for name, value in (config.custom_fields or {}).items())
    if size > MAX_CUSTOM_FIELDS:
        raise InvalidParameter(f"basicConfig.customFields: more than {MAX_CUSTOM_FIELDS} characters together.")


def within(member: str, value: int | None, low: int, high: int) -> None:
    """Raises InvalidParameter unless the value is absent or in the range."""
    if value is not None and not low <= value <= high:
        raise InvalidParameter(f"{member}: {value} is not between {low} and {high}.")


def one_of(member: str, value: str | None, allowed: Iterable[str]) -> None:
    """Raises InvalidParameter unless the value is absent, empty or allowed."""
    if value and value not in allowed:
        raise InvalidParameter(f"{member}: {value!r} is none of {', '.join(allowed)}.")


def check_schedule(schedule: Schedule) -> None:
    """A CRON schedule without its block may be saved, and fails when the job is started. Raises InvalidSchedule."""
    kind = schedule.type or schedule.sche_type
    if kind is not None and kind not in SCHEDULE_TYPES:
        raise InvalidSchedule(f"schedule.type: {kind!r} is none of {', '.join(SCHEDULE_TYPES)}.")
    if schedule.cron is not None:
        check_cron_block(schedule.cron, "schedule.cron")
    if schedule.event is not None:
        _check_event(schedule.event, "schedule.event")


def check_cron_block(cron: Cron, member: str) -> None:
    """Expression, times and dependency words of a cron block. Raises InvalidSchedule."""
    if cron.expression:
        check_cron(cron.expression, f"{member}.expression")
    start = read_schedule_time(cron.start_time, f"{member}.startTime") if cron.start_time else None
    end = read_schedule_time(cron.end_time, f"{member}.endTime") if cron.end_time else None
    if start is not None and end is not None and end < start:
        raise InvalidSchedule(f"{member}.endTime: {cron.end_time!r} is before startTime {cron.start_time!r}.")
    if (depends := cron.depend_jobs) is not None:
        for name, value, allowed in (
            ("dependPeriod", depends.depend_period, ("SAME_PERIOD", "PRE_PERIOD")),
            ("dependFailPolicy", depends.depend_fail_policy, ("FAIL", "IGNORE", "SUSPEND")),
        ):
            if value and value not in allowed:
                raise InvalidSchedule(f"{member}.dependJobs.{name}: {value!r} is none of {', '.join(allowed)}.")


def upstream_jobs(schedule: Schedule | None) -> list[str]:
    """Names of the jobs of the same workspace that a schedule depends on, each once."""
    depends = schedule.cron.depend_jobs if schedule is not None and schedule.cron is not None else None
    return [] if depends is None else _names(depends)


def _names(depends: DependJobs) -> list[str]:
    plain = [depends.jobs] if isinstance(depends.jobs, str) else list(depends.jobs or ())
    same = [job.job_name for job in depends.same_work_space_jobs or () if job.job_name]
    return list(dict.fromkeys(name for name in (*plain, *same) if name))


def _check_event(event: Event, member: str) -> None:
    one_of(f"{member}.eventType", event.event_type, ("KAFKA", "DIS", "OBS"))
    one_of(f"{member}.failPolicy", event.fail_policy, ("SUSPEND", "IGNORE", "CONTINUE"))
    one_of(f"{member}.readPolicy", event.read_policy, ("LAST", "NEW"))
    within(f"{member}.concurrent", event.concurrent, 0, 128)


def check_nodes(nodes: Sequence[Node], settings: Settings) -> None:
    """Names, ranges and the graph. Raises InvalidParameter (unknown predecessors, cycles and duplicates included)."""
    if len(nodes) > settings.max_nodes_per_job:
        raise InvalidParameter(f"nodes: {len(nodes)} are more than {settings.max_nodes_per_job}.")
    graph: dict[str, list[str]] = {}
    for index, node in enumerate(nodes):
        name = _check_node(node, f"nodes[{index}]")
        if name in graph:
            raise InvalidParameter(f"nodes[{index}].name: {name!r} occurs twice.")
        graph[name] = predecessors(node)
    earlier: set[str] = set()
    ordered = True
    for name, before in graph.items():
        for predecessor in before:
            if predecessor not in graph:
                raise InvalidParameter(f"nodes[{name}].preNodeName: there is no node {predecessor!r}.")
            ordered = ordered and predecessor in earlier
        earlier.add(name)
    if ordered:  # each node stands behind its predecessors, so there is no cycle
        return
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        raise InvalidParameter(f"nodes: they wait for each other: {' → '.join(error.args[1])}.") from error


def predecessors(node: Node) -> list[str]:
    """preNodeName, or the older SDK's comma separated preNodeNames."""
    if node.pre_node_name is not None:
        return node.pre_node_name
    older = node.pre_node_names or []
    return [part.strip() for part in older.split(",") if part.strip()] if isinstance(older, str) else older


def _check_node(node: Node, where: str) -> str:
    if not node.name or not NODE_NAME.fullmatch(node.name):
        raise InvalidParameter(f"{where}.name: {node.name!r} is not 1 to 128 letters, digits or - _ . / < >.")
    if not (node.type or node.node_type):
        raise InvalidParameter(f"{where}.type: node {node.name!r} has no type.")
    within(f"{where}.pollingInterval", node.polling_interval, 1, 60)
    within(f"{where}.maxExecutionTime", node.max_execution_time, 5, 7200)
    within(f"{where}.retryTimes", node.retry_times, 0, 5)
    within(f"{where}.retryInterval", node.retry_interval, 5, 600)
    one_of(f"{where}.failPolicy", node.fail_policy, FAIL_POLICIES)
    for index, item in enumerate(node.properties or ()):
        if not item.name:
            raise InvalidParameter(f"{where}.properties[{index}].name: missing.")
    for index, condition in enumerate(node.conditions or ()):
        if not condition.pre_node_name:
            raise InvalidParameter(f"{where}.conditions[{index}].preNodeName: missing.")
    if node.cron_trigger is not None:
        check_cron_block(node.cron_trigger, f"{where}.cronTrigger")
    if node.event_trigger is not None:
        _check_event(node.event_trigger, f"{where}.eventTrigger")
    return node.name
