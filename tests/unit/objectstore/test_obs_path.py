"""obs:// paths: what is read, what is refused and what an error says."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import errors
from headrace.objectstore.path import ObsPath, is_object_key

hostile_text = st.text(
    st.one_of(st.sampled_from("./\\\x00~%:ab\n\u2028中"), st.characters(codec=None)),
    max_size=24,
)


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("obs://bucket/dir/file.zip", "bucket", "dir/file.zip"),
        ("s3a://bucket/dir/file.zip", "bucket", "dir/file.zip"),
        ("OBS://bucket/a", "bucket", "a"),
        ("obs://test_bucket/作业/日 报.job", "test_bucket", "作业/日 报.job"),
        ("obs://bucket/export/", "bucket", "export/"),
        ("obs://bucket/", "bucket", ""),
        ("obs://bucket", "bucket", ""),
        ("obs://bucket/.hidden/..a/a..", "bucket", ".hidden/..a/a.."),
        ("obs://bucket/%2e%2e/#{x}?y", "bucket", "%2e%2e/#{x}?y"),
    ],
)
def test_parse__published_forms_are_read(text: str, bucket: str, key: str) -> None:
    assert ObsPath.parse(text) == ObsPath(bucket, key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/etc/passwd",
        "file:///etc/passwd",
        "obs:/bucket/key",
        "obs://",
        "obs:///key",
        "obs://../key",
        "obs://.hidden/key",
        "obs://" + "b" * 64 + "/key",
        "obs://user@bucket/key",
        "obs://bucket:80/key",
        "obs://bücket/key",
        "obs://bucket/..",
        "obs://bucket/../other/key",
        "obs://bucket/a/../../b",
        "obs://bucket/./a",
        "obs://bucket/a/.",
        "obs://bucket//etc/passwd",
        "obs://bucket/a//b",
        "obs://bucket/a//",
        "obs://bucket//",
        "obs://bucket/a\\..\\b",
        "obs://bucket/a\x00b",
        "obs://bucket/a\nb",
        "obs://bucket/a\x7fb",
        "obs://bucket/a\u2028b",
        "obs://bucket/\ud800",
        "obs://bucket/.headrace-0123",
        "obs://bucket/a/.headrace-x/b",
        "obs://bucket/" + "中" * 342,
    ],
)
def test_parse__a_path_that_could_leave_its_folder_answers_dlf_0803(text: str) -> None:
    with pytest.raises(errors.InvalidObsPath) as refusal:
        ObsPath.parse(text, "obsPath")

    assert refusal.value.code == "DLF.0803"
    assert refusal.value.detail.startswith("obsPath: ")


def test_parse__the_error_names_member_value_and_fault() -> None:
    with pytest.raises(errors.InvalidObsPath) as refusal:
        ObsPath.parse("obs://bucket/../key", "resources[0].location")

    assert refusal.value.detail == "resources[0].location: 'obs://bucket/../key' has the segment '..'"


def test_parse__a_long_value_is_cut_in_the_error() -> None:
    with pytest.raises(errors.InvalidObsPath) as refusal:
        ObsPath.parse("x" * 100_000)

    assert len(refusal.value.detail) < 300


def test_constructor__checks_as_parse_does() -> None:
    with pytest.raises(errors.InvalidObsPath):
        ObsPath("bucket", "../other")


@given(hostile_text)
def test_parse__whatever_is_accepted_stays_below_its_bucket(key: str) -> None:
    try:
        path = ObsPath.parse(f"obs://bucket/{key}")
    except errors.InvalidObsPath:
        return
    place = posixpath.normpath(posixpath.join("/store", path.bucket, path.key))
    assert place == "/store/bucket" if not path.key else place == f"/store/bucket/{path.key.rstrip('/')}"
    assert ObsPath.parse(str(path)) == path


@given(hostile_text)
def test_join__a_name_from_outside_stays_below_its_folder(name: str) -> None:
    folder = ObsPath("bucket", "in/here/")
    try:
        path = folder / name
    except errors.InvalidObsPath:
        return
    assert posixpath.normpath("/" + path.key).startswith("/in/here/")


@pytest.mark.parametrize("name", ["", "/etc/passwd", "..", "../x", "a/../../x", "/", "a//b"])
def test_join__names_that_escape_are_refused(name: str) -> None:
    with pytest.raises(errors.InvalidObsPath):
        ObsPath("bucket", "in") / name


@pytest.mark.parametrize("folder", ["obs://bucket/a/b", "obs://bucket/a/b/"])
def test_join__a_folder_may_end_in_a_slash(folder: str) -> None:
    assert str(ObsPath.parse(folder) / "c.zip") == "obs://bucket/a/b/c.zip"


def test_name_and_parent__take_the_last_segment_apart() -> None:
    path = ObsPath.parse("obs://bucket/a/b.zip")

    assert (path.name, path.parent, path.parent.parent) == ("b.zip", ObsPath("bucket", "a/"), ObsPath("bucket"))


@pytest.mark.parametrize("text", ["obs://bucket", "obs://bucket/", "obs://bucket/a/"])
def test_object_key__a_folder_is_no_object(text: str) -> None:
    with pytest.raises(errors.InvalidObsPath, match="names a folder"):
        ObsPath.parse(text).object_key()


@pytest.mark.parametrize(
    ("key", "named"), [("a/b", True), ("", False), ("a/", False), ("a//b", False), ("\udc80", False)]
)
def test_is_object_key__tells_keys_that_a_path_can_name(key: str, named: bool) -> None:
    assert is_object_key(key) is named
