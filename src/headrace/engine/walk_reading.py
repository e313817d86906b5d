"""Reads an open instance from storage into a walk, and what of its surroundings decides how the walk goes on."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import structlog

from headrace.domain.clock import from_millis
from headrace.domain.job import Condition, JobDefinition
from headrace.el.errors import ExpressionError
from headrace.el.language import condition_holds
from headrace.engine.scope import node_scope
from headrace.engine.surroundings import variables_of
from headrace.engine.walk import Walk
from headrace.errors import HeadraceError, InternalError
from headrace.services import Services
from headrace.storage import calendars, default_items, instances, jobs
from headrace.storage.database import Connection
from headrace.wire.v1.definition import read_definition

log = structlog.get_logger("headrace.engine")


def read_walk(connection: Connection, key: int, owner: str) -> Walk | None:
    """The walk of an instance that is this engine's or nobody's. It has no nodes when its job cannot be read."""
    record = instances.by_id(connection, key)
    if record is None or record.owner not in ("", owner):
        return None
    nodes = instances.nodes_of(connection, key)
    job = _definition(jobs.version_document(connection, record.job_id, record.version))
    if [node.name for node in job.nodes] != [node.name for node in nodes]:
        job = JobDefinition(name=record.job_name)
    return Walk(record, nodes, job, default_items.of_workspace(connection, record.workspace_id))


def is_on_working_day(connection: Connection, walk: Walk, zone: ZoneInfo) -> bool:
    """Whether the plan time of an instance is on a working day of its job's calendar, where it has one."""
    record, planned = walk.record, from_millis(walk.record.plan_time)
    return calendars.is_working_time(connection, record.workspace_id, walk.job.schedule, planned, zone)


def holds(services: Services, walk: Walk, position: int, condition: Condition) -> bool:
    """Whether a condition is met. Raises HeadraceError only: one condition never stops the others' instances."""
    secrets: list[str] = []
    with services.db.reading() as connection:
        variables = variables_of(services, connection, walk.record.workspace_id, secrets.append)
    try:
        scope = node_scope(services, walk.record, walk.job, walk.nodes, position, variables)
        return condition_holds(condition.expression, scope)
    except ExpressionError as error:
        raise error.without(secrets) from None
    except HeadraceError:
        raise
    except Exception as error:
        log.exception("a condition raised an error of its own", instance=walk.record.id, position=position)
        raise InternalError("The condition cannot be evaluated; the server's log says why.") from error


def _definition(text: str | None) -> JobDefinition:
    """The job of a version's text, without nodes when it cannot be read."""
    if text is None:
        return JobDefinition(name="")
    try:
        return read_definition(text)
    except HeadraceError:
        return JobDefinition(name="")
