"""Files of an FTP server, counted from its root."""

from __future__ import annotations

import ftplib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from headrace.errors_cdm import (
    CdmError,
    FileNotDeleted,
    FileNotRead,
    FileNotRenamed,
    FileNotWritten,
    FtpUnreachable,
    RunStopped,
    SourcePathMissing,
)
from headrace.objectstore.ranged import BLOCK
from headrace.sql.engine import Cancellation
from headrace.transfer.files import ftp_listing
from headrace.transfer.files.ftp_session import FtpSession
from headrace.transfer.files.paths import below, checked, checked_file, is_part, part_of
from headrace.transfer.files.sessions import Sessions
from headrace.transfer.files.store import FileEntry, FileStore

_DEEPEST = 100  # folders in each other
_LOST = (ftplib.error_temp, ftplib.error_reply, ftplib.error_proto, EOFError, OSError)


class FtpFiles(FileStore):
    """Files are read from their beginning only. They are written beside their place and renamed."""

    renames = True

    def __init__(self, connect: Callable[[], FtpSession], cancellation: Cancellation) -> None:
        self._sessions = Sessions(connect, cancellation)

    def list(self, path: str) -> Iterator[FileEntry]:
        """The file, or all below the folder."""
        plain = checked(path)
        found = self.find(plain) if plain else None
        if found is not None:
            yield found
        else:
            yield from self._walk(plain, 0)

    def find(self, path: str) -> FileEntry | None:
        """A file."""
        plain = checked_file(path)
        with self._step(FileNotRead, plain) as session:
            return _entry(plain, ftp_listing.look(session, f"/{plain}"))

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing."""
        plain = checked_file(path)
        if self.find(plain) is None:
            raise SourcePathMissing(plain)
        session = self._sessions.take()
        try:
            with self.told(FileNotRead, plain):
                session.transfer(f"RETR /{plain}")
        except BaseException:
            self._sessions.drop(session)
            raise
        return io.BufferedReader(_Download(self, self._sessions, session, plain), BLOCK)  # type: ignore[type-var]

    def create(self, path: str) -> FtpOutput:
        """Beside its place until it is closed. Raises FileNotWritten."""
        plain = checked_file(path)
        session = self._sessions.take()
        try:
            with self.told(FileNotWritten, plain):
                return FtpOutput(self, self._sessions, session, plain)
        except BaseException:
            self._sessions.drop(session)
            raise

    def delete(self, path: str) -> None:
        """Raises FileNotDeleted."""
        plain = checked_file(path)
        with self._step(FileNotDeleted, plain) as session:
            try:
                session.ftp.delete(f"/{plain}")
            except ftplib.error_perm:
                if ftp_listing.look(session, f"/{plain}") is not None:
                    raise

    def rename(self, path: str, to: str) -> None:
        """Raises SourcePathMissing, and FileNotRenamed."""
        plain, new = checked_file(path), checked_file(to)
        with self._step(FileNotRenamed, plain) as session:
            if ftp_listing.look(session, f"/{plain}") is None:
                raise SourcePathMissing(plain)
            make_folders(session, new)
            moved(session, plain, new)

    def close(self) -> None:
        """Let go of connections."""
        self._sessions.close()

    def _walk(self, folder: str, depth: int) -> Iterator[FileEntry]:
        if depth > _DEEPEST:
            raise FileNotRead(f"{folder!r}: more than {_DEEPEST} folders in each other.")
        for path, row in self._children(folder, depth):
            if row.kind == "dir":
                yield from self._walk(path, depth + 1)
            elif not is_part(path):
                yield FileEntry(path, row.size, self._changed(path) if row.modified is None else row.modified)

    def _children(self, folder: str, depth: int) -> Sequence[tuple[str, ftp_listing.Row]]:
        """Sorted so that a walk gives whole paths in order: a folder counts with its slash."""
        with self._step(FileNotRead, folder or "/") as session:
            try:
                found = tuple(ftp_listing.rows(session, f"/{folder}"))
            except ftplib.error_perm:
                if depth:  # it was listed before, so it is not missing
                    raise
                return ()
        named = [(below(folder, row.name), row) for row in found]
        return sorted(named, key=lambda one: one[0] + "/" * (one[1].kind == "dir"))

    def _changed(self, path: str) -> int:
        with self._step(FileNotRead, path) as session:
            return ftp_listing.changed(session, f"/{path}")

    @contextmanager
    def _step(self, kind: type[CdmError], path: str) -> Iterator[FtpSession]:
        with self.told(kind, path), self._sessions.one() as session:
            yield session

    @contextmanager
    def told(self, kind: type[CdmError], path: str) -> Iterator[None]:
        """What the server says, as the error of the step."""
        try:
            yield
        except (ftplib.error_perm, UnicodeError) as error:
            said = "a name is not UTF-8" if isinstance(error, UnicodeError) else str(error).rstrip(".")
            raise kind(f"{path}: {said}.") from error
        except _LOST as error:
            self._sessions.check()
            raise FtpUnreachable(f"{path}: the connection was lost.") from error
        except AttributeError:  # how ftplib meets a connection that was cut
            self._sessions.check()
            raise


class _Download(io.RawIOBase):
    """A file that is being read; left early, its connection is cut."""

    def __init__(self, store: FtpFiles, sessions: Sessions[FtpSession], session: FtpSession, path: str) -> None:
        super().__init__()
        self._store, self._sessions, self._session, self._path = store, sessions, session, path
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if self._ended:
            return 0
        with self._store.told(FileNotRead, self._path):
            size = self._session.receive(buffer)
            if not size:
                self._session.finish()
                self._ended = True
        return size

    def close(self) -> None:
        if not self.closed:
            (self._sessions.give if self._ended else self._sessions.drop)(self._session)
        super().close()


class FtpOutput:
    """A file written beside its place."""

    def __init__(self, store: FtpFiles, sessions: Sessions[FtpSession], session: FtpSession, path: str) -> None:
        self._store, self._sessions, self._session = store, sessions, session
        self._path, self._part = path, part_of(path)
        make_folders(session, path)
        self._data = session.transfer(f"STOR /{self._part}")
        self._size = 0

    def write(self, data: bytes) -> int:
        """Raises FtpUnreachable, also when the disk is full."""
        with self._store.told(FileNotWritten, self._path):
            self._data.sendall(data)
        self._size += len(data)
        return len(data)

    def close(self) -> None:
        """Put it in its place. Raises FileNotWritten, and leaves nothing then."""
        try:
            with self._store.told(FileNotWritten, self._path):
                self._session.finish()
                arrived = ftp_listing.look(self._session, f"/{self._part}")
                if arrived is not None and arrived.size != self._size:
                    raise FileNotWritten(f"{self._path}: {arrived.size} of {self._size} bytes arrived.")
                moved(self._session, self._part, self._path)
        except BaseException:
            self.discard()
            raise
        self._sessions.give(self._session)

    def discard(self) -> None:
        """Remove what was written. The server may still be writing when it is told to, so it is told that all came."""
        try:
            with self._store.told(FileNotWritten, self._path):
                self._session.finish()
        except CdmError:
            self._sessions.drop(self._session)
        else:
            self._sessions.give(self._session)
        with suppress(RunStopped):
            self._store.delete(self._part)


def make_folders(session: FtpSession, path: str) -> None:
    """The folders above a path. Those that cannot be made are missed when the file is."""
    folders = path.split("/")[:-1]
    if not folders or _is_folder(session, "/".join(folders)):
        return
    for depth in range(1, len(folders) + 1):
        with suppress(ftplib.error_perm):
            session.ftp.mkd("/" + "/".join(folders[:depth]))


def moved(session: FtpSession, path: str, to: str) -> None:
    """Rename over what is there: in one step where the server can, else in two."""
    try:
        session.ftp.rename(f"/{path}", f"/{to}")
    except ftplib.error_perm:
        if ftp_listing.look(session, f"/{to}") is None:
            raise
        session.ftp.delete(f"/{to}")
        session.ftp.rename(f"/{path}", f"/{to}")


def _is_folder(session: FtpSession, path: str) -> bool:
    try:
        session.ftp.cwd(f"/{path}")
    except ftplib.error_perm:
        return False
    return True


def _entry(path: str, row: ftp_listing.Row | None) -> FileEntry | None:
    return None if row is None else FileEntry(path, row.size, row.modified or 0)
