"""What every object store can do, whatever keeps the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, Self

from headrace import errors
from headrace.objectstore.path import ObsPath


class ObjectNotFound(errors.ObsFileUnreadable):
    """The bucket is there, the object is not."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One row of a listing. ``size`` in bytes, ``modified_ms`` in milliseconds since the epoch."""

    path: ObsPath
    size: int
    modified_ms: int


class Appender(Protocol):
    """A log being written at its end; what it was given stays, also when the block ends in an error."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def read(self, offset: int, size: int) -> tuple[bytes, int] | None:
        """Of what the object shows only at ``close``: bytes and where they begin. None where the object shows them.

        A negative ``offset`` counts from the end.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def begin_of(offset: int, length: int) -> int:
    """Where to begin in an object of ``length`` bytes; a negative offset counts from its end."""
    return min(offset, length) if offset >= 0 else max(0, length + offset)


class ObjectStore(Protocol):
    """Objects in buckets.

    Reading and listing raise BucketNotFound (DLF.1242) for an unknown bucket, reading raises ObjectNotFound (DLF.0815)
    for an unknown object, every operation raises InvalidObsPath (DLF.0803) for a path that cannot name what it needs
    and ObsFileUnreadable (DLF.0815) when the store itself fails. ``exists`` is false where any of these is unknown.
    """

    def bucket_exists(self, bucket: str) -> bool: ...

    def create_bucket(self, bucket: str) -> None:
        """Make the bucket; nothing happens when it is there already."""

    def exists(self, path: ObsPath) -> bool: ...

    def size(self, path: ObsPath) -> int:
        """Size in bytes."""

    def get(self, path: ObsPath) -> bytes: ...

    def open(self, path: ObsPath) -> BinaryIO:
        """A seekable reader; all of it comes from one version of the object. Close it, or use ``with``."""

    def put(self, path: ObsPath, data: bytes) -> None:
        """Write or replace the object; readers see the old content or the new, never a part."""

    def writer(self, path: ObsPath) -> AbstractContextManager[BinaryIO]:
        """A file to write to. The object appears, or is replaced, when the block ends well; an error leaves nothing."""

    def appender(self, path: ObsPath) -> Appender:
        """Add to the end of an object, made if it is new. Seen at once in files, at ``close`` in S3."""

    def list(self, prefix: ObsPath) -> Iterator[ObjectInfo]:
        """Every object below the folder ``prefix``, at any depth, in the order of their keys."""

    def delete(self, path: ObsPath) -> None:
        """Remove the object; nothing happens when it is not there."""

    def make_folder(self, path: ObsPath) -> None:
        """Make the folder, and its bucket where writing makes buckets; nothing happens when it is there.

        A folder that was made stays when what it holds is deleted, others come and go with their objects. It is no
        object: listings do not show it.
        """

    def folder_exists(self, path: ObsPath) -> bool:
        """Whether the folder was made, or holds an object at any depth. A bucket is a folder."""

    def delete_folder(self, path: ObsPath) -> int:
        """Remove the folder and all below it; the number of objects. Nothing happens when it is not there.

        A bucket is never removed: its path is an InvalidObsPath.
        """
