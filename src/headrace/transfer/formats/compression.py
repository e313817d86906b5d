"""Compressed files: streams unpacked while they are read, packed while they are written; archives file by file."""

from __future__ import annotations

import bz2
import io
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

import pyarrow as pa

from headrace.errors_cdm import CdmError, FileFormatWrong
from headrace.transfer.files.store import Output

READ = ("NONE", "GZIP", "ZIP", "TAR.GZ", "TARGZ")  # Source: CDM API reference, fromCompression
WRITE = ("NONE", "DEFLATE", "GZIP", "BZIP2", "LZ4", "SNAPPY")  # Source: CDM API reference, toJobConfig.compression
SUFFIXES = {"DEFLATE": ".deflate", "GZIP": ".gz", "BZIP2": ".bz2", "LZ4": ".lz4", "SNAPPY": ".snappy", "NONE": ""}
PIECE = 1 << 20
MOST_MEMBERS = 100_000  # of an archive
FREE, MOST_TIMES = 1 << 30, 500  # a stream may unpack to so many bytes, then to so many times its size
IN_MEMORY = 8 << 20  # of a stream that must be read at any place
FRAME = 64 << 10  # bytes of a block of Hadoop's LZ4 and Snappy


class Member(NamedTuple):
    """A file inside of a compressed one; ``name`` is relative, empty where the file has only one."""

    name: str
    stream: BinaryIO


def members(stream: BinaryIO, compression: str) -> Generator[Member, None, None]:
    """The files in a stream, each to be read before the next is taken. Raises FileFormatWrong."""
    if compression == "NONE":
        yield Member("", stream)
    elif compression == "GZIP":
        yield Member("", _buffered(Inflated(stream)))
    elif compression == "ZIP":
        yield from _zipped(stream)
    else:
        yield from _tarred(stream)


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream, or a copy of it on the disk, that can be read at any place."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
        while block := stream.read(PIECE):
            copy.write(block)
        copy.seek(0)
        yield cast(BinaryIO, copy)


class Guard:
    """Raises when a stream unpacks to far more than it was. Source: every archive is hostile."""

    def __init__(self) -> None:
        self.packed = self.unpacked = 0

    def add(self, packed: int, unpacked: int) -> None:
        """Count bytes. Raises FileFormatWrong."""
        self.packed += packed
        self.unpacked += unpacked
        if self.unpacked > FREE and self.unpacked > MOST_TIMES * self.packed:
            raise FileFormatWrong(f"A compressed file unpacks to more than {MOST_TIMES} times its size.")


