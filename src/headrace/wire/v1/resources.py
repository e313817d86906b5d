"""Resources as v1 spells them. Source: API reference, "Creating a Resource", "Querying Resource Details"."""

from __future__ import annotations

import msgspec

from headrace.wire.base import Page, Wire
from headrace.wire.document import Document, as_text, read_document, without_nulls


class DependPackage(Wire):
    """A file the resource needs: its type and its path."""

    type: str | None = None
    location: str | None = None


class ResourceInfo(Wire):
    """Body of CreateResource and UpdateResource; content of a ``.resource`` file.

    ``dependPackages`` (also spelt ``depend_packages``) win over ``dependFiles``; 10,240 characters together.
    ``location``: 1,023 characters at most; ``desc``: 255.
    """

    name: str | None = None
    type: str | None = None
    location: str | None = None
    depend_files: list[str] | None = None
    depend_packages: list[DependPackage] | None = None
    depend_packages_in_snake_case: list[DependPackage] | None = msgspec.field(default=None, name="depend_packages")
    desc: str | None = None
    directory: str | None = None
    id: str | None = None


class Relation(Wire, omit_defaults=False):
    """A job that uses the resource."""

    relation_type: str
    relation_id: str
    task_name: str
    task_id: int
    user_name: str
    version: int
    deleted: bool


class Resource(Wire):
    """A resource as it is read; ``id`` and ``resourceId`` are the same."""

    id: str
    resource_id: str
    name: str
    type: str
    location: str
    directory: str
    depend_files: list[str] = msgspec.field(default_factory=list)
    depend_packages: list[DependPackage] = msgspec.field(default_factory=list)
    desc: str = ""
    job_relation: list[Relation] = msgspec.field(default_factory=list)


class ResourceList(Wire):
    """``total``: over all pages."""

    total: int
    resources: list[Resource]


class ResourceRef(Wire):
    """The id of a new resource."""

    resource_id: str


class ListResourcesQuery(Page):
    """``resourceName``: part of the name, case counts."""

    resource_name: str = ""


_DEPENDENCIES = ("dependFiles", "dependPackages", "depend_packages")
_READ_ONLY = ("resourceId", "jobRelation")


def resource_view(text: str, server: Document, relations: list[Relation]) -> Document:
    """The answer of ShowResource. ``server``: id, name and type.

    What was sent as packages also fills ``dependFiles``, because older clients read only those. Source: notes §9.
    """
    resource = without_nulls(read_document(text))
    packages = resource.pop("depend_packages", None)
    packages = resource.get("dependPackages") or packages
    if packages:
        resource["dependPackages"] = packages
        resource["dependFiles"] = [as_text(package.get("location")) for package in packages]
    resource.setdefault("dependFiles", [])
    resource["location"] = as_text(resource.get("location"))
    resource["directory"] = resource.get("directory") or "/"
    resource.setdefault("desc", "")
    resource |= server
    return {**resource, "resourceId": server["id"], "jobRelation": relations}


def without_read_only(resource: Document) -> bool:
    """Take out what only the server says; whether there was any."""
    found = [name for name in _READ_ONLY if name in resource]
    for name in found:
        del resource[name]
    return bool(found)


def completed(received: Document, stored: str) -> Document:
    """An update completed by the stored members that it does not say; the directory stays.

    Files and packages are one thing, so either replaces both. Source: notes §9 and §17.27.
    """
    known = read_document(stored)
    directory = known.get("directory") or "/"
    sent = without_nulls(received)
    if any(name in sent for name in _DEPENDENCIES):
        for name in _DEPENDENCIES:
            known.pop(name, None)
    whole = {**sent, **{name: value for name, value in known.items() if name not in sent}}
    if "directory" in whole:
        whole["directory"] = directory
    return whole
