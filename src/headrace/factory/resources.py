"""Authoring of resources: create, read, list, replace, delete; and how an import writes one.

Source: factory-v1-notes §9. The file of a resource need not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.names import JOB_NAME, RESOURCE_NAME, directory_key, is_directory
from headrace.errors import (
    InvalidParameter,
    InvalidResourceDescription,
    InvalidResourceLocation,
    InvalidResourceType,
    MissingParameter,
    ResourceNameExists,
    ResourceNotFound,
)
from headrace.factory import paging
from headrace.factory.ids import new_uuid
from headrace.factory.received import check_storable, received
from headrace.services import Services
from headrace.storage import directories, resources
from headrace.storage.database import Connection, Duplicate
from headrace.storage.resources import ResourceRecord, UsingJob
from headrace.wire.document import Document, write_document
from headrace.wire.v1.resources import (
    ListResourcesQuery,
    Relation,
    ResourceInfo,
    completed,
    resource_view,
    without_read_only,
)

TYPES = ("archive", "file", "jar", "pyFile")
MAX_LOCATION = 1023  # characters
MAX_DEPENDENCIES = 10_240  # characters of all paths together
MAX_DESCRIPTION = 255  # characters
_LOCATION = re.compile(r"(?:obs|hdfs|s3a)://\S.*")
_DIRECTORIES = "resource"

_DECODER = msgspec.json.Decoder(ResourceInfo, strict=False)


def create(services: Services, caller: Caller, resource: ResourceInfo, text: bytes) -> str:
    """Register a resource from its body; its id.

    Raises MissingParameter (no name), InvalidParameter, InvalidResourceType, InvalidResourceLocation,
    InvalidResourceDescription, ResourceNameExists.
    """
    _check(resource)
    members = received(text)
    document = (write_document(members) if without_read_only(members) else text).decode()
    record = _record_of(services, caller, resource, resource.name or "", document)
    with services.db.writing() as connection:
        directories.ensure(connection, caller.workspace.id, _DIRECTORIES, record.directory, services.next_id())
        try:
            resources.insert_resource(connection, record)
        except Duplicate as error:
            raise ResourceNameExists(f"name: {record.name!r} in {record.directory}.") from error
    return record.id


def _record_of(services: Services, caller: Caller, resource: ResourceInfo, name: str, document: str) -> ResourceRecord:
    user, now = caller.user.name, caller.now
    return ResourceRecord(
        id=new_uuid(services),
        workspace_id=caller.workspace.id,
        name=name,
        type=resource.type or "",
        directory=directory_key(resource.directory or "/"),
        document=document,
        create_user=user,
        create_time=now,
        update_user=user,
        modify_time=now,
    )


def _check(resource: ResourceInfo) -> None:
    if not resource.name:
        raise MissingParameter("name: missing.")
    if not RESOURCE_NAME.fullmatch(resource.name):
        raise InvalidParameter(
            f"name: {resource.name!r} is not 1 to 32 letters, digits, Chinese characters, '-' or '_'."
        )
    if resource.type not in TYPES:
        raise InvalidResourceType(f"type: {resource.type or 'missing'!r} is none of {', '.join(TYPES)}.")
    _check_location(resource.location)
    if resource.desc is not None and len(resource.desc) > MAX_DESCRIPTION:
        raise InvalidResourceDescription(f"desc: {len(resource.desc)} characters are more than {MAX_DESCRIPTION}.")
    if resource.directory and not is_directory(resource.directory):
        raise InvalidParameter(
            f"directory: {resource.directory!r} is no path of at most 10 levels of 1 to 64 characters."
        )
    _check_size("dependFiles", resource.depend_files or ())
    packages = resource.depend_packages or resource.depend_packages_in_snake_case or ()
    _check_size("dependPackages", [package.location or "" for package in packages])


def _check_location(location: str | None) -> None:
    if not location or not _LOCATION.fullmatch(location):
        raise InvalidResourceLocation(f"location: {location or 'missing'!r} is no obs://, hdfs:// or s3a:// path.")
    if len(location) > MAX_LOCATION:
        raise InvalidResourceLocation(f"location: {len(location)} characters are more than {MAX_LOCATION}.")


def _check_size(member: str, paths: Iterable[str]) -> None:
    size = sum(map(len, paths))
    if size > MAX_DEPENDENCIES:
        raise InvalidParameter(f"{member}: {size} characters are more than {MAX_DEPENDENCIES}.")


def replace(services: Services, caller: Caller, resource_id: str, text: bytes) -> None:
    """Change a resource: the name may change, the type and the directory stay, absent members keep their value.

    Raises ResourceNotFound, MissingParameter (no name), InvalidResourceType (also when it changes), and what create
    raises.
    """
    members = received(text)
    without_read_only(members)
    with services.db.writing() as connection:
        found = resources.by_id(connection, caller.workspace.id, resource_id)
        if found is None:
            raise ResourceNotFound(f"id: {resource_id!r}.")
        if members.get("name") is None:
            raise MissingParameter("name: missing.")
        whole = completed(members, found.document)
        document = (text if whole == received(text) else write_document(whole)).decode()
        changed = _DECODER.decode(document)
        _check(changed)
        if changed.type != found.type:
            raise InvalidResourceType(f"type: {changed.type!r} is not {found.type!r}; the type of a resource stays.")
        record = _changed(caller, found, changed, changed.name or "", document)
        try:
            resources.replace_resource(connection, record)
        except Duplicate as error:
            raise ResourceNameExists(f"name: {record.name!r} in {record.directory}.") from error


def _changed(caller: Caller, found: ResourceRecord, resource: ResourceInfo, name: str, document: str) -> ResourceRecord:
    return found._replace(
        name=name,
        type=resource.type or found.type,
        document=document,
        update_user=caller.user.name,
        modify_time=caller.now,
    )


def importable(name: str, text: str) -> ResourceInfo:
    """A resource of a package, if it can be stored. Raises InvalidParameter."""
    try:
        resource = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidParameter(f"resource {name!r}: {error}.") from error
    if not JOB_NAME.fullmatch(name):
        raise InvalidParameter(f"resource {name!r}: the name is invalid.")
    check_storable(f"resource {name!r}", resource.type or "", resource.directory or "")
    return resource


def import_resource(
    services: Services, caller: Caller, connection: Connection, name: str, text: str, *, new: bool
) -> None:
    """Write a resource of a package, inside the transaction of the import.

    The limits of create are not asked, only what storage needs. Raises InvalidParameter.
    """
    resource = importable(name, text)
    workspace_id, directory = caller.workspace.id, directory_key(resource.directory or "/")
    found = None if new else resources.by_name_and_directory(connection, workspace_id, name, directory)
    if found is not None:
        resources.replace_resource(connection, _changed(caller, found, resource, name, text))
        return
    directories.ensure(connection, workspace_id, _DIRECTORIES, directory, services.next_id())
    resources.insert_resource(connection, _record_of(services, caller, resource, name, text))


def show(services: Services, caller: Caller, resource_id: str) -> bytes:
    """The JSON text of a resource. Raises ResourceNotFound."""
    with services.db.reading() as connection:
        record = resources.by_id(connection, caller.workspace.id, resource_id)
        if record is None:
            raise ResourceNotFound(f"id: {resource_id!r}.")
        users = resources.users(connection, caller.workspace.id, record.name)
    return write_document(_view(record, users))


def list_page(services: Services, caller: Caller, query: ListResourcesQuery) -> bytes:
    """The JSON text of one page of resources, oldest first. Raises InvalidParameter."""
    skip, limit = paging.rows(query)
    with services.db.reading() as connection:
        total, found, users = resources.page(
            connection, caller.workspace.id, name=query.resource_name, skip=skip, rows=limit
        )
    by_name: dict[str, list[UsingJob]] = {}
    for user in users:
        by_name.setdefault(user.resource_name, []).append(user)
    views: list[Any] = [_view(record, by_name.get(record.name, ())) for record in found]
    return write_document({"total": total, "resources": views})


def _view(record: ResourceRecord, users: Iterable[UsingJob]) -> Document:
    relations = [
        Relation(
            relation_type="JOB",
            relation_id=str(job.id),
            task_name=job.name,
            task_id=job.id,
            user_name=job.owner,
            version=job.version,
            deleted=False,
        )
        for job in users
    ]
    return resource_view(record.document, {"id": record.id, "name": record.name, "type": record.type}, relations)


def delete(services: Services, caller: Caller, resource_id: str) -> None:
    """Delete a resource; its file and the jobs that name it stay. Raises ResourceNotFound."""
    with services.db.writing() as connection:
        if not resources.delete_resource(connection, caller.workspace.id, resource_id):
            raise ResourceNotFound(f"id: {resource_id!r}.")
