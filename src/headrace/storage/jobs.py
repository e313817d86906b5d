"""Jobs: the current state, the submitted versions, tags, and what a job names.

A job's text is kept once: in the submitted version, or in ``draft`` while the draft differs from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, delete, exists, func, insert, select, update

from headrace.storage import alarm_rules
from headrace.storage.database import Connection, Row
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import job_instances, job_references, job_tags, job_versions, jobs, workspaces


class JobRecord(NamedTuple):
    """A row of ``jobs``. ``version``: the newest submitted one, 0 for none. Times in milliseconds."""

    id: int
    workspace_id: str
    name: str
    process_type: str
    directory: str
    owner: str
    priority: int
    single_node: int
    draft: str | None
    version: int
    status: str
    create_user: str
    create_time: int
    update_user: str
    update_time: int
    start_time: int | None = None
    end_time: int | None = None
    last_instance_status: str | None = None
    last_instance_end_time: int | None = None
    parent_id: int | None = None  # of a node of a real-time job: that job

    @property
    def instance_name(self) -> str:
        """The job name of its instances; a node of a real-time job is ``job/node`` here and ``job_node`` there."""
        return self.name if self.parent_id is None else self.name.replace("/", "_", 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What is kept beside a job's text to be found by: its tags, upstream jobs and resources."""

    tags: Sequence[str] = ()
    upstream: Sequence[str] = ()
    resources: Sequence[str] = ()


UPSTREAM, RESOURCE = "UPSTREAM", "RESOURCE"

_current_text = func.coalesce(jobs.c.draft, job_versions.c.document)
_newest = and_(job_versions.c.job_id == jobs.c.id, job_versions.c.version == jobs.c.version)
_in_workspace = and_(jobs.c.workspace_id == bindparam("workspace_id"), jobs.c.parent_id.is_(None))

_BY_NAME = Statement(select(jobs).where(_in_workspace, jobs.c.name == bindparam("name")))
_own_project = select(workspaces.c.project_id).where(workspaces.c.id == bindparam("workspace_id")).scalar_subquery()
_IN_OTHER = Statement(
    select(jobs)
    .join(workspaces, workspaces.c.id == jobs.c.workspace_id)
    .where(
        jobs.c.workspace_id == bindparam("other_id"),
        jobs.c.name == bindparam("name"),
        jobs.c.parent_id.is_(None),
        workspaces.c.project_id == _own_project,
    )
)
_BY_ID = Statement(select(jobs).where(jobs.c.id == bindparam("id")))
_NODES_OF = Statement(select(jobs).where(jobs.c.parent_id == bindparam("parent_id")).order_by(jobs.c.id))
_WITH_TEXT = Statement(
    select(jobs, _current_text)
    .join(job_versions, _newest, isouter=True)
    .where(_in_workspace, jobs.c.name == bindparam("name"))
)
_VERSION_TEXT = Statement(
    select(job_versions.c.document).where(
        job_versions.c.job_id == bindparam("job_id"), job_versions.c.version == bindparam("version")
    )
)
_INSERT = Statement(insert(jobs))
_INSERT_VERSION = Statement(insert(job_versions))
_INSERT_TAG = Statement(insert(job_tags))
_INSERT_REFERENCE = Statement(insert(job_references))
_DROP_TAGS = Statement(delete(job_tags).where(job_tags.c.job_id == bindparam("id")))
_DROP_REFERENCES = Statement(delete(job_references).where(job_references.c.job_id == bindparam("id")))
_REPLACE = Statement(
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "process_type",
                "directory",
                "owner",
                "priority",
                "single_node",
                "draft",
                "version",
                "update_user",
                "update_time",
            )
        }
    )
)
_DELETE = Statement(delete(jobs).where(jobs.c.id == bindparam("id")))
_DROP_UNUSED_VERSIONS = Statement(
    delete(job_versions).where(
        job_versions.c.job_id == bindparam("id"),
        ~exists().where(
            job_instances.c.job_id == job_versions.c.job_id, job_instances.c.version == job_versions.c.version
        ),
    )
)
_SET_STATUS = Statement(
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"))
    .values(
        status=bindparam("status"),
        start_time=func.coalesce(bindparam("start_time"), jobs.c.start_time),
        end_time=func.coalesce(bindparam("end_time"), jobs.c.end_time),
    )
)
_SET_LAST_INSTANCE = Statement(
    update(jobs)
    .where(jobs.c.id == bindparam("job_id"))
    .values(last_instance_status=bindparam("status"), last_instance_end_time=bindparam("end_time"))
)
_COUNT_ALL = Statement(select(func.count()).select_from(jobs).where(_in_workspace))
_NAMES = Statement(select(jobs.c.name).where(_in_workspace).order_by(jobs.c.name))
_DOWNSTREAM = Statement(
    select(jobs.c.id, jobs.c.name)
    .join(job_references, job_references.c.job_id == jobs.c.id)
    .where(
        job_references.c.workspace_id == bindparam("workspace_id"),
        job_references.c.kind == bindparam("kind"),
        job_references.c.name == bindparam("name"),
    )
    .order_by(jobs.c.name)
)
_HOLDING = Statement(
    select(jobs.c.name, jobs.c.draft, job_versions.c.document)
    .join(job_versions, _newest, isouter=True)
    .where(
        _in_workspace,
        jobs.c.draft.like(bindparam("pattern"), escape="\\")
        | job_versions.c.document.like(bindparam("pattern"), escape="\\"),
    )
    .order_by(jobs.c.name)
)
_NAMING = Statement(
    select(jobs)
    .join(job_versions, _newest, isouter=True)
    .where(
        _in_workspace,
        func.coalesce(job_versions.c.document, jobs.c.draft).like(bindparam("depends"), escape="\\"),
        func.coalesce(job_versions.c.document, jobs.c.draft).like(bindparam("pattern"), escape="\\"),
    )
    .order_by(jobs.c.name)
)

