"""Hostile and merely odd packages: each is read, or refused with the member and the reason."""

from __future__ import annotations

import io
import json
import re
import struct
import tracemalloc
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.packages.archive import Stored, write_archive
from headrace.packages.layout import single_members
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import Package, ReadLimits, open_package
from headrace.packages.text import PackageRefused

JOB = b'{"name":"a"}'


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def opened(content: bytes, **limits: int) -> Package:
    return open_package(io.BytesIO(content), ReadLimits(**limits))


def labels(content: bytes) -> list[str]:
    return [item.label() for item in opened(content).objects()]


def refused(content: bytes, **limits: int) -> str:
    with pytest.raises(PackageRefused) as caught:
        list(opened(content, **limits).objects())
    assert caught.value.code == "DLF.0815"
    return caught.value.detail


def an_entry(name: str, **members: Any) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    for member, value in members.items():
        setattr(entry, member, value)
    return entry


def patched(content: bytes, signature: bytes, at: int, value: bytes) -> bytes:
    """The archive with bytes of the first record of a signature replaced."""
    start = content.index(signature) + at
    return content[:start] + value + content[start + len(value) :]


def renamed(name: bytes, *, utf8: bool = False) -> bytes:
    """A stored archive whose one entry has these bytes as its name, with or without the language flag."""
    header = struct.pack(
        "<4s5H3L2H", b"PK\3\4", 20, 0x800 * utf8, 0, 0, 33, zlib.crc32(JOB), len(JOB), len(JOB), len(name), 0
    )
    entry = (
        b"PK\1\2",
        20,
        20,
        0x800 * utf8,
        0,
        0,
        33,
        zlib.crc32(JOB),
        len(JOB),
        len(JOB),
        len(name),
        0,
        0,
        0,
        0,
        0,
        0,
    )
    directory = struct.pack("<4s6H3L5H2L", *entry) + name
    body = header + name + JOB
    return body + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), len(body), 0)


CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"
GOOD = zipped(("jobs/a.job", JOB))
STORED = zipped(("jobs/a.job", JOB), method=zipfile.ZIP_STORED)
TWO = zipped(("jobs/a.job", b'{"name":"a"}'), ("jobs/b.job", b'{"name":"b"}'), method=zipfile.ZIP_STORED)
SECOND = TWO.index(CENTRAL, TWO.index(CENTRAL) + 1)

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "no ZIP archive"),
    "not a zip": (b"PK or not" * 100, "no ZIP archive"),
    "truncated": (GOOD[: len(GOOD) // 2], "no ZIP archive"),
    "end record alone": (GOOD[-22:], "no ZIP archive|overlaps"),
    "absolute name": (zipped(("/etc/a.job", JOB)), "leaves the package's folder"),
    "parent folder": (zipped(("jobs/../../a.job", JOB)), "leaves the package's folder"),
    "parent folder of Windows": (zipped(("jobs\\..\\..\\a.job", JOB)), "leaves the package's folder"),
    "drive letter": (zipped(("C:\\jobs\\a.job", JOB)), "leaves the package's folder"),
    "share": (zipped(("\\\\host\\share\\a.job", JOB)), "leaves the package's folder"),
    "NUL in a name": (renamed(b"a.job\0.txt"), "control characters"),
    "line break in a name": (renamed(b"a\n.job"), "control characters"),
    "terminal sequence in a name": (renamed("a\x9b2J.job".encode(), utf8=True), "control characters"),
    "name that is not UTF-8 though it says so": (renamed(b"\xff\xfe.job", utf8=True), "no ZIP archive"),
    "symbolic link": (zipped((an_entry("a.job", external_attr=0o120777 << 16), b"/etc/passwd")), "symbolic link"),
    "encrypted": (patched(patched(STORED, CENTRAL, 8, b"\1"), LOCAL, 6, b"\1"), "encrypted"),
    "method bzip2": (zipped(("a.job", JOB), method=zipfile.ZIP_BZIP2), "compression method 12"),
    "method LZMA": (zipped(("a.job", JOB), method=zipfile.ZIP_LZMA), "compression method 14"),
    "header of another name": (patched(STORED, LOCAL, 30, b"x"), "cannot be read"),
    "header of another method": (patched(STORED, LOCAL, 8, b"\x08"), "another method"),
    "header of another size": (patched(STORED, LOCAL, 22, b"\xee"), "another size"),
    "header that is none": (patched(STORED, LOCAL, 0, b"XX"), "cannot be read"),
    "content changed": (STORED.replace(JOB, b'{"name":"b"}'), "CRC"),
    "deflate stream broken": (patched(GOOD, LOCAL, 40, b"\xff\xff\xff"), "cannot be read"),
    "declares less": (patched(patched(STORED, CENTRAL, 24, b"\2"), LOCAL, 22, b"\2"), "CRC|cannot be read"),
    "declares more": (patched(patched(GOOD, CENTRAL, 24, b"\xee"), LOCAL, 22, b"\xee"), "says 238"),
    "overlapping entries": (TWO[: SECOND + 42] + b"\0\0\0\0" + TWO[SECOND + 46 :], "overlaps"),
    "entry reaching into the directory": (patched(STORED, CENTRAL, 20, b"\xff"), "overlaps"),
    "same entry twice": (renamed_twice := TWO.replace(b"jobs/b.job", b"jobs/a.job"), "this entry twice"),
    "same entry twice with another separator": (
        renamed_twice.replace(b"jobs/a.job", b"jobs\\a.job", 1),
        "cannot be read|twice",
    ),
    "two objects of one name": (
        zipped(("x/a.job", JOB), ("y/a.job", b'{"name":"a","b":1}')),
        "another job 'a' with other",
    ),
    "text in UTF-16": (zipped(("a.job", JOB.decode().encode("utf-16"))), "not UTF-8"),
    "text in Latin-1": (zipped(("a.job", b'{"name":"\xe9"}')), r"not UTF-8 \(byte 9\)"),
    "no JSON": (zipped(("a.job", b"name: a")), "a.job: Expecting value"),
    "empty member": (zipped(("a.job", b"")), "a.job: Expecting value"),
    "no object": (zipped(("a.job", b'["name"]')), "no JSON object"),
    "no name": (zipped(("a.job", b'{"nodes":[]}')), "a.job: the job has no name"),
    "empty name": (zipped(("a.job", b'{"name":""}')), "the job has no name"),
    "name that is a number": (zipped(("a.job", b'{"name":1}')), "the job has no name"),
    "name that is minus zero": (zipped(("a.job", b'{"name":-0}')), "the job has no name"),
    "CDM job whose name is a number": (zipped(("cdm/c/a.json", b'{"jobs":[{"name":1}]}')), "the CDM job has no name"),
    "name with half a character": (zipped(("a.conn", b'{"name":"\\ud800"}')), "is no name"),
    "name with an escape sequence": (zipped(("a.script", b'{"name":"\\u001b[2J"}')), "is no name"),
    "name with a one-character escape sequence": (zipped(("a.script", b'{"name":"\\u009b2J"}')), "is no name"),
    "CDM job without a name": (zipped(("cdm/c/a.json", b'{"jobs":[{}]}')), "the CDM job has no name"),
    "CDM job that is no object": (zipped(("cdm/c/a.json", b'{"jobs":[1]}')), "the CDM job has no name"),
    "cluster with control characters": (zipped(("cdm/%00/a.json", b'{"jobs":[{"name":"a"}]}')), "is no name"),
    "variable without a name": (zipped(("environment/variables.json", b'{"params":[{"value":1}]}')), "has no name"),
    "deep nesting": (zipped(("a.job", b'{"name":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")), "64 levels"),
    "NaN": (zipped(("a.job", b'{"name":"a","x":NaN}')), "NaN is no JSON number"),
    "JSON member twice": (zipped(("a.job", b'{"name":"a","name":"b"}')), "a.job: the member 'name' occurs twice"),
    "bomb": (zipped(("a.job", b" " * 40_000_000 + JOB)), "unpacks to more than"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives__are_refused_with_the_reason(case: str) -> None:

    content, reason = HOSTILE[case]
    detail = refused(content)
    assert re.search(reason, detail), detail


def test_limits__count_bytes_that_are_really_produced() -> None:
    big = json.dumps({"name": "a", "x": "y" * 100_000}).encode()
    lying = patched(patched(zipped(("a.job", big)), CENTRAL, 24, b"\1\0\0\0"), LOCAL, 22, b"\1\0\0\0")
    assert "a.job" in refused(lying)
    assert "unpacks to more than 50000 bytes" in refused(zipped(("a.job", big)), member_bytes=50_000)
    assert "unpacks to more than 10240 bytes" in refused(zipped(("a.job", big)), ratio=10)
    both = zipped(("a.job", big), ("b.job", big.replace(b'"a"', b'"b"')))
    assert "package unpacks to more than 150000" in refused(both, total_bytes=150_000)
    assert "2 entries, more than 1" in refused(both, members=1)


def test_a_directory_of_too_many_entries__is_refused_before_it_takes_memory() -> None:
    entry = struct.pack("<4s6H3L5H2L", CENTRAL, 20, 20, 0x800, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    for count, reason in ((200_000, "200000 entries, more than 100000"), (2_000_000, "94000000 bytes, too many for")):
        directory = entry * count
        numbers = (44, 45, 45, 0, 0, count, count, len(directory), 0)
        wide_end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", *numbers) + struct.pack(
            "<4sLQL", b"PK\6\7", 0, len(directory), 1
        )
        end = struct.pack("<4s4H2LH", END, 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
        file = io.BytesIO(directory + wide_end + end)
        tracemalloc.start()
        try:
            with pytest.raises(PackageRefused, match=reason):
                open_package(file, ReadLimits(members=100_000))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2 * len(directory)


def test_objects__may_be_read_twice_within_the_same_limits() -> None:
    package = opened(zipped(("jobs/a.job", JOB)), total_bytes=20)
    assert list(package.objects()) == list(package.objects()) == [PackageObject.made(Kind.JOB, "a", JOB)]


def test_objects__come_in_the_order_of_import() -> None:
    content = zipped(
        ("jobs/j.job", b'{"name":"j"}'),
        ("scripts/s.script", b'{"name":"s"}'),
        ("resources/r.resource", b'{"name":"r"}'),
        ("cdm/c/m.json", b'{"jobs":[{"name":"m"}]}'),
        ("cdm/c/links/l.json", b'{"links":[{"name":"l"}]}'),
        ("connections/c.conn", b'{"name":"c"}'),
        ("environment/variables.json", b'{"params":[{"name":"v","value":"1"}]}'),
    )
    assert labels(content) == [
        "environment variables 'variables'",
        "connection 'c'",
        "CDM link 'l' of cluster 'c'",
        "CDM job 'm' of cluster 'c'",
        "resource 'r'",
        "script 's'",
        "job 'j'",
    ]


@pytest.mark.parametrize(
    "path", ["a.job", "jobs/a.job", "jobs/a/a.job", "jobs/jobs/a.job", "jobs\\a.job", "1/2/3/4/a.job"]
)
def test_layouts__kinds_are_told_by_the_ending_at_any_depth(path: str) -> None:
    assert labels(zipped((path, JOB))) == ["job 'a'"]


def test_archives__without_an_entry_hold_nothing() -> None:
    assert labels(zipped()) == []


def test_layouts__the_console_export_with_its_cdm_folder_and_project_file() -> None:
    package = opened(
        zipped(
            ("jobs/jobs/a.job", JOB),
            ("jobs/scripts/s.script", b'{"name":"s"}'),
            ("cdms/prod/cdm_x.json", b'{"jobs":[{"name":"m"},{"name":"n"}]}'),
            ("project.json", b'{"dataArtsWorkSpaceId":"1"}'),
        )
    )
    assert [item.label() for item in package.objects()] == [
        "CDM job 'm' of cluster 'prod'",
        "CDM job 'n' of cluster 'prod'",
        "script 's'",
        "job 'a'",
    ]
    assert package.notes == ["project.json was passed over: it is no part of a package that can be imported."]


def test_names__without_the_language_flag_are_read_as_utf_8_then_as_cp437() -> None:
    for name, shown in ((b"jobs/\xe4\xb8\xad.job", "jobs/中.job"), (b"jobs/\x81.job", "jobs/ü.job")):
        (item,) = opened(renamed(name)).objects()
        assert item.member == shown


def test_names__the_one_inside_counts_and_is_noted() -> None:
    package = opened(zipped(("jobs/old.job", JOB)))
    assert [item.name for item in package.objects()] == ["a"]
    assert package.notes == ["jobs/old.job holds the job 'a'; the name inside counts."]


def test_objects__the_same_one_twice_is_taken_once() -> None:
    assert labels(zipped(("x/a.job", JOB), ("y/a.job", b'{ "name" : "a" }'))) == ["job 'a'"]


def test_objects__resources_of_one_name_may_lie_in_two_directories() -> None:
    content = zipped(
        ("a.resource", b'{"name":"r","directory":"/a"}'), ("b.resource", b'{"name":"r","directory":"/b/"}')
    )
    assert [item.folder for item in opened(content).objects()] == ["/a", "/b"]


def test_entries__folders_byte_order_marks_and_what_is_not_ours_do_no_harm() -> None:
    package = opened(
        zipped(
            ("jobs/", b""),
            ("jobs/a.job", b"\xef\xbb\xbf" + JOB),
            ("README.md", b"\xff"),
            ("__MACOSX/jobs/._a.job", b"\0\5\x16\7"),
            ("jobs/.DS_Store", b"\0"),
            (".git/index", b"{"),
        )
    )
    assert [item.text for item in package.objects()] == [b'{\n\t"name":"a"\n}']
    assert package.notes == ["README.md was passed over: it is no part of a package."]


def test_names__may_begin_with_a_dot() -> None:
    assert labels(zipped(("jobs/.job/.job.job", b'{"name":".job"}'))) == ["job '.job'"]


def test_cdm_files__other_members_than_the_list_are_told() -> None:
    package = opened(zipped(("cdm/c/a.json", b'{"jobs":[{"name":"m"}],"total":1}')))
    assert len(list(package.objects())) == 1
    assert package.notes == ["cdm/c/a.json: beside its CDM job, the members total were passed over."]


def test_notes__do_not_grow_with_the_archive() -> None:
    package = opened(zipped(*((f"{number}.json", b"{}") for number in range(300))))
    assert list(package.objects()) == []
    assert len(package.notes) == 100


@given(data=st.data())
def test_any_damage__ends_as_refused_or_is_harmless(data: st.DataObject) -> None:
    items = [
        PackageObject.made(Kind.JOB, "a", JOB),
        PackageObject.made(Kind.SCRIPT, "s", b'{"name":"s","content":"xxxxxxxxxxxxxxxxxxxxx"}'),
    ]
    content = bytearray(
        write_archive(single_members(items), compressor=data.draw(st.sampled_from([Stored(), zlib_raw])))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    try:
        read = list(opened(bytes(content[:cut])).objects())
    except PackageRefused:
        return
    assert set(read) <= set(items)


def zlib_raw(data: bytes) -> bytes:
    return zlib.compress(data, 6, -15)
