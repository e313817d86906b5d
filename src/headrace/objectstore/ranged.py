"""Files read in ranges, as one stream."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

BLOCK = 8 << 20  # bytes asked for at once

Fetch = Callable[[int, int], bytes]  # takes where to begin and where to end


def ranged(
    size: int,
    fetch: Fetch,
    cut: Callable[[str], Exception],
    close: Callable[[], None] = lambda: None,
    *,
    block: int = BLOCK,
    ahead: int = 0,
) -> BinaryIO:
    """A buffered stream over a file of ``size`` bytes that can be read anywhere.

    ``block`` bytes are fetched at once; ``ahead`` blocks more, side by side, while a reader goes from one to the next.
    ``cut`` makes the error that is raised where ``fetch`` does not give all that it is asked. ``close`` is called once,
    when the stream is.
    """
    fetched = _ReadAhead(size, fetch, ahead) if ahead else fetch
    return io.BufferedReader(_Ranges(size, fetched, cut, close, block), block)  # type: ignore[type-var]  # raw is enough


class _Ranges(io.RawIOBase):
    def __init__(
        self, size: int, fetch: Fetch, cut: Callable[[str], Exception], close: Callable[[], None], block: int
    ) -> None:
        super().__init__()
        self._size = size
        self._fetch = fetch
        self._cut = cut
        self._close = close
        self._block = block
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
        end = min(self._at + len(buffer), self._size, self._at + self._block)
        if end <= self._at:
            return 0
        data = self._fetch(self._at, end)
        if len(data) != end - self._at:
            raise self._cut(f"The file ended after {self._at + len(data)} of {self._size} bytes.")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            if isinstance(self._fetch, _ReadAhead):
                self._fetch.stop()
            self._close()
        super().close()


class _ReadAhead:
    """Fetches what a reader who goes from one block to the next will ask for, while it works on what it has."""

    def __init__(self, size: int, fetch: Fetch, ahead: int) -> None:
        self._size = size
        self._fetch = fetch
        self._ahead = ahead
        self._end = 0  # of the block asked for last
        self._coming: deque[tuple[int, int, Future[bytes]]] = deque()
        self._threads: ThreadPoolExecutor | None = None

    def __call__(self, start: int, end: int) -> bytes:
        if self._coming and self._coming[0][:2] == (start, end):
            answer = self._coming.popleft()[2]
        else:
            self._forget()
            answer = self._submit(start, end)
        if start == self._end:
            self._go_on(end, end - start)
        self._end = end
        return answer.result()

    def stop(self) -> None:
        """Ask for nothing more; does not wait for what is on its way."""
        self._forget()
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def _go_on(self, end: int, length: int) -> None:
        at = self._coming[-1][1] if self._coming else end
        while len(self._coming) < self._ahead and at < self._size:
            until = min(at + length, self._size)
            self._coming.append((at, until, self._submit(at, until)))
            at = until

    def _submit(self, start: int, end: int) -> Future[bytes]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1 + self._ahead, "ahead")
        return self._threads.submit(self._fetch, start, end)

    def _forget(self) -> None:
        for *_, answer in self._coming:
            answer.cancel()
        self._coming.clear()
