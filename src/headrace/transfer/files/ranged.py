"""Files read in ranges, as one stream."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

from headrace.errors_cdm import FileNotRead

BLOCK = 8 << 20  # bytes asked for at once

Fetch = Callable[[int, int], bytes]  # takes where to begin and where to end


def ranged(size: int, fetch: Fetch, close: Callable[[], None] = lambda: None) -> BinaryIO:
    """A buffered stream over a file of ``size`` bytes that can be read anywhere. Raises
    FileNotRead where ``fetch`` does not give all that it is asked.

    ``close`` is called once, when the stream is.
    """
    return io.BufferedReader(_Ranges(size, fetch, close), BLOCK)  # type: ignore[type-var]  # a raw stream is enough


class _Ranges(io.RawIOBase):
    def __init__(self, size: int, fetch: Fetch, close: Callable[[], None]) -> None:
        super().__init__()
        self._size = size
        self._fetch = fetch
        self._close = close
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        end = min(self._at + len(buffer), self._size, self._at + BLOCK)
        if end <= self._at:
            return 0
        data = self._fetch(self._at, end)
        if len(data) != end - self._at:
            raise FileNotRead(f"The file ended after {self._at + len(data)} of {self._size} bytes.")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._close()
        super().close()
