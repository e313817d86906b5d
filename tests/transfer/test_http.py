"""Files behind web addresses, of servers in this process."""

from __future__ import annotations

import base64
import socket
from contextlib import closing
from typing import Any

import pytest
from file_store_suite import CONTENT, paths, read
from memory_files import around, source_options, target_options
from web_doubles import serving, web_files

from headrace.errors_cdm import (
    CdmDirectionMissing,
    CdmError,
    FileNotRead,
    FileServerUnreachable,
    RunStopped,
    SourcePathMissing,
)
from headrace.sql.engine import Cancellation
from headrace.transfer.connector import by_url, open_connector
from headrace.transfer.connectors.http import Http
from headrace.transfer.files.selection import select
from headrace.transfer.files.store import FileEntry, FileStore
from headrace.transfer.options import Link

LARGE = CONTENT * (18 << 10) + b"end"
WHEN = 1_706_666_400_000


def http(values: dict[str, str] | None = None, **changes: Any) -> Http:
    found = open_connector(Link(name="w", connector="http-connector", values=values or {}), around(**changes))
    assert isinstance(found, Http)
    return found


def files_of(*urls: str, **changes: Any) -> FileStore:
    return http(**changes).open_store(source_options(inputDirectory="|".join(urls)))


@pytest.mark.parametrize("ranges", [True, False])
def test_files_are_listed_found_and_read(ranges: bool) -> None:
    with serving(web_files({"/d/a.csv": b"1,2\n", "/d/中 b": LARGE, "/empty": b""}, ranges=ranges)) as url:
        files = files_of(f"{url}/d/a.csv", f"{url}/d/中 b", f"{url}/empty", f"{url}/nothing")

        assert list(files.list(f"{url}/d/a.csv")) == [FileEntry(f"{url}/d/a.csv", 4, WHEN)]
        assert paths(files, f"{url}/d") == [f"{url}/d/a.csv", f"{url}/d/中 b"]
        assert files.find(f"{url}/nothing") is None
        assert [read(files, f"{url}/{name}") for name in ("d/a.csv", "d/中 b", "empty")] == [b"1,2\n", LARGE, b""]
        with pytest.raises(SourcePathMissing):
            files.open(f"{url}/nothing")


def test_large_files_are_read_anywhere_where_the_server_can() -> None:
    with serving(web_files({"/large": LARGE}, ranges=True)) as url:
        files = files_of(f"{url}/large")
        with closing(files.open(f"{url}/large")) as stream:
            assert stream.seekable()
            stream.seek(-3, 2)
            assert stream.read() == b"end"
    with serving(web_files({"/large": LARGE}, ranges=False)) as url:
        files = files_of(f"{url}/large")
        with closing(files.open(f"{url}/large")) as stream:
            assert not stream.seekable()
            assert stream.read(5) == CONTENT[:5]


def test_a_file_replaced_while_it_is_read_is_told() -> None:
    given = {"/large": LARGE}
    with serving(web_files(given, ranges=True)) as url:
        files = files_of(f"{url}/large")
        with closing(files.open(f"{url}/large")) as stream:
            stream.read(1)
            given["/large"] = LARGE + b"more"
            with pytest.raises(FileNotRead, match="replaced"):
                stream.read()


def test_a_job_names_urls_with_a_query() -> None:
    with serving(web_files({"/d/a.csv?x=1&y=*": b"1", "/b": b"2"}, ranges=True)) as url:
        options = source_options(inputDirectory=f"{url}/d/a.csv?x=1&y=*|{url}/b")
        found = select(http().open_store(options), options, around())

    assert [(one.entry.path.removeprefix(url), one.entry.size) for one in found] == [("/b", 1), ("/d/a.csv?x=1&y=*", 1)]


def test_redirects_are_followed_to_the_web_only() -> None:
    given = {
        "/a": b"to:/b",
        "/b": b"x",
        "/loop": b"to:/loop",
        "/file": b"to:file:///etc/passwd",
        "/ftp": b"to:ftp://127.0.0.1/",
    }
    with serving(web_files(given, ranges=True)) as url:
        files = files_of(f"{url}/a")
        assert read(files, f"{url}/a") == b"x"
        for path in ("loop", "file", "ftp"):
            with pytest.raises(FileServerUnreachable):
                files.open(f"{url}/{path}")


def test_a_login_of_the_url_goes_to_its_own_host_only() -> None:
    basic = b"Basic " + base64.b64encode(b"me:p/w")
    with serving(web_files({"/a": b"login:" + basic, "/none": b"login:"}, ranges=True)) as other:
        given = {"/a": b"login:" + basic, "/moved": b"to:/a", "/away": f"to:{other}/none".encode()}
        with serving(web_files(given, ranges=True)) as url:
            named = url.replace("://", "://me:p%2Fw@")
            files = files_of(f"{named}/a")
            for path in ("a", "moved"):
                assert read(files, f"{named}/{path}") == b"login:" + basic
            assert read(files, f"{named}/away") == b"login:"
            with pytest.raises(FileServerUnreachable, match="401") as refusal:
                files.open(f"{named.replace('me:', 'you:')}/a")
    assert "p%2Fw" not in refusal.value.message


def test_addresses_of_clouds_are_not_asked() -> None:
    with pytest.raises(FileServerUnreachable, match="link-local"):
        files_of("http://169.254.169.254/latest").open("http://169.254.169.254/latest")


def test_a_server_that_is_down_answers_cdm_0411() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(FileServerUnreachable):
        files_of(f"{url}/a").find(f"{url}/a")
    with pytest.raises(FileServerUnreachable):
        http({"testUrl": url}).test()


def test_test__asks_for_the_url_of_the_link() -> None:
    with serving(web_files({"/a": b"1"}, ranges=True)) as url:
        assert http({"testUrl": f"{url}/a"}).test() == f"{url}/a answers status 200."
        with pytest.raises(FileServerUnreachable, match="404"):
            http({"testUrl": f"{url}/b"}).test()
    assert "nothing to reach" in http().test()


def test_nothing_is_written() -> None:
    files = files_of("http://host/a")
    for act in (files.create, files.delete, lambda path: files.rename(path, path)):
        with pytest.raises(CdmDirectionMissing):
            act("http://host/a")  # type: ignore[operator]
    with pytest.raises(CdmDirectionMissing):
        http().target(target_options())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "host/a", "ftp://host/a", "../a"])
def test_what_is_no_web_address_is_told(url: str) -> None:
    with pytest.raises(CdmError, match="inputDirectory"):
        files_of(url)


def test_a_job_that_stops_cuts_what_is_read() -> None:
    cancellation = Cancellation()
    with serving(web_files({"/large": LARGE * 4}, ranges=False)) as url:
        stream = files_of(f"{url}/large", cancellation=cancellation).open(f"{url}/large")
        stream.read(1)
        cancellation.cancel()
        with pytest.raises(RunStopped):
            stream.read()
        stream.close()


def test_urls() -> None:
    job = by_url("https://host/a.csv?x=1")
    assert (job.link.connector, job.source) == ("http-connector", {"inputDirectory": "https://host/a.csv?x=1"})
