"""Files of HDFS: a double of WebHDFS in this process."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_store_suite import FileStoreSuite, paths, write
from memory_files import around, source_options
from web_doubles import Quiet, serving, webhdfs

from headrace.errors_cdm import CdmError, FileNotWritten, HdfsUnreachable, PathNotPermitted, RunStopped
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import by_url, open_connector
from headrace.transfer.connectors.hdfs import Hdfs
from headrace.transfer.files.hdfs_files import HdfsFiles
from headrace.transfer.options import Link


def hdfs(values: dict[str, str], **changes: Any) -> Hdfs:
    found = open_connector(Link(name="h", connector="hdfs-connector", values=values), around(**changes))
    assert isinstance(found, Hdfs)
    return found


@pytest.fixture
def users() -> list[str]:
    return []


@pytest.fixture
def address(tmp_path: Path, users: list[str]) -> Iterator[str]:
    (tmp_path / "hdfs").mkdir()
    with serving(webhdfs(tmp_path / "hdfs", users)) as found:
        yield found


class TestHdfsFiles(FileStoreSuite):
    @pytest.fixture
    def files(self, address: str) -> HdfsFiles:
        found = hdfs({"uri": address, "authType": "SIMPLE", "user": "me"}).open_store(source_options())
        assert isinstance(found, HdfsFiles)
        return found


def test_the_user_of_the_link_is_who_asks(address: str, users: list[str]) -> None:
    files = hdfs({"uri": address, "user": "me & you"}).open_store(source_options())
    write(files, "in/a", b"1")

    assert set(users) == {"me & you"}


def test_names_of_a_listing_that_lead_elsewhere_answer_cdm_0250(address: str) -> None:
    with pytest.raises(PathNotPermitted):
        paths(hdfs({"uri": address}).open_store(source_options()), "forged")


def test_what_hdfs_refuses_is_told_without_its_stack(address: str) -> None:
    files = hdfs({"uri": address}).open_store(source_options())
    write(files, "in/a", b"1")

    with pytest.raises(FileNotWritten, match="a parent is not a directory") as refusal:
        files.create("in/a/b")
    assert "java" not in refusal.value.message
    with pytest.raises(FileNotWritten):
        files.create("in")


def test_test__asks_for_the_root(address: str) -> None:
    assert hdfs({"uri": address}).test() == f"{address} answers."


def test_a_server_that_is_down_or_another_answers_cdm_0518() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(HdfsUnreachable):
        hdfs({"uri": f"127.0.0.1:{port}"}).test()

    class Other(Quiet):
        def do_GET(self) -> None:
            self.answer(200, b"<html>")

    with serving(Other) as address, pytest.raises(HdfsUnreachable, match="WebHDFS"):
        hdfs({"uri": address}).test()


@pytest.mark.parametrize(
    "values", [{"authType": "Kerberos", "uri": "h:9870"}, {"authType": "KERBEROS"}, {"uri": "h", "principal": "p"}]
)
def test_kerberos_is_refused(values: dict[str, str]) -> None:
    for act in (hdfs(values).test, lambda: hdfs(values).open_store(source_options())):
        with pytest.raises(CdmError, match="Kerberos"):
            act()


@pytest.mark.parametrize("values", [{}, {"uri": "ftp://h"}, {"uri": "h/path"}, {"uri": "h:port"}])
def test_a_uri_that_is_none_is_told(values: dict[str, str]) -> None:
    with pytest.raises(CdmError, match=r"linkConfig\.uri"):
        hdfs(values).open_store(source_options())


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("10.0.0.1:9000", "http://10.0.0.1:9870"),
        ("hdfs://node:8020", "http://node:9870"),
        ("node", "http://node:9870"),
        ("node:50070", "http://node:50070"),
        ("http://node:9000", "http://node:9000"),
        ("swebhdfs://node:9871", "https://node:9871"),
    ],
)
def test_the_web_port_of_a_uri(uri: str, address: str) -> None:
    assert hdfs({"uri": uri})._address() == address


def test_a_job_that_stops_cuts_what_is_read_and_written(address: str) -> None:
    cancellation = Cancellation()
    files = hdfs({"uri": address}, cancellation=cancellation).open_store(source_options())
    write(files, "in/a", bytes(20 << 20))
    stream, output = files.open("in/a"), files.create("in/b")
    stream.read(1)

    cancellation.cancel()

    with pytest.raises(RunStopped):
        stream.read()
    with pytest.raises(RunStopped):
        for _ in range(1000):
            output.write(bytes(1 << 20))
    output.discard()
    with pytest.raises(RunStopped):
        files.find("in/a")


def test_urls() -> None:
    job = by_url("webhdfs://me@node:9870/in/a%20b.csv")

    assert dict(job.link.values) == {"uri": "webhdfs://node:9870", "user": "me", "authType": "Simple"}
    assert (job.source, job.target) == ({"inputDirectory": "/in/a b.csv"}, {"outputDirectory": "/in/a b.csv"})
    with pytest.raises(CdmError):
        by_url("webhdfs:///x")
