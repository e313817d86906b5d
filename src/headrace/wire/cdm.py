"""Shapes of CDM v1.1: kebab-case members; elements of lists stay as the text that came."""

from __future__ import annotations

from typing import Any

import msgspec

JOB_TYPES = ("NORMAL_JOB", "BATCH_JOB", "SCENARIO_JOB")
JOB_SET_BY_SERVER = frozenset(
    {
        "type",
        "id",
        "enabled",
        "creation-user",
        "creation-date",
        "update-user",
        "update-date",
        "is_incre_job",
        "is_incrementing",
        "is_use_sql",
        "flag",
        "group_name",
        "external_id",
        "status",
        "execute_create_date",
        "execute_start_date",
        "execute_update_date",
        "rows_read",
        "rows_written",
        "write_rows",
        "update_rows",
        "delete_rows",
        "files_read",
        "files_written",
        "bytes_read",
        "bytes_written",
    }
)  # members of a job that are ignored on input. Source: contract, Job


class Kebab(msgspec.Struct, kw_only=True, omit_defaults=True, rename="kebab"):
    """A shape with kebab-case members."""


class NestedLinks(Kebab):
    """The list as the Go client wraps it on update."""

    links: list[msgspec.Raw] | None = None


class LinkList(Kebab):
    """``links``: each element is kept as received. The Go client wraps the list once more on update."""

    links: list[msgspec.Raw] | NestedLinks | None = None


class NestedJobs(Kebab):
    """The list as the Go client wraps it on update."""

    jobs: list[msgspec.Raw] | None = None


class JobList(Kebab):
    """``jobs``: each element is kept as received. The Go client wraps the list once more on update."""

    jobs: list[msgspec.Raw] | NestedJobs | None = None


class RandomStart(Kebab):
    """Jobs to create and start in one of some clusters (ids)."""

    jobs: list[msgspec.Raw] | None = None
    clusters: list[str] | None = None


class NewCluster(Kebab):
    """``cluster``: its name and settings; machines and networks have no meaning here."""

    cluster: dict[str, Any] | None = None


class StartVariables(Kebab):
    """``variables`` replace ``${name}`` in the parameters of one run."""

    variables: dict[str, Any] | None = None


class ConfigInput(Kebab):
    """``<section>.<parameter>``; its value has any form."""

    name: str


class Config(Kebab):
    """A section. ``inputs`` is a list; documentation samples have ``{}`` for an empty one."""

    name: str | None = None
    inputs: list[ConfigInput] | dict[str, Any] | None = None


class ConfigValues(Kebab):
    """The sections of a link, a source, a destination or a driver."""

    configs: list[Config] | None = None


class LinkHead(Kebab):
    """What storage needs of a link."""

    name: str | None = None
    connector_name: str | None = None
    link_config_values: ConfigValues | None = None
    enabled: bool | None = None


class JobHead(Kebab):
    """What storage needs of a job."""

    name: str | None = None
    job_type: str | None = msgspec.field(default=None, name="job_type")
    from_link_name: str | None = None
    to_link_name: str | None = None
    from_connector_name: str | None = None
    to_connector_name: str | None = None
    from_config_values: ConfigValues | None = None
    to_config_values: ConfigValues | None = None
    driver_config_values: ConfigValues | None = None


class CreateLinkQuery(msgspec.Struct):
    """``validate=true`` checks the link and stores nothing."""

    validate: str = "false"


class LinkTested(msgspec.Struct):
    """What answered where a link leads."""

    message: str


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
