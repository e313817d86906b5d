"""Makes the resources that a Shell or Python node names into files beside its script."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headrace.domain.names import listed_names
from headrace.errors import HeadraceError
from headrace.nodes.base import NodeContext, NodeFailed, Resource
from headrace.objectstore.path import ObsPath

LIBRARIES = (".zip", ".whl", ".egg")  # what Python can import from
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/\\]")
_LONGEST = 255  # bytes of a file name


@dataclass(frozen=True, kw_only=True)
class ProgramFiles:
    """Files by name, all in one folder."""

    names: tuple[str, ...] = ()
    here: dict[str, Path] = field(default_factory=dict)

    def python_path(self, folder: str) -> str:
        """The PYTHONPATH by which modules and archives among the files are imported, once they are in ``folder``."""
        return ":".join([folder, *(f"{folder}/{name}" for name in self.names if name.lower().endswith(LIBRARIES))])


def read_resource_names(text: str) -> tuple[str, ...]:
    """The resources a node names. Raises NodeFailed."""
    try:
        return listed_names(text)
    except ValueError as error:
        raise NodeFailed(f"resourceNames: {text!r} is no list of names: {error}.") from error


def fetch_files(ctx: NodeContext, names: Sequence[str], folder: Path, reserved: Sequence[str]) -> ProgramFiles:
    """Copy the files of resources, and of what those depend on, into a folder.

    Raises NodeFailed for unknown resources, locations that are no obs:// file, and names that two of them have.
    """
    here: dict[str, Path] = {}
    for resource in map(ctx.find_resource, names):
        for location in (resource.location, *resource.depends):
            name = file_name(resource, location)
            if name in here or name in reserved:
                raise NodeFailed(f"Resource {resource.name!r}: there is another file named {name!r} in the folder.")
            here[name] = folder / name
            _copy(ctx, resource, location, here[name])
    return ProgramFiles(names=tuple(here), here=here)


def file_name(resource: Resource, location: str) -> str:
    """What the file of a location is called: the last part of its path. Raises NodeFailed."""
    scheme, _, path = location.partition("://")
    name = path.rpartition("/")[2]
    if scheme != "obs" or "/" not in path:
        raise NodeFailed(f"Resource {resource.name!r}: location {location!r} is no obs:// path of a file.")
    if not name.strip(".") or _FORBIDDEN.search(name) or len(name.encode()) > _LONGEST:
        raise NodeFailed(f"Resource {resource.name!r}: location {location!r} does not end in the name of a file.")
    return name


def _copy(ctx: NodeContext, resource: Resource, location: str, target: Path) -> None:
    try:
        with ctx.store.open(ObsPath.parse(location)) as source, open(target, "xb") as file:
            shutil.copyfileobj(source, file)
    except HeadraceError as error:
        raise NodeFailed(f"Resource {resource.name!r}: {location} cannot be read: {error.message}") from error
