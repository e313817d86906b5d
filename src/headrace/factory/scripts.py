"""Authoring of scripts: create, read, list, replace, delete; and how an import writes one.

A script has a saved text and submitted versions 1…n. Saving does not submit: the version is 0 before the first submit
and grows by one with each. Source: factory-v1-notes §8.
"""

from __future__ import annotations

import msgspec

from headrace.domain.identity import Caller
from headrace.domain.names import SCRIPT_NAME, directory_key, is_directory
from headrace.errors import (
    HeadraceError,
    InvalidParameter,
    InvalidScriptType,
    MissingParameter,
    ScriptNameExists,
    ScriptNotCreated,
    ScriptNotFound,
    ScriptNotModified,
    ScriptQuotaReached,
)
from headrace.factory import paging, quota
from headrace.factory.ids import new_id
from headrace.factory.received import check_storable, received
from headrace.services import Services
from headrace.storage import directories, scripts
from headrace.storage.database import Connection, Duplicate
from headrace.storage.scripts import ScriptRecord
from headrace.wire.document import Document, write_document
from headrace.wire.v1.scripts import ListScriptsQuery, ScriptInfo, ShowScriptQuery, drop_echoes, script_view

MAX_CONTENT = 4 * 1024 * 1024  # characters
MAX_DESCRIPTION = 255  # characters
MAX_VERSION = 2**31 - 1
TYPES = (
    "FlinkSQL",
    "DLISQL",
    "SparkSQL",
    "HiveSQL",
    "DWSSQL",
    "RDSSQL",
    "Shell",
    "PRESTO",
    "ClickHouseSQL",
    "HetuEngineSQL",
    "PYTHON",
    "ImpalaSQL",
    "SparkPython",
)
SAVED, SUBMITTED, PRODUCTION = "SAVED", "SUBMITTED", "PRODUCTION"
STATUSES = (SAVED, SUBMITTED, PRODUCTION)
READABLE = (SAVED, "PUBLISHED")
_DIRECTORIES = "script"

_DECODER = msgspec.json.Decoder(ScriptInfo, strict=False)


def _type_key(script_type: str) -> str:
    """``Spark Python`` and ``SparkPython`` are one type. Source: notes §17.15."""
    return script_type.replace(" ", "").lower()


_TYPE_KEYS = frozenset(map(_type_key, TYPES))


def create(services: Services, caller: Caller, script: ScriptInfo, text: bytes) -> str:
    """Create a script from its body; its id.

    Raises MissingParameter (no name), InvalidScriptType, ScriptNotCreated, InvalidParameter, ScriptNameExists,
    ScriptQuotaReached.
    """
    if not script.name:
        raise MissingParameter("name: missing.")
    if not SCRIPT_NAME.fullmatch(script.name) or script.name in (".", ".."):
        raise ScriptNotCreated(
            f"name: {script.name!r} is not 1 to 128 letters, digits, Chinese characters, '-', '_' or '.'."
        )
    _check(script, ScriptNotCreated)
    record = _record_of(services, caller, script, script.name, _kept(text))
    record = _submitted(record) if _submits(script) else record
    limit = services.settings.max_scripts_per_workspace
    with services.db.writing() as connection:
        if not quota.has_room(
            services.db, "script", caller.workspace.id, limit, lambda: scripts.count(connection, caller.workspace.id)
        ):
            raise ScriptQuotaReached(f"The workspace holds {limit} scripts.")
        directories.ensure(connection, caller.workspace.id, _DIRECTORIES, record.directory, services.next_id())
        try:
            scripts.insert_script(connection, record)
        except Duplicate as error:
            raise ScriptNameExists(f"name: {record.name!r}.") from error
    return record.id


def _kept(text: bytes) -> str:
    """The text to keep: as received, without what only repeats. Raises InvalidParameter."""
    members = received(text)
    return (write_document(members) if drop_echoes(members) else text).decode()


def _check(script: ScriptInfo, refused: type[HeadraceError]) -> None:
    """Everything but the name; ``refused`` is raised for what has no code of its own."""
    if not script.type or _type_key(script.type) not in _TYPE_KEYS:
        raise InvalidScriptType(f"type: {script.type or 'missing'!r} is none of {', '.join(TYPES)}.")
    if script.content is not None and len(script.content) > MAX_CONTENT:
        raise refused(f"content: {len(script.content)} characters are more than {MAX_CONTENT}.")
    if script.description is not None and len(script.description) > MAX_DESCRIPTION:
        raise refused(f"description: {len(script.description)} characters are more than {MAX_DESCRIPTION}.")
    if script.directory and not is_directory(script.directory):
        raise refused(f"directory: {script.directory!r} is no path of at most 10 levels of 1 to 64 characters.")
    if script.target_status and script.target_status not in STATUSES:
        raise InvalidParameter(f"targetStatus: {script.target_status!r} is none of {', '.join(STATUSES)}.")


def _submits(script: ScriptInfo) -> bool:
    return script.target_status in (SUBMITTED, PRODUCTION)


def _record_of(services: Services, caller: Caller, script: ScriptInfo, name: str, document: str) -> ScriptRecord:
    """A new script that was not submitted yet."""
    user, now = caller.user.name, caller.now
    return ScriptRecord(
        id=new_id(services),
        workspace_id=caller.workspace.id,
        name=name,
        type=script.type or "",
        directory=directory_key(script.directory or "/"),
        document=document,
        version=0,
        production_version=0,
        create_user=user,
        create_time=now,
        update_user=user,
        modify_time=now,
    )


