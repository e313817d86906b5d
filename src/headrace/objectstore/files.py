"""Objects as plain files, ``root/<bucket>/<key>``: a file put there by hand is an object."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from headrace import errors
from headrace.objectstore.base import ObjectInfo, ObjectNotFound
from headrace.objectstore.path import RESERVED_PREFIX, ObsPath, is_object_key

_NAME_FAULTS = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)  # the disk cannot hold this name
_KEPT = RESERVED_PREFIX + "folder"  # in a folder that was made for itself and stays when it is empty
_MAKE_ATTEMPTS = 5  # a deletion may remove the folder between making and using it


class FileStore:
    """An ObjectStore in a folder.

    Files are written beside their place and renamed; with ``durable`` they are on the disk before their name is.
    Writing into an unknown bucket makes it, unless ``create_buckets`` is off. A symbolic link that leads out of the
    folder is refused, and linked folders are not listed. Where S3 has an object ``a`` beside an object ``a/b``,
    files cannot: the second of them is an InvalidObsPath.
    """

    def __init__(self, root: Path, *, durable: bool = True, create_buckets: bool = True) -> None:
        self._root = os.path.realpath(root)
        self._durable = durable
        self._create_buckets = create_buckets

    def bucket_exists(self, bucket: str) -> bool:
        return os.path.isdir(self._place(ObsPath(bucket)))

    def create_bucket(self, bucket: str) -> None:
        try:
            os.makedirs(self._place(ObsPath(bucket)), exist_ok=True)
        except OSError as error:
            raise errors.ObsFileUnreadable(f"obs://{bucket}/ cannot be made: {error.strerror}") from error

    def exists(self, path: ObsPath) -> bool:
        try:
            self._find(path)
        except (ObjectNotFound, errors.BucketNotFound):
            return False
        return True

    def size(self, path: ObsPath) -> int:
        return self._find(path)[1].st_size

    def get(self, path: ObsPath) -> bytes:
        with self.open(path) as file:
            return file.read()

    def open(self, path: ObsPath) -> BinaryIO:
        place, _ = self._find(path)
        try:
            return open(place, "rb")
        except FileNotFoundError as error:
            raise ObjectNotFound(f"{path} does not exist") from error
        except OSError as error:
            raise errors.ObsFileUnreadable(f"{path}: {error.strerror}") from error

    def put(self, path: ObsPath, data: bytes) -> None:
        with self.writer(path) as file:
            file.write(data)

    @contextmanager
    def writer(self, path: ObsPath) -> Iterator[BinaryIO]:
        place = self._target(path)
        folder = os.path.dirname(place)
        temporary = os.path.join(folder, RESERVED_PREFIX + secrets.token_hex(8))
        file = self._make(path, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with file:
                yield file
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
            _rename(path, temporary, place)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        if self._durable:
            _sync_folder(folder)

    def appender(self, path: ObsPath) -> FileAppender:
        return FileAppender(self._make(path, self._target(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, buffering=0))

    def list(self, prefix: ObsPath) -> Iterator[ObjectInfo]:
        if not self.bucket_exists(prefix.bucket):
            raise _bucket_not_found(prefix.bucket)
        key = prefix.folder_key()
        folder = self._place(ObsPath(prefix.bucket, key))
        return self._walk(prefix.bucket, folder, key)

    def delete(self, path: ObsPath) -> None:
        try:
            place, _ = self._find(path)
        except ObjectNotFound:
            return
        with suppress(FileNotFoundError):
            os.unlink(place)
        self._prune(os.path.dirname(place), self._place(ObsPath(path.bucket)))

    def make_folder(self, path: ObsPath) -> None:
        key = path.proper_folder_key()
        if self.folder_exists(path) and self._is_kept(self._place(path)):
            return
        marker = ObsPath(path.bucket, key.rstrip("/"))
        if os.path.isfile(self._place(marker)):
            raise errors.InvalidObsPath(f"{path} is an object, so no folder can have its name")
        self._make_bucket(path)
        place = f"{self._place(marker)}{os.sep}{_KEPT}"
        self._make(path, place, os.O_WRONLY | os.O_CREAT).close()

    def folder_exists(self, path: ObsPath) -> bool:
        return os.path.isdir(self._place(path))

    def delete_folder(self, path: ObsPath) -> int:
        path.proper_folder_key()
        place = self._place(path)
        if not self.bucket_exists(path.bucket):
            raise _bucket_not_found(path.bucket)
        if not os.path.isdir(place):
            return 0
        count = sum(1 for _ in self.list(path))
        try:
            os.unlink(place) if os.path.islink(place) else shutil.rmtree(place)
        except FileNotFoundError:
            pass  # somebody else removed a part of it at the same time
        except OSError as error:
            raise errors.ObsFileUnreadable(f"{path} cannot be removed: {error.strerror}") from error
        self._prune(os.path.dirname(place), self._place(ObsPath(path.bucket)))
        return count

    @staticmethod
    def _is_kept(folder: str) -> bool:
        return os.path.exists(f"{folder}{os.sep}{_KEPT}")

    def _place(self, path: ObsPath) -> str:
        """Where the path is on disk. Raises InvalidObsPath when a symbolic link leads it out of the root."""
        place = self._root
        for segment in (path.bucket, *path.key.split("/")):
            place = f"{place}{os.sep}{segment}" if segment else place
            if os.path.islink(place) and not self._leads_inside(place):
                raise errors.InvalidObsPath(f"{path} leads out of the object store through a symbolic link")
        return place

    def _leads_inside(self, link: str) -> bool:
        return os.path.commonpath((self._root, os.path.realpath(link))) == self._root

    def _find(self, path: ObsPath) -> tuple[str, os.stat_result]:
        """Where an object is, and what the system says of it. Raises ObjectNotFound or BucketNotFound."""
        path.object_key()
        place = self._place(path)
        try:
            status = os.stat(place)
        except OSError as error:
            if not self.bucket_exists(path.bucket):
                raise _bucket_not_found(path.bucket) from error
            raise ObjectNotFound(f"{path} does not exist") from error
        if not stat.S_ISREG(status.st_mode):
            raise ObjectNotFound(f"{path} is a folder, not an object")
        return place, status

    def _target(self, path: ObsPath) -> str:
        """The place of an object to be written, its bucket made if need be."""
        path.object_key()
        place = self._place(path)
        self._make_bucket(path)
        if os.path.exists(place) and not os.path.isfile(place):
            raise errors.InvalidObsPath(f"{path} is a folder, so no object can have its name")
        return place

    def _make_bucket(self, path: ObsPath) -> None:
        if not os.path.isdir(f"{self._root}{os.sep}{path.bucket}"):
            if not self._create_buckets:
                raise _bucket_not_found(path.bucket)
            self.create_bucket(path.bucket)

    def _make(self, path: ObsPath, place: str, flags: int, *, buffering: int = -1) -> BinaryIO:
        """Open a new or growing file, with the folders on the way to it."""
        for _ in range(_MAKE_ATTEMPTS):
            try:
                return os.fdopen(os.open(place, flags, 0o666), "ab" if flags & os.O_APPEND else "wb", buffering)
            except FileNotFoundError:
                self._make_folder(path, os.path.dirname(place))
            except OSError as error:
                raise _not_written(path, error) from error
        raise errors.ObsFileUnreadable(f"{path} cannot be written: its folder keeps disappearing")

    def _make_folder(self, path: ObsPath, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise _not_written(path, error) from error

    def _walk(self, bucket: str, folder: str, key: str) -> Iterator[ObjectInfo]:
        for entry in _children(folder):
            child = key + entry.name
            if not is_object_key(child):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(bucket, entry.path, child + "/")
            elif not entry.is_symlink() or self._leads_inside(entry.path):
                with suppress(OSError):  # gone meanwhile, or a circle of links
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode):
                        yield ObjectInfo(ObsPath(bucket, child), status.st_size, status.st_mtime_ns // 1_000_000)

    def _prune(self, folder: str, bucket: str) -> None:
        """Remove the folders that a deletion left empty, so that their names are free again."""
        while folder != bucket and folder.startswith(bucket):
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)


class FileAppender:
    """Adds to the end of one file; each write is there at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        self._file.close()

    def read(self, offset: int, size: int) -> None:
        """The file shows it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _children(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds, sorted so that walking it yields whole keys in order: a folder counts with its slash."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name + "/" * entry.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _rename(path: ObsPath, temporary: str, place: str) -> None:
    try:
        os.replace(temporary, place)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: ObsPath, error: OSError) -> errors.HeadraceError:
    if isinstance(error, NotADirectoryError | FileExistsError):
        return errors.InvalidObsPath(f"{path} lies below an object, which is not a folder")
    kind = errors.InvalidObsPath if error.errno in _NAME_FAULTS else errors.ObsFileUnreadable
    return kind(f"{path} cannot be written: {error.strerror}")


def _sync_folder(folder: str) -> None:
    """Make the new name last. Systems that cannot open folders do not need it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _bucket_not_found(bucket: str) -> errors.BucketNotFound:
    return errors.BucketNotFound(f"obs://{bucket}/")
