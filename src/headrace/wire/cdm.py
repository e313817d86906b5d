"""Shapes of CDM v1.1: kebab-case members; elements of lists stay as the text that came."""

from __future__ import annotations

from typing import Any

import msgspec


class Kebab(msgspec.Struct, kw_only=True, omit_defaults=True, rename="kebab"):
    """A shape with kebab-case members."""


class LinkList(Kebab):
    """``links``: each element is kept as received. The Go client wraps the list once more on update."""

    links: list[msgspec.Raw] | dict[str, Any] | None = None


class JobList(Kebab):
    """``jobs``: each element is kept as received. The Go client wraps the list once more on update."""

    jobs: list[msgspec.Raw] | dict[str, Any] | None = None


class LinkHead(Kebab):
    """What storage needs of a link."""

    name: str | None = None
    connector_name: str | None = None
    link_config_values: dict[str, Any] | None = None


class JobHead(Kebab):
    """What storage needs of a job."""

    name: str | None = None
    job_type: str | None = msgspec.field(default=None, name="job_type")
    from_link_name: str | None = None
    to_link_name: str | None = None
    from_connector_name: str | None = None
    to_connector_name: str | None = None


class CreateLinkQuery(msgspec.Struct):
    """``validate=true`` checks the link and stores nothing."""

    validate: str = "false"


class ShowJobsQuery(msgspec.Struct):
    """For the reserved name ``all``: part of a name, a page from 1 of 10 to 100, and the type of the jobs."""

    filter: str = ""
    page_no: int = 1
    page_size: int = 10
    job_type: str = msgspec.field(default="NORMAL_JOB", name="jobType")


class SubmissionsQuery(msgspec.Struct):
    """``jname``: the job; a page from 1."""

    jname: str = ""
    page_no: int = 1
    page_size: int = 10