def _submitted(record: ScriptRecord) -> ScriptRecord:
    """The next version. Without the review function what is submitted is in production at once."""
    return record._replace(version=record.version + 1, production_version=record.version + 1)


def replace(services: Services, caller: Caller, name: str, script: ScriptInfo, text: bytes) -> None:
    """Replace a script completely; a name in the body does not rename, the directory may change.

    Raises ScriptNotFound, InvalidScriptType, ScriptNotModified (also when the type changes), InvalidParameter.
    """
    document = _kept(text)
    with services.db.writing() as connection:
        found = scripts.by_name(connection, caller.workspace.id, name)
        if found is None:
            raise ScriptNotFound(f"name: {name!r}.")
        _check(script, ScriptNotModified)
        if _type_key(script.type or "") != _type_key(found.type):
            raise ScriptNotModified(f"type: {script.type!r} is not {found.type!r}; the type of a script stays.")
        _replace(services, caller, connection, found, script, document, submit=_submits(script))


def _replace(
    services: Services,
    caller: Caller,
    connection: Connection,
    found: ScriptRecord,
    script: ScriptInfo,
    document: str,
    *,
    submit: bool,
) -> None:
    changed = found._replace(
        type=script.type or found.type,
        directory=directory_key(script.directory or "/"),
        document=document,
        update_user=caller.user.name,
        modify_time=caller.now,
    )
    directories.ensure(connection, caller.workspace.id, _DIRECTORIES, changed.directory, services.next_id())
    scripts.replace_script(connection, _submitted(changed) if submit else changed, submitted=submit)


def importable(name: str, text: str) -> ScriptInfo:
    """A script of a package, if it can be stored. Raises InvalidParameter."""
    try:
        script = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidParameter(f"script {name!r}: {error}.") from error
    if not SCRIPT_NAME.fullmatch(name):
        raise InvalidParameter(f"script {name!r}: the name is invalid.")
    check_storable(f"script {name!r}", script.type or "", script.directory or "")
    return script


def import_script(
    services: Services,
    caller: Caller,
    connection: Connection,
    name: str,
    text: str,
    *,
    new: bool,
    submit: bool = True,
) -> None:
    """Write a script of a package, inside the transaction of the import; it becomes a submitted version.

    The limits of create are not asked, only what storage needs. Raises InvalidParameter. Source: factory-v1-notes §7
    (limits and imports), §14.2 (OVERWRITE submits a new version).
    """
    script = importable(name, text)
    found = None if new else scripts.by_name(connection, caller.workspace.id, name)
    if found is not None:
        _replace(services, caller, connection, found, script, text, submit=submit)
        return
    quota.forget(services.db)
    record = _record_of(services, caller, script, name, text)
    directories.ensure(connection, caller.workspace.id, _DIRECTORIES, record.directory, services.next_id())
    scripts.insert_script(connection, _submitted(record) if submit else record)


def show(services: Services, caller: Caller, name: str, query: ShowScriptQuery) -> bytes:
    """The JSON text of a script: as saved, or a submitted version. Raises ScriptNotFound, InvalidParameter."""
    if query.status not in READABLE:
        raise InvalidParameter(f"status: {query.status!r} is none of {', '.join(READABLE)}.")
    if query.version is not None and not 1 <= query.version <= MAX_VERSION:
        raise InvalidParameter(f"version: {query.version} is not between 1 and {MAX_VERSION}.")
    with services.db.reading() as connection:
        record = scripts.by_name(connection, caller.workspace.id, name)
        if record is None:
            raise ScriptNotFound(f"name: {name!r}.")
        if query.version is not None or query.status != SAVED:
            record = _of_version(connection, record, query.version)
    return write_document(_view(record))


def _of_version(connection: Connection, record: ScriptRecord, version: int | None) -> ScriptRecord:
    """The script as a submitted version says it; None for the one in production."""
    wanted = record.production_version if version is None else version
    text = scripts.version_document(connection, record.id, wanted)
    if text is None and version is None:
        raise InvalidParameter(f"status: script {record.name!r} was never submitted.")
    if text is None:
        raise InvalidParameter(f"version: script {record.name!r} has no submitted version {wanted}.")
    return record._replace(document=text, version=wanted)


def _view(record: ScriptRecord) -> Document:
    server: Document = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "version": record.version,
        "createUser": record.create_user,
        "modifyTime": record.modify_time,
    }
    return script_view(record.document, server)


def list_page(services: Services, caller: Caller, query: ListScriptsQuery) -> bytes:
    """The JSON text of one page of scripts, newest first. Raises InvalidParameter."""
    skip, limit = paging.rows(query)
    with services.db.reading() as connection:
        total, found = scripts.page(connection, caller.workspace.id, name=query.script_name, skip=skip, rows=limit)
    return write_document({"total": total, "scripts": [_view(record) for record in found]})


def delete(services: Services, caller: Caller, name: str) -> None:
    """Delete a script and its versions; the history of its runs stays. Raises ScriptNotFound."""
    with services.db.writing() as connection:
        record = scripts.by_name(connection, caller.workspace.id, name)
        if record is None:
            raise ScriptNotFound(f"name: {name!r}.")
        scripts.delete_script(connection, record.id)
