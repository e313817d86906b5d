"""What only plain files promise: files dropped by hand, links, hidden names, names the disk cannot hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace import errors
from headrace.objectstore.base import ObjectNotFound
from headrace.objectstore.files import FileStore
from headrace.objectstore.path import ObsPath

BUCKET = ObsPath("bucket")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (tmp_path / "obs" / "bucket").mkdir(parents=True)
    return tmp_path / "obs"


@pytest.fixture
def store(root: Path) -> FileStore:
    return FileStore(root)


def listed(store: FileStore) -> list[str]:
    return [info.path.key for info in store.list(BUCKET)]


def test_files__a_file_dropped_by_hand_is_an_object(store: FileStore, root: Path) -> None:
    (root / "bucket" / "in").mkdir()
    (root / "bucket" / "in" / "data.csv").write_bytes(b"1,2")

    assert listed(store) == ["in/data.csv"]
    assert store.get(BUCKET / "in/data.csv") == b"1,2"


def test_files__an_object_is_a_plain_file(store: FileStore, root: Path) -> None:
    store.put(BUCKET / "out/x.zip", b"zip")

    assert (root / "bucket" / "out" / "x.zip").read_bytes() == b"zip"
    assert [entry.name for entry in (root / "bucket" / "out").iterdir()] == ["x.zip"]


def test_files__half_written_files_of_a_killed_process_are_not_listed(store: FileStore, root: Path) -> None:
    (root / "bucket" / ".headrace-0123").write_bytes(b"half")
    (root / "bucket" / ".hidden").write_bytes(b"an object")

    assert listed(store) == [".hidden"]


def test_files__names_no_path_can_have_are_not_listed(store: FileStore, root: Path) -> None:
    for name in (b"back\\slash", b"new\nline", b"not-utf-8-\xff"):
        Path(os.fsdecode(os.path.join(os.fsencode(root), b"bucket", name))).write_bytes(b"x")

    assert listed(store) == []


def test_files__a_link_out_of_the_store_is_refused_and_not_listed(store: FileStore, root: Path) -> None:
    (root / "bucket" / "file").symlink_to(root.parent / "outside" / "secret")
    (root / "bucket" / "folder").symlink_to(root.parent / "outside")
    (root / "elsewhere").symlink_to(root.parent / "outside")

    assert listed(store) == []
    for path in (BUCKET / "file", BUCKET / "folder/secret", ObsPath("elsewhere", "secret")):
        for act in (store.get, store.open, store.size, store.appender, store.delete):
            with pytest.raises(errors.InvalidObsPath, match="leads out of the object store"):
                act(path)
        with pytest.raises(errors.InvalidObsPath, match="leads out of the object store"):
            store.put(path, b"overwritten")
    assert (root.parent / "outside" / "secret").read_bytes() == b"secret"


def test_files__a_link_inside_the_store_is_followed(store: FileStore, root: Path) -> None:
    store.put(BUCKET / "real", b"1")
    (root / "bucket" / "link").symlink_to(root / "bucket" / "real")

    assert store.get(BUCKET / "link") == b"1"
    assert listed(store) == ["link", "real"]


def test_files__a_circle_of_links_ends(store: FileStore, root: Path) -> None:
    (root / "bucket" / "circle").symlink_to(root / "bucket")
    (root / "bucket" / "a").symlink_to(root / "bucket" / "b")
    (root / "bucket" / "b").symlink_to(root / "bucket" / "a")

    assert listed(store) == []
    assert not store.exists(BUCKET / "a")


def test_files__a_pipe_is_no_object(store: FileStore, root: Path) -> None:
    os.mkfifo(root / "bucket" / "pipe")

    assert listed(store) == []
    with pytest.raises(ObjectNotFound):
        store.get(BUCKET / "pipe")


def test_files__an_object_on_the_way_is_told(store: FileStore) -> None:
    store.put(BUCKET / "a", b"1")

    assert not store.exists(BUCKET / "a/b")
    with pytest.raises(errors.InvalidObsPath, match="lies below an object"):
        store.put(BUCKET / "a/b", b"2")
    with pytest.raises(errors.InvalidObsPath, match="lies below an object"):
        store.put(BUCKET / "a/b/c", b"2")


def test_files__a_folder_in_the_place_of_an_object_is_told(store: FileStore) -> None:
    store.put(BUCKET / "a/b", b"1")

    with pytest.raises(errors.InvalidObsPath, match="is a folder"):
        store.put(BUCKET / "a", b"2")


def test_files__a_name_the_disk_cannot_hold_is_told(store: FileStore, root: Path) -> None:
    for key in ("x" * 300, "x" * 300 + "/y"):
        with pytest.raises(errors.InvalidObsPath, match="cannot be written"):
            store.put(BUCKET / key, b"1")
        assert not store.exists(BUCKET / key)

    assert list((root / "bucket").iterdir()) == []


def test_files__a_file_in_the_place_of_a_bucket_is_told(store: FileStore, root: Path) -> None:
    (root / "plain").write_bytes(b"")

    with pytest.raises(errors.ObsFileUnreadable, match="obs://plain/ cannot be made"):
        store.put(ObsPath("plain", "x"), b"1")


def test_files__buckets_are_not_made_when_told_so(root: Path) -> None:
    store = FileStore(root, create_buckets=False)

    for write in (store.appender, lambda path: store.put(path, b"1")):
        with pytest.raises(errors.BucketNotFound):
            write(ObsPath("other-bucket", "x"))
    assert not store.bucket_exists("other-bucket")


def test_files__a_store_without_its_folder_has_no_buckets(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "not-yet")

    assert not store.bucket_exists("bucket")
    store.put(BUCKET / "x", b"1")
    assert listed(store) == ["x"]


def test_appender__a_log_is_read_while_it_is_written(store: FileStore) -> None:
    with store.appender(BUCKET / "run.log") as log:
        log.write(b"first\n")
        assert store.get(BUCKET / "run.log") == b"first\n"
        log.write(b"second\n")
        assert store.get(BUCKET / "run.log") == b"first\nsecond\n"
