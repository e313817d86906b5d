"""Reads a stored job document into the domain's words; tolerant, because documents are kept as received.

Numbers may be texts, null counts as absent, and the older SDK's spellings (jobType, nodeType, preNodeNames,
scheType, paramType, condition, nodeProperties) count where the canonical member is missing.
Source: factory-v1-notes §4 and §15, package-format.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from headrace.domain.dependency_words import (
    MAX_PREVIOUS,
    DependFailPolicy,
    DependPeriod,
    DependType,
    UpstreamJob,
)
from headrace.domain.event_words import MOST_EVENTS_AT_ONCE, EventFailPolicy, EventSource, EventType, ReadPolicy
from headrace.domain.job import (
    FAIL_POLICY_WORDS,
    Condition,
    FailPolicy,
    JobDefinition,
    NodeDefinition,
    RetryPolicy,
    ScheduleDefinition,
    SkipPolicy,
)
from headrace.domain.obs_listening import ObsListening, listening_of
from headrace.errors import InvalidParameter
from headrace.wire.document import Document, as_text, as_truth, number_value, read_document, without_nulls

LEAST_WAITING_DAYS = 2
NO_CALENDAR = frozenset({"", "false", "true"})  # of calendarScheduling, which else names one
_SCHEDULES = {"CRON": "CRON", "SCHEDULE": "CRON", "EVENT": "EVENT", "EVENT_TRIGGER": "EVENT"}


@lru_cache(maxsize=512)
def read_definition(text: str) -> JobDefinition:
    """The job that a document describes. Raises InvalidParameter when it is no JSON object of the right outline."""
    try:
        job = without_nulls(read_document(text))
    except msgspec.MsgspecError as error:
        raise InvalidParameter(f"The stored job is not a JSON object: {error}.") from error
    schedule = _members(job.get("schedule"))
    config = _members(job.get("basicConfig"))
    minutes = _number(config, "instanceTimeout", 0)
    return JobDefinition(
        name=as_text(job.get("name")),
        real_time=as_text(job.get("processType", job.get("jobType"))) == "REAL_TIME",
        nodes=tuple(_node(without_nulls(node)) for node in _objects(job.get("nodes"))),
        parameters={
            as_text(item.get("name")): as_text(item.get("value"))
            for item in _objects(job.get("params"))
            if item.get("name")
        },
        schedule=_schedule(schedule),
        log_path=as_text(job.get("logPath")),
        dry_run=as_truth(job.get("emptyRunningJob")) or as_truth(schedule.get("emptyRunningJob")),
        execution_user=as_text(config.get("executeUser")),
        task_group=_task_group(job) or "",
        timeout=timedelta(minutes=minutes) if minutes else None,
        timeout_counts_waiting=not as_truth(config.get("isIgnoreWaiting", 1)),
        waits_at_most=_waits_at_most(job),
    )


def _waits_at_most(job: Document) -> timedelta | None:
    """Source: reference on scheduling §3.2; two days are the least."""
    days = _number(job, "cleanOverdueDays", 0)
    own = as_text(job.get("cleanWaitingJob")) == "cleanup" and days
    return timedelta(days=max(days, LEAST_WAITING_DAYS)) if own else None


def _schedule(schedule: Document) -> ScheduleDefinition:
    cron = _members(schedule.get("cron"))
    kind = as_text(schedule.get("type", schedule.get("scheType"))).upper()
    kind = _SCHEDULES.get(kind, "EXECUTE_ONCE")
    return ScheduleDefinition(
        kind=kind,
        expression=as_text(cron.get("expression")),
        expression_time_zone=as_text(cron.get("expressionTimeZone")),
        start_time=as_text(cron.get("startTime")),
        end_time=as_text(cron.get("endTime")),
        concurrent=_concurrent(kind, cron, _members(schedule.get("event"))),
        confirm=as_truth(schedule.get("requireManualConfirmBeforeExecute")),
        interval_type=as_text(cron.get("intervalType")),
        period=as_text(cron.get("period")),
        upstream=_upstream(depends := _members(cron.get("dependJobs"))),
        upstream_fail_policy=_word(DependFailPolicy, depends.get("dependFailPolicy"), DependFailPolicy.FAIL),
        depends_on_itself=as_truth(cron.get("dependPrePeriod", cron.get("dependPrePeriod."))),
        skips_waiting=as_truth(cron.get("isSkipSelfDepJob")),
        calendar="" if (calendar := as_text(cron.get("calendarScheduling"))).lower() in NO_CALENDAR else calendar,
        event=_event(_members(schedule.get("event"))),
        listening=_listening(cron) if kind == "CRON" else None,
    )


def _listening(cron: Document) -> ObsListening | None:
    """``monitorObsPath`` is false, or the path; true names none. Source: reference on scheduling §2.4; decision 26."""
    path = as_text(cron.get("monitorObsPath")).strip()
    if path.lower() in ("", "false"):
        return None
    minutes = [int(_number(cron, name, 0)) for name in ("scanInterval", "scanDuration")]
    return listening_of("" if path.lower() == "true" else path, *minutes)


def _event(event: Document) -> EventSource:
    """Source: factory-v1-notes §10.1; what is empty, 0 or unknown means the default. ``interval`` is ours: seconds."""
    word = as_text(event.get("eventType", event.get("engineType"))).strip().upper()
    default = EventSource()
    return EventSource(
        type=EventType(word) if word in set(EventType) else None,
        channel=as_text(event.get("channel", event.get("topic"))).strip(),
        connection=as_text(event.get("connectionName")).strip(),
        read_policy=_word(ReadPolicy, as_text(event.get("readPolicy")).upper(), default.read_policy),
        fail_policy=_word(EventFailPolicy, as_text(event.get("failPolicy")).upper(), default.fail_policy),
        interval=timedelta(seconds=seconds) if (seconds := _number(event, "interval", 0)) else default.interval,
    )


def _upstream(depends: Document) -> tuple[UpstreamJob, ...]:
    """Each upstream job once: the detailed entries, then those that only ``jobs`` (a list or one name) names."""
    period = _word(DependPeriod, depends.get("dependPeriod"), DependPeriod.SAME_PERIOD)
    same = [_upstream_job(without_nulls(entry), period) for entry in _objects(depends.get("sameWorkSpaceJobs"))]
    other = [_upstream_job(without_nulls(entry), period) for entry in _objects(depends.get("otherWorkSpaceJobs"))]
    plain = depends.get("jobs")
    names = [plain] if isinstance(plain, str) else plain if isinstance(plain, list) else []
    known = {entry.job for entry in same}
    rest = [UpstreamJob(job=name, period=period) for name in map(as_text, names) if name not in known]
    return tuple(dict.fromkeys(entry for entry in (*same, *other, *rest) if entry.job))


def _upstream_job(entry: Document, period: DependPeriod) -> UpstreamJob:
    """Source: reference on scheduling §2.1; ``dependOnLastPeriod`` beats the period of all (decision 19)."""
    return UpstreamJob(
        job=as_text(entry.get("jobName")),
        workspace=as_text(entry.get("workSpace")),
        workspace_id=as_text(entry.get("workSpaceId")),
        period=DependPeriod.PRE_PERIOD if as_truth(entry.get("dependOnLastPeriod")) else period,
        previous=min(max(int(_number(entry, "dependOnLastNPeriodValue", 1)), 1), MAX_PREVIOUS),
        type=_word(DependType, as_text(entry.get("dependType")).lower(), DependType.DEFAULT),
    )


_Word = TypeVar("_Word", bound=StrEnum)


def _word(words: type[_Word], value: Any, default: _Word) -> _Word:
    """The word of a text, or the default for a text that is none of them."""
    text = as_text(value).strip()
    return words(text) if text in set(words) else default


def _concurrent(kind: str, cron: Document, event: Document) -> int:
    """Source: reference on scheduling §2.5 and §3.1; one event at a time unless the job says more."""
    if kind == "EVENT":
        return min(int(_number(event, "concurrent", 1)) or 1, MOST_EVENTS_AT_ONCE)
    return int(_number(cron, "concurrent", 0)) if kind == "CRON" else 0


def _task_group(members: Document) -> str | None:
    """The id of a task group; "-1" and empty say none, and no member says nothing."""
    if "taskWorkGroupId" not in members:
        return None
    value = as_text(members["taskWorkGroupId"]).strip()
    return "" if value == "-1" else value


def _node(node: Document) -> NodeDefinition:
    properties = node_properties(node)
    values = {as_text(item.get("name")): as_text(item.get("value")) for item in properties}
    if listed := _objects(node.get("resouces")) or _objects(node.get("resources")):  # as exports spell it
        values.setdefault("resourceNames", msgspec.json.encode(listed).decode())
    conditions = _conditions(node)
    return NodeDefinition(
        name=as_text(node.get("name")),
        type=as_text(node.get("type", node.get("nodeType"))),
        predecessors=_predecessors(node, conditions),
        conditions=tuple(conditions),
        properties=values,
        sensitive=frozenset(
            as_text(item.get("name")) for item in properties if as_truth(item.get("value_is_sensitive"))
        ),
        polling_interval=timedelta(seconds=_number(node, "pollingInterval", 10)),
        max_execution_time=timedelta(minutes=_number(node, "maxExecutionTime", 60) or 60),
        retry=RetryPolicy(
            times=int(_number(node, "retryTimes", 0)),
            interval=timedelta(seconds=_number(node, "retryInterval", 120)),
            after_timeout=as_truth(after) if (after := node.get("execTimeOutRetry")) not in (None, "") else None,
        ),
        fail_policy=FAIL_POLICY_WORDS.get(as_text(node.get("failPolicy")).upper(), FailPolicy.FAIL),
        dry_run=as_truth(values.get("emptyRunningJob")) or as_truth(node.get("emptyRunningJob")),
        task_group=_task_group(node),
    )


def node_properties(node: Document) -> list[Document]:
    """The properties of a node, also where only the older SDK's ``nodeProperties`` (a list or its JSON text) is."""
    listed = node.get("properties")
    return _objects(node.get("nodeProperties") if listed is None else listed)


