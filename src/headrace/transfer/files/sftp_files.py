"""Files of an SFTP server, counted from its root."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from headrace.errors_cdm import (
    CdmError,
    FileNotDeleted,
    FileNotRead,
    FileNotRenamed,
    FileNotWritten,
    RunStopped,
    SftpUnreachable,
    SourcePathMissing,
)
from headrace.objectstore.ranged import ranged
from headrace.sql.engine import Cancellation
from headrace.transfer.files.paths import below, checked, checked_file, is_part, part_of
from headrace.transfer.files.sessions import Sessions
from headrace.transfer.files.sftp_session import SftpSession, paramiko
from headrace.transfer.files.store import FileEntry, FileStore

_AT_ONCE = 64  # requests of 32 KB that are on their way
_DEEPEST = 100  # folders in each other


class SftpFiles(FileStore):
    """Linked folders are not listed. Files are written beside their place and renamed."""

    renames = True

    def __init__(self, connect: Callable[[], SftpSession], cancellation: Cancellation) -> None:
        self._sessions = Sessions(connect, cancellation)

    def list(self, path: str) -> Iterator[FileEntry]:
        """The file, or all below the folder."""
        plain = checked(path)
        found = self.find(plain) if plain else None
        if found is not None:
            yield found
        else:
            yield from self._walk(plain, 0)

    def beginning(self, folder: str, start: str) -> Iterator[FileEntry]:
        """Of this folder only."""
        for path, status in self._children(checked(folder)):
            is_file = stat.S_ISREG(status.st_mode or 0) and not is_part(path)
            if is_file and path.rpartition("/")[2].startswith(start):
                yield _entry(path, status)

    def find(self, path: str) -> FileEntry | None:
        """A regular file."""
        plain = checked_file(path)
        with self._step(FileNotRead, plain) as sftp:
            return _found(sftp, plain)

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing."""
        plain = checked_file(path)
        session = self._sessions.take()
        try:
            with self._told(FileNotRead, plain):
                size = session.sftp.stat(f"/{plain}").st_size or 0
                file = _quiet(session.sftp.open(f"/{plain}", "rb"))
        except BaseException:
            self._sessions.drop(session)
            raise

        def fetch(start: int, end: int) -> bytes:
            with self._told(FileNotRead, plain):
                return b"".join(file.readv([(start, end - start)], _AT_ONCE))

        def close() -> None:
            try:
                file.close()
            except (OSError, EOFError, paramiko().SSHException):
                self._sessions.drop(session)
            self._sessions.give(session)

        return ranged(size, fetch, FileNotRead, close)

    def create(self, path: str) -> SftpOutput:
        """Beside its place until it is closed. Raises FileNotWritten."""
        plain = checked_file(path)
        session = self._sessions.take()
        try:
            with self._told(FileNotWritten, plain):
                return SftpOutput(self, self._sessions, session, plain)
        except BaseException:
            self._sessions.drop(session)
            raise

    def delete(self, path: str) -> None:
        """Raises FileNotDeleted."""
        plain = checked_file(path)
        with self._step(FileNotDeleted, plain) as sftp, suppress(FileNotFoundError):
            sftp.remove(f"/{plain}")

    def rename(self, path: str, to: str) -> None:
        """Raises SourcePathMissing, and FileNotRenamed."""
        plain, new = checked_file(path), checked_file(to)
        with self._step(FileNotRenamed, plain) as sftp:
            sftp.lstat(f"/{plain}")
            make_folders(sftp, new)
            moved(sftp, plain, new)

    def close(self) -> None:
        """Let go of connections."""
        self._sessions.close()

    def _walk(self, folder: str, depth: int) -> Iterator[FileEntry]:
        if depth > _DEEPEST:
            raise FileNotRead(f"{folder!r}: more than {_DEEPEST} folders in each other.")
        for path, status in self._children(folder):
            if stat.S_ISDIR(status.st_mode or 0):
                yield from self._walk(path, depth + 1)
            elif stat.S_ISLNK(status.st_mode or 0):
                found = self.find(path)
                if found is not None:
                    yield found
            elif stat.S_ISREG(status.st_mode or 0) and not is_part(path):
                yield _entry(path, status)

    def _children(self, folder: str) -> Sequence[tuple[str, Any]]:
        """Sorted so that a walk gives whole paths in order: a folder counts with its slash."""
        with self._step(FileNotRead, folder or "/") as sftp:
            try:
                rows = sftp.listdir_attr(f"/{folder}")
            except FileNotFoundError:
                return ()
        named = [(below(folder, row.filename), row) for row in rows]
        return sorted(named, key=lambda one: one[0] + "/" * stat.S_ISDIR(one[1].st_mode or 0))

    @contextmanager
    def _step(self, kind: type[CdmError], path: str) -> Iterator[Any]:
        with self._told(kind, path), self._sessions.one() as session:
            yield session.sftp

    @contextmanager
    def _told(self, kind: type[CdmError], path: str) -> Iterator[None]:
        """What the server says, as the error of the step."""
        try:
            yield
        except FileNotFoundError as error:
            raise SourcePathMissing(path) from error
        except (EOFError, paramiko().SSHException, TimeoutError, ConnectionError) as error:
            self._sessions.check()
            raise SftpUnreachable(f"{path}: the connection was lost.") from error
        except (OSError, UnicodeDecodeError) as error:
            self._sessions.check()
            said = "a name is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
            raise kind(f"{path}: {said}.") from error