class Inflated(io.RawIOBase):
    """A gzip stream unpacked, all its members. Raises FileFormatWrong."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._guard = Guard()
        self._inflater = zlib.decompressobj(31)
        self._packed = b""
        self._started = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill a buffer as far as the stream goes."""
        while True:
            if self._inflater.eof and not self._next_member():
                return 0
            packed = self._packed or self._stream.read(PIECE)
            if not packed:
                if self._started:
                    raise FileFormatWrong("A gzip file ends in the middle.")
                return 0
            data = self._unpacked(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _unpacked(self, packed: bytes, most: int) -> bytes:
        self._started = True
        try:
            data = self._inflater.decompress(packed, most)
        except zlib.error as error:
            raise FileFormatWrong(f"No gzip file: {error}") from error
        self._packed = self._inflater.unconsumed_tail
        self._guard.add(len(packed) - len(self._packed), len(data))
        return data

    def _next_member(self) -> bool:
        """Whether another member follows the one that ended; zeros behind the last are no member."""
        rest = self._inflater.unused_data or self._stream.read(PIECE)
        while rest and not rest.strip(b"\0"):
            rest = self._stream.read(PIECE)
        if not rest:
            return False
        self._inflater, self._packed = zlib.decompressobj(31), rest.lstrip(b"\0")
        return True


def _zipped(stream: BinaryIO) -> Iterator[Member]:
    guard = Guard()
    try:
        with seekable(stream) as whole, zipfile.ZipFile(whole) as archive:
            found = [item for item in archive.infolist() if not item.is_dir()]
            if len(found) > MOST_MEMBERS:
                raise FileFormatWrong(f"An archive holds more than {MOST_MEMBERS} files.")
            for item in found:
                guard.packed += item.compress_size
                with archive.open(item) as member:
                    yield Member(safe_name(item.filename), _guarded(cast(BinaryIO, member), guard))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise FileFormatWrong(f"No ZIP file that can be read: {error}") from error


def _tarred(stream: BinaryIO) -> Iterator[Member]:
    inflated = _buffered(Inflated(stream))
    try:
        with tarfile.open(fileobj=inflated, mode="r|") as archive:
            for number, item in enumerate(archive):
                if number >= MOST_MEMBERS:
                    raise FileFormatWrong(f"An archive holds more than {MOST_MEMBERS} files.")
                member = archive.extractfile(item) if item.isfile() else None
                if member is not None:
                    yield Member(safe_name(item.name), cast(BinaryIO, member))
    except tarfile.TarError as error:
        raise FileFormatWrong(f"No tar file that can be read: {error}") from error


def safe_name(name: str) -> str:
    """A name in an archive as a relative path. Raises FileFormatWrong for one that leads out of its folder."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in name:
        raise FileFormatWrong(f"An archive holds a file with the name {name!r}.")
    return "/".join(parts)


class _Guarded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, guard: Guard) -> None:
        super().__init__()
        self._stream = stream
        self._guard = guard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._guard.add(0, len(data))
        buffer[: len(data)] = data
        return len(data)


def _guarded(stream: BinaryIO, guard: Guard) -> BinaryIO:
    return _buffered(_Guarded(stream, guard))


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(cast(Any, raw), PIECE))


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Packed:
    """An output that packs what is written to it."""

    def __init__(self, output: Output, packer: _Packer) -> None:
        self._output = output
        self._packer: _Packer | None = packer

    def write(self, data: bytes) -> int:
        """Take the next bytes, until the end is written."""
        assert self._packer is not None  # noqa: S101
        packed = self._packer.compress(data)
        if packed:
            self._output.write(packed)
        return len(data)

    def finish(self) -> None:
        """Write what the end of the packed stream needs."""
        packer, self._packer = self._packer, None
        if packer is not None:
            self._output.write(packer.flush())

    def close(self) -> None:
        """Put the file in place, whole."""
        self.finish()
        self._output.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._output.discard()


class _Frames:
    """The frames of Hadoop's codecs: of each block its length and, packed, the length of that and that itself.

    Source: Hadoop, BlockCompressorStream.
    """

    def __init__(self, codec: str) -> None:
        self._codec = pa.Codec(codec)
        self._rest = b""

    def compress(self, data: bytes, /) -> bytes:
        self._rest += data
        whole = len(self._rest) // FRAME * FRAME
        frames = b"".join(self._frame(self._rest[at : at + FRAME]) for at in range(0, whole, FRAME))
        self._rest = self._rest[whole:]
        return frames

    def flush(self) -> bytes:
        return self._frame(self._rest) if self._rest else b""

    def _frame(self, block: bytes) -> bytes:
        packed: bytes = self._codec.compress(block, asbytes=True)
        return len(block).to_bytes(4, "big") + len(packed).to_bytes(4, "big") + packed


_PACKERS: dict[str, Callable[[], _Packer]] = {
    "GZIP": lambda: zlib.compressobj(6, zlib.DEFLATED, 31),
    "DEFLATE": lambda: zlib.compressobj(6),
    "BZIP2": bz2.BZ2Compressor,
    "LZ4": lambda: _Frames("lz4_raw"),
    "SNAPPY": lambda: _Frames("snappy"),
}


def packed(output: Output, compression: str) -> Output:
    """An output that packs on the way. Raises CdmError."""
    if compression == "NONE":
        return output
    if compression not in _PACKERS:
        raise CdmError(f"toJobConfig.compression: {compression!r} is none of {', '.join(WRITE)}.")
    return Packed(output, _PACKERS[compression]())
