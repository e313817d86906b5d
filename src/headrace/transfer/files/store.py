"""A place that has files: what object stores, file servers and folders offer alike.

Paths are relative, with ``/``, as the place itself spells them (``clicks/2024/01/31/part-0.csv``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol


class FileEntry(NamedTuple):
    """A file; ``size`` in bytes, ``modified`` in milliseconds since 1970."""

    path: str
    size: int
    modified: int


class Output(Protocol):
    """A file that is being written."""

    def write(self, data: bytes) -> int: ...

    def close(self) -> None:
        """Put the file in place, whole."""

    def discard(self) -> None:
        """Leave nothing behind."""


class FileStore(ABC):
    """Files by their paths. Everything raises CdmError with the code of its connector where the place says no.

    ``renames``: whether giving a file another path is one quick step there, not a copy.
    """

    renames: bool = False

    @abstractmethod
    def list(self, path: str) -> Iterator[FileEntry]:
        """The file at ``path``, or all files under it at any depth, by path; nothing where there is none."""

    def beginning(self, folder: str, start: str) -> Iterator[FileEntry]:
        """The files right in a folder whose names begin like this, by path; other folders are not looked into.

        Places that can list a single folder do; here all below it is listed.
        """
        begin = f"{folder}/{start}" if folder else start
        for entry in self.list(folder):
            if entry.path.startswith(begin) and "/" not in entry.path[len(begin) :]:
                yield entry

    @abstractmethod
    def find(self, path: str) -> FileEntry | None:
        """The file at exactly this path."""

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """A file to be read from its beginning, in blocks; ``seekable()`` says whether it can be read anywhere."""

    @abstractmethod
    def create(self, path: str) -> Output:
        """A new file, its folders made; one of that name is replaced when it is closed, not before."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file; none there is no error."""

    @abstractmethod
    def rename(self, path: str, to: str) -> None:
        """Give a file another path; one of that name is replaced."""

    def close(self) -> None:  # noqa: B027
        """Let go of connections."""
