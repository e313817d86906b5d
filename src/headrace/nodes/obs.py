"""The OBS nodes: make, delete, move, copy and rename what is in the object store, and look whether it is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from headrace import errors
from headrace.nodes.base import Node, NodeContext, NodeFailed, NodeResult, node_type
from headrace.objectstore.path import ObsPath

_ENDING = re.compile(r"[ _]?(PATH|FILE|DIRECTORY|OBJECT)S?$")  # CREATE_PATH and CREATE are one action
_PIECE = 1 << 20  # bytes copied between two looks at the cancellation


@node_type("OBSManager")
@dataclass(frozen=True, kw_only=True)
class ObsManager(Node):
    """Does what ``action`` says: CREATE_PATH, DELETE_PATH, MOVE, COPY, RENAME or MONITOR (succeeds iff it is there).

    A path that ends in ``/`` is a directory; ``//bucket`` is a bucket, which CREATE_PATH makes. Deleting takes all
    below a directory. ``source`` and ``target``: of a file or directory to move or copy into the directory ``target``;
    ``filter`` takes the files whose names match it. RENAME changes the last level of a path.

    Source: user guide, "OBS Manager"; exported jobs for ``action``, ``path``, ``sourceDirectory`` and
    ``targetDirectory``. The wire names of the other actions are not published and inferred.
    """

    action: str = ""
    path: str = field(default="", metadata={"names": ("path", "obsPath")})
    source: str = field(default="", metadata={"names": ("sourceDirectory", "source", "sourcePath")})
    target: str = field(default="", metadata={"names": ("targetDirectory", "target", "targetPath", "newName")})
    filter: str = field(default="", metadata={"names": ("filter", "fileFilter", "wildcard")})

    def run(self, ctx: NodeContext) -> NodeResult:
        work = _ACTIONS.get(_ENDING.sub("", self.action.strip().upper()))
        if work is None:
            known = "CREATE_PATH, DELETE_PATH, MOVE, COPY, RENAME, MONITOR"
            raise NodeFailed(f"action: {self.action!r} is none of {known}.")
        try:
            return work(self, ctx)
        except errors.HeadraceError as error:
            raise NodeFailed(error.message) from error


@node_type("CreateOBS")
@dataclass(frozen=True, kw_only=True)
class CreateObs(Node):
    """Makes the directory or bucket ``path``. Source: user guide, "Create OBS"."""

    path: str = field(default="", metadata={"names": ("path", "obsPath")})

    def run(self, ctx: NodeContext) -> NodeResult:
        return ObsManager(action="CREATE_PATH", path=self.path).run(ctx)


@node_type("DeleteOBS")
@dataclass(frozen=True, kw_only=True)
class DeleteObs(Node):
    """Deletes the file, or the directory and all below it, ``path``. Source: user guide, "Delete OBS"."""

    path: str = field(default="", metadata={"names": ("path", "obsPath")})

    def run(self, ctx: NodeContext) -> NodeResult:
        return ObsManager(action="DELETE_PATH", path=self.path).run(ctx)


def _parse(member: str, text: str) -> ObsPath:
    if not text.strip():
        raise NodeFailed(f"{member}: the node names no path.")
    return ObsPath.parse(f"obs:{text.strip()}" if text.strip().startswith("//") else text.strip(), member)


def _create(node: ObsManager, ctx: NodeContext) -> NodeResult:
    path = _parse("path", node.path)
    if path.key:
        ctx.store.make_folder(ObsPath(path.bucket, path.folder_key()))
    else:
        ctx.store.create_bucket(path.bucket)
    ctx.log.line(f"{path} is there.")
    return NodeResult(success=True)


def _delete(node: ObsManager, ctx: NodeContext) -> NodeResult:
    """What is not there counts as deleted."""
    path = _parse("path", node.path)
    if path.key and not path.key.endswith("/") and ctx.store.exists(path):
        ctx.store.delete(path)
        ctx.log.line(f"Deleted {path}.")
    else:
        count = ctx.store.delete_folder(path)
        ctx.log.line(f"Deleted {path} with {count} objects.")
    return NodeResult(success=True)


def _monitor(node: ObsManager, ctx: NodeContext) -> NodeResult:
    path = _parse("path", node.path or node.source)
    there = ctx.store.folder_exists(path) or (bool(path.key) and not path.key.endswith("/") and ctx.store.exists(path))
    return NodeResult(success=there, message="" if there else f"{path} does not exist.")


def _rename(node: ObsManager, ctx: NodeContext) -> NodeResult:
    """``target``: the new path, which differs in its last level only, or the new name of that level."""
    source = _parse("source", node.source or node.path)
    name = node.target.strip().rstrip("/").rpartition("/")[2]
    if not name or not source.key:
        raise NodeFailed("targetDirectory: needs the new name of the last level of a path in a bucket.")
    target = source.parent / (name + "/" * source.key.endswith("/"))
    if "/" in node.target.strip().rstrip("/") and _parse("targetDirectory", node.target).parent != source.parent:
        raise NodeFailed("targetDirectory: renaming changes the last level of the path only.")
    pairs = [
        (path, ObsPath(target.bucket, target.key.rstrip("/") + path.key[len(source.key.rstrip("/")) :]))
        for path in _below(ctx, source)
    ]
    if target.key == source.key:
        raise NodeFailed("targetDirectory: is the same as the path before.")
    if ctx.store.folder_exists(target) or (not target.key.endswith("/") and ctx.store.exists(target)):
        raise NodeFailed(f"targetDirectory: {target} exists already.")
    _carry(ctx, pairs, remove=True)
    if source.key.endswith("/"):
        ctx.store.make_folder(target)
        ctx.store.delete_folder(source)
    return _done(ctx, "Renamed", len(pairs), target)


def _move(node: ObsManager, ctx: NodeContext) -> NodeResult:
    return _transfer(node, ctx, remove=True)


def _copy(node: ObsManager, ctx: NodeContext) -> NodeResult:
    return _transfer(node, ctx, remove=False)


def _transfer(node: ObsManager, ctx: NodeContext, *, remove: bool) -> NodeResult:
    source = _parse("sourceDirectory", node.source or node.path)
    target = _parse("targetDirectory", node.target)
    inside = target.folder_key().startswith(source.folder_key()) and source.key.endswith("/")
    if target.bucket == source.bucket and (inside or not source.key):
        raise NodeFailed(f"targetDirectory: {target} lies in {source} itself.")
    start = len(source.folder_key() if source.key.endswith("/") or not source.key else source.parent.key)
    pairs = [
        (path, ObsPath(target.bucket, target.folder_key() + path.key[start:]))
        for path in _below(ctx, source)
        if not node.filter or fnmatchcase(path.name, node.filter)
    ]
    _carry(ctx, pairs, remove=remove)
    if source.key.endswith("/") and not node.filter:
        if target.key:
            ctx.store.make_folder(ObsPath(target.bucket, target.folder_key()))
        if remove:
            ctx.store.delete_folder(source)
    return _done(ctx, "Moved" if remove else "Copied", len(pairs), target)


def _below(ctx: NodeContext, source: ObsPath) -> Iterator[ObsPath]:
    """The file, or the files of the directory. Raises NodeFailed when there is neither."""
    if source.key and not source.key.endswith("/"):
        if not ctx.store.exists(source):
            raise NodeFailed(f"{source} does not exist; a directory is written with / at its end.")
        return iter([source])
    if not ctx.store.folder_exists(source):
        raise NodeFailed(f"{source} does not exist.")
    return (info.path for info in ctx.store.list(source))


def _carry(ctx: NodeContext, pairs: list[tuple[ObsPath, ObsPath]], *, remove: bool) -> None:
    """Copy each file to its place; then, when all are there, remove the originals."""
    for source, target in pairs:
        if source != target:
            _copy_object(ctx, source, target)
    for source, target in pairs if remove else ():
        if source != target:
            ctx.store.delete(source)


def _copy_object(ctx: NodeContext, source: ObsPath, target: ObsPath) -> None:
    with ctx.store.open(source) as reader, ctx.store.writer(target) as writer:
        while piece := reader.read(_PIECE):
            if ctx.cancellation.cancelled:
                raise NodeFailed(f"Stopped while {source} was copied.")
            writer.write(piece)


def _done(ctx: NodeContext, verb: str, count: int, target: ObsPath) -> NodeResult:
    ctx.log.line(f"{verb} {count} objects to {target}.")
    return NodeResult(success=True)


_ACTIONS: Mapping[str, Callable[[ObsManager, NodeContext], NodeResult]] = {
    "CREATE": _create,
    "DELETE": _delete,
    "MOVE": _move,
    "COPY": _copy,
    "RENAME": _rename,
    "MONITOR": _monitor,
}
