"""Files in one folder of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from headrace.errors_cdm import (
    CdmError,
    FileNotDeleted,
    FileNotRead,
    FileNotRenamed,
    FileNotWritten,
    PathNotPermitted,
    SourcePathMissing,
)
from headrace.objectstore.ranged import BLOCK
from headrace.transfer.files.paths import below, checked, checked_file, is_part, part_of
from headrace.transfer.files.store import FileEntry, FileStore

_MISSING = (FileNotFoundError, NotADirectoryError)
_MAKE_ATTEMPTS = 5  # somebody may remove a folder between its making and its use


class FolderFiles(FileStore):
    """The files below a folder, and nothing else: what a symbolic link leads to must be below it too.

    Linked folders are not listed. Files are written beside their place, are on the disk before their name is, and
    renamed.
    """

    renames = True

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    def list(self, path: str) -> Iterator[FileEntry]:
        """The file, or all below the folder."""
        plain = checked(path)
        found = self.find(plain) if plain else None
        if found is not None:
            yield found
        else:
            yield from self._walk(plain)

    def beginning(self, folder: str, start: str) -> Iterator[FileEntry]:
        """Of this folder only."""
        for entry in self._children(checked(folder)):
            if entry.name.startswith(start) and not is_part(entry.name) and self._is_inside(entry):
                found = self.find(below(checked(folder), entry.name))
                if found is not None:
                    yield found

    def find(self, path: str) -> FileEntry | None:
        """A regular file."""
        plain = checked_file(path)
        with _told(FileNotRead, plain):
            try:
                return _entry(plain, os.stat(self._place(plain)))
            except _MISSING:
                return None

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing."""
        plain = checked_file(path)
        with _told(FileNotRead, plain):
            return open(self._place(plain), "rb", buffering=BLOCK)

    def create(self, path: str) -> LocalOutput:
        """Beside its place until it is closed. Raises FileNotWritten."""
        plain = checked_file(path)
        return LocalOutput(plain, self._place(part_of(plain)), self._place(plain))

    def delete(self, path: str) -> None:
        """Folders stay. Raises FileNotDeleted."""
        plain = checked_file(path)
        with _told(FileNotDeleted, plain), suppress(*_MISSING):
            os.unlink(self._place(plain, follows=False))

    def rename(self, path: str, to: str) -> None:
        """Raises SourcePathMissing, and FileNotRenamed."""
        plain, new = checked_file(path), checked_file(to)
        place, target = self._place(plain, follows=False), self._place(new, follows=False)
        with _told(FileNotRenamed, plain):
            os.lstat(place)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(place, target)

    def _place(self, path: str, *, follows: bool = True) -> str:
        """Where a path is. Raises PathNotPermitted when a symbolic link leads it out of the folder.

        ``follows``: whether the last segment is looked at as well, else only what is above it.
        """
        place = os.path.join(self._root, path)
        real = os.path.realpath(place if follows else os.path.dirname(place))
        if os.path.commonpath((self._root, real)) != self._root:
            raise PathNotPermitted(f"{path!r} leads out of the folder of files through a symbolic link.")
        return place

    def _walk(self, folder: str) -> Iterator[FileEntry]:
        for entry in self._children(folder):
            path = below(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(path)
            elif not is_part(entry.name) and self._is_inside(entry):
                with suppress(OSError):  # gone meanwhile, or a circle of links
                    found = _entry(path, entry.stat())
                    if found is not None:
                        yield found

    def _children(self, folder: str) -> Sequence[os.DirEntry[str]]:
        """Sorted so that a walk gives whole paths in order: a folder counts with its slash."""
        with _told(FileNotRead, folder or "/"), suppress(*_MISSING), os.scandir(self._place(folder)) as entries:
            return sorted(entries, key=lambda one: one.name + "/" * one.is_dir(follow_symlinks=False))
        return ()

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        return not entry.is_symlink() or os.path.commonpath((self._root, os.path.realpath(entry.path))) == self._root


class LocalOutput:
    """A file written beside its place. ``path``: for messages."""

    def __init__(self, path: str, part: str, place: str) -> None:
        self._path, self._part, self._place = path, part, place
        with _told(FileNotWritten, path):
            if os.path.isdir(place):
                raise FileNotWritten(f"{path}: a folder has this name.")
            self._file = _made(part)

    def write(self, data: bytes) -> int:
        """Raises FileNotWritten, when the disk is full."""
        with _told(FileNotWritten, self._path):
            return self._file.write(data)

    def close(self) -> None:
        """Put it in its place. Raises FileNotWritten, and leaves nothing then."""
        try:
            with _told(FileNotWritten, self._path):
                with self._file:
                    self._file.flush()
                    os.fsync(self._file.fileno())
                os.replace(self._part, self._place)
        except CdmError:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written."""
        with suppress(OSError):
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._part)


def _made(place: str) -> BinaryIO:
    """A new file, with the folders on the way to it."""
    for _ in range(_MAKE_ATTEMPTS):
        try:
            return open(place, "xb", buffering=1 << 20)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(place), exist_ok=True)
    raise FileNotFoundError(2, "Its folder keeps disappearing")


def _entry(path: str, status: os.stat_result) -> FileEntry | None:
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileEntry(path, status.st_size, status.st_mtime_ns // 1_000_000)


@contextmanager
def _told(kind: type[CdmError], path: str) -> Iterator[None]:
    """What the system says, as the error of the step."""
    try:
        yield
    except _MISSING as error:
        if kind is FileNotWritten:
            raise kind(f"{path}: {error.strerror}.") from error
        raise SourcePathMissing(path) from error
    except OSError as error:
        raise kind(f"{path}: {error.strerror}.") from error
