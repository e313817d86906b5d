"""CDM clusters, links and jobs

Documents are the elements of ``links[]`` and ``jobs[]`` as received, secrets sealed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import BindParameter, Table, bindparam, delete, func, insert, or_, select, update

from headrace.storage.database import Connection, Row
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import cdm_clusters, cdm_jobs, cdm_links

UNKNOWN_TIME = 0  # of a job that was just written


class ClusterRecord(NamedTuple):
    """A named pool of workers; times in milliseconds."""

    id: str
    project_id: str
    name: str
    document: str
    create_time: int
    update_time: int


class LinkRecord(NamedTuple):
    """A link; times in milliseconds."""

    id: int
    cluster_id: str
    name: str
    connector: str
    document: str
    create_user: str
    create_time: int
    update_user: str
    update_time: int


class CdmJobRecord(NamedTuple):
    """A migration job and the names of its links; times in milliseconds.

    ``workspace_id``: whose tables a run sees that starts by itself. ``next_time``: when that is, ``UNKNOWN_TIME`` until
    somebody has looked, None for a job that is only started by others.
    """

    id: int
    cluster_id: str
    name: str
    job_type: str
    from_link: str
    to_link: str
    document: str
    create_user: str
    create_time: int
    update_user: str
    update_time: int
    workspace_id: str = ""
    next_time: int | None = UNKNOWN_TIME


_CLUSTERS = Statement(
    select(cdm_clusters)
    .where(cdm_clusters.c.project_id == bindparam("project_id"))
    .order_by(cdm_clusters.c.create_time, cdm_clusters.c.id)
)
_CLUSTER_BY_NAME = Statement(
    select(cdm_clusters).where(
        cdm_clusters.c.project_id == bindparam("project_id"), cdm_clusters.c.name == bindparam("name")
    )
)
_CLUSTER_BY_ID = Statement(
    select(cdm_clusters).where(
        cdm_clusters.c.project_id == bindparam("project_id"), cdm_clusters.c.id == bindparam("id")
    )
)
_ADD_CLUSTER = Statement(insert(cdm_clusters))
_SET_CLUSTER = Statement(
    update(cdm_clusters)
    .where(cdm_clusters.c.id == bindparam("key"))
    .values(document=bindparam("document"), update_time=bindparam("update_time"))
)
_DROP_CLUSTER = Statement(delete(cdm_clusters).where(cdm_clusters.c.id == bindparam("id")))
_DROP_LINKS_OF = Statement(delete(cdm_links).where(cdm_links.c.cluster_id == bindparam("id")))
_DROP_JOBS_OF = Statement(delete(cdm_jobs).where(cdm_jobs.c.cluster_id == bindparam("id")))


def _by_name(table: Table) -> Statement:
    return Statement(
        select(table).where(table.c.cluster_id == bindparam("cluster_id"), table.c.name == bindparam("name"))
    )


def _replace(table: Table, columns: tuple[str, ...]) -> Statement:
    values: dict[str, BindParameter[str]] = {name: bindparam(name) for name in columns}
    return Statement(update(table).where(table.c.id == bindparam("row_id")).values(values))


def _delete(table: Table) -> Statement:
    return Statement(delete(table).where(table.c.id == bindparam("id")))


def _all(table: Table) -> Statement:
    return Statement(
        select(cdm_clusters.c.name, table.c.name, table.c.document)
        .join(cdm_clusters, cdm_clusters.c.id == table.c.cluster_id)
        .where(cdm_clusters.c.project_id == bindparam("project_id"))
        .order_by(cdm_clusters.c.name, table.c.name)
    )


_LINK_BY_NAME, _JOB_BY_NAME = _by_name(cdm_links), _by_name(cdm_jobs)
_ADD_LINK, _ADD_JOB = Statement(insert(cdm_links)), Statement(insert(cdm_jobs))
_LINK_COLUMNS = ("name", "connector", "document", "update_user", "update_time")
_JOB_COLUMNS = (
    "name",
    "job_type",
    "from_link",
    "to_link",
    "document",
    "update_user",
    "update_time",
    "workspace_id",
    "next_time",
)
_REPLACE_LINK, _REPLACE_JOB = _replace(cdm_links, _LINK_COLUMNS), _replace(cdm_jobs, _JOB_COLUMNS)
_DUE = Statement(
    select(cdm_jobs, cdm_clusters.c.project_id)
    .join(cdm_clusters, cdm_clusters.c.id == cdm_jobs.c.cluster_id)
    .where(cdm_jobs.c.next_time <= bindparam("now"))
    .order_by(cdm_jobs.c.next_time, cdm_jobs.c.id)
    .limit(bindparam("rows"))
)
_NEXT_TIME = Statement(select(func.min(cdm_jobs.c.next_time)).where(cdm_jobs.c.next_time.is_not(None)))
_SET_NEXT = Statement(
    update(cdm_jobs)
    .where(
        cdm_jobs.c.id == bindparam("row_id"),
        cdm_jobs.c.next_time == bindparam("seen"),
        cdm_jobs.c.update_time == bindparam("written"),
    )
    .values(next_time=bindparam("next_time"))
)
_DROP_LINK, _DROP_JOB = _delete(cdm_links), _delete(cdm_jobs)
_ALL_LINKS, _ALL_JOBS = _all(cdm_links), _all(cdm_jobs)
_JOBS_OF_LINK = Statement(
    select(cdm_jobs.c.name)
    .where(
        cdm_jobs.c.cluster_id == bindparam("cluster_id"),
        or_(cdm_jobs.c.from_link == bindparam("link"), cdm_jobs.c.to_link == bindparam("link")),
    )
    .order_by(cdm_jobs.c.name)
)
_FILTERED = (
    cdm_jobs.c.cluster_id == bindparam("cluster_id"),
    cdm_jobs.c.job_type == bindparam("job_type"),
    cdm_jobs.c.name.like(bindparam("pattern"), escape="\\"),
)
_COUNT = Statement(select(func.count()).select_from(cdm_jobs).where(*_FILTERED))
_PAGE = Statement(
    select(cdm_jobs).where(*_FILTERED).order_by(cdm_jobs.c.id.desc()).limit(bindparam("rows")).offset(bindparam("skip"))
)


def _cluster(row: Row | None) -> ClusterRecord | None:
    return None if row is None else ClusterRecord(*row)


def clusters(connection: Connection, project_id: str) -> list[ClusterRecord]:
    """Every cluster of a project, oldest first."""
    return [ClusterRecord(*row) for row in connection.all(_CLUSTERS, project_id=project_id)]


def cluster_by_name(connection: Connection, project_id: str, name: str) -> ClusterRecord | None:
    """One cluster by name."""
    return _cluster(connection.one(_CLUSTER_BY_NAME, project_id=project_id, name=name))


def cluster_by_id(connection: Connection, project_id: str, cluster_id: str) -> ClusterRecord | None:
    """One cluster by id."""
    return _cluster(connection.one(_CLUSTER_BY_ID, project_id=project_id, id=cluster_id))


def ensure_cluster(connection: Connection, project_id: str, name: str, new_id: str, now: int) -> ClusterRecord:
    """The cluster of this name, made when it is not there."""
    found = cluster_by_name(connection, project_id, name)
    if found is None:
        found = ClusterRecord(new_id, project_id, name, "{}", now, now)
        connection.run(_ADD_CLUSTER, **found._asdict())
    return found


def insert_cluster(connection: Connection, cluster: ClusterRecord) -> None:
    """Add a cluster. Raises Duplicate when the name is taken."""
    connection.run(_ADD_CLUSTER, **cluster._asdict())


def set_cluster(connection: Connection, cluster_id: str, document: str, now: int) -> None:
    """Write the state and the settings of a cluster."""
    connection.run(_SET_CLUSTER, key=cluster_id, document=document, update_time=now)


def delete_cluster(connection: Connection, cluster_id: str) -> None:
    """Remove a cluster with its links and jobs."""
    for statement in (_DROP_JOBS_OF, _DROP_LINKS_OF, _DROP_CLUSTER):
        connection.run(statement, id=cluster_id)


def link_by_name(connection: Connection, cluster_id: str, name: str) -> LinkRecord | None:
    """One link of a cluster."""
    row = connection.one(_LINK_BY_NAME, cluster_id=cluster_id, name=name)
    return None if row is None else LinkRecord(*row)


def link_document(connection: Connection, cluster_id: str, name: str) -> str | None:
    """The text of a link."""
    found = link_by_name(connection, cluster_id, name)
    return None if found is None else found.document


def insert_link(connection: Connection, link: LinkRecord) -> None:
    """Add a link. Raises Duplicate when the name is taken."""
    connection.run(_ADD_LINK, **link._asdict())


def replace_link(connection: Connection, link: LinkRecord) -> None:
    """Write what an update may change, the name included. Raises Duplicate."""
    values = link._asdict()
    connection.run(_REPLACE_LINK, row_id=link.id, **{name: values[name] for name in _LINK_COLUMNS})


def delete_link(connection: Connection, link_id: int) -> None:
    """Remove a link."""
    connection.run(_DROP_LINK, id=link_id)


def jobs_of_link(connection: Connection, cluster_id: str, link: str) -> list[str]:
    """Names of the jobs that use a link."""
    return [row[0] for row in connection.all(_JOBS_OF_LINK, cluster_id=cluster_id, link=link)]


def job_by_name(connection: Connection, cluster_id: str, name: str) -> CdmJobRecord | None:
    """One job of a cluster."""
    row = connection.one(_JOB_BY_NAME, cluster_id=cluster_id, name=name)
    return None if row is None else CdmJobRecord(*row)


def job_document(connection: Connection, cluster_id: str, name: str) -> str | None:
    """The text of a job."""
    found = job_by_name(connection, cluster_id, name)
    return None if found is None else found.document


def insert_job(connection: Connection, job: CdmJobRecord) -> None:
    """Add a job. Raises Duplicate when the name is taken."""
    connection.run(_ADD_JOB, **job._asdict())


def replace_job(connection: Connection, job: CdmJobRecord) -> None:
    """Write what an update may change, the name included. Raises Duplicate."""
    values = job._asdict()
    connection.run(_REPLACE_JOB, row_id=job.id, **{name: values[name] for name in _JOB_COLUMNS})


def due_jobs(connection: Connection, now: int, rows: int) -> list[tuple[str, CdmJobRecord]]:
    """Jobs whose time has come, or is not known yet, the longest due first; each with its project."""
    return [(row[-1], CdmJobRecord(*row[:-1])) for row in connection.all(_DUE, now=now, rows=rows)]


def next_time_of_all(connection: Connection) -> int | None:
    """When the next job is due; None when none ever is."""
    found: int | None = connection.value(_NEXT_TIME)
    return found


def set_next_time(connection: Connection, job: CdmJobRecord, next_time: int | None) -> bool:
    """Write when a job is due next; False where it was changed, or another process was faster."""
    values = {"row_id": job.id, "seen": job.next_time, "written": job.update_time}
    return connection.run(_SET_NEXT, **values, next_time=next_time) > 0


def delete_job(connection: Connection, job_id: int) -> None:
    """Remove a job."""
    connection.run(_DROP_JOB, id=job_id)


def page_of_jobs(
    connection: Connection, cluster_id: str, *, job_type: str, name: str, skip: int, rows: int
) -> tuple[int, list[CdmJobRecord]]:
    """How many jobs of a type match part of a name, and one page of them, newest first."""
    filters = {"cluster_id": cluster_id, "job_type": job_type, "pattern": contains(name)}
    total = int(connection.value(_COUNT, **filters))
    found = connection.all(_PAGE, **filters, rows=rows, skip=skip)
    return total, [CdmJobRecord(*row) for row in found]


def all_links(connection: Connection, project_id: str) -> Iterator[tuple[str, str, str]]:
    """Cluster, name and text of every link of a project."""
    for row in connection.stream(_ALL_LINKS, project_id=project_id):
        yield row[0], row[1], row[2]


def all_jobs(connection: Connection, project_id: str) -> Iterator[tuple[str, str, str]]:
    """Cluster, name and text of every job of a project."""
    for row in connection.stream(_ALL_JOBS, project_id=project_id):
        yield row[0], row[1], row[2]
