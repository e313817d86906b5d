"""The folder of files, and links to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from file_store_suite import FileStoreSuite, paths, read, write
from memory_files import around, source_options

from headrace.errors_cdm import CdmError, FileNotWritten, FileServerUnreachable, PathNotPermitted
from headrace.transfer.connector import by_url, open_connector
from headrace.transfer.connectors.local_files import LocalFiles
from headrace.transfer.files.folder import FolderFiles
from headrace.transfer.options import Link


def local(root: Path, name: str = "local-connector", **values: str) -> LocalFiles:
    link = Link(name="here", connector=name, values=values)
    found = open_connector(link, around(files=root))
    assert isinstance(found, LocalFiles)
    return found


class TestFolderFiles(FileStoreSuite):
    @pytest.fixture
    def files(self, tmp_path: Path) -> FolderFiles:
        return FolderFiles(tmp_path / "files")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    return folder


def test_links_that_lead_out_are_refused(root: Path) -> None:
    files = FolderFiles(root)
    (root / "link").symlink_to(root.parent / "secret")
    (root / "folder").symlink_to(root.parent)

    for path in ("link", "folder/secret"):
        with pytest.raises(PathNotPermitted):
            files.open(path)
        with pytest.raises(PathNotPermitted):
            files.find(path)
        with pytest.raises(PathNotPermitted):
            files.create(path)
    for path in ("folder/secret", "folder/new"):
        with pytest.raises(PathNotPermitted):
            files.delete(path)
        with pytest.raises(PathNotPermitted):
            files.rename(path, "x")
    assert paths(files, "") == []
    assert (root.parent / "secret").read_text() == "secret"


def test_links_inside_are_followed(root: Path) -> None:
    files = FolderFiles(root)
    write(files, "a", b"1")
    (root / "link").symlink_to(root / "a")

    assert (paths(files, ""), read(files, "link")) == (["a", "link"], b"1")


def test_a_folder_of_the_name_of_a_file_answers_cdm_0244(root: Path) -> None:
    files = FolderFiles(root)
    write(files, "in/a", b"1")

    with pytest.raises(FileNotWritten):
        files.create("in")
    with pytest.raises(FileNotWritten):
        files.create("in/a/b")
    assert paths(files, "") == ["in/a"]


def test_a_link_begins_where_its_directory_says(root: Path) -> None:
    (root / "data").mkdir()
    (root / "data" / "x.csv").write_text("1")

    for directory in ("data", "/data", str(root / "data")):
        assert paths(local(root, directory=directory).open_store(source_options()), "") == ["x.csv"]
    assert "data" in local(root, directory="data").test()


@pytest.mark.parametrize("directory", ["nowhere", "/etc"])
def test_a_directory_that_is_not_there_answers_cdm_0411(root: Path, directory: str) -> None:
    one = local(root, directory=directory)
    with pytest.raises(FileServerUnreachable):
        one.test()
    with pytest.raises(FileServerUnreachable):
        one.open_store(source_options())


def test_a_directory_outside_is_refused(root: Path) -> None:
    (root / "link").symlink_to("/")

    with pytest.raises(PathNotPermitted):
        local(root, directory="../secret").test()
    with pytest.raises(FileServerUnreachable):
        local(root, directory="link").open_store(source_options())


@pytest.mark.parametrize("server", [r"\\nas\share", "//nas/share", "nas:/share"])
def test_a_share_is_the_folder_where_it_is_mounted(root: Path, server: str) -> None:
    one = local(root, "nas-connector", protocol="SMB", server=server)
    with pytest.raises(FileServerUnreachable):
        one.test()
    (root / "nas" / "share").mkdir(parents=True)

    write(one.open_store(source_options()), "x", b"1")

    assert (root / "nas" / "share" / "x").read_bytes() == b"1"
    with pytest.raises(CdmError, match="protocol"):
        local(root, "nas-connector", protocol="AFP", server=server).test()


def test_urls_are_whole_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert by_url("file:///data/a%20b.csv").source == {"inputDirectory": "/data/a b.csv"}
    assert by_url("file:data/x.csv").target == {"outputDirectory": f"{tmp_path}/data/x.csv"}
    assert by_url("file:../x.csv").target == {"outputDirectory": f"{tmp_path.parent}/x.csv"}
    with pytest.raises(CdmError, match="host"):
        by_url("file://host/x.csv")


def test_a_url_is_read_on_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1")
    monkeypatch.chdir(tmp_path)
    job = by_url("file:x.csv")

    files = LocalFiles(replace(job.link), around(files=Path("/"))).open_store(source_options())

    assert read(files, job.source["inputDirectory"]) == b"1"
