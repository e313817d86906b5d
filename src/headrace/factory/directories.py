"""The directories of a workspace as a tree, with what is in them.

Source: factory-v1-notes §14.5. Values of ``category`` and the meaning of paging are not published: the elements of the
tree are paged in the order of their directories and names, every directory is there on every page.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from headrace.domain.identity import Caller
from headrace.errors import InvalidParameter
from headrace.services import Services
from headrace.storage import directories
from headrace.storage.directory_elements import Element, elements
from headrace.wire.v1.directories import DirectoryTree, DirectoryTreeQuery, TreeElement

KINDS = ("job", "script", "resource")
ROOT = "/"


MAX_LEVELS = 32  # of a path as it is shown; imports are not held to the 10 of create

_Levels = tuple[str, ...]


@dataclass
class _Directory:
    id: str
    name: str
    parent_id: str
    below: list[_Directory] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)


def tree(services: Services, caller: Caller, query: DirectoryTreeQuery) -> DirectoryTree:
    """The tree of one kind of objects. Raises InvalidParameter for a wrong category, directory or page."""
    kind = query.category.strip().lower()
    if kind not in KINDS:
        raise InvalidParameter(f"category: {query.category!r} is none of {', '.join(KINDS)}.")
    if not 0 <= query.offset <= 2**31 - 1:
        raise InvalidParameter(f"offset: {query.offset} is not a number of elements from 0.")
    if query.limit is not None and not 1 <= query.limit <= 2**31 - 1:
        raise InvalidParameter(f"limit: {query.limit} is not a number of elements from 1.")
    workspace_id = caller.workspace.id
    with services.db.reading() as connection:
        known = {path: found for found, path in directories.paths(connection, workspace_id, kind)}
        found = elements(connection, workspace_id, kind, query.name)
    places = _directories(known, found, f"{workspace_id}/{kind}")
    return _Page(kind, query).of(_start(places, query.directory_id, kind))


def _start(places: dict[_Levels, _Directory], directory_id: str, kind: str) -> _Directory:
    if not directory_id:
        return places[()]
    for directory in places.values():
        if directory.id == directory_id:
            return directory
    raise InvalidParameter(f"directory_id: there is no {kind} directory {directory_id!r}.")


def _directories(known: dict[str, str], found: list[Element], salt: str) -> dict[_Levels, _Directory]:
    """Every directory by the levels of its path, the ones above each included, with its elements."""
    ids = {_levels(path): known_id for path, known_id in known.items()}
    places: dict[_Levels, _Directory] = {(): _Directory(_id_of(salt, ()), ROOT, "")}

    def reach(levels: _Levels) -> _Directory:
        here = places[()]
        for depth in range(1, len(levels) + 1):
            path = levels[:depth]
            if path not in places:
                places[path] = _Directory(ids.get(path) or _id_of(salt, path), path[-1], here.id)
                here.below.append(places[path])
            here = places[path]
        return here

    for levels in ids:
        reach(levels)
    for element in found:
        reach(_levels(element.directory)).elements.append(element)
    return places


def _levels(path: str) -> _Levels:
    """The names of a path; what is deeper than shown stays together in the last one."""
    levels = [level for level in path.split("/") if level]
    return (*levels[: MAX_LEVELS - 1], "/".join(levels[MAX_LEVELS - 1 :])) if len(levels) > MAX_LEVELS else (*levels,)


def _id_of(salt: str, levels: _Levels) -> str:
    """The id of the root, and of a directory that only holds others: always the same one."""
    return hashlib.sha256(f"{salt}:/{'/'.join(levels)}".encode()).hexdigest()[:32]


class _Page:
    """Walks the tree and gives the elements of one page their place."""

    def __init__(self, kind: str, query: DirectoryTreeQuery) -> None:
        self._kind, self._query = kind, query
        self._seen = 0

    def of(self, directory: _Directory) -> DirectoryTree:
        """A directory and everything below it."""
        before = self._seen
        shown = [self._element(item, directory.id) for item in directory.elements if self._is_on_page()]
        below = [self.of(child) for child in sorted(directory.below, key=lambda child: child.name)]
        return DirectoryTree(
            directory_id=directory.id,
            parent_directory_id=directory.parent_id,
            directory_name=directory.name,
            category_type=self._kind,
            paging=self._query.limit is not None,
            offset=self._query.offset,
            limit=self._query.limit or 0,
            count=self._seen - before,
            elements=shown,
            sub_directories=below,
        )

    def _is_on_page(self) -> bool:
        index, self._seen = self._seen, self._seen + 1
        end = None if self._query.limit is None else self._query.offset + self._query.limit
        return index >= self._query.offset and (end is None or index < end)

    def _element(self, item: Element, directory_id: str) -> TreeElement:
        return TreeElement(
            element_id=str(item.id),
            parent_directory_id=directory_id,
            type=self._kind,
            name=item.name,
            owner=item.owner,
            process_type=item.process_type,
            is_single_node_job=bool(item.single_node),
        )
