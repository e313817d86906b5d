"""One suite for every object store: plain files, and S3 against moto's server."""

from __future__ import annotations

import zipfile
from contextlib import suppress

import pytest

from headrace import errors
from headrace.objectstore.base import ObjectNotFound, ObjectStore
from headrace.objectstore.path import ObsPath

ODD_NAMES = ["a b/中%41#?*", "x+y&z=1", "tilde~", "😀.job", "#{Job.name}.csv", "'quoted\"", "C:/x", ".hidden", "a..b"]


def keys(store: ObjectStore, folder: ObsPath) -> list[str]:
    return [info.path.key for info in store.list(folder)]


def test_put__what_was_put_is_read(store: ObjectStore, bucket: ObsPath) -> None:
    path = bucket / "a/b.bin"
    store.put(path, b"first")
    store.put(path, b"\x00second\xff")

    assert (store.exists(path), store.size(path), store.get(path)) == (True, 8, b"\x00second\xff")


def test_put__an_empty_object_is_an_object(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "empty", b"")

    assert (store.get(bucket / "empty"), store.size(bucket / "empty")) == (b"", 0)
    with store.open(bucket / "empty") as file:
        assert file.read() == b""


@pytest.mark.parametrize("name", ODD_NAMES)
def test_put__odd_names_are_kept_to_the_letter(store: ObjectStore, bucket: ObsPath, name: str) -> None:
    store.put(bucket / name, name.encode())

    assert keys(store, bucket) == [name]
    assert store.get(bucket / name) == name.encode()


def test_put__an_unknown_bucket_is_made(store: ObjectStore) -> None:
    store.put(ObsPath("made-on-demand", "x"), b"1")

    assert store.bucket_exists("made-on-demand")


def test_create_bucket__a_second_time_changes_nothing(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "x", b"1")

    store.create_bucket(bucket.bucket)

    assert keys(store, bucket) == ["x"]


def test_read__an_unknown_bucket_answers_dlf_1242(store: ObjectStore) -> None:
    path = ObsPath("no-such-bucket", "x")

    assert not store.bucket_exists(path.bucket)
    assert not store.exists(path)
    for read in (store.get, store.size, store.open, store.list, store.delete):
        with pytest.raises(errors.BucketNotFound, match="obs://no-such-bucket/"):
            read(path)


def test_read__an_unknown_object_answers_dlf_0815(store: ObjectStore, bucket: ObsPath) -> None:
    path = bucket / "a/none"

    assert not store.exists(path)
    for read in (store.get, store.size, store.open):
        with pytest.raises(ObjectNotFound, match="a/none does not exist") as refusal:
            read(path)
        assert refusal.value.code == "DLF.0815"


def test_read__a_folder_is_no_object(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "folder/x", b"1")

    assert not store.exists(bucket / "folder")
    with pytest.raises(ObjectNotFound):
        store.get(bucket / "folder")
    with pytest.raises(errors.InvalidObsPath, match="names a folder"):
        store.get(bucket / "folder/")


def test_open__seeks_as_zipfile_needs(store: ObjectStore, bucket: ObsPath) -> None:
    content = bytes(range(256)) * 12_000
    with store.writer(bucket / "a.zip") as target, zipfile.ZipFile(target, "w") as archive:
        archive.writestr("one.job", content)
        archive.writestr("作业/two.job", b"two")

    with store.open(bucket / "a.zip") as source, zipfile.ZipFile(source) as archive:
        assert archive.testzip() is None
        assert archive.read("one.job") == content
        assert archive.read("作业/two.job") == b"two"


def test_open__reads_and_seeks_in_every_direction(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "x", b"0123456789")

    with store.open(bucket / "x") as file:
        file.seek(-3, 2)
        assert (file.read(2), file.tell()) == (b"78", 9)
        file.seek(1)
        file.seek(1, 1)
        assert file.read() == b"23456789"
        file.seek(50)
        assert file.read(1) == b""


def test_open__a_replaced_object_is_never_read_as_a_mixture(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "x", b"a" * 3_000_000)

    with store.open(bucket / "x") as file:
        content = file.read(10)
        store.put(bucket / "x", b"b" * 3_000_000)
        with suppress(errors.ObsFileUnreadable):  # S3 keeps no old version: the rest is gone
            content += file.read()

    assert set(content) == {ord("a")}


def test_writer__the_object_appears_when_the_block_ends(store: ObjectStore, bucket: ObsPath) -> None:
    with store.writer(bucket / "x") as file:
        file.write(b"one,")
        file.write(b"two")
        assert keys(store, bucket) == []

    assert store.get(bucket / "x") == b"one,two"


def test_writer__an_error_leaves_the_old_object_and_nothing_else(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "a/x", b"old")

    for name in ("a/x", "a/y"):
        with suppress(KeyError), store.writer(bucket / name) as file:
            file.write(b"half of the new")
            raise KeyError("stop")

    assert keys(store, bucket) == ["a/x"]
    assert store.get(bucket / "a/x") == b"old"


def test_writer__a_large_object_is_whole(store: ObjectStore, bucket: ObsPath) -> None:
    piece = bytes(range(256)) * 4096
    with store.writer(bucket / "large") as file:
        for _ in range(12):
            file.write(piece)

    assert store.size(bucket / "large") == 12 << 20
    assert store.get(bucket / "large") == piece * 12


