"""A file that is being read: counted, digested and stopped with its job."""

from __future__ import annotations

import hashlib
import io
import re
from fnmatch import fnmatchcase
from typing import BinaryIO

from headrace.errors_cdm import FileCheckFailed, RunStopped
from headrace.transfer.connector import Surroundings
from headrace.transfer.files.store import FileStore
from headrace.transfer.formats.compression import PIECE
from headrace.transfer.options import Options

_DIGEST = re.compile(r"\b[0-9a-fA-F]{32}\b")
_LONGEST_DIGEST = 4_096  # bytes of a file that holds a digest


class Read(io.RawIOBase, BinaryIO):
    """A stream that counts its bytes for the job and ends with it. Raises RunStopped.

    ``counts``: whether bytes are added to the counters. The digest is of what was read from the beginning on, in order.
    """

    def __init__(self, stream: BinaryIO, surroundings: Surroundings, *, digests: bool = False) -> None:
        super().__init__()
        self._stream = stream
        self._surroundings = surroundings
        self.counts = True
        self._digest = hashlib.md5(usedforsecurity=False) if digests else None
        self._digested = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Whether the place can read anywhere; not while a digest is made."""
        return self._digest is None and self._stream.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place in the file."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._stream.tell() if self._digest is None else self._digested

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes."""
        if self._surroundings.cancellation.cancelled:
            raise RunStopped
        data = self._stream.read(-1 if size is None else size)
        if self.counts:
            self._surroundings.counters.add(bytes_read=len(data))
        if self._digest is not None:
            self._digest.update(data)
            self._digested += len(data)
        return data

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill a buffer as far as the next bytes go."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def digest(self) -> str:
        """MD5 of the whole file, hexadecimal; reads what is left of it."""
        assert self._digest is not None  # noqa: S101 - the caller asked for digests
        while self.read(PIECE):
            pass
        return self._digest.hexdigest()

    def close(self) -> None:
        """Let go of the file."""
        if not self.closed:
            self._stream.close()
        super().close()


def check_digest(store: FileStore, path: str, suffix: str, stream: Read) -> None:
    """Compare a file with its companion. Raises FileCheckFailed. Source: CDM API reference, md5FileSuffix."""
    expected = companion_digest(store, path, suffix)
    found = stream.digest()
    if found != expected:
        raise FileCheckFailed(f"{path}: its MD5 is {found}, {path}{suffix} says {expected}.")


def companion_digest(store: FileStore, path: str, suffix: str) -> str:
    """The digest that the companion of a file holds. Raises FileCheckFailed where there is none."""
    if store.find(path + suffix) is None:
        raise FileCheckFailed(f"{path}: {path}{suffix} is not there.")
    with store.open(path + suffix) as companion:
        found = _DIGEST.search(companion.read(_LONGEST_DIGEST).decode(errors="replace"))
    if found is None:
        raise FileCheckFailed(f"{path}: {path}{suffix} holds no MD5.")
    return found[0].lower()


def compression_of(path: str, compression: str, options: Options) -> str:
    """How a file is packed: as the job says, unless it has another suffix than the job names for packed files.

    Source: CDM API reference, compressedFileSuffix.
    """
    suffix = options.text("compressedFileSuffix", "*")
    pattern = suffix if "*" in suffix else f"*{suffix}"
    return compression if fnmatchcase(path.rpartition("/")[2], pattern) else "NONE"
