"""Objects in OBS and other stores that speak S3, and in this installation's own object store."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore import exceptions

from headrace.errors_cdm import CdmDirectionMissing, CdmError, ObsUnreachable
from headrace.transfer.connector import Capability, Target, UrlJob, connector
from headrace.transfer.files.connector import FileConnector
from headrace.transfer.files.own_store import OwnFiles
from headrace.transfer.files.s3_endpoint import Endpoint, endpoint_of
from headrace.transfer.files.s3_files import S3Files, bucket_client
from headrace.transfer.files.store import FileStore
from headrace.transfer.options import Link, Options

_PROBE = "headrace-connection-test"  # a bucket that need not be there
_QUERY = {
    "endpoint": "server",
    "access_key": "accessKey",
    "access_key_id": "accessKey",
    "secret_key": "securityKey",
    "secret_access_key": "securityKey",
    "session_token": "securityToken",
    "region": "region",
    "path_style": "pathStyle",
}


@connector
class Obs(FileConnector):
    """Buckets of an endpoint, or of this installation where the link names no server or has no keys.

    URLs: ``obs://bucket/path`` is in this installation's own store. ``s3://key:secret@host:port/bucket/path`` is in
    another one, as is ``s3://bucket/path?endpoint=https://host&access_key=…&secret_key=…``, with ``session_token``,
    ``region`` and ``path_style`` where they are needed; the keys are percent-encoded.
    """

    capability = Capability(
        title="OBS and S3",
        connector_names=("obs-connector", "thirdparty-obs-connector"),
        schemes=("obs", "s3"),
        tested="moto's S3 server, the own object store",
        limits="Objects of at most 156 GB are written; KMS keys are not chosen.",
    )

    @property
    def only_here(self) -> str:
        """The own store is."""
        return "" if endpoint_of(self.link) else "the object store of this installation is its own"

    def test(self) -> str:
        """Ask for a bucket with the keys of the link. Raises ObsUnreachable."""
        endpoint = endpoint_of(self.link)
        if endpoint is None:
            OwnFiles(self.surroundings.store, _PROBE).look()
            return "The object store of this installation answers."
        _probe(endpoint)
        return f"{endpoint.shown} answers and knows the access key."

    def open_store(self, options: Options) -> FileStore:
        """The bucket that the job names. Raises CdmError."""
        endpoint, bucket = endpoint_of(self.link), options.required("bucketName").strip()
        if endpoint is None:
            return OwnFiles(self.surroundings.store, bucket)
        if "/" in bucket:
            raise CdmError(f"{options.section}.bucketName: {bucket!r} is no name of a bucket.")
        return S3Files(endpoint, bucket)

    def target(self, options: Options) -> Target:
        """Objects; thirdparty-obs-connector is a source only. Source: CDM API reference, supported connectors."""
        if self.link.connector == "thirdparty-obs-connector":
            raise CdmDirectionMissing(f"{self.link.connector}: cannot be written to.")
        return super().target(options)

    @classmethod
    def from_url(cls, url: str) -> UrlJob:
        """A bucket and a path in it. Raises CdmError, without repeating keys."""
        parts = urlsplit(url)
        if parts.scheme == "obs":
            return _job({}, parts.netloc, unquote(parts.path))
        values = _query(parts.query)
        bucket, path = parts.netloc, unquote(parts.path)
        if "@" in parts.netloc:
            user, _, host = parts.netloc.rpartition("@")
            key, _, secret = user.partition(":")
            values |= {"accessKey": unquote(key), "securityKey": unquote(secret), "server": host}
            bucket, _, path = path.lstrip("/").partition("/")
        missing = [name for name in ("server", "accessKey", "securityKey") if not values.get(name)]
        if missing:
            raise CdmError("An s3:// URL needs its endpoint, access key and secret key; see the documentation.")
        return _job(values, bucket, path)


def _query(text: str) -> dict[str, str]:
    given = dict(parse_qsl(text))
    unknown = sorted(set(given) - set(_QUERY))
    if unknown:
        raise CdmError(f"An s3:// URL has no parameter {', '.join(unknown)}.")
    return {_QUERY[name]: value for name, value in given.items()}


def _job(values: Mapping[str, str], bucket: str, path: str) -> UrlJob:
    if not bucket:
        raise CdmError("A URL of an object store names a bucket: obs://bucket/path.")
    link = Link(name="", connector="obs-connector", values=values)
    path = path.strip("/")
    return UrlJob(
        link,
        {"bucketName": bucket, "inputDirectory": path},
        {"bucketName": bucket, "outputDirectory": path},
    )


def _probe(endpoint: Endpoint) -> None:
    """Ask for a bucket that need not be there: keys are checked before it is looked for. Raises ObsUnreachable."""
    try:
        next(iter(obstore.list(bucket_client(endpoint, _PROBE, retries=0), chunk_size=1)), None)
    except (exceptions.BaseError, OSError) as error:
        said = str(error)
        if "NoSuchBucket" in said or "AccessDenied" in said:
            return
        if "InvalidAccessKeyId" in said or "SignatureDoesNotMatch" in said:
            raise ObsUnreachable(f"{endpoint.shown} refuses the access key.") from error
        raise ObsUnreachable(f"{endpoint.shown} failed or cannot be reached.") from error
