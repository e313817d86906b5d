"""Baselines: promises that jobs have finished by a time of day. Source: API reference, "Baselines". Decision 27."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from headrace.domain.baselines import Standing, next_promised, terms_of
from headrace.domain.clock import from_millis, to_millis
from headrace.domain.day_hours import read_hours
from headrace.domain.identity import Caller
from headrace.domain.names import JOB_NAME
from headrace.errors import InvalidParameter, ValueNotFound
from headrace.factory.baseline_answers import shown_baseline, shown_promise
from headrace.services import Services
from headrace.storage import baselines, jobs
from headrace.storage.baselines import BaselineRecord
from headrace.storage.database import Connection, Duplicate
from headrace.wire.v1.definition import read_definition
from headrace.wire.v2.baselines import (
    BaselineInstanceList,
    BaselineList,
    CreateBaselineRequest,
    ListBaselineInstancesQuery,
    ListBaselinesQuery,
)

MAX_JOBS = 100  # of one baseline
MAX_ROWS = 100
MAX_RANGE = timedelta(days=180)
MAX_RECEIVERS = 20
MAX_BUFFER = 86_400_000
_MINUTE = 60_000
_NUMBER = re.compile(r"[0-9]{1,18}")
_NEXT_DAY = timedelta(days=1)
_EVENTS = ("ERROR", "SLOW_DOWN")
_FINISHED = {"UNFINISH": 0, "FINISH": 1}
_ORDERS = {"start_time_ms": "begins", "end_time_ms": "finish"}
T = TypeVar("T")


def create(services: Services, caller: Caller, request: CreateBaselineRequest) -> None:
    """Promise something; it is looked at from now on. Raises InvalidParameter, ValueNotFound."""
    _put(services, caller, None, request)


def change(services: Services, caller: Caller, baseline_id: str, request: CreateBaselineRequest) -> None:
    """Promise something else; what was found before stays. Raises InvalidParameter, ValueNotFound."""
    _put(services, caller, baseline_id, request)


def _put(services: Services, caller: Caller, baseline_id: str | None, request: CreateBaselineRequest) -> None:
    document = _checked(caller, request)
    zone = ZoneInfo(services.settings.time_zone)
    promised = next_promised(terms_of(document), from_millis(caller.now), zone)
    try:
        with services.db.writing() as connection:
            known = None if baseline_id is None else _found(connection, caller, baseline_id)
            _check_jobs(connection, caller, document["sla_task_ids"])
            record = BaselineRecord(
                id=services.next_number() if known is None else known.id,
                workspace_id=caller.workspace.id,
                project_id=caller.project_id,
                name=document["name"],
                version=1 if known is None else known.version + 1,
                document=json.dumps(document, ensure_ascii=False),
                create_time=caller.now if known is None else known.create_time,
                modify_time=caller.now,
                promised=to_millis(promised),
                next_look=caller.now if document["enable"] else None,
            )
            baselines.put(connection, record)
    except Duplicate as error:
        raise InvalidParameter(f"name: another baseline is called {document['name']!r}.") from error
    services.wake_engine()


def delete(services: Services, caller: Caller, baseline_id: str) -> None:
    """Promise it no more; its past is forgotten too. Raises ValueNotFound."""
    with services.db.writing() as connection:
        baselines.delete_baseline(connection, caller.workspace.id, _found(connection, caller, baseline_id).id)


def list_page(services: Services, caller: Caller, studio: str, query: ListBaselinesQuery) -> BaselineList:
    """One page, by name or priority. ``studio``: the instance of the product in the path. Raises InvalidParameter."""
    _check_workspace(caller, query.workspace_id)
    if query.order_by not in ("", "priority asc", "priority desc"):
        raise InvalidParameter(f"order_by: {query.order_by!r} is neither 'priority asc' nor 'priority desc'.")
    with services.db.reading() as connection:
        every = [
            (each, json.loads(each.document)) for each in baselines.all_of_workspace(connection, caller.workspace.id)
        ]
    found = [
        (record, document)
        for record, document in every
        if query.name in record.name
        and query.enable in (None, document["enable"])
        and _suits(document, query.owner_name, query.priority)
    ]
    if query.order_by:
        found.sort(key=lambda each: each[1]["priority"], reverse=query.order_by.endswith("desc"))
    shown = [shown_baseline(record, document, studio) for record, document in _page(found, query.offset, query.limit)]
    return BaselineList(baselines=shown, total=len(found))


def list_promises(
    services: Services, caller: Caller, studio: str, query: ListBaselineInstancesQuery
) -> BaselineInstanceList:
    """What was found of the promises of some days, by promised time. Raises InvalidParameter."""
    _check_workspace(caller, query.workspace_id)
    if query.status and query.status not in set(Standing):
        raise InvalidParameter(f"status: {query.status!r} is none of {', '.join(Standing)}.")
    if query.finish_status and query.finish_status not in _FINISHED:
        raise InvalidParameter(f"finish_status: {query.finish_status!r} is none of {', '.join(_FINISHED)}.")
    first, last = _range(services, caller, query)
    with services.db.reading() as connection:
        rows = baselines.promises(connection, caller.workspace.id, first, last)
    found = [
        (promise, baseline, document)
        for promise, baseline in rows
        for document in (json.loads(baseline.document),)
        if query.baseline_name in baseline.name
        and query.type in ("", document["type"])
        and query.status in ("", promise.standing)
        and _FINISHED.get(query.finish_status, promise.finished) == promise.finished
        and _suits(document, query.owner_name, query.priority)
    ]
    if query.order_by:
        member, _, direction = query.order_by.partition(" ")
        if member not in _ORDERS or direction not in ("asc", "desc"):
            raise InvalidParameter(f"order_by: {query.order_by!r} is not start_time_ms or end_time_ms, asc or desc.")
        found.sort(key=lambda each: getattr(each[0], _ORDERS[member]) or 0, reverse=direction == "desc")
    shown = [shown_promise(*each, studio) for each in _page(found, query.offset, query.limit)]
    return BaselineInstanceList(baseline_instances=shown, total=len(found))


# ---- what a request says


def _checked(caller: Caller, request: CreateBaselineRequest) -> dict[str, Any]:
    """A request with its defaults, to be kept. Raises InvalidParameter."""
    _check_workspace(caller, request.workspace_id)
    _check(
        request.name,
        lambda name: JOB_NAME.fullmatch(name) is not None,
        "name",
        "1 to 128 letters, digits, '-', '_', '.'",
    )
    _check(request.type, lambda kind: kind in ("DAY", "HOUR"), "type", "DAY or HOUR")
    _check(request.priority, lambda number: 1 <= number <= 5, "priority", "a number from 1 to 5")
    _check(
        request.buffer,
        lambda millis: 0 <= millis <= MAX_BUFFER and millis % _MINUTE == 0,
        "buffer",
        "milliseconds of whole minutes, of a day at most",
    )
    if request.type == "DAY":
        _check(request.sla_hour, lambda text: _is_below(text, 24), "sla_hour", "an hour from 00 to 23")
        _check(request.sla_min, lambda text: _is_below(text, 60), "sla_min", "a minute from 00 to 59")
    else:
        read_hours(((each.period_num, each.period_time) for each in request.period or ()), "period")
    _check(
        request.sla_task_ids,
        lambda ids: 1 <= len(ids) <= MAX_JOBS and all(map(_NUMBER.fullmatch, ids)),
        "sla_task_ids",
        f"1 to {MAX_JOBS} ids of jobs",
    )
    _check(request.event_alarm or [], lambda kinds: set(kinds) <= set(_EVENTS), "event_alarm", "ERROR or SLOW_DOWN")
    for member in ("smn_topics", "event_smn_topics"):
        count = len(getattr(request, member) or ())
        _check(count, lambda number: number <= MAX_RECEIVERS, member, f"{MAX_RECEIVERS} receivers at most")
    document: dict[str, Any] = msgspec.to_builtins(request)
    switches = {"enable": True, "alarm_enable": True, "baseline_alarm_enable": True, "sign_enable": False}
    lists: dict[str, Any] = {"smn_topics": [], "event_smn_topics": [], "event_alarm": []}
    document = {**switches, **lists, "owner_name": caller.user.name, **document}
    return document | {"sla_task_ids": list(dict.fromkeys(document["sla_task_ids"]))}


def _check(value: T | None, holds: Callable[[T], bool], member: str, wanted: str) -> None:
    if value is None or not holds(value):
        raise InvalidParameter(f"{member}: {value!r} is not {wanted}.")


def _is_below(text: str, limit: int) -> bool:
    return re.fullmatch(r"[0-9]{1,2}", text) is not None and int(text) < limit


def _check_workspace(caller: Caller, workspace_id: str | None) -> None:
    """The contract names the workspace twice. Raises InvalidParameter where they differ."""
    if workspace_id and workspace_id != caller.workspace.id:
        raise InvalidParameter(f"workspace_id: {workspace_id!r} is not the workspace of the header.")


def _check_jobs(connection: Connection, caller: Caller, ids: Iterable[str]) -> None:
    """Only what a schedule runs can be promised. Raises ValueNotFound, InvalidParameter."""
    for job_id in ids:
        job = jobs.by_id(connection, int(job_id))
        if job is None or job.workspace_id != caller.workspace.id:
            raise ValueNotFound("sla_task_ids")
        text = jobs.version_document(connection, job.id, job.version) if job.version else job.draft
        if text is None or read_definition(text).schedule.kind != "CRON":
            raise InvalidParameter(
                f"sla_task_ids: the job {job.name!r} has no cron schedule, so nothing can be promised."
            )


def _found(connection: Connection, caller: Caller, baseline_id: str) -> BaselineRecord:
    known = _NUMBER.fullmatch(baseline_id) is not None
    record = baselines.by_id(connection, caller.workspace.id, int(baseline_id)) if known else None
    if record is None:
        raise ValueNotFound("baseline_id")
    return record


# ---- what lists show


def _suits(document: dict[str, Any], owner: str, priorities: Sequence[int] | None) -> bool:
    return owner in ("", document["owner_name"]) and (not priorities or document["priority"] in priorities)


def _page(found: Sequence[T], number: int, rows: int) -> Sequence[T]:
    if not 1 <= number < 2**31 or not 1 <= rows <= MAX_ROWS:
        raise InvalidParameter(f"offset {number}, limit {rows}: pages from 1, of 1 to {MAX_ROWS} rows.")
    return found[(number - 1) * rows : number * rows]


def _range(services: Services, caller: Caller, query: ListBaselineInstancesQuery) -> tuple[int, int]:
    """The promised times that are asked for; today's without bounds. Raises InvalidParameter."""
    first, last = query.start_time, query.end_time
    if first is None and last is None:
        today = from_millis(caller.now).astimezone(ZoneInfo(services.settings.time_zone))
        midnight = datetime.combine(today.date(), datetime.min.time(), tzinfo=today.tzinfo)
        following = datetime.combine(today.date() + _NEXT_DAY, datetime.min.time(), tzinfo=today.tzinfo)
        return to_millis(midnight), to_millis(following) - 1
    if first is None or last is None or not 0 <= first <= last < 2**63:
        raise InvalidParameter(f"start_time {first}, end_time {last}: both are needed, in this order.")
    if last - first > MAX_RANGE // timedelta(milliseconds=1):
        raise InvalidParameter(f"end_time: {last} is more than {MAX_RANGE.days} days after start_time.")
    return first, last
