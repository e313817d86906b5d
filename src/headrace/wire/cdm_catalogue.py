"""Answers of the CDM catalogue. Source: CDM Python SDK, ShowDatastores and ShowEnterpriseProjects."""

from __future__ import annotations

import msgspec

from headrace.wire.base import Wire


class HrefLink(Wire):
    """A reference of the catalogue."""

    rel: str
    href: str


class DatastoreVersion(Wire):
    """A version of the server software; ``active`` is ``1`` for one in use. Nothing here has an image or packages."""

    id: str
    name: str
    active: str
    datastore: str
    image: str | None = None
    packages: str | None = None
    links: list[HrefLink] | None = None


class Datastore(Wire):
    """A kind of server software."""

    id: str
    name: str
    bigcluster_enable: bool
    default_version: str
    versions: list[DatastoreVersion]


class Datastores(Wire):
    """Every kind of server software."""

    datastores: list[Datastore]


class SysTag(msgspec.Struct):
    """The enterprise project of a cluster."""

    key: str
    value: str


class ClusterTags(msgspec.Struct):
    """The enterprise projects of one cluster."""

    sys_tags: list[SysTag]


class ClusterTagsById(msgspec.Struct):
    """The same with the cluster's id."""

    cluster_id: str
    sys_tags: list[SysTag]


class AllClusterTags(msgspec.Struct):
    """One entry per cluster."""

    resources: list[ClusterTagsById]
