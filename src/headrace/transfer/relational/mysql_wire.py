"""Rows of a result as MySQL sends them, cut into columns: what the driver does row by row, in one loop.

Source: MySQL internals, "Protocol Basics", "Text Resultset".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pymysql import err
from pymysql.constants import CR

Cells = list[bytes | None]

_HEADER = 4  # bytes before a packet: its length and its number
_LARGEST = 0xFFFFFF  # a packet of that length goes on in the next one
_END, _ERROR = 0xFE, 0xFF
_END_LENGTH = 9  # an end is shorter than that
_NULL = 0xFB
_LENGTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}  # bytes that a longer length takes
_READ = 256 << 10


class Rows:
    """The rows of a result whose columns have been described already.

    ``file``: what the server sends; ``width``: the number of columns. Raises what the driver raises for an error of the
    server, and for a connection that ends.
    """

    def __init__(self, file: Any, width: int) -> None:
        self._file = file
        self._width = width
        self._buffer = b""
        self._place = 0
        self._ended = False

    def columns(self, most: int, most_bytes: int) -> Iterator[Sequence[Cells]]:
        """The cells of each column until the result ends, of about so many rows or bytes at a time."""
        cells: list[Cells] = [[] for _ in range(self._width)]
        taken = 0
        while not self._ended:
            needed = self._cut(cells, most)
            taken += self._place
            self._buffer, self._place = self._buffer[self._place :], 0
            if len(cells[0]) >= most or (taken >= most_bytes and cells[0]):
                yield cells
                cells, taken = [[] for _ in range(self._width)], 0
            elif not self._ended:
                self._have(needed)
        if cells[0]:
            yield cells

    def _have(self, needed: int) -> None:
        """At least so many bytes in the buffer."""
        parts = [self._buffer]
        missing = needed - len(self._buffer)
        while missing > 0:
            data = self._file.read1(max(_READ, missing))
            if not data:
                raise err.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
            parts.append(data)
            missing -= len(data)
        self._buffer = b"".join(parts)

    def _cut(self, cells: Sequence[Cells], most: int) -> int:
        """Cut what the buffer has of whole rows; how many bytes the next one needs."""
        buffer, begin, end = self._buffer, self._place, len(self._buffer)
        appends = [column.append for column in cells]
        left = most - len(cells[0])
        needed = _HEADER
        while left:
            length = int.from_bytes(buffer[begin : begin + 3], "little")
            needed = _HEADER + length
            if end - begin < needed or length == _LARGEST:
                break
            place = begin + _HEADER
            if (buffer[place] == _END and length < _END_LENGTH) or buffer[place] == _ERROR:
                self._finish(buffer[place : begin + needed])
                break
            begin += needed
            for append in appends:
                size = buffer[place]
                place += 1
                if size < _NULL:
                    stop = place + size
                    append(buffer[place:stop])
                    place = stop
                elif size == _NULL:
                    append(None)
                else:
                    place = _long(buffer, place, size, append)
            left -= 1
        self._place = begin
        if begin == 0 and not self._ended and needed == _HEADER + _LARGEST:
            return self._large(cells)
        return needed

    def _finish(self, packet: bytes) -> None:
        self._ended = True
        if packet[0] == _ERROR:
            err.raise_mysql_exception(packet)

    def _large(self, cells: Sequence[Cells]) -> int:
        """A row of several packets, read whole."""
        parts, length = [], _LARGEST
        while length == _LARGEST:
            self._have(_HEADER)
            length = int.from_bytes(self._buffer[:3], "little")
            self._have(_HEADER + length)
            parts.append(self._buffer[_HEADER : _HEADER + length])
            self._buffer = self._buffer[_HEADER + length :]
        packet, place = b"".join(parts), 0
        for column in cells:
            place = _long(packet, place + 1, packet[place], column.append)
        return _HEADER


def _long(buffer: bytes, place: int, size: int, append: Callable[[bytes | None], None]) -> int:
    """Take a cell whatever its length; where the next one begins. ``size``: its first byte, before ``place``."""
    if size == _NULL:
        append(None)
        return place
    if size in _LENGTHS:
        digits = _LENGTHS[size]
        size = int.from_bytes(buffer[place : place + digits], "little")
        place += digits
    append(buffer[place : place + size])
    return place + size
