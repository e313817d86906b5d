"""Writes ZIP archives: streamed to any sink, and with the same bytes for the same members.

A member is compressed whole, so that its header carries exact sizes and no seeking is needed. Names are UTF-8 with the
flag that says so, times are 1 January 1980, attributes are fixed. ZIP64 records appear where numbers need them.
Source: PKWARE APPNOTE 6.3.9, §4.3 to §4.5; docs/decisions/0003.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import deflate

Member = tuple[str, bytes]

_UTF8 = 0x0800
_DATE, _TIME = 0x0021, 0  # 1 January 1980, 00:00
_FILE_MODE = 0o100644 << 16
_STORED, _DEFLATED = 0, 8
_MAX_32, _MAX_16 = 0xFFFFFFFF, 0xFFFF
_HEADER, _ENTRY = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
_CHUNK = 256 * 1024


class Compressor(Protocol):
    """Raw deflate of a whole member."""

    def __call__(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Libdeflate:
    """The default. Its bytes depend on level and input only, and it releases the interpreter's lock."""

    level: int = 6

    def __call__(self, data: bytes) -> bytes:
        """Raw deflate."""
        return bytes(deflate.deflate_compress(data, self.level))


@dataclass(frozen=True)
class Zlib:
    """The system's zlib: its bytes depend on the machine."""

    level: int = 6

    def __call__(self, data: bytes) -> bytes:
        """Raw deflate."""
        return zlib.compress(data, self.level, -zlib.MAX_WBITS)


class Stored:
    """No compression."""

    def __call__(self, data: bytes) -> bytes:
        """The data."""
        return data


DEFAULT: Compressor = Libdeflate()


@dataclass(frozen=True, slots=True)
class _Packed:
    """A member ready to write."""

    name: bytes
    method: int
    crc: int
    size: int
    data: bytes


def _pack(member: Member, compressor: Compressor) -> _Packed:
    name, content = member
    data = compressor(content)
    if len(data) >= len(content):
        return _Packed(name.encode(), _STORED, zlib.crc32(content), len(content), content)
    return _Packed(name.encode(), _DEFLATED, zlib.crc32(content), len(content), data)


class ArchiveWriter:
    """Turns packed members into the bytes of an archive, one after the other."""

    def __init__(self) -> None:
        self._directory: list[bytes] = []
        self._offset = 0

    def member(self, packed: _Packed) -> bytes:
        """The bytes of one member: its local header and its data."""
        packed_size = len(packed.data)
        large = packed.size >= _MAX_32 or packed_size >= _MAX_32
        extra = struct.pack("<HHQQ", 1, 16, packed.size, packed_size) if large else b""
        sizes = (_MAX_32, _MAX_32) if large else (packed_size, packed.size)
        version = 45 if large else 20
        fixed = (_UTF8, packed.method, _TIME, _DATE, packed.crc, *sizes, len(packed.name), len(extra))
        header = _HEADER.pack(b"PK\3\4", version, *fixed)
        self._directory.append(self._entry(packed, packed_size))
        written = header + packed.name + extra + packed.data
        self._offset += len(written)
        return written

    def _entry(self, packed: _Packed, packed_size: int) -> bytes:
        if self._offset < _MAX_32 and packed.size < _MAX_32 and packed_size < _MAX_32:  # nearly always
            start = (b"PK\1\2", (3 << 8) | 20, 20, _UTF8, packed.method, _TIME, _DATE, packed.crc)
            rest = (packed_size, packed.size, len(packed.name), 0, 0, 0, 0, _FILE_MODE, self._offset)
            return _ENTRY.pack(*start, *rest) + packed.name
        return self._wide_entry(packed, packed_size)

    def _wide_entry(self, packed: _Packed, packed_size: int) -> bytes:
        """An entry with numbers that need 64 bits."""
        numbers = [packed.size, packed_size, self._offset]
        wide = [number for number in numbers if number >= _MAX_32]
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        size, packed_shown, offset = (min(number, _MAX_32) for number in numbers)
        version = 45 if wide else 20
        start = (b"PK\1\2", (3 << 8) | version, version, _UTF8, packed.method, _TIME, _DATE, packed.crc)
        rest = (packed_shown, size, len(packed.name), len(extra), 0, 0, 0, _FILE_MODE, offset)
        return _ENTRY.pack(*start, *rest) + packed.name + extra

    def end(self) -> Iterator[bytes]:
        """The directory and the end records."""
        size = sum(len(entry) for entry in self._directory)
        count, offset = len(self._directory), self._offset
        for first in range(0, count, 1000):
            yield b"".join(self._directory[first : first + 1000])
        if count >= _MAX_16 or size >= _MAX_32 or offset >= _MAX_32:
            wide = (b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
            yield struct.pack("<4sQ2H2L4Q", *wide)
            yield struct.pack("<4sLQL", b"PK\6\7", 0, offset + size, 1)
        shown = min(count, _MAX_16)
        tail = (b"PK\5\6", 0, 0, shown, shown, min(size, _MAX_32), min(offset, _MAX_32), 0)
        yield struct.pack("<4s4H2LH", *tail)


def archive_chunks(members: Iterable[Member], *, compressor: Compressor = DEFAULT, ahead: int = 4) -> Iterator[bytes]:
    """The bytes of an archive in pieces of about 256 KiB.

    Members are compressed on a second thread while the next ones are read, some at a time, because handing over costs
    more than compressing a small one. At most ``ahead`` such batches wait, so memory stays flat however many there are.
    """
    writer = ArchiveWriter()
    pieces: list[bytes] = []
    size = 0
    for packed in _packed_ahead(members, compressor, ahead):
        pieces.append(writer.member(packed))
        size += len(pieces[-1])
        if size >= _CHUNK:
            yield b"".join(pieces)
            pieces, size = [], 0
    yield b"".join([*pieces, *writer.end()])


def _packed_ahead(members: Iterable[Member], compressor: Compressor, ahead: int) -> Iterator[_Packed]:
    rest = _batches(members)
    first = next(rest, [])
    second = next(rest, None)
    if second is None:  # little to do: threads would cost more than they save
        yield from (_pack(member, compressor) for member in first)
        return

    def pack(batch: list[Member]) -> list[_Packed]:
        return [_pack(member, compressor) for member in batch]

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="compress") as pool:
        waiting: deque[Future[list[_Packed]]] = deque(pool.submit(pack, batch) for batch in (first, second))
        for batch in rest:
            waiting.append(pool.submit(pack, batch))
            if len(waiting) > ahead:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _batches(members: Iterable[Member]) -> Iterator[list[Member]]:
    batch: list[Member] = []
    size = 0
    for member in members:
        batch.append(member)
        size += len(member[1])
        if size >= _CHUNK:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def write_archive(members: Iterable[Member], *, compressor: Compressor = DEFAULT) -> bytes:
    """A whole archive in memory."""
    return b"".join(archive_chunks(members, compressor=compressor))
