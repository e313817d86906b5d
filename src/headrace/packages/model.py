"""What a package holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from headrace.domain.names import directory_key
from headrace.packages.text import canonical, members
from headrace.wire.document import read_document, write_document


class Kind(IntEnum):
    """Kinds of objects, in the order in which an import takes them: what others refer to comes first."""

    ENVIRONMENT = 1
    CONNECTION = 2
    CDM_LINK = 3
    CDM_JOB = 4
    RESOURCE = 5
    SCRIPT = 6
    QUALITY_RULES = 7
    JOB = 8

    @property
    def label(self) -> str:
        """``job``, ``CDM link``, …"""
        return _LABELS[self]


_LABELS = {
    Kind.ENVIRONMENT: "environment variables",
    Kind.CONNECTION: "connection",
    Kind.CDM_LINK: "CDM link",
    Kind.CDM_JOB: "CDM job",
    Kind.RESOURCE: "resource",
    Kind.SCRIPT: "script",
    Kind.QUALITY_RULES: "quality rule job",
    Kind.JOB: "job",
}

ENVIRONMENT_NAME = "variables"
Key = tuple[Kind, str, str]


@dataclass(frozen=True, slots=True)
class PackageObject:
    """One object of a package.

    ``cluster``: the CDM cluster of CDM links and jobs, empty for others. ``folder``: the directory of a resource (their
    names are unique per directory), empty for others. ``text``: the canonical text. ``member``: its path in the archive
    it was read from, for messages; it does not count for equality.
    """

    kind: Kind
    name: str
    text: bytes
    cluster: str = ""
    folder: str = ""
    member: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageObject) and (self.key, self.text) == (other.key, other.text)

    def __hash__(self) -> int:
        return hash((self.key, self.text))

    @classmethod
    def made(cls, kind: Kind, name: str, text: str | bytes, *, cluster: str = "", member: str = "") -> Self:
        """An object from a stored or received text in any form. Raises ValueError when it is no JSON object."""
        raw = text.encode() if isinstance(text, str) else text
        folder = directory_of(raw) if kind is Kind.RESOURCE else ""
        return cls(kind, name, canonical(raw), cluster, folder, member)

    @classmethod
    def environment(cls, variables: Iterable[tuple[str, str]]) -> Self:
        """The environment variables of a workspace: name and JSON text of each."""
        return cls.made(Kind.ENVIRONMENT, ENVIRONMENT_NAME, environment_text(text for _, text in variables))

    @property
    def key(self) -> Key:
        """What makes the object one of its kind; two objects of one key are the same object."""
        return (self.kind, self.cluster or self.folder, self.name)

    @property
    def directory(self) -> str:
        """Its directory in the workspace, ``/`` for the root."""
        return directory_of(self.text)

    def document(self) -> dict[str, Any]:
        """Its members."""
        return members(self.text)

    def label(self) -> str:
        """``job 'load'``: how messages call it."""
        where = f" of cluster {self.cluster!r}" if self.cluster else ""
        return f"{self.kind.label} {self.name!r}{where}"


def directory_of(text: bytes) -> str:
    """The ``directory`` member of a JSON object, ``/`` where there is none. Raises ValueError for other texts."""
    directory = members(text).get("directory")
    return directory_key(directory) if isinstance(directory, str) else "/"


def environment_text(variables: Iterable[str]) -> bytes:
    """The document of environment variables: ``{"params":[…]}``, by name."""
    documents = [read_document(text) for text in variables]
    return write_document({"params": sorted(documents, key=lambda variable: str(variable.get("name")))})
