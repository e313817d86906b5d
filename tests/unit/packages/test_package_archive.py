"""Archives that any program opens and that have the same bytes every time; digests that do not care for archives."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.packages import archive
from headrace.packages.archive import Compressor, Libdeflate, Stored, Zlib, archive_chunks, write_archive
from headrace.packages.digest import content_digest
from headrace.packages.layout import batch_members, single_members
from headrace.packages.model import Kind, PackageObject
from headrace.packages.reader import open_package

COMPRESSORS = [Libdeflate(), Libdeflate(1), Zlib(), Stored()]
SAMPLE_KINDS = {".job.json": Kind.JOB, ".script.json": Kind.SCRIPT, ".resource.json": Kind.RESOURCE}
# Of libdeflate 0.9.0 at level 6: changes only with a release that says so.
RELEASE = "82b9bb1d2b370b3934874e232923a0d25b57d75897d52b557ecc2ffb99a358ee"
DIGEST = "sha256:ea04eb66fc712afd15a95bea8a9061558692c554b74293a34a6edbb77a781b7f"  # never changes
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def unzipped(content: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        return [(entry.filename, opened.read(entry)) for entry in opened.infolist()]


@given(
    members=st.lists(st.tuples(NAMES.filter(lambda name: "/" not in name), st.binary(max_size=300)), max_size=8),
    compressor=st.sampled_from(COMPRESSORS),
)
def test_archives__hold_what_was_given(members: list[tuple[str, bytes]], compressor: Compressor) -> None:
    unique = list(dict(members).items())
    content = write_archive(unique, compressor=compressor)
    assert unzipped(content) == unique
    assert write_archive(unique, compressor=compressor) == content


def test_archives__have_fixed_dates_attributes_and_utf_8_names() -> None:
    with zipfile.ZipFile(io.BytesIO(write_archive([("jobs/中.job", b"x" * 100), ("empty", b"")]))) as opened:
        for entry in opened.infolist():
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert (entry.create_system, entry.external_attr, entry.extra, entry.comment) == (
                3,
                0o100644 << 16,
                b"",
                b"",
            )
            assert entry.flag_bits == 0x800
        assert [entry.compress_type for entry in opened.infolist()] == [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]


def test_archives__bytes_are_those_of_this_release() -> None:
    members = [("jobs/a.job", b'{\n\t"name":"a"\n}'), ("scripts/b.script", b"SELECT 1;\n" * 500)]
    assert hashlib.sha256(write_archive(members)).hexdigest() == RELEASE


def test_archives__are_made_in_pieces_whatever_the_number_of_members() -> None:
    taken = 0

    def members() -> Iterator[tuple[str, bytes]]:
        nonlocal taken
        for number in range(3_000):
            taken += 1
            yield f"{number}.job", bytes([number % 256]) * 10_000

    chunks = archive_chunks(members(), compressor=Stored())
    pieces = [next(chunks)]
    assert taken < 500  # a little ahead, not everything
    pieces += chunks
    assert max(map(len, pieces)) < 1_000_000
    assert len(unzipped(b"".join(pieces))) == 3_000


def test_archives__an_error_of_the_source_reaches_whoever_reads_the_pieces() -> None:
    def members() -> Iterator[tuple[str, bytes]]:
        for number in range(200):
            yield f"{number}.job", b"x" * 10_000
        raise LookupError("the row is gone")

    with pytest.raises(LookupError, match="the row is gone"):
        list(archive_chunks(members()))


def test_archives__more_members_than_16_bits_count_use_zip64() -> None:
    content = write_archive(((f"{number}", b"") for number in range(70_000)), compressor=Stored())
    assert len(unzipped(content)) == 70_000


def test_archives__numbers_beyond_the_limits_of_32_bits_use_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MAX_32", 50)  # as if 50 bytes were 4 GiB
    content = write_archive([("a", b"x" * 20), ("b", b"y" * 60), ("c", b"z" * 20)], compressor=Stored())
    entries = [at for at in range(len(content)) if content[at : at + 4] == b"PK\1\2"]
    extras = [struct.unpack_from("<H", content, at + 30)[0] for at in entries]
    assert extras == [0, 4 + 3 * 8, 4 + 8]  # b is large and late, c only late
    assert content[-42:-38] == b"PK\6\7"
    assert content[-98:-94] == b"PK\6\6"


def an_object(kind: Kind, name: str, **members: object) -> PackageObject:
    cluster = "c" if kind in (Kind.CDM_JOB, Kind.CDM_LINK) else ""
    return PackageObject.made(kind, name, json.dumps({"name": name, **members}), cluster=cluster)


OBJECTS = st.lists(
    st.builds(
        an_object,
        st.sampled_from([kind for kind in Kind if kind is not Kind.ENVIRONMENT]),
        NAMES,
        directory=st.sampled_from(["/", "/a", "/a/b"]),
        x=st.none() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    unique_by=lambda item: item.key,
    max_size=10,
)


@given(items=OBJECTS, compressor=st.sampled_from(COMPRESSORS))
def test_packages__read_back_are_the_same_objects_and_the_same_bytes(
    items: list[PackageObject], compressor: Compressor
) -> None:
    items.sort(key=lambda item: item.key)
    content = write_archive(single_members(items), compressor=compressor)
    found = list(open_package(io.BytesIO(content)).objects())
    assert sorted(found, key=lambda item: item.key) == items
    again = write_archive(single_members(sorted(found, key=lambda item: item.key)), compressor=compressor)
    assert again == content
    assert content_digest(found) == content_digest(items)


@given(items=OBJECTS, data=st.data())
def test_digest__does_not_depend_on_the_order_or_on_repetition(items: list[PackageObject], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(items))
    assert content_digest([*shuffled, *items]) == content_digest(items)


def test_digest__depends_on_every_part_of_an_object() -> None:
    items = [
        an_object(kind, name, x=x) for kind in (Kind.JOB, Kind.SCRIPT, Kind.CDM_JOB) for name in "ab" for x in (1, 2)
    ]
    items += [PackageObject(Kind.CDM_JOB, "a", items[-4].text, "d")]
    assert len({content_digest([item]) for item in items}) == len(items)
    assert content_digest([]).startswith("sha256:")


def test_digest__is_equal_for_every_layout_and_compressor() -> None:
    job, script = an_object(Kind.JOB, "j"), an_object(Kind.SCRIPT, "s", content="select " * 100)
    layouts = [
        list(single_members([job, script])),
        list(single_members([script, job])),
        list(batch_members([job], {"j": [script]})),
    ]
    archives = {write_archive(members, compressor=compressor) for members in layouts for compressor in COMPRESSORS}
    assert len(archives) > len(layouts)
    assert {content_digest(open_package(io.BytesIO(content)).objects()) for content in archives} == {
        content_digest([job, script])
    }


def test_digest__is_that_of_every_release() -> None:
    assert content_digest([an_object(Kind.JOB, "j"), an_object(Kind.SCRIPT, "s")]) == DIGEST


def test_samples__pack_to_the_same_bytes_after_reading(samples_folder: Path) -> None:
    items: dict[object, PackageObject] = {}
    for path in sorted(samples_folder.glob("*.json")):
        ending = next((ending for ending in SAMPLE_KINDS if path.name.endswith(ending)), None)
        if ending is not None:
            text = path.read_bytes()
            item = PackageObject.made(SAMPLE_KINDS[ending], json.loads(text)["name"], text)
            items.setdefault(item.key, item)
    assert len(items) > 30
    content = write_archive(single_members(items.values()))
    found = list(open_package(io.BytesIO(content)).objects())
    assert {item.key: item for item in found} == items
    assert write_archive(single_members(items[item.key] for item in items.values())) == content


def test_samples__in_the_form_of_exports_keep_every_byte(samples_folder: Path) -> None:
    kept = 0
    for path in sorted(samples_folder.glob("c*__*.json")):
        text = path.read_bytes().rstrip(b"\n")
        kept += PackageObject.made(Kind.JOB, "x", text).text == text
    assert kept == len(list(samples_folder.glob("c*__*.json"))) > 20