class SftpOutput:
    """A file written beside its place, without waiting for the answer to each piece."""

    def __init__(self, store: SftpFiles, sessions: Sessions[SftpSession], session: SftpSession, path: str) -> None:
        self._store, self._sessions, self._session = store, sessions, session
        self._path, self._part = path, part_of(path)
        self._size = 0
        make_folders(session.sftp, path)
        if _is_folder(session.sftp, path):
            raise FileNotWritten(f"{path}: a folder has this name.")
        self._file = session.sftp.open(f"/{self._part}", "wb", 0)
        self._file.set_pipelined(True)

    def write(self, data: bytes) -> int:
        """Raises FileNotWritten and SftpUnreachable."""
        with self._store._told(FileNotWritten, self._path):
            self._file.write(data)
        self._size += len(data)
        return len(data)

    def close(self) -> None:
        """Put it in its place. Raises FileNotWritten, and leaves nothing then."""
        sftp = self._session.sftp
        try:
            with self._store._told(FileNotWritten, self._path):
                self._file.close()
                arrived = sftp.stat(f"/{self._part}").st_size
                if arrived != self._size:
                    raise FileNotWritten(f"{self._path}: {arrived} of {self._size} bytes arrived.")
                moved(sftp, self._part, self._path)
        except BaseException:
            self.discard()
            raise
        self._sessions.give(self._session)

    def discard(self) -> None:
        """Remove what was written."""
        self._sessions.drop(self._session)
        with suppress(RunStopped):
            self._store.delete(self._part)


def _quiet(file: Any) -> Any:
    """A file whose threads, which only send requests, do not print that a connection was cut: its reader is told."""
    send = file._prefetch_thread

    def sending(*requests: Any) -> None:
        with suppress(OSError, EOFError, paramiko().SSHException):
            send(*requests)

    file._prefetch_thread = sending
    return file


def make_folders(sftp: Any, path: str) -> None:
    """The folders above a path."""
    folder = path.rpartition("/")[0]
    if not folder or _is_folder(sftp, folder):
        return
    make_folders(sftp, folder)
    try:
        sftp.mkdir(f"/{folder}")
    except OSError:
        if not _is_folder(sftp, folder):  # nobody else made it
            raise


def moved(sftp: Any, path: str, to: str) -> None:
    """Rename over what is there: in one step where the server can, else in two."""
    try:
        sftp.posix_rename(f"/{path}", f"/{to}")
    except OSError:
        if _found(sftp, to) is None:
            sftp.rename(f"/{path}", f"/{to}")
            return
        sftp.remove(f"/{to}")
        sftp.rename(f"/{path}", f"/{to}")


def _is_folder(sftp: Any, path: str) -> bool:
    try:
        return stat.S_ISDIR(sftp.stat(f"/{path}").st_mode or 0)
    except FileNotFoundError:
        return False


def _found(sftp: Any, path: str) -> FileEntry | None:
    try:
        status = sftp.stat(f"/{path}")
    except FileNotFoundError:
        return None
    return _entry(path, status) if stat.S_ISREG(status.st_mode or 0) else None


def _entry(path: str, status: Any) -> FileEntry:
    return FileEntry(path, status.st_size or 0, (status.st_mtime or 0) * 1000)
