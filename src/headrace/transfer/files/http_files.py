"""Files behind web addresses: those that a job names, as web servers list none."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import BinaryIO

from headrace.errors_cdm import (
    CdmDirectionMissing,
    CdmError,
    FileNotRead,
    FileServerUnreachable,
    SourcePathMissing,
)
from headrace.objectstore.ranged import BLOCK, ranged
from headrace.sql.engine import Cancellation
from headrace.transfer.files.store import FileEntry, FileStore, Output
from headrace.transfer.files.web import Answer, Web, shown


class HttpFiles(FileStore):
    """``urls``: all that there are; also below the folder of one of them, as jobs with ``?`` in a URL look there.

    Files of servers that answer ranges can be read anywhere, others from their beginning only.
    """

    def __init__(self, urls: Sequence[str], cancellation: Cancellation) -> None:
        self._urls = tuple(sorted(set(urls)))
        self._web = Web(cancellation, FileServerUnreachable)

    def list(self, path: str) -> Iterator[FileEntry]:
        """The file of the URL, or those under it."""
        plain = path.strip("/")
        for url in self._urls:
            if url == plain or url.startswith(f"{plain}/"):
                found = self.find(url)
                if found is not None:
                    yield found

    def find(self, path: str) -> FileEntry | None:
        """What the server says of the file; of unknown size it has 0. Raises FileServerUnreachable."""
        with closing(self._head(path)) as answer:
            if answer.status == 404:
                return None
            _check(path, answer)
            size = answer.size if answer.status == 200 else _whole(answer)
            return FileEntry(path, size or 0, _modified(answer))

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing, FileServerUnreachable."""
        answer = self._web.get(path, {"Accept-Encoding": "identity"})
        try:
            _check(path, answer)
        except CdmError:
            answer.close()
            raise
        size, tag = answer.size, answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if answer.headers.get("Accept-Ranges", "").lower() != "bytes" or size is None or size <= BLOCK or not tag:
            return io.BufferedReader(_Download(answer), BLOCK)  # type: ignore[type-var]
        answer.close()
        return ranged(size, lambda start, end: self._range(path, start, end, tag), FileNotRead)

    def create(self, path: str) -> Output:
        """Never. Raises CdmDirectionMissing."""
        raise CdmDirectionMissing("Web servers cannot be written to.")

    def delete(self, path: str) -> None:
        """Never. Raises CdmDirectionMissing."""
        raise CdmDirectionMissing("Files of web servers cannot be deleted.")

    def rename(self, path: str, to: str) -> None:
        """Never. Raises CdmDirectionMissing."""
        raise CdmDirectionMissing("Files of web servers cannot be renamed.")

    def _head(self, url: str) -> Answer:
        """The headers; asked for with one byte where the server does not know HEAD."""
        answer = self._web.get(url, {"Accept-Encoding": "identity"}, "HEAD")
        if answer.status not in (403, 405, 501):
            return answer
        answer.close()
        return self._web.get(url, {"Accept-Encoding": "identity", "Range": "bytes=0-0"})

    def _range(self, url: str, start: int, end: int, tag: str) -> bytes:
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        with closing(self._web.get(url, {**headers, "If-Range": tag})) as answer:
            if answer.status == 200:
                raise FileNotRead(f"{shown(url)} was replaced while it was read.")
            _check(url, answer)
            pieces = []
            while piece := answer.read(end - start):
                pieces.append(piece)
            return b"".join(pieces)


class _Download(io.RawIOBase):
    """A file that is read from its beginning."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._answer.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._answer.close()
        super().close()


def _check(url: str, answer: Answer) -> None:
    """Raises SourcePathMissing, FileServerUnreachable."""
    if answer.status in (404, 410):
        raise SourcePathMissing(shown(url))
    if answer.status not in (200, 206):
        raise FileServerUnreachable(f"{shown(url)}: the server answers status {answer.status}.")


def _whole(answer: Answer) -> int | None:
    """The size of the file of which an answer is a part."""
    size = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdecimal() else None


def _modified(answer: Answer) -> int:
    try:
        return round(parsedate_to_datetime(answer.headers.get("Last-Modified", "")).timestamp() * 1000)
    except ValueError:
        return 0