def test_writer__a_folder_cannot_be_written(store: ObjectStore, bucket: ObsPath) -> None:
    with pytest.raises(errors.InvalidObsPath, match="names a folder"), store.writer(bucket / "a/"):
        pytest.fail("the block must not run")


def test_appender__adds_to_what_is_there(store: ObjectStore, bucket: ObsPath) -> None:
    for line in (b"one\n", b"two\n"):
        with store.appender(bucket / "logs/run.log") as log:
            log.write(line)
            log.write(b"-\n")

    assert store.get(bucket / "logs/run.log") == b"one\n-\ntwo\n-\n"


def test_appender__keeps_what_was_said_before_an_error(store: ObjectStore, bucket: ObsPath) -> None:
    with suppress(KeyError), store.appender(bucket / "run.log") as log:
        log.write(b"last words")
        raise KeyError("stop")

    assert store.get(bucket / "run.log") == b"last words"


def test_list__yields_all_below_a_folder_in_key_order(store: ObjectStore, bucket: ObsPath) -> None:
    for name in ("b", "a/z", "a-b", "a/b/c", "a0", "ab", "a.b/x", "中"):
        store.put(bucket / name, name.encode())

    assert keys(store, bucket) == ["a-b", "a.b/x", "a/b/c", "a/z", "a0", "ab", "b", "中"]
    assert keys(store, bucket / "a") == keys(store, bucket / "a/") == ["a/b/c", "a/z"]
    assert keys(store, bucket / "b") == keys(store, bucket / "none") == []


def test_list__tells_size_and_time(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "x", b"12345")

    (info,) = store.list(bucket)

    assert (info.path, info.size) == (bucket / "x", 5)
    assert info.modified_ms > 1_600_000_000_000


def test_delete__removes_one_object_and_is_content_when_it_is_gone(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "a/x", b"1")
    store.put(bucket / "a/y", b"2")

    store.delete(bucket / "a/x")
    store.delete(bucket / "a/x")

    assert keys(store, bucket) == ["a/y"]


def test_delete__frees_the_names_of_emptied_folders(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "a/b/c", b"1")
    store.delete(bucket / "a/b/c")

    store.put(bucket / "a", b"2")

    assert keys(store, bucket) == ["a"]
    assert store.bucket_exists(bucket.bucket)


def test_make_folder__it_is_there_without_being_an_object(store: ObjectStore, bucket: ObsPath) -> None:
    for _ in range(2):
        store.make_folder(bucket / "a b/中%41/")

    assert store.folder_exists(bucket / "a b/中%41")
    assert store.folder_exists(bucket / "a b/")
    assert not store.folder_exists(bucket / "a b/中")
    assert not store.exists(bucket / "a b/中%41")
    assert keys(store, bucket) == keys(store, bucket / "a b") == []


def test_make_folder__it_stays_when_what_it_holds_is_deleted(store: ObjectStore, bucket: ObsPath) -> None:
    store.make_folder(bucket / "kept/")
    for name in ("kept/x", "other/x"):
        store.put(bucket / name, b"")
        store.delete(bucket / name)

    assert (store.folder_exists(bucket / "kept/"), store.folder_exists(bucket / "other/")) == (True, False)


def test_make_folder__in_an_unknown_bucket_makes_it(store: ObjectStore) -> None:
    store.make_folder(ObsPath("made-for-a-folder", "a/"))

    assert store.folder_exists(ObsPath("made-for-a-folder", "a/"))


def test_folder_exists__buckets_and_folders_of_objects_do(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "a/b/x", b"")

    found = [store.folder_exists(bucket / name) for name in ("a", "a/", "a/b/", "a/b/x/", "b/")]
    assert found == [True, True, True, False, False]
    assert store.folder_exists(bucket)
    assert not store.folder_exists(ObsPath("no-such-bucket", "a/"))


def test_delete_folder__all_below_goes_and_nothing_beside_it(store: ObjectStore, bucket: ObsPath) -> None:
    for name in ("a/x", "a/empty", "a/b/c/y", "ab", "a.b/z"):
        store.put(bucket / name, b"" if name == "a/empty" else b"1")
    for name in ("a/", "a/m/", "c/"):
        store.make_folder(bucket / name)

    assert store.delete_folder(bucket / "a/") == 3
    assert keys(store, bucket) == ["a.b/z", "ab"]
    assert [store.folder_exists(bucket / name) for name in ("a/", "a/m/", "c/")] == [False, False, True]
    assert store.delete_folder(bucket / "a/") == 0


def test_delete_folder__an_object_of_the_same_name_is_none_of_it(store: ObjectStore, bucket: ObsPath) -> None:
    store.put(bucket / "a", b"")

    assert store.delete_folder(bucket / "a/") == 0
    assert keys(store, bucket) == ["a"]


def test_delete_folder__never_a_bucket(store: ObjectStore, bucket: ObsPath) -> None:
    with pytest.raises(errors.InvalidObsPath, match="names a whole bucket"):
        store.delete_folder(bucket)
    with pytest.raises(errors.BucketNotFound):
        store.delete_folder(ObsPath("no-such-bucket", "a/"))
