"""Compressed files: what is packed is unpacked, archives give their files, hostile ones an error."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
import zlib

import pyarrow as pa
import pytest
from memory_files import MemoryFiles

from headrace.errors_cdm import CdmError, FileFormatWrong
from headrace.transfer.formats import compression
from headrace.transfer.formats.compression import members, packed

DATA = b"id,name\n" + b"".join(b"%d,name %d\n" % (number, number % 7) for number in range(20_000))


def unpacked(data: bytes, kind: str) -> dict[str, bytes]:
    return {member.name: member.stream.read() for member in members(io.BytesIO(data), kind)}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    return out.getvalue()


def test_members__none_is_the_stream_itself() -> None:
    assert unpacked(DATA, "NONE") == {"": DATA}


def test_members__gzip_of_several_members_and_zeros_behind() -> None:
    data = gzip.compress(DATA) + gzip.compress(b"") + gzip.compress(b"more") + b"\0" * 100
    assert unpacked(data, "GZIP") == {"": DATA + b"more"}


def test_members__an_empty_gzip_file_is_empty() -> None:
    assert unpacked(b"", "GZIP") == {"": b""}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members__each_file_of_an_archive(pack: object) -> None:
    kind = "ZIP" if pack is zipped else "TAR.GZ"
    assert unpacked(pack({"a/b.csv": DATA, "c.csv": b""}), kind) == {"a/b.csv": DATA, "c.csv": b""}  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["GZIP", "ZIP", "TAR.GZ"])
@pytest.mark.parametrize("data", [b"id,name\n1,x\n", gzip.compress(DATA)[:-20], zipped({"a": DATA})[:-30], b"\x1f\x8b"])
def test_members__what_is_not_packed_so_is_told(kind: str, data: bytes) -> None:
    with pytest.raises(FileFormatWrong):
        unpacked(data, kind)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..\\x"])
def test_members__a_name_that_leads_out_of_its_folder_is_refused(name: str) -> None:
    for data, kind in ((zipped({name: b"x"}), "ZIP"), (tarred({name: b"x"}), "TAR.GZ")):
        with pytest.raises(FileFormatWrong, match="name"):
            unpacked(data, kind)


def test_members__links_in_an_archive_are_no_files() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        item = tarfile.TarInfo("passwords")
        item.type, item.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(item)
    assert unpacked(out.getvalue(), "TAR.GZ") == {}


@pytest.mark.parametrize("kind", ["GZIP", "ZIP", "TAR.GZ"])
def test_members__a_bomb_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE", 1 << 20)
    zeros = b"\0" * (16 << 20)
    data = {"GZIP": gzip.compress, "ZIP": lambda one: zipped({"a": one}), "TAR.GZ": lambda one: tarred({"a": one})}
    with pytest.raises(FileFormatWrong, match="times its size"):
        unpacked(data[kind](zeros), kind)


def test_members__too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MOST_MEMBERS", 3)
    files = {str(number): b"" for number in range(4)}
    for data, kind in ((zipped(files), "ZIP"), (tarred(files), "TAR.GZ")):
        with pytest.raises(FileFormatWrong, match="more than 3"):
            unpacked(data, kind)


def hadoop(data: bytes, codec: str) -> bytes:
    """Reads the frames as Hadoop's BlockDecompressorStream does."""
    out, at = b"", 0
    while at < len(data):
        length, size = (int.from_bytes(data[at + part : at + part + 4], "big") for part in (0, 4))
        out += pa.decompress(data[at + 8 : at + 8 + size], length, codec, asbytes=True)
        at += 8 + size
    return out


@pytest.mark.parametrize(
    ("kind", "unpack"),
    [
        ("NONE", lambda data: data),
        ("GZIP", gzip.decompress),
        ("DEFLATE", zlib.decompress),
        ("BZIP2", bz2.decompress),
        ("LZ4", lambda data: hadoop(data, "lz4_raw")),
        ("SNAPPY", lambda data: hadoop(data, "snappy")),
    ],
)
def test_packed__others_can_unpack_it(kind: str, unpack: object) -> None:
    files = MemoryFiles()
    output = packed(files.create("x"), kind)
    for start in range(0, len(DATA), 50_000):
        output.write(DATA[start : start + 50_000])
    output.close()
    assert unpack(files.files["x"]) == DATA  # type: ignore[operator]


def test_packed__an_unknown_word_is_told() -> None:
    with pytest.raises(CdmError, match="compression"):
        packed(MemoryFiles().create("x"), "RAR")