# The text a package holds: the draft, or the newest submitted version.
_ALL_DRAFTS = Statement(
    select(jobs.c.name, _current_text, case((jobs.c.draft.is_(None), job_versions.c.package_form), else_=0))
    .join(job_versions, _newest, isouter=True)
    .where(_in_workspace)
    .order_by(jobs.c.name)
)
_ALL_SUBMITTED = Statement(
    select(jobs.c.name, job_versions.c.document, job_versions.c.package_form)
    .join(job_versions, _newest)
    .where(_in_workspace)
    .order_by(jobs.c.name)
)

# One page of the list. An empty pattern ('%') finds everything; tags are counted against how many were asked for.


def _filtered(*, tags: bool) -> Any:
    where = [
        _in_workspace,
        jobs.c.process_type == bindparam("process_type"),
        jobs.c.name.like(bindparam("pattern"), escape="\\"),
    ]
    if tags:
        # every wanted tag, each between commas in one text, so that the statement stays one for any number of them
        wanted = (
            select(func.count())
            .select_from(job_tags)
            .where(
                job_tags.c.job_id == jobs.c.id,
                func.replace(bindparam("tags"), "," + job_tags.c.tag + ",", "") != bindparam("tags"),
            )
            .scalar_subquery()
        )
        where.append(wanted == bindparam("tag_count"))
    return and_(*where)


_PAGE = {
    tags: Statement(
        select(jobs)
        .where(_filtered(tags=tags))
        .order_by(jobs.c.create_time.desc(), jobs.c.id.desc())
        .limit(bindparam("rows"))
        .offset(bindparam("skip"))
    )
    for tags in (False, True)
}
_COUNT = {tags: Statement(select(func.count()).select_from(jobs).where(_filtered(tags=tags))) for tags in (False, True)}


def _record(row: Row | None) -> JobRecord | None:
    return None if row is None else JobRecord(*row)


def by_name(connection: Connection, workspace_id: str, name: str) -> JobRecord | None:
    """One job of a workspace."""
    return _record(connection.one(_BY_NAME, workspace_id=workspace_id, name=name))


def upstream(connection: Connection, workspace_id: str, other_id: str, name: str) -> JobRecord | None:
    """A job that one of a workspace names: there, or in another workspace of the same project (empty: none)."""
    if not other_id or other_id == workspace_id:
        return by_name(connection, workspace_id, name)
    return _record(connection.one(_IN_OTHER, workspace_id=workspace_id, other_id=other_id, name=name))


def by_id(connection: Connection, job_id: int) -> JobRecord | None:
    """One job."""
    return _record(connection.one(_BY_ID, id=job_id))


def nodes_of(connection: Connection, job_id: int) -> list[JobRecord]:
    """What was started of the nodes of a real-time job, each as the job that it is. See decision 25."""
    return [JobRecord(*row) for row in connection.all(_NODES_OF, parent_id=job_id)]


def with_text(connection: Connection, workspace_id: str, name: str) -> tuple[JobRecord, str] | None:
    """One job and the text of its draft (or of its newest version, when the draft does not differ)."""
    row = connection.one(_WITH_TEXT, workspace_id=workspace_id, name=name)
    return None if row is None else (JobRecord(*row[:-1]), row[-1])


def version_document(connection: Connection, job_id: int, version: int) -> str | None:
    """The text of a submitted version."""
    text: str | None = connection.value(_VERSION_TEXT, job_id=job_id, version=version)
    return text


def insert_job(connection: Connection, job: JobRecord, names: Names) -> None:
    """Add a job. Raises Duplicate when the name is taken."""
    connection.run(_INSERT, **job._asdict())
    _add_names(connection, [(job, names)])


def _add_names(connection: Connection, rows: Iterable[tuple[JobRecord, Names]]) -> None:
    tags: list[dict[str, Any]] = []
    references: list[dict[str, Any]] = []
    for job, names in rows:
        owner = {"job_id": job.id, "workspace_id": job.workspace_id}
        tags += [{**owner, "tag": tag} for tag in dict.fromkeys(names.tags)]
        references += [{**owner, "kind": UPSTREAM, "name": name} for name in dict.fromkeys(names.upstream)]
        references += [{**owner, "kind": RESOURCE, "name": name} for name in dict.fromkeys(names.resources)]
    connection.run_many(_INSERT_TAG, tags)
    connection.run_many(_INSERT_REFERENCE, references)


