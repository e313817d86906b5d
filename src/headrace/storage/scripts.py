"""Scripts: the saved text, and the submitted versions.

A script's text is kept once: in the newest submitted version, or in ``draft`` while the saved text differs from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, select, update

from headrace.storage.database import Connection
from headrace.storage.filters import contains
from headrace.storage.statement import Statement
from headrace.storage.tables import script_versions, scripts


class ScriptRecord(NamedTuple):
    """A script. ``document``: the saved text. ``version``: the newest submitted one, 0 for none. Times in ms."""

    id: str
    workspace_id: str
    name: str
    type: str
    directory: str
    document: str
    version: int
    production_version: int
    create_user: str
    create_time: int
    update_user: str
    modify_time: int


_saved_text = func.coalesce(scripts.c.draft, script_versions.c.document).label("document")
_newest = and_(script_versions.c.script_id == scripts.c.id, script_versions.c.version == scripts.c.version)
_in_workspace = scripts.c.workspace_id == bindparam("workspace_id")
_part_of_name = scripts.c.name.like(bindparam("pattern"), escape="\\")
_record = select(
    *(_saved_text if name == "document" else scripts.c[name] for name in ScriptRecord._fields)
).outerjoin_from(scripts, script_versions, _newest)

_BY_NAME = Statement(_record.where(_in_workspace, scripts.c.name == bindparam("name")))
_VERSION_TEXT = Statement(
    select(script_versions.c.document).where(
        script_versions.c.script_id == bindparam("script_id"), script_versions.c.version == bindparam("version")
    )
)
_NAMES = Statement(select(scripts.c.name).where(_in_workspace).order_by(scripts.c.name))
_COUNT = Statement(select(func.count()).select_from(scripts).where(_in_workspace))
_COUNT_NAMED = Statement(select(func.count()).select_from(scripts).where(_in_workspace, _part_of_name))

# One page of the list, newest first: of all scripts, and of those with a part of their name. The rows before the page
# are passed in the index, without their texts.


def _page(*where: ColumnElement[bool]) -> Statement:
    order = (scripts.c.create_time.desc(), scripts.c.id.desc())
    ids = select(scripts.c.id).where(*where).order_by(*order).limit(bindparam("rows")).offset(bindparam("skip"))
    return Statement(_record.where(scripts.c.id.in_(select(ids.subquery("one_page").c.id))).order_by(*order))


_PAGE = _page(_in_workspace)
_PAGE_NAMED = _page(_in_workspace, _part_of_name)

# The texts a package holds, by name: the saved ones, or the newest submitted ones (the saved one where there is none).
_ALL_SAVED = Statement(
    select(scripts.c.name, _saved_text)
    .outerjoin_from(scripts, script_versions, _newest)
    .where(_in_workspace)
    .order_by(scripts.c.name)
)
_ALL_SUBMITTED = Statement(
    select(scripts.c.name, func.coalesce(script_versions.c.document, scripts.c.draft))
    .outerjoin_from(scripts, script_versions, _newest)
    .where(_in_workspace)
    .order_by(scripts.c.name)
)

_INSERT = Statement(insert(scripts))
_INSERT_VERSION = Statement(insert(script_versions))
_CHANGED = ("type", "directory", "draft", "version", "production_version", "update_user", "modify_time")
_REPLACE = Statement(
    update(scripts).where(scripts.c.id == bindparam("script_id")).values({name: bindparam(name) for name in _CHANGED})
)
_DELETE = Statement(delete(scripts).where(scripts.c.id == bindparam("id")))
_DELETE_VERSIONS = Statement(delete(script_versions).where(script_versions.c.script_id == bindparam("id")))


def by_name(connection: Connection, workspace_id: str, name: str) -> ScriptRecord | None:
    """One script of a workspace."""
    row = connection.one(_BY_NAME, workspace_id=workspace_id, name=name)
    return None if row is None else ScriptRecord(*row)


def version_document(connection: Connection, script_id: str, version: int) -> str | None:
    """The text of a submitted version."""
    text: str | None = connection.value(_VERSION_TEXT, script_id=script_id, version=version)
    return text


def names(connection: Connection, workspace_id: str) -> list[str]:
    """Every script name of a workspace, sorted."""
    return [row[0] for row in connection.all(_NAMES, workspace_id=workspace_id)]


def count(connection: Connection, workspace_id: str) -> int:
    """How many scripts a workspace holds."""
    return int(connection.value(_COUNT, workspace_id=workspace_id))


def page(
    connection: Connection, workspace_id: str, *, name: str, skip: int, rows: int
) -> tuple[int, list[ScriptRecord]]:
    """How many scripts match, and one page of them, newest first. ``name``: part of the name."""
    values: dict[str, Any] = {"workspace_id": workspace_id}
    if name:
        values["pattern"] = contains(name)
    total = int(connection.value(_COUNT_NAMED if name else _COUNT, **values))
    found = connection.all(_PAGE_NAMED if name else _PAGE, **values, skip=skip, rows=rows)
    return total, [ScriptRecord(*row) for row in found]


def all_documents(connection: Connection, workspace_id: str, *, submitted: bool = False) -> Iterator[tuple[str, str]]:
    """Name and text of every script by name: the saved texts, or the newest submitted versions where there are any."""
    for row in connection.stream(_ALL_SUBMITTED if submitted else _ALL_SAVED, workspace_id=workspace_id):
        yield row[0], row[1]


def insert_script(connection: Connection, script: ScriptRecord) -> None:
    """Add a script; with a version its text is that version. Raises Duplicate when the name is taken."""
    connection.run(_INSERT, **_row(script, submitted=script.version > 0))
    if script.version:
        connection.run(_INSERT_VERSION, **_version(script))


def insert_many(connection: Connection, rows: Sequence[ScriptRecord]) -> None:
    """Add many scripts at once. Raises Duplicate."""
    connection.run_many(_INSERT, [_row(script, submitted=script.version > 0) for script in rows])
    connection.run_many(_INSERT_VERSION, [_version(script) for script in rows if script.version])


def replace_script(connection: Connection, script: ScriptRecord, *, submitted: bool) -> None:
    """Write what an update may change. ``submitted``: the text is the new version ``script.version``."""
    row = _row(script, submitted=submitted)
    connection.run(_REPLACE, script_id=script.id, **{name: row[name] for name in _CHANGED})
    if submitted:
        connection.run(_INSERT_VERSION, **_version(script))


def delete_script(connection: Connection, script_id: str) -> None:
    """Remove a script and its versions."""
    connection.run(_DELETE_VERSIONS, id=script_id)
    connection.run(_DELETE, id=script_id)


def _row(script: ScriptRecord, *, submitted: bool) -> dict[str, Any]:
    row = script._asdict()
    document = row.pop("document")
    return {**row, "draft": None if submitted else document}


def _version(script: ScriptRecord) -> dict[str, Any]:
    return {
        "script_id": script.id,
        "version": script.version,
        "document": script.document,
        "submit_user": script.update_user,
        "submit_time": script.modify_time,
    }
