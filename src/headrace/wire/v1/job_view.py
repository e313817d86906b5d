"""A stored job as ShowJob answers it: the document, the server's members, and what particular clients look for.

Source: factory-v1-notes §4 (types on the wire), §10.5 and §15 (extra spellings). The extra spellings repeat a member
that stands beside them; ``without_echoes`` takes them out again when a client sends back what it read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from headrace.wire.document import (
    Document,
    as_text,
    as_truth,
    number_value,
    read_document,
    without_nulls,
    write_document,
)

REQUEST_ONLY = ("targetStatus", "approvers")
MASK = "*********"

_JOB_ECHOES = (("jobType", "processType"),)
_SCHEDULE_ECHOES = (("scheType", "type"),)
_PARAMETER_ECHOES = (("paramType", "type"),)
_NODE_ECHOES = (("nodeType", "type"), ("condition", "conditions"), ("cron_trigger", "cronTrigger"))
_ECHO_MARKS = (
    b'"jobType"',
    b'"scheType"',
    b'"paramType"',
    b'"nodeType"',
    b'"preNodeNames"',
    b'"condition"',
    b'"cron_trigger"',
    b'"nodeProperties"',
)

_CANVAS = 2**31
_Types = dict[str, Callable[[Any], Any]]


def job_view(text: str, server: Document) -> Document:
    """The answer of ShowJob. ``server``: id, version (text), createTime, and others the server knows better."""
    job = without_nulls(read_document(text))
    for name in REQUEST_ONLY:
        job.pop(name, None)
    job.setdefault("processType", job.get("jobType", "BATCH"))
    job.setdefault("directory", "/")
    job["schedule"] = _schedule_view(job.get("schedule"))
    job["nodes"] = [_node_view(node) for node in job.get("nodes") or ()]
    if isinstance(job.get("params"), list):
        job["params"] = [_parameter_view(parameter) for parameter in job["params"]]
    if isinstance(job.get("basicConfig"), dict):
        job["basicConfig"] = _basic_view(without_nulls(job["basicConfig"]))
    job = _typed(job, _JOB_TYPES)
    last = job.pop("lastUpdateUser", None) or server.get("lastUpdateUser")
    job |= server
    if last:
        job["lastUpdateUser"] = last
    return _echoed(job, _JOB_ECHOES)


def _schedule_view(schedule: Any) -> Document:
    view = without_nulls(schedule) if isinstance(schedule, dict) else {}
    view["type"] = view.get("type") or view.get("scheType") or "EXECUTE_ONCE"
    if isinstance(view.get("cron"), dict):
        view["cron"] = _cron_view(view["cron"])
    if isinstance(view.get("event"), dict):
        view["event"] = _typed(without_nulls(view["event"]), _EVENT_TYPES)
    return _echoed(view, _SCHEDULE_ECHOES)


def _cron_view(cron: Document) -> Document:
    view = _typed(without_nulls(cron), _CRON_TYPES)
    depends = view.get("dependJobs")
    if isinstance(depends, dict) and isinstance(depends.get("jobs"), str):
        view["dependJobs"] = {**depends, "jobs": [depends["jobs"]]}
    return view


def _typed(members: Document, types: _Types) -> Document:
    """The members with the documented JSON type, where they came in another form of the same value."""
    for name, convert in types.items():
        value = members.get(name)
        if value is not None and not (convert is _whole and type(value) is int):
            members[name] = convert(value)
    return members


def _whole(value: Any) -> Any:
    """An integer for a text or a fraction that is one; the service takes both."""
    number = number_value(value)
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return int(number) if isinstance(number, str) and _INTEGER.fullmatch(number.strip()) else value


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_EVENT_TYPES: _Types = {"concurrent": _whole}
_CRON_TYPES: _Types = {"dependPrePeriod": as_truth, "concurrent": _whole}
_NODE_TYPES: _Types = {
    "pollingInterval": _whole,
    "maxExecutionTime": _whole,
    "retryTimes": _whole,
    "retryInterval": _whole,
    "execTimeOutRetry": as_text,
}
_BASIC_TYPES: _Types = dict.fromkeys(("priority", "taskPriority", "instanceTimeout", "isIgnoreWaiting"), _whole)
_JOB_TYPES: _Types = {"singleNodeJobFlag": as_truth, "emptyRunningJob": as_text, "cleanOverdueDays": _whole}


def _echoed(members: Document, echoes: tuple[tuple[str, str], ...]) -> Document:
    for extra, canonical in echoes:
        if canonical in members:
            members[extra] = members[canonical]
    return members


def _node_view(node: Any) -> Document:
    view = without_nulls(node)
    view.setdefault("type", view.get("nodeType", ""))
    location = view.get("location")
    location = location if isinstance(location, dict) else {}
    view["location"] = {**location, "x": _coordinate(location.get("x")), "y": _coordinate(location.get("y"))}
    before = view.get("preNodeName")
    if not isinstance(before, list):
        older = view.get("preNodeNames") or []
        before = [part.strip() for part in older.split(",") if part.strip()] if isinstance(older, str) else older
    view["preNodeName"] = before
    view["preNodeNames"] = ",".join([as_text(name) for name in before])
    properties = view.get("properties", view.get("nodeProperties"))
    view["properties"] = [_property_view(item) for item in _objects(properties)]
    if "nodeProperties" in view:
        view["nodeProperties"] = view["properties"]
    if "conditions" not in view and isinstance(view.get("condition"), list):
        view["conditions"] = view["condition"]
    if isinstance(view.get("cronTrigger"), dict):
        view["cronTrigger"] = _cron_view(view["cronTrigger"])
    if isinstance(view.get("eventTrigger"), dict):
        view["eventTrigger"] = _typed(without_nulls(view["eventTrigger"]), _EVENT_TYPES)
    return _echoed(_typed(view, _NODE_TYPES), _NODE_ECHOES)


def _property_view(item: Document) -> Document:
    if type(item.get("value")) is str and item.get("value_is_sensitive", False) is False:
        return item  # nearly all of them
    view = {**item, "value": as_text(item.get("value"))}
    if "value_is_sensitive" in item:
        view["value_is_sensitive"] = as_truth(item["value_is_sensitive"])
        if view["value_is_sensitive"] and view["value"]:
            view["value"] = MASK
    return view


def _parameter_view(parameter: Document) -> Document:
    view = {**without_nulls(parameter), "value": as_text(parameter.get("value"))}
    view.setdefault("type", view.get("paramType", "variable"))
    return _echoed(view, _PARAMETER_ECHOES)


def _basic_view(config: Document) -> Document:
    if "tags" in config and not isinstance(config["tags"], list):
        config["tags"] = []
    if isinstance(config.get("customFields"), dict):
        config["customFields"] = {name: as_text(value) for name, value in config["customFields"].items()}
    return _typed(config, _BASIC_TYPES)


def _coordinate(value: Any) -> int:
    """An integer for a number or numeric text, rounded half away from zero; 0 for what no canvas has room for."""
    if type(value) is int and -_CANVAS < value < _CANVAS:
        return value
    value = number_value(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _CANVAS:
        return 0
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def without_echoes(text: bytes) -> bytes:
    """The document without the extra spellings that only repeat the member beside them.

    A client may send back what it read; the extras say nothing that the canonical members do not say.
    """
    if not any(mark in text for mark in _ECHO_MARKS):
        return text
    job = read_document(text)
    changed = _drop_echoes(job, _JOB_ECHOES)
    if isinstance(schedule := job.get("schedule"), dict):
        changed |= _drop_echoes(schedule, _SCHEDULE_ECHOES)
    for parameter in _objects(job.get("params")):
        changed |= _drop_echoes(parameter, _PARAMETER_ECHOES)
    for node in _objects(job.get("nodes")):
        changed |= _drop_echoes(node, (*_NODE_ECHOES, ("nodeProperties", "properties")))
        before = node.get("preNodeName")
        if isinstance(before, list) and node.get("preNodeNames") == ",".join(as_text(name) for name in before):
            del node["preNodeNames"]
            changed = True
    return write_document(job) if changed else text


def _objects(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _drop_echoes(members: Document, echoes: tuple[tuple[str, str], ...]) -> bool:
    found = [extra for extra, canonical in echoes if extra in members and members[extra] == members.get(canonical)]
    for extra in found:
        del members[extra]
    return bool(found)