def add_version(
    connection: Connection,
    job_id: int,
    version: int,
    document: str,
    user: str,
    now: int,
    *,
    package_form: bool = False,
) -> None:
    """Keep a submitted version. ``package_form``: the text is exactly what a package would hold."""
    connection.run(
        _INSERT_VERSION,
        job_id=job_id,
        version=version,
        document=document,
        package_form=int(package_form),
        submit_user=user,
        submit_time=now,
    )


def replace_job(connection: Connection, job: JobRecord, names: Names) -> None:
    """Write what an update may change."""
    values = job._asdict()
    connection.run(
        _REPLACE,
        job_id=job.id,
        **{
            name: values[name]
            for name in (
                "process_type",
                "directory",
                "owner",
                "priority",
                "single_node",
                "draft",
                "version",
                "update_user",
                "update_time",
            )
        },
    )
    connection.run(_DROP_TAGS, id=job.id)
    connection.run(_DROP_REFERENCES, id=job.id)
    _add_names(connection, [(job, names)])


def delete_job(connection: Connection, job_id: int) -> None:
    """Remove a job and its nodes; versions that instances ran stay with the instances' history."""
    for node in nodes_of(connection, job_id):
        delete_job(connection, node.id)
    for statement in (_DROP_TAGS, _DROP_REFERENCES, _DROP_UNUSED_VERSIONS, _DELETE):
        connection.run(statement, id=job_id)
    alarm_rules.delete_of_job(connection, job_id)


def set_status(
    connection: Connection,
    job_id: int,
    status: str,
    *,
    start_time: int | None = None,
    end_time: int | None = None,
) -> None:
    """Set the running status of a job; times that are None stay."""
    connection.run(_SET_STATUS, job_id=job_id, status=status, start_time=start_time, end_time=end_time)


def set_last_instance(connection: Connection, job_id: int, status: str, end_time: int) -> None:
    """Remember how the last instance ended."""
    connection.run(_SET_LAST_INSTANCE, job_id=job_id, status=status, end_time=end_time)


def count(connection: Connection, workspace_id: str) -> int:
    """How many jobs a workspace holds."""
    return int(connection.value(_COUNT_ALL, workspace_id=workspace_id))


def names(connection: Connection, workspace_id: str) -> list[str]:
    """Every job name of a workspace, sorted."""
    return [row[0] for row in connection.all(_NAMES, workspace_id=workspace_id)]


def users_of(connection: Connection, workspace_id: str, kind: str, name: str) -> list[tuple[int, str]]:
    """Id and name of the jobs that name something: UPSTREAM a job, RESOURCE a resource."""
    rows = connection.all(_DOWNSTREAM, workspace_id=workspace_id, kind=kind, name=name)
    return [(row[0], row[1]) for row in rows]


def naming(connection: Connection, workspace_id: str, name: str) -> list[JobRecord]:
    """The jobs of a workspace whose newest version, or else draft, may depend on a job of a name; by name."""
    pattern = contains(name) if name.isascii() else "%"  # JSON may escape the others
    rows = connection.all(_NAMING, workspace_id=workspace_id, depends=contains("dependJobs"), pattern=pattern)
    return [JobRecord(*row) for row in rows]


def texts_holding(connection: Connection, workspace_id: str, part: str) -> list[tuple[str, str | None, str | None]]:
    """Name, draft and newest version of the jobs whose texts hold a text somewhere: what they run, or are to run."""
    rows = connection.all(_HOLDING, workspace_id=workspace_id, pattern=contains(part))
    return [(row[0], row[1], row[2]) for row in rows]


def all_texts(connection: Connection, workspace_id: str, *, submitted: bool) -> Iterator[tuple[str, str, bool]]:
    """Name and text of every job by name, and whether the text is known to be in the form of packages.

    The drafts, or the newest submitted versions.
    """
    for row in connection.stream(_ALL_SUBMITTED if submitted else _ALL_DRAFTS, workspace_id=workspace_id):
        yield row[0], row[1], bool(row[2])


def page(
    connection: Connection,
    workspace_id: str,
    *,
    process_type: str,
    name: str,
    tags: Sequence[str],
    skip: int,
    rows: int,
) -> tuple[int, list[JobRecord]]:
    """How many jobs match, and one page of them, newest first. ``name``: part of the name; ``tags``: all of them."""
    filters: dict[str, Any] = {
        "workspace_id": workspace_id,
        "process_type": process_type,
        "pattern": contains(name),
    }
    if tags:
        distinct = list(dict.fromkeys(tags))
        filters |= {"tags": "," + ",,".join(distinct) + ",", "tag_count": len(distinct)}
    total = int(connection.value(_COUNT[bool(tags)], **filters))
    found = connection.all(_PAGE[bool(tags)], **filters, rows=rows, skip=skip)
    return total, [JobRecord(*row) for row in found]
