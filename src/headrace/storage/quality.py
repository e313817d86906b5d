"""Quality rule jobs and what their rules found.

A result belongs to one rule: ``rule_name`` is ``<rule job>/<rule>``, and names of rule jobs have no ``/``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import quality_results, quality_rules


class RuleJobRecord(NamedTuple):
    """A row of ``quality_rules``; times in milliseconds."""

    id: str
    workspace_id: str
    name: str
    document: str
    create_user: str
    create_time: int
    modify_time: int


class ResultRecord(NamedTuple):
    """A row of ``quality_results``. ``status``: passed, warning or failed; ``time`` in milliseconds."""

    id: str
    workspace_id: str
    rule_name: str
    instance_id: int | None
    node_name: str
    status: str
    time: int
    document: str


class ResultFilter(NamedTuple):
    """What a list of results is about; empty texts and None mean all. ``after`` < time <= ``until``."""

    rule_job: str = ""
    rule: str = ""
    status: str = ""
    node_name: str = ""
    instance_id: int | None = None
    after: int = -1
    until: int = 2**63 - 1


_in_workspace = quality_rules.c.workspace_id == bindparam("workspace_id")
_part_of_name = quality_rules.c.name.like(bindparam("pattern"), escape="\\")

_BY_NAME = Statement(select(quality_rules).where(_in_workspace, quality_rules.c.name == bindparam("name")))
_ALL = Statement(
    select(quality_rules.c.name, quality_rules.c.document).where(_in_workspace).order_by(quality_rules.c.name)
)
_COUNT = Statement(select(func.count()).select_from(quality_rules).where(_in_workspace, _part_of_name))
_PAGE = Statement(
    select(quality_rules)
    .where(_in_workspace, _part_of_name)
    .order_by(quality_rules.c.create_time, quality_rules.c.id)
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
_INSERT = Statement(insert(quality_rules))
_REPLACE = Statement(
    update(quality_rules)
    .where(quality_rules.c.id == bindparam("key"))
    .values(document=bindparam("document"), modify_time=bindparam("modify_time"))
)
_DELETE = Statement(delete(quality_rules).where(_in_workspace, quality_rules.c.name == bindparam("name")))
_INSERT_RESULT = Statement(insert(quality_results))


def by_name(connection: Connection, workspace_id: str, name: str) -> RuleJobRecord | None:
    """One rule job of a workspace."""
    row = connection.one(_BY_NAME, workspace_id=workspace_id, name=name)
    return None if row is None else RuleJobRecord(*row)


def all_documents(connection: Connection, workspace_id: str) -> Iterator[tuple[str, str]]:
    """Name and text of every rule job, by name."""
    for row in connection.stream(_ALL, workspace_id=workspace_id):
        yield row[0], row[1]


def page(
    connection: Connection, workspace_id: str, *, name: str, skip: int, rows: int
) -> tuple[int, list[RuleJobRecord]]:
    """How many rule jobs match, and one page of them, oldest first. ``name``: part of the name."""
    values: dict[str, Any] = {"workspace_id": workspace_id, "pattern": contains(name)}
    total = int(connection.value(_COUNT, **values))
    return total, [RuleJobRecord(*row) for row in connection.all(_PAGE, **values, skip=skip, rows=rows)]


def put(connection: Connection, record: RuleJobRecord) -> bool:
    """Add a rule job, or replace the document of that name; whether it is new. Raises Duplicate when another writer
    adds it at the same moment."""
    found = by_name(connection, record.workspace_id, record.name)
    if found is None:
        connection.run(_INSERT, **record._asdict())
        return True
    connection.run(_REPLACE, key=found.id, document=record.document, modify_time=record.modify_time)
    return False


def delete_rule_job(connection: Connection, workspace_id: str, name: str) -> bool:
    """Whether there was such a rule job. Its results stay."""
    return connection.run(_DELETE, workspace_id=workspace_id, name=name) > 0


def add_results(connection: Connection, results: Iterable[ResultRecord]) -> None:
    """Add what rules found."""
    connection.run_many(_INSERT_RESULT, [result._asdict() for result in results])


def results_page(
    connection: Connection, workspace_id: str, wanted: ResultFilter, *, skip: int, rows: int
) -> tuple[int, list[ResultRecord]]:
    """How many results match, and one page of them, newest first."""
    values: dict[str, Any] = {"workspace_id": workspace_id, "after": wanted.after, "until": wanted.until}
    if wanted.rule:
        values["rule_name"] = f"{wanted.rule_job}/{wanted.rule}"
    elif wanted.rule_job:
        values["rules"] = contains(f"{wanted.rule_job}/")[1:]
    for name in ("status", "node_name", "instance_id"):
        if value := getattr(wanted, name):
            values[name] = value
    count, listed = _listed(frozenset(values))
    total = int(connection.value(count, **values))
    return total, [ResultRecord(*row) for row in connection.all(listed, **values, skip=skip, rows=rows)]


@cache
def _listed(given: frozenset[str]) -> tuple[Statement, Statement]:
    """Count and page, a pair per set of filters, so that each can use its index."""
    columns = quality_results.c
    choices = {name: columns[name] == bindparam(name) for name in ("rule_name", "status", "node_name", "instance_id")}
    choices["rules"] = columns.rule_name.like(bindparam("rules"), escape="\\")
    where = and_(
        columns.workspace_id == bindparam("workspace_id"),
        columns.time > bindparam("after"),
        columns.time <= bindparam("until"),
        *(choice for name, choice in choices.items() if name in given),
    )
    page = (
        select(quality_results)
        .where(where)
        .order_by(columns.time.desc(), columns.id.desc())
        .limit(bindparam("rows"))
        .offset(bindparam("skip"))
    )
    return Statement(select(func.count()).select_from(quality_results).where(where)), Statement(page)
