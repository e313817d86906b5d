"""Files of HDFS through its REST interface. Source: Apache Hadoop, "WebHDFS REST API"."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from headrace.errors_cdm import (
    CdmError,
    FileNotDeleted,
    FileNotRead,
    FileNotRenamed,
    FileNotWritten,
    HdfsUnreachable,
    RunStopped,
    SourcePathMissing,
)
from headrace.objectstore.ranged import ranged
from headrace.sql.engine import Cancellation
from headrace.transfer.files.paths import below, checked, checked_file, is_part, part_of
from headrace.transfer.files.store import FileEntry, FileStore
from headrace.transfer.files.web import Answer, Sending, Web

_MOST_JSON = 256 << 20  # bytes of a listing
_MOST_TEXT = 1 << 20
_DEEPEST = 100  # folders in each other


class HdfsFiles(FileStore):
    """The files of the NameNode at ``address`` (http or https), as ``user``, whom it believes.

    DataNodes are reached under the names that the NameNode gives. Files are written beside their place and renamed.
    """

    renames = True

    def __init__(self, address: str, user: str, cancellation: Cancellation) -> None:
        self._address = address
        self._user = user
        self._web = Web(cancellation, HdfsUnreachable)

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
        status = self._status(plain)
        return None if status is None or status["type"] != "FILE" else _entry(plain, status)

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing."""
        plain = checked_file(path)
        found = self.find(plain)
        if found is None:
            raise SourcePathMissing(plain)
        return ranged(found.size, lambda start, end: self._range(plain, start, end), FileNotRead)

    def create(self, path: str) -> HdfsOutput:
        """Beside its place until it is closed; folders are made by HDFS. Raises FileNotWritten."""
        plain = checked_file(path)
        there = self._status(plain)
        if there is not None and there["type"] != "FILE":
            raise FileNotWritten(f"{plain}: a folder has this name.")
        return HdfsOutput(self, plain)

    def delete(self, path: str) -> None:
        """Raises FileNotDeleted."""
        plain = checked_file(path)
        if self.find(plain) is not None:
            self._do("DELETE", plain, "DELETE", FileNotDeleted)

    def rename(self, path: str, to: str) -> None:
        """Raises SourcePathMissing, and FileNotRenamed."""
        plain, new = checked_file(path), checked_file(to)
        if self._status(plain) is None:
            raise SourcePathMissing(plain)
        if "/" in new:
            self._do("PUT", new.rpartition("/")[0], "MKDIRS", FileNotRenamed)
        self._do("PUT", plain, "RENAME", FileNotRenamed, destination=f"/{new}", renameoptions="OVERWRITE")

    def look(self) -> None:
        """Ask for the root. Raises HdfsUnreachable."""
        if self._status("") is None:
            raise HdfsUnreachable(f"{self._address} has no root; is it a NameNode?")

    def upload(self, path: str) -> Sending:
        """Begin to write a new file: the NameNode names the DataNode. Raises FileNotWritten."""
        url = self._url(path, "CREATE", overwrite="true")
        with closing(self._web.ask("PUT", url)) as answer:
            target = answer.headers.get("Location")
            if answer.status != 307 or not target:
                raise FileNotWritten(f"{path}: {_said(answer)}")
        return self._web.upload("PUT", target)

    def _walk(self, folder: str, depth: int) -> Iterator[FileEntry]:
        if depth > _DEEPEST:
            raise FileNotRead(f"{folder!r}: more than {_DEEPEST} folders in each other.")
        for path, status in self._children(folder):
            if status["type"] == "DIRECTORY":
                yield from self._walk(path, depth + 1)
            elif status["type"] == "FILE" and not is_part(path):
                yield _entry(path, status)

    def _children(self, folder: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Sorted so that a walk gives whole paths in order: a folder counts with its slash."""
        with closing(self._web.get(self._url(folder, "LISTSTATUS"))) as answer:
            if self._is_missing(answer, folder):
                return ()
            rows = self._json(answer, folder, FileNotRead)["FileStatuses"]["FileStatus"]
        named = [(below(folder, row["pathSuffix"]), row) for row in rows if row["pathSuffix"]]
        return sorted(named, key=lambda one: one[0] + "/" * (one[1]["type"] == "DIRECTORY"))

    def _status(self, path: str) -> Mapping[str, Any] | None:
        with closing(self._web.get(self._url(path, "GETFILESTATUS"))) as answer:
            if self._is_missing(answer, path):
                return None
            found: Mapping[str, Any] = self._json(answer, path, FileNotRead)["FileStatus"]
            return found

    def _is_missing(self, answer: Answer, path: str) -> bool:
        """Whether nothing is there, also because it would be below a file. Raises FileNotRead for what is forbidden."""
        if answer.status != 403:
            return answer.status == 404
        said = answer.read(_MOST_TEXT)
        if b"ParentNotDirectory" in said or b"is not a directory" in said:
            return True
        raise FileNotRead(f"{path or '/'}: {_reason(said, 403)}")

    def _range(self, path: str, start: int, end: int) -> bytes:
        url = self._url(path, "OPEN", offset=str(start), length=str(end - start))
        with closing(self._web.get(url)) as answer:
            if answer.status == 404:
                raise SourcePathMissing(path)
            if answer.status not in (200, 206):
                raise FileNotRead(f"{path}: {_said(answer)}")
            pieces, left = [], end - start
            while left and (piece := answer.read(left)):
                pieces.append(piece)
                left -= len(piece)
            return b"".join(pieces)

    def _do(self, method: str, path: str, operation: str, kind: type[CdmError], **parameters: str) -> None:
        """An operation that answers true, or nothing. Raises the error of its kind."""
        with closing(self._web.ask(method, self._url(path, operation, **parameters))) as answer:
            if answer.status != 200:
                raise kind(f"{path}: {_said(answer)}")
            text = answer.read(_MOST_TEXT)
        if text and b"false" in text:
            raise kind(f"{path}: HDFS does not do it.")

    def _json(self, answer: Answer, path: str, kind: type[CdmError]) -> Mapping[str, Any]:
        if answer.status != 200:
            raise kind(f"{path or '/'}: {_said(answer)}")
        try:
            found = json.loads(answer.read(_MOST_JSON))
        except ValueError:
            found = None
        if not isinstance(found, dict) or not found.keys() & {"FileStatus", "FileStatuses"}:
            raise HdfsUnreachable(f"{self._address} does not speak WebHDFS.")
        return found

    def _url(self, path: str, operation: str, **parameters: str) -> str:
        query = {"op": operation, **({"user.name": self._user} if self._user else {}), **parameters}
        return f"{self._address}/webhdfs/v1/{quote(path, safe='/')}?{urlencode(query, quote_via=quote)}"


class HdfsOutput:
    """A file written beside its place."""

    def __init__(self, store: HdfsFiles, path: str) -> None:
        self._store = store
        self._path, self._part = path, part_of(path)
        self._sending = store.upload(self._part)

    def write(self, data: bytes) -> int:
        """Raises HdfsUnreachable."""
        self._sending.write(data)
        return len(data)

    def close(self) -> None:
        """Put it in its place. Raises FileNotWritten, and leaves nothing then."""
        try:
            with closing(self._sending.end()) as answer:
                if answer.status not in (200, 201):
                    raise FileNotWritten(f"{self._path}: {_said(answer)}")
            self._store.rename(self._part, self._path)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written. HDFS is told that all came first, else it would keep the file open."""
        with suppress(CdmError):
            self._sending.end().close()
        self._sending.close()
        with suppress(RunStopped):
            self._store.delete(self._part)


def _entry(path: str, status: Mapping[str, Any]) -> FileEntry:
    return FileEntry(path, int(status["length"]), int(status["modificationTime"]))


def _said(answer: Answer) -> str:
    return _reason(answer.read(_MOST_TEXT), answer.status)


def _reason(text: bytes, status: int) -> str:
    """The message of a RemoteException, without its stack."""
    try:
        message = json.loads(text)["RemoteException"]["message"]
    except (ValueError, KeyError, TypeError):
        return f"HDFS answers status {status}."
    return str(message).splitlines()[0][:500] if message else f"HDFS answers status {status}."