def _predecessors(node: Document, conditions: Sequence[Condition]) -> tuple[str, ...]:
    """The nodes before; one that only a condition names counts as well."""
    before: Any = node.get("preNodeName", node.get("preNodeNames"))
    names = before.split(",") if isinstance(before, str) else before if isinstance(before, list) else []
    named = [as_text(item).strip() for item in names] + [condition.pre_node_name for condition in conditions]
    return tuple(dict.fromkeys(name for name in named if name))


def _conditions(node: Document) -> list[Condition]:
    found = (without_nulls(item) for item in _objects(node.get("conditions", node.get("condition"))))
    return [
        Condition(
            pre_node_name=as_text(item.get("preNodeName")),
            expression=as_text(item["expression"]),
            skip=_skip_policy(item),
        )
        for item in found
        if as_text(item.get("expression")).strip()
    ]


def _skip_policy(condition: Document) -> SkipPolicy:
    """What an unmet condition skips: only the next node when a policy says so.

    The console offers both; how files spell the choice is not published, so NEXT in any of these members counts.
    """
    words = (as_text(condition.get(name)).upper() for name in ("skipPolicy", "failPolicy", "failurePolicy", "policy"))
    return SkipPolicy.NEXT if any("NEXT" in word for word in words) else SkipPolicy.ALL_SUBSEQUENT


def _number(node: Document, name: str, default: float) -> float:
    """A number, or a text that is one, not negative; the default for anything else."""
    value = number_value(node.get(name))
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else default
    except ValueError:
        return default
    return number if 0 <= number <= 10_000_000 else default


def _members(value: Any) -> Document:
    return without_nulls(value) if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Document]:
    if isinstance(value, str):  # the older SDK types some lists as text
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list | tuple) else []
