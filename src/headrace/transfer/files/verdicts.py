"""Digests of files that were copied: checked, and written down where the job wants it."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from typing import NamedTuple

from headrace.errors_cdm import FileCheckFailed
from headrace.transfer.files.store import FileStore
from headrace.transfer.formats.compression import PIECE

COMPANION = ".md5"


class Verdict(NamedTuple):
    """A file of the destination, its MD5 as it was written and as it was read again, hexadecimal."""

    path: str
    written: str
    found: str

    @property
    def is_same(self) -> bool:
        """Whether the file arrived."""
        return self.written == self.found


class Verdicts:
    """The verdicts of a job, taken by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Verdict] = []

    def check(self, store: FileStore, path: str, written: str) -> None:
        """Read a file again. Raises FileCheckFailed where it is another than was written."""
        digest = hashlib.md5(usedforsecurity=False)
        with store.open(path) as stream:
            while block := stream.read(PIECE):
                digest.update(block)
        verdict = Verdict(path, written, digest.hexdigest())
        with self._lock:
            self._all.append(verdict)
        if not verdict.is_same:
            raise FileCheckFailed(f"{path}: MD5 {written} was written, {verdict.found} is there.")

    def record(self, store: FileStore, path: str) -> None:
        """Write all verdicts as CSV: path, MD5, SUCCEEDED or FAILED. The layout is inferred."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("path", "md5", "result"))
        for verdict in sorted(self._all):
            rows.writerow((verdict.path, verdict.written, "SUCCEEDED" if verdict.is_same else "FAILED"))
        _write(store, path, text.getvalue())


def write_companion(store: FileStore, path: str, digest: str) -> None:
    """Write the digest of a file beside it. Source: CDM API reference, recordMD5Result of SFTP."""
    _write(store, path + COMPANION, f"{digest}  {path.rpartition('/')[2]}\n")


def _write(store: FileStore, path: str, text: str) -> None:
    output = store.create(path)
    try:
        output.write(text.encode())
    except BaseException:
        output.discard()
        raise
    output.close()
