"""What every place with files does: inherit, and give the fixture ``files``, an empty one that can be written."""

from __future__ import annotations

from contextlib import closing

import pytest

from headrace.errors_cdm import CdmError, PathNotPermitted, SourcePathMissing
from headrace.transfer.files.store import FileEntry, FileStore

NAMES = [
    "plain.csv",
    "a b/中文 文件.csv",
    "x+y&z=1%41#.csv",
    "tilde~",
    "😀.bin",
    "'quoted'",
    "..d",
    ".hidden",
    "a;b",
]
CONTENT = bytes(range(256)) * 4


def write(files: FileStore, path: str, data: bytes) -> None:
    output = files.create(path)
    output.write(data)
    output.close()


def read(files: FileStore, path: str) -> bytes:
    with closing(files.open(path)) as stream:
        return stream.read()


def paths(files: FileStore, path: str = "in") -> list[str]:
    return [one.path for one in files.list(path)]


class FileStoreSuite:
    """One test a promise of ``FileStore``."""

    names = NAMES

    def test_what_was_written_is_read(self, files: FileStore) -> None:
        write(files, "in/deep/er/a.bin", CONTENT)

        assert read(files, "in/deep/er/a.bin") == CONTENT

    def test_odd_names_are_kept_to_the_letter(self, files: FileStore) -> None:
        for name in self.names:
            write(files, f"in/{name}", name.encode())

        assert paths(files) == sorted(f"in/{name}" for name in self.names)
        for name in self.names:
            assert read(files, f"in/{name}") == name.encode()

    def test_an_empty_file_is_a_file(self, files: FileStore) -> None:
        files.create("in/empty").close()

        found = files.find("in/empty")
        assert found is not None
        assert (found.path, found.size, paths(files)) == ("in/empty", 0, ["in/empty"])
        assert read(files, "in/empty") == b""

    def test_list__files_at_any_depth_by_path(self, files: FileStore) -> None:
        for name in ("in/b/c", "in/a.txt", "in/a/z", "in/b.txt", "in/a/b/c", "inner/x", "other"):
            write(files, name, b"1")

        assert paths(files) == ["in/a.txt", "in/a/b/c", "in/a/z", "in/b.txt", "in/b/c"]
        assert set(paths(files, "")) >= {"in/a.txt", "inner/x", "other"}

    def test_list__of_a_file_is_the_file(self, files: FileStore) -> None:
        write(files, "in/a", b"123")
        write(files, "in/ab", b"1")

        assert [(one.path, one.size) for one in files.list("in/a")] == [("in/a", 3)]

    def test_list__nothing_where_nothing_is(self, files: FileStore) -> None:
        write(files, "in/a", b"1")

        assert paths(files, "nowhere") == []
        assert paths(files, "in/a/below") == []

    def test_beginning__files_of_one_folder_by_the_begin_of_their_names(self, files: FileStore) -> None:
        for path in ("begin/x-1", "begin/x-2", "begin/y-1", "begin/x-3/b", "other/x-9"):
            write(files, path, b"1")
        assert [one.path for one in files.beginning("begin", "x-")] == ["begin/x-1", "begin/x-2"]
        assert list(files.beginning("nowhere", "x")) == []

    def test_find__a_file_with_size_and_time_but_no_folder(self, files: FileStore) -> None:
        write(files, "in/a/b", b"123")

        found = files.find("in/a/b")
        assert found is not None
        listed = next(iter(files.list("in")))
        assert found == FileEntry("in/a/b", 3, found.modified)
        assert listed.size == 3
        assert abs(listed.modified - found.modified) < 1000
        assert found.modified > 1_600_000_000_000
        assert files.find("in/a") is None
        assert files.find("in/nothing") is None
        assert files.find("in/a/b/c") is None

    def test_open__what_is_not_there_answers_cdm_0420(self, files: FileStore) -> None:
        write(files, "in/a", b"1")

        with pytest.raises(SourcePathMissing, match="in/nothing"):
            files.open("in/nothing").read()

    def test_open__reads_anywhere_or_says_that_it_cannot(self, files: FileStore) -> None:
        write(files, "in/a", CONTENT)

        with closing(files.open("in/a")) as stream:
            if not stream.seekable():
                return
            stream.seek(-10, 2)
            assert stream.read(4) == CONTENT[-10:-6]
            assert stream.tell() == len(CONTENT) - 6
            stream.seek(3)
            space = bytearray(5)
            assert stream.readinto(space) == 5  # type: ignore[attr-defined]
            assert bytes(space) == CONTENT[3:8]
            stream.seek(len(CONTENT) + 5)
            assert stream.read(1) == b""

    def test_open__a_large_file_comes_whole(self, files: FileStore) -> None:
        data = CONTENT * (18 << 10) + b"end"  # 18 MB: several blocks
        output = files.create("in/large")
        for start in range(0, len(data), 1_000_003):
            output.write(data[start : start + 1_000_003])
        output.close()

        assert next(iter(files.list("in"))).size == len(data)
        with closing(files.open("in/large")) as stream:
            pieces = iter(lambda: stream.read(700_001), b"")
            assert b"".join(pieces) == data

    def test_open__closing_early_leaves_the_place_usable(self, files: FileStore) -> None:
        write(files, "in/large", CONTENT * 2048)

        for _ in range(3):
            with closing(files.open("in/large")) as stream:
                assert stream.read(10) == CONTENT[:10]
        assert paths(files) == ["in/large"]

    def test_several_files_are_read_and_written_at_once(self, files: FileStore) -> None:
        for name in "abc":
            write(files, f"in/{name}", name.encode() * 1000)
        streams = [files.open(f"in/{name}") for name in "abc"]
        outputs = [files.create(f"in/{name}{name}") for name in "abc"]
        for _ in range(2):
            for stream, output in zip(streams, outputs, strict=True):
                output.write(stream.read(500))
        for stream, output in zip(streams, outputs, strict=True):
            stream.close()
            output.close()

        assert [read(files, f"in/{name}{name}") for name in "abc"] == [name.encode() * 1000 for name in "abc"]

    def test_create__replaces_when_it_is_closed_not_before(self, files: FileStore) -> None:
        write(files, "in/a", b"old")
        output = files.create("in/a")
        output.write(b"newer")
        assert (read(files, "in/a"), paths(files)) == (b"old", ["in/a"])

        output.close()

        assert (read(files, "in/a"), paths(files)) == (b"newer", ["in/a"])

    @pytest.mark.parametrize("size", [0, 5, 20 << 20])
    def test_create__discarded_leaves_nothing(self, files: FileStore, size: int) -> None:
        write(files, "in/a", b"old")
        output = files.create("in/a")
        other = files.create("in/new/b")
        output.write(bytes(size))
        other.write(bytes(size))
        output.discard()
        other.discard()

        assert (paths(files, ""), read(files, "in/a")) == (["in/a"], b"old")

    def test_delete__twice_is_no_error(self, files: FileStore) -> None:
        write(files, "in/a b", b"1")
        write(files, "in/b", b"2")

        for _ in range(2):
            files.delete("in/a b")
        files.delete("nowhere/at/all")

        assert paths(files) == ["in/b"]

    def test_rename__replaces_and_makes_folders(self, files: FileStore) -> None:
        write(files, "in/a b", b"new")
        write(files, "in/c", b"old")

        files.rename("in/a b", "in/c")
        files.rename("in/c", "in/made/中 d")

        assert paths(files) == ["in/made/中 d"]
        assert read(files, "in/made/中 d") == b"new"

    def test_rename__what_is_not_there_answers_cdm_0420(self, files: FileStore) -> None:
        write(files, "in/c", b"kept")

        with pytest.raises(SourcePathMissing):
            files.rename("in/nothing", "in/c")

        assert read(files, "in/c") == b"kept"

    @pytest.mark.parametrize("path", ["../x", "in/../../x", "in/..", "in/./x", "a\nb", "a//b", "a\x00b"])
    def test_paths_that_lead_elsewhere_answer_cdm_0250(self, files: FileStore, path: str) -> None:
        for act in (files.open, files.create, files.find, files.delete, lambda one: list(files.list(one))):
            with pytest.raises(PathNotPermitted):
                act(path)  # type: ignore[operator]
        with pytest.raises(PathNotPermitted):
            files.rename("in/a", path)

    def test_a_whole_place_is_no_file(self, files: FileStore) -> None:
        for act in (files.open, files.create, files.find, files.delete):
            with pytest.raises(CdmError):
                act("")  # type: ignore[operator]
