"""The nodes of a real-time job, each as the document of a batch job with that one node. See decision 25."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.domain.real_time import CONCURRENT, MOST_EVENTS_OF_NODE, Trigger
from headrace.errors import InvalidSchedule
from headrace.wire.document import Document, as_text, number_value, read_document, without_nulls, write_document

_OF_THE_JOB = ("nodes", "schedule", "scheType", "processType", "jobType", "name", "taskWorkGroupId")
_LINES = ("preNodeName", "preNodeNames", "conditions", "condition")
_TRIGGERS = ("cronTrigger", "cron_trigger", "eventTrigger")
_OF_BATCH_JOBS = ("calendarScheduling", "monitorObsPath", "isSkipSelfDepJob")
_FOR_EVER = 10_000_000  # minutes; as long as a document can say


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeJob:
    """A node. ``document``: of the job that runs it; ``where``: its place in the real-time job, ``nodes[0]``."""

    name: str
    trigger: Trigger
    document: str
    where: str


def node_jobs(text: str) -> list[NodeJob]:
    """The nodes of a real-time job. Raises InvalidSchedule for one with two triggers."""
    job = read_document(text)
    found = job.get("nodes")
    nodes = [node for node in found if isinstance(node, dict)] if isinstance(found, list) else []
    return [_node_job(job, node, f"nodes[{index}]") for index, node in enumerate(nodes)]


def check_triggers(node: str, cron: object, event: object, where: str) -> None:
    """A node has one trigger at most; an empty object is none. Raises InvalidSchedule."""
    if cron and event:
        raise InvalidSchedule(f"{where}.eventTrigger: the node {node!r} has a cronTrigger; it can have one of the two.")


def _node_job(job: Document, node: Document, where: str) -> NodeJob:
    name = as_text(node.get("name"))
    cron, event = _trigger(node, "cronTrigger", "cron_trigger"), _trigger(node, "eventTrigger")
    check_triggers(name, cron, event, where)
    alone = {key: value for key, value in node.items() if key not in (*_LINES, *_TRIGGERS, "taskWorkGroupId")}
    document = {key: value for key, value in job.items() if key not in _OF_THE_JOB}
    trigger = Trigger.NONE
    schedule: Document = {}
    if cron:
        trigger, schedule = Trigger.CRON, {"cron": _cron(cron)}
    elif event:
        trigger, schedule = Trigger.EVENT, {"event": _event(event)}
    else:
        alone["maxExecutionTime"] = _FOR_EVER
        _drop_timeout(document)
    document |= {
        "name": f"{as_text(job.get('name'))}_{name}",
        "processType": "BATCH",
        "nodes": [alone],
        "schedule": {"type": trigger.value, **schedule},
    }
    return NodeJob(name=name, trigger=trigger, document=write_document(document).decode(), where=where)


def _trigger(node: Document, *spellings: str) -> Document:
    """The first that is an object with members."""
    found = (node.get(spelling) for spelling in spellings)
    objects = (without_nulls(trigger) for trigger in found if isinstance(trigger, dict))
    return next((trigger for trigger in objects if trigger), {})


def _cron(trigger: Document) -> Document:
    kept = {key: value for key, value in trigger.items() if key not in _OF_BATCH_JOBS}
    return kept | {"concurrent": _positive(trigger.get("concurrent"), CONCURRENT)}


def _event(trigger: Document) -> Document:
    return trigger | {"concurrent": min(_positive(trigger.get("concurrent"), 1), MOST_EVENTS_OF_NODE)}


def _positive(value: Any, default: int) -> int:
    try:
        number = int(float(as_text(number_value(value)) or 0))
    except (ValueError, OverflowError):
        return default
    return number if number > 0 else default


def _drop_timeout(document: Document) -> None:
    config = document.get("basicConfig")
    if isinstance(config, dict):
        document["basicConfig"] = {key: value for key, value in config.items() if key != "instanceTimeout"}
