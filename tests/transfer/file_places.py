"""Places with files: the local folder, object stores, file servers in this process, and the sshd of this machine."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from places import SECRET, Opener, Place, closed_port, listed
from web_doubles import serving, web_files, webhdfs

from headrace.errors_cdm import (
    CdmError,
    FileServerUnreachable,
    FtpUnreachable,
    HdfsUnreachable,
    ObsUnreachable,
    SftpUnreachable,
    SourcePathMissing,
)
from headrace.objectstore.files import FileStore
from headrace.objectstore.s3 import S3Store
from headrace.transfer.options import Link


def files(
    link: Link,
    down: tuple[Link, type[CdmError]],
    urls: Sequence[str],
    ending: str = "parquet",
    **more: str,
) -> Place:
    """Files whose names say what they are."""
    start = more.pop("folder", "")
    return Place(
        link=link,
        source=lambda name, schema: {"inputDirectory": f"{start}{name}.{ending}", **listed(schema.names), **more},
        target=lambda name: {"outputDirectory": f"{start}{name}.{ending}", **more},
        urls=urls,
        down=down,
        missing=SourcePathMissing,
    )


def local(ending: str) -> Opener:
    @contextmanager
    def opened(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
        down = Link(name="", connector="local-connector", values={"directory": "none", "password": SECRET})
        link = Link(name="", connector="local-connector", values={})
        yield files(link, (down, FileServerUnreachable), ["file:///x.csv"], ending)

    return opened


def objects(link: Link, bucket: str) -> Place:
    lost = {"server": "127.0.0.1", "port": str(closed_port()), "accessKey": "AK", "securityKey": SECRET}
    down = Link(name="", connector="obs-connector", values={**lost, "protocol": "http"})
    urls = ["obs://mine/x.csv", f"s3://AK:{SECRET}@127.0.0.1:1/mine/x.csv"]
    return files(link, (down, ObsUnreachable), urls, bucketName=bucket)


@contextmanager
def own_store(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    FileStore(folder.parent / "obs").create_bucket("mine")
    yield objects(Link(name="", connector="obs-connector", values={}), "mine")


@contextmanager
def s3(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    endpoint, bucket = request.getfixturevalue("s3_endpoint"), f"suite-{uuid.uuid4().hex[:12]}"
    S3Store(endpoint, "AK", SECRET).create_bucket(bucket)
    host, _, port = endpoint.removeprefix("http://").rpartition(":")
    values = {"server": host, "port": port, "protocol": "http", "accessKey": "AK", "securityKey": SECRET}
    yield objects(Link(name="", connector="obs-connector", values=values), bucket)


@contextmanager
def ftp(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    from test_ftp import Server

    server = Server()
    try:
        values = server.values(folder)
        down = Link(name="", connector="ftp-connector", values={**values, "port": str(closed_port())})
        urls = [f"{scheme}://me:{SECRET}@127.0.0.1:1/x.csv" for scheme in ("ftp", "ftps")]
        yield files(Link(name="", connector="ftp-connector", values=values), (down, FtpUnreachable), urls)
    finally:
        server.close()


@contextmanager
def sftp(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pytest.importorskip("paramiko", reason="Paramiko is absent: pip install 'headrace[ssh]'")
    port = int(os.environ.get("HEADRACE_TEST_SSHD_PORT", "55422"))
    keys = Path(f"{os.environ.get('HEADRACE_SERVICES_DIR', '/tmp/headrace-services')}-sshd")
    try:
        key, host_key = (keys / "client").read_text("utf-8"), (keys / "host.pub").read_text("utf-8")
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError as error:
        pytest.skip(f"no sshd on 127.0.0.1:{port} (make services starts one): {error}")
    values = {"server": "127.0.0.1", "port": str(port), "username": getpass.getuser(), "hostKey": host_key}
    link = Link(name="", connector="sftp-connector", values={**values, "privateKey": key})
    down = Link(name="", connector="sftp-connector", values={**values, "password": SECRET, "port": str(closed_port())})
    yield files(link, (down, SftpUnreachable), [f"sftp://me:{SECRET}@127.0.0.1:1/x.csv"], folder=f"{folder}/")


@contextmanager
def hdfs(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    (folder / "hdfs").mkdir()
    with serving(webhdfs(folder / "hdfs", [])) as address:
        values = {"uri": address, "user": "me", "password": SECRET}
        down = Link(name="", connector="hdfs-connector", values={**values, "uri": f"http://127.0.0.1:{closed_port()}"})
        urls = [f"{scheme}://me@127.0.0.1:1/x.csv" for scheme in ("webhdfs", "swebhdfs", "hdfs")]
        yield files(Link(name="", connector="hdfs-connector", values=values), (down, HdfsUnreachable), urls)


@contextmanager
def http(folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    served: dict[str, bytes] = {"/": b"here"}
    with serving(web_files(served, ranges=True)) as url:

        def fill(name: str, table: pa.Table) -> None:
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink)
            served[f"/{name}.parquet"] = sink.getvalue().to_pybytes()

        down = {"testUrl": f"http://me:{SECRET}@127.0.0.1:{closed_port()}/"}
        yield Place(
            link=Link(name="", connector="http-connector", values={"testUrl": f"{url}/"}),
            source=lambda name, schema: {"inputDirectory": f"{url}/{name}.parquet", **listed(schema.names)},
            fill=fill,
            urls=[f"{scheme}://me:{SECRET}@127.0.0.1/x.csv" for scheme in ("http", "https")],
            down=(Link(name="", connector="http-connector", values=down), FileServerUnreachable),
            missing=SourcePathMissing,
        )
