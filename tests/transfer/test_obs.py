"""Buckets of an S3 server (moto's) and of the own object store, and links to them."""

from __future__ import annotations

import itertools
import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from file_store_suite import CONTENT, FileStoreSuite, paths, write
from memory_files import around, source_options, target_options

from headrace.errors_cdm import BucketMissing, CdmDirectionMissing, CdmError, FileNotRead, ObsUnreachable
from headrace.objectstore.files import FileStore as ObjectFiles
from headrace.objectstore.path import ObsPath
from headrace.objectstore.s3 import S3Store
from headrace.transfer.connector import by_url, open_connector
from headrace.transfer.connectors.obs import Obs
from headrace.transfer.files.own_store import OwnFiles
from headrace.transfer.files.s3_endpoint import endpoint_of
from headrace.transfer.files.s3_files import S3Files
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link

NUMBERS = itertools.count()


def link(connector: str = "obs-connector", **values: str) -> Link:
    return Link(name="obs", connector=connector, values=values)


def obs(given: Link, **changes: Any) -> Obs:
    found = open_connector(given, around(**changes))
    assert isinstance(found, Obs)
    return found


def to_server(url: str, **values: str) -> Link:
    parts = urlsplit(url)
    port = str(parts.port)
    return link(
        **{"server": parts.hostname or "", "port": port, "accessKey": "AK", "securityKey": "very-secret"} | values
    )


@pytest.fixture
def s3_bucket(s3_endpoint: str) -> str:
    """A fresh bucket: the server is shared by all tests."""
    bucket = f"transfer-{next(NUMBERS)}"
    S3Store(s3_endpoint, "AK", "very-secret").create_bucket(bucket)
    return bucket


def files_of(endpoint: str, bucket: str, **values: str) -> FileStore:
    return obs(to_server(endpoint, **values)).open_store(source_options(bucketName=bucket))


@pytest.mark.s3
class TestS3Files(FileStoreSuite):
    @pytest.fixture
    def files(self, s3_endpoint: str, s3_bucket: str) -> FileStore:
        found = files_of(s3_endpoint, s3_bucket)
        assert isinstance(found, S3Files)
        return found


class TestOwnFiles(FileStoreSuite):
    @pytest.fixture
    def files(self, tmp_path: Path) -> FileStore:
        store = ObjectFiles(tmp_path / "obs", durable=False)
        store.create_bucket("bucket")
        found = obs(link(server="obs.example.com"), store=store).open_store(source_options(bucketName="bucket"))
        assert isinstance(found, OwnFiles)
        return found


@pytest.mark.s3
class TestOwnFilesInS3(FileStoreSuite):
    @pytest.fixture
    def files(self, s3_endpoint: str, s3_bucket: str) -> FileStore:
        store: Any = S3Store(s3_endpoint, "AK", "very-secret")
        return obs(link(), store=store).open_store(source_options(bucketName=s3_bucket))


@pytest.mark.s3
def test_s3__a_discarded_upload_leaves_no_parts(s3_endpoint: str, s3_bucket: str) -> None:
    boto3 = pytest.importorskip("boto3")
    client = boto3.client(
        "s3", endpoint_url=s3_endpoint, aws_access_key_id="AK", aws_secret_access_key="x", region_name="us-east-1"
    )
    output = files_of(s3_endpoint, s3_bucket).create("in/large")
    for _ in range(5):
        output.write(bytes(16 << 20))
    output.discard()

    assert "Uploads" not in client.list_multipart_uploads(Bucket=s3_bucket)
    assert "Contents" not in client.list_objects_v2(Bucket=s3_bucket)


@pytest.mark.s3
def test_s3__markers_of_folders_are_no_files(s3_endpoint: str, s3_bucket: str) -> None:
    S3Store(s3_endpoint, "AK", "very-secret").make_folder(ObsPath(s3_bucket, "in/folder/"))
    files = files_of(s3_endpoint, s3_bucket)
    write(files, "in/folder/a", b"1")

    assert paths(files) == ["in/folder/a"]
    assert paths(files, "in/folder") == ["in/folder/a"]


@pytest.mark.s3
def test_s3__more_files_than_a_page(s3_endpoint: str, s3_bucket: str) -> None:
    files = files_of(s3_endpoint, s3_bucket)
    names = [f"in/{number:04}" for number in range(1_050)]
    for name in names:
        write(files, name, b"1")

    assert paths(files) == names


@pytest.mark.s3
def test_s3__an_object_replaced_while_it_is_read_is_told(s3_endpoint: str, s3_bucket: str) -> None:
    files = files_of(s3_endpoint, s3_bucket)
    write(files, "in/a", CONTENT * 20_000)
    with closing(files.open("in/a")) as stream:
        assert stream.read(4) == CONTENT[:4]
        write(files, "in/a", CONTENT)
        with pytest.raises(FileNotRead, match="replaced"):
            stream.read()


