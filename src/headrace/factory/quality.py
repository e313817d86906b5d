"""Quality rule jobs: keep, read, list and delete them; list what their rules found; write one of a package."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.quality import RuleJob
from headrace.domain.quality_document import read_rule_job
from headrace.domain.quality_outcome import Status
from headrace.errors import InvalidParameter
from headrace.factory import paging
from headrace.factory.ids import new_id
from headrace.factory.received import received
from headrace.services import Services
from headrace.storage import quality
from headrace.storage.database import Connection, Duplicate
from headrace.storage.quality import ResultFilter, ResultRecord, RuleJobRecord
from headrace.wire.document import write_document
from headrace.wire.v1.quality import (
    ListQualityResultsQuery,
    ListQualityRuleJobsQuery,
    QualityResult,
    QualityResultList,
    QualityRuleJobList,
    QualityRuleJobSummary,
    rule_job_document,
)

_LAST = 2**63 - 1


def put(services: Services, caller: Caller, name: str, body: bytes) -> None:
    """Keep a rule job under a name, instead of the one that has it. Raises InvalidParameter."""
    document = received(body)
    if document.get("name") is None:
        text = write_document({**document, "name": name})
    elif document["name"] == name:
        text = body
    else:
        raise InvalidParameter(f"name: {document['name']!r} in the body is not {name!r}, the name in the path.")
    importable(text)
    record = _record_of(services, caller, name, text)
    try:
        with services.db.writing() as connection:
            quality.put(connection, record)
    except Duplicate:  # made by another writer a moment ago
        with services.db.writing() as connection:
            quality.put(connection, record)


def _record_of(services: Services, caller: Caller, name: str, text: bytes) -> RuleJobRecord:
    workspace, user, now = caller.workspace.id, caller.user.name, caller.now
    return RuleJobRecord(new_id(services), workspace, name, text.decode(), user, now, now)


def importable(text: bytes) -> RuleJob:
    """A rule job that can be kept. Raises InvalidParameter naming what is wrong with it."""
    return read_rule_job(rule_job_document(text), deferred=True)


def import_rule_job(services: Services, caller: Caller, connection: Connection, name: str, text: bytes) -> None:
    """Write a rule job of a package, inside the transaction of the import. Raises InvalidParameter."""
    importable(text)
    quality.put(connection, _record_of(services, caller, name, text))


def show(services: Services, caller: Caller, name: str) -> bytes:
    """The text of a rule job as it was received. Raises InvalidParameter for an unknown name."""
    with services.db.reading() as connection:
        found = quality.by_name(connection, caller.workspace.id, name)
    if found is None:
        raise _unknown(name)
    return found.document.encode()


def delete(services: Services, caller: Caller, name: str) -> None:
    """Delete a rule job; its results stay. Raises InvalidParameter for an unknown name."""
    with services.db.writing() as connection:
        if not quality.delete_rule_job(connection, caller.workspace.id, name):
            raise _unknown(name)


def _unknown(name: str) -> InvalidParameter:
    return InvalidParameter(f"name: there is no quality rule job {name!r}.")


def list_page(services: Services, caller: Caller, query: ListQualityRuleJobsQuery) -> QualityRuleJobList:
    """One page of rule jobs, oldest first. Raises InvalidParameter."""
    skip, limit = paging.rows(query)
    with services.db.reading() as connection:
        total, found = quality.page(connection, caller.workspace.id, name=query.name, skip=skip, rows=limit)
    return QualityRuleJobList(total=total, rule_jobs=[_summary(record) for record in found])


def _summary(record: RuleJobRecord) -> QualityRuleJobSummary:
    document = rule_job_document(record.document)
    return QualityRuleJobSummary(
        name=record.name,
        description=document.get("description") or "",
        rule_count=len(document["rules"]),
        create_user=record.create_user,
        create_time=record.create_time,
        modify_time=record.modify_time,
    )


def list_results(services: Services, caller: Caller, query: ListQualityResultsQuery) -> QualityResultList:
    """One page of results, newest first. Raises InvalidParameter."""
    skip, limit = paging.rows(query)
    wanted = _filter(query)
    with services.db.reading() as connection:
        total, found = quality.results_page(connection, caller.workspace.id, wanted, skip=skip, rows=limit)
    return QualityResultList(total=total, results=[_result(record) for record in found])


def _filter(query: ListQualityResultsQuery) -> ResultFilter:
    if query.status and query.status not in list(Status):
        raise InvalidParameter(f"status: {query.status!r} is none of {', '.join(Status)}.")
    if query.rule and not query.rule_job:
        raise InvalidParameter("rule: it needs ruleJob, because names of rules are unique inside a rule job.")
    for name, value in (("instanceId", query.instance_id), ("minTime", query.min_time), ("maxTime", query.max_time)):
        if value is not None and not 0 <= value <= _LAST:
            raise InvalidParameter(f"{name}: {value} is not a number from 0 to {_LAST}.")
    return ResultFilter(
        rule_job=query.rule_job,
        rule=query.rule,
        status=query.status,
        node_name=query.node_name,
        instance_id=query.instance_id,
        after=-1 if query.min_time is None else query.min_time - 1,
        until=_LAST if query.max_time is None else query.max_time,
    )


def _result(record: ResultRecord) -> QualityResult:
    return msgspec.convert(
        {
            **msgspec.json.decode(record.document, type=dict[str, Any]),
            "id": record.id,
            "nodeName": record.node_name,
            "time": record.time,
            "instanceId": record.instance_id,
        },
        QualityResult,
    )
