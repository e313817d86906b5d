"""Rules on alarms: who is told of what."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, delete, func, literal_column, or_, select

from headrace.domain.alarms import AlarmKind
from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import InsertStatement, Statement
from headrace.storage.tables import alarm_rules, jobs


class RuleRecord(NamedTuple):
    """A row of ``alarm_rules``."""

    id: int
    workspace_id: str
    name: str
    job_id: int | None
    kind: int
    topics: str
    finished_by: str
    minutes: int
    most_times: int
    repeat_minutes: int
    enabled: int
    create_user: str
    create_time: int


class RuleShown(NamedTuple):
    """A rule, and the name that its job has now."""

    rule: RuleRecord
    job_name: str | None


_in_workspace = alarm_rules.c.workspace_id == bindparam("workspace_id")
_named = alarm_rules.c.name == bindparam("name")
_CHANGEABLE = ("job_id", "kind", "topics", "finished_by", "minutes", "most_times", "repeat_minutes", "enabled")
_PUT = InsertStatement(
    alarm_rules,
    RuleRecord._fields,
    lambda new: new.on_conflict_do_update(
        index_elements=("workspace_id", "name"), set_={column: new.excluded[column] for column in _CHANGEABLE}
    ),
)
_DELETE = Statement(delete(alarm_rules).where(_in_workspace, _named))
_DELETE_OF_JOB = Statement(delete(alarm_rules).where(alarm_rules.c.job_id == bindparam("job_id")))
_parent = select(jobs.c.parent_id).where(jobs.c.id == bindparam("job_id")).scalar_subquery()
_FOR_JOB = Statement(
    select(alarm_rules)
    .where(
        _in_workspace,
        alarm_rules.c.enabled == literal_column("1"),
        or_(
            alarm_rules.c.job_id.is_(None),
            alarm_rules.c.job_id == bindparam("job_id"),
            alarm_rules.c.job_id == _parent,
        ),
        or_(_parent.is_(None), alarm_rules.c.kind == literal_column(str(int(AlarmKind.FAILURE)))),
    )
    .order_by(alarm_rules.c.id)
)
_with_job = alarm_rules.outerjoin(jobs, jobs.c.id == alarm_rules.c.job_id)
_kind: BindParameter[int] = bindparam("kind")
_pattern: BindParameter[str] = bindparam("pattern")
_matches = and_(
    _in_workspace,
    or_(_kind == literal_column("-1"), alarm_rules.c.kind == _kind),
    or_(alarm_rules.c.name.like(_pattern, escape="\\"), func.coalesce(jobs.c.name, "").like(_pattern, escape="\\")),
)
_PAGE = Statement(
    select(alarm_rules, jobs.c.name.label("job_name"))
    .select_from(_with_job)
    .where(_matches)
    .order_by(alarm_rules.c.name)
    .limit(bindparam("rows"))
    .offset(bindparam("skip"))
)
_COUNT = Statement(select(func.count()).select_from(_with_job).where(_matches))
_BY_NAME = Statement(
    select(alarm_rules, jobs.c.name.label("job_name")).select_from(_with_job).where(_in_workspace, _named)
)
_COUNTS = Statement(select(alarm_rules.c.kind, func.count()).where(_in_workspace).group_by(alarm_rules.c.kind))


def put(connection: Connection, rule: RuleRecord) -> None:
    """Add a rule, or change the one of that name, which keeps its id, maker and time."""
    connection.run(_PUT, **rule._asdict())


def delete_rule(connection: Connection, workspace_id: str, name: str) -> bool:
    """Forget a rule; whether there was one. What it has queued is sent."""
    return bool(connection.run(_DELETE, workspace_id=workspace_id, name=name))


def delete_of_job(connection: Connection, job_id: int) -> None:
    """Forget the rules of a job that is deleted."""
    connection.run(_DELETE_OF_JOB, job_id=job_id)


def for_job(connection: Connection, workspace_id: str, job_id: int) -> list[RuleRecord]:
    """The rules that are on and cover a job; a node of a real-time job has those of that job on failures.

    Source: reference on scheduling §10.
    """
    rows = connection.all(_FOR_JOB, workspace_id=workspace_id, job_id=job_id)
    return [RuleRecord(*row) for row in rows]


def by_name(connection: Connection, workspace_id: str, name: str) -> RuleShown | None:
    """One rule."""
    row = connection.one(_BY_NAME, workspace_id=workspace_id, name=name)
    return None if row is None else RuleShown(RuleRecord(*row[:-1]), row[-1])


def page(
    connection: Connection, workspace_id: str, name: str, kind: int | None, skip: int, rows: int
) -> tuple[int, list[RuleShown]]:
    """Rules whose name, or whose job's, contains a text, by name; and how many there are."""
    wanted = {"workspace_id": workspace_id, "pattern": contains(name), "kind": -1 if kind is None else kind}
    found = connection.all(_PAGE, **wanted, skip=skip, rows=rows)
    return connection.value(_COUNT, **wanted), [RuleShown(RuleRecord(*row[:-1]), row[-1]) for row in found]


def counts(connection: Connection, workspace_id: str) -> dict[int, int]:
    """How many rules there are of each kind."""
    return {row[0]: row[1] for row in connection.all(_COUNTS, workspace_id=workspace_id)}