@pytest.mark.s3
def test_s3__an_unknown_bucket_answers_cdm_0801(s3_endpoint: str) -> None:
    files = files_of(s3_endpoint, "nobody-has-this")
    for act in (files.open, files.find, files.delete, lambda one: list(files.list(one))):
        with pytest.raises(BucketMissing, match=r"\[nobody-has-this\]"):
            act("x")  # type: ignore[operator]
    with pytest.raises(BucketMissing):
        files.create("x").close()
    large = files.create("x")
    with pytest.raises(BucketMissing):
        for _ in range(8):
            large.write(bytes(16 << 20))
        large.close()


def test_own_store__an_unknown_bucket_answers_cdm_0801(tmp_path: Path) -> None:
    files = obs(link(), store=ObjectFiles(tmp_path)).open_store(source_options(bucketName="nobody-has-this"))
    with pytest.raises(BucketMissing, match=r"\[nobody-has-this\]"):
        list(files.list("x"))
    with pytest.raises(CdmError):
        obs(link(), store=ObjectFiles(tmp_path)).open_store(source_options(bucketName="../up"))


@pytest.mark.s3
def test_test__a_server_that_answers(s3_endpoint: str, tmp_path: Path) -> None:
    assert "answers" in obs(to_server(s3_endpoint)).test()
    assert "this installation" in obs(link(), store=ObjectFiles(tmp_path)).test()


def test_a_server_that_is_down_answers_cdm_0800_without_keys() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = to_server(f"http://127.0.0.1:{free.getsockname()[1]}", accessKey="AKIDVALUE")
    with pytest.raises(ObsUnreachable) as refusal:
        obs(dead).test()
    assert "very-secret" not in refusal.value.message
    assert "AKIDVALUE" not in refusal.value.message


@pytest.mark.parametrize(
    ("values", "scheme", "host", "by_host", "region"),
    [
        (
            {"server": "obs.eu-de.otc.t-systems.com", "port": "443"},
            "https",
            "obs.eu-de.otc.t-systems.com",
            True,
            "eu-de",
        ),
        (
            {"server": "obs.cn-north-1.myhuaweicloud.com"},
            "https",
            "obs.cn-north-1.myhuaweicloud.com",
            True,
            "cn-north-1",
        ),
        ({"server": "10.0.0.1", "port": "80"}, "http", "10.0.0.1", False, "us-east-1"),
        ({"server": "minio", "port": "9000"}, "http", "minio:9000", False, "us-east-1"),
        ({"server": "https://[::1]:9000"}, "https", "[::1]:9000", False, "us-east-1"),
        ({"server": "http://localhost:9000", "region": "x-1"}, "http", "localhost:9000", False, "x-1"),
        (
            {"server": "s3.example.com", "port": "8443", "pathStyle": "true"},
            "https",
            "s3.example.com:8443",
            False,
            "us-east-1",
        ),
        ({"ossEndpoint": "oss-cn-hangzhou.aliyuncs.com"}, "https", "oss-cn-hangzhou.aliyuncs.com", True, "cn-hangzhou"),
    ],
)
def test_endpoint__of_the_inputs_of_a_link(
    values: dict[str, str], scheme: str, host: str, by_host: bool, region: str
) -> None:
    found = endpoint_of(link(accessKey="AK", securityKey="SK", **values))

    assert found is not None
    assert (found.scheme, found.host, found.by_host("b"), found.region) == (scheme, host, by_host, region)
    assert found.of_bucket("b") == f"{scheme}://{'b.' if by_host else ''}{host}"
    assert not found.by_host("with.dots")
    assert "SK" not in repr(found)


@pytest.mark.parametrize("server", ["http://", "host/path", "ftp://host", "user@host", "host:port"])
def test_endpoint__what_is_no_address_is_told(server: str) -> None:
    with pytest.raises(CdmError, match="server"):
        endpoint_of(link(server=server, accessKey="AK", securityKey="SK"))


def test_a_third_party_store_is_a_source_only() -> None:
    with pytest.raises(CdmDirectionMissing):
        obs(link("thirdparty-obs-connector")).target(target_options(bucketName="b"))


def test_urls() -> None:
    own = by_url("obs://bucket/in/a%20b.csv")
    assert (dict(own.link.values), own.source) == ({}, {"bucketName": "bucket", "inputDirectory": "in/a b.csv"})

    named = by_url("s3://AK:s%2Fk@host:9000/bucket/in/x.csv?region=eu")
    asked = by_url("s3://bucket/in/x.csv?endpoint=host:9000&access_key=AK&secret_key=s/k&region=eu")
    assert named == asked
    assert named.target == {"bucketName": "bucket", "outputDirectory": "in/x.csv"}
    assert dict(named.link.values) == {
        "server": "host:9000",
        "accessKey": "AK",
        "securityKey": "s/k",
        "region": "eu",
    }
    for wrong in ("s3://bucket/x", "s3://AK:secret@host", "obs:///x", "s3://b/x?endpoint=h&secret=very"):
        with pytest.raises(CdmError) as refusal:
            by_url(wrong)
        assert "very" not in refusal.value.message
        assert "AK" not in refusal.value.message
