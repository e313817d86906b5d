"""Files in a bucket of this installation's own object store."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

from headrace import errors
from headrace.errors_cdm import BucketMissing, ObsUnreachable, PathNotPermitted, SourcePathMissing
from headrace.objectstore.base import ObjectNotFound, ObjectStore
from headrace.objectstore.path import ObsPath
from headrace.objectstore.ranged import BLOCK
from headrace.transfer.files.paths import checked, checked_file
from headrace.transfer.files.store import FileEntry, FileStore


class OwnFiles(FileStore):
    """The objects of one bucket, the one that scripts and nodes call ``obs://bucket/``."""

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        self._store = store
        with _told(bucket):
            self._bucket = ObsPath(bucket)

    def look(self) -> bool:
        """Whether the bucket is there. Raises ObsUnreachable."""
        with _told(self._bucket.bucket):
            return self._store.bucket_exists(self._bucket.bucket)

    def list(self, path: str) -> Iterator[FileEntry]:
        """The object, or all below the folder. Raises BucketMissing."""
        plain = checked(path)
        found = self.find(plain) if plain else None
        if found is not None:
            yield found
            return
        with _told(plain):
            for one in self._store.list(self._path(plain)):
                yield FileEntry(one.path.key, one.size, one.modified_ms)

    def find(self, path: str) -> FileEntry | None:
        """The object. Raises BucketMissing."""
        plain = checked_file(path)
        place = self._path(plain)
        with _told(plain):
            try:
                return FileEntry(plain, self._store.size(place), self._modified(place))
            except ObjectNotFound:
                return None

    def _modified(self, place: ObsPath) -> int:
        """From the file that keeps the object, where there is one; else from a listing: stores tell it nowhere else."""
        with closing(self._store.open(place)) as stream:
            try:
                return os.fstat(stream.fileno()).st_mtime_ns // 1_000_000
            except io.UnsupportedOperation:
                rows = self._store.list(place.parent)
                return next((one.modified_ms for one in rows if one.path == place), 0)

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing and BucketMissing."""
        plain = checked_file(path)
        with _told(plain):
            stream = self._store.open(self._path(plain))
        return io.BufferedReader(stream, BLOCK)  # type: ignore[type-var]  # it is a raw stream to the buffer

    def create(self, path: str) -> OwnOutput:
        """The object appears, or is replaced, when it is closed."""
        plain = checked_file(path)
        return OwnOutput(self._store, self._path(plain))

    def delete(self, path: str) -> None:
        """Raises BucketMissing."""
        plain = checked_file(path)
        with _told(plain):
            self._store.delete(self._path(plain))

    def rename(self, path: str, to: str) -> None:
        """Copy and delete, as stores know no other way. Raises SourcePathMissing."""
        if checked_file(path) == checked_file(to):
            return
        with closing(self.open(path)) as stream:
            output = self.create(to)
            try:
                while data := stream.read(BLOCK):
                    output.write(data)
            except BaseException:
                output.discard()
                raise
            output.close()
        self.delete(path)

    def _path(self, key: str) -> ObsPath:
        with _told(key):
            return ObsPath(self._bucket.bucket, key)


class OwnOutput:
    """An object being written."""

    def __init__(self, store: ObjectStore, path: ObsPath) -> None:
        self._path = path
        self._block = store.writer(path)
        with _told(str(path)):
            self._file = self._block.__enter__()
        self._open = True

    def write(self, data: bytes) -> int:
        """Raises ObsUnreachable, when the disk is full."""
        with _told(str(self._path)):
            return self._file.write(data)

    def close(self) -> None:
        """Show the object."""
        if self._open:
            self._open = False
            with _told(str(self._path)):
                self._block.__exit__(None, None, None)

    def discard(self) -> None:
        """Leave nothing."""
        if self._open:
            self._open = False
            reason = _Discarded()
            try:
                self._block.__exit__(_Discarded, reason, None)
            except _Discarded:
                return


class _Discarded(Exception):
    """Ends the writing of an object that nobody wants."""


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the object store says, in the words of migrations."""
    try:
        yield
    except errors.BucketNotFound as error:
        raise BucketMissing(error.detail.removeprefix("obs://").rstrip("/")) from error
    except ObjectNotFound as error:
        raise SourcePathMissing(path) from error
    except errors.InvalidObsPath as error:
        raise PathNotPermitted(error.detail) from error
    except errors.ObsFileUnreadable as error:
        raise ObsUnreachable(error.detail) from error
    except OSError as error:
        raise ObsUnreachable(f"{path}: {error.strerror or error}.") from error
