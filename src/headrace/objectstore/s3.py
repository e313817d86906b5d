"""Objects in an S3 endpoint (OBS, MinIO, S3) through obstore; needs the extra ``headrace[s3]``."""

from __future__ import annotations

import http.client
import io
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store as BucketClient

from headrace import errors
from headrace.objectstore.base import ObjectInfo, ObjectNotFound, begin_of
from headrace.objectstore.path import ObsPath, is_object_key
from headrace.objectstore.ranged import ranged
from headrace.objectstore.s3_signature import encoded_path, signed_headers

_SPOOL_BYTES = 8 << 20  # kept in memory up to here, on disk beyond
_READ_BYTES = 1 << 20  # asked for at once by a sequential reader
_AHEAD = 4  # as many more, on their way while it reads
_REFUSED = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError)
_SIGNED_FOR = timedelta(minutes=5)


class S3Store:
    """An ObjectStore in an S3 endpoint.

    ``endpoint`` is an http or https URL without a path; buckets are addressed by path, as self-hosted endpoints want.
    ``timeout`` and ``retries`` bound how long one operation may take when the endpoint does not answer. Unlike files,
    an unknown bucket is not made on writing unless ``create_buckets`` is on: buckets cost money and their names are
    shared with strangers.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        region: str = "us-east-1",
        *,
        create_buckets: bool = False,
        timeout: timedelta = timedelta(seconds=30),
        retries: int = 3,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # for signatures, as obstore reads the clock itself
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._create_buckets = create_buckets
        self._timeout = timeout
        self._region = region
        self._keys = (access_key, secret_key)
        self._now = now
        self._options: dict[str, Any] = {
            "endpoint": self._endpoint,
            "access_key_id": access_key,
            "secret_access_key": secret_key,
            "region": region,
            "virtual_hosted_style_request": False,
            "client_options": {"allow_http": True, "timeout": timeout, "connect_timeout": timedelta(seconds=5)},
            "retry_config": {"max_retries": retries, "retry_timeout": timeout},
        }
        self._clients: dict[str, BucketClient] = {}

    def bucket_exists(self, bucket: str) -> bool:
        try:
            next(iter(obstore.list(self._client(bucket), chunk_size=1)), None)
        except (exceptions.BaseError, OSError) as error:
            if "NoSuchBucket" in str(error):
                return False
            raise self._failed(ObsPath(bucket), error) from error
        return True

    def create_bucket(self, bucket: str) -> None:
        if self.bucket_exists(bucket):
            return
        url = obstore.sign(self._client(bucket), "PUT", "", _SIGNED_FOR)
        status, answer = self._send("PUT", url, self._location(), {})
        if status >= 300 and b"BucketAlreadyOwnedByYou" not in answer:
            raise errors.ObsFileUnreadable(f"obs://{bucket}/ cannot be made: {self._endpoint} answers status {status}")

    def exists(self, path: ObsPath) -> bool:
        try:
            self._head(path)
        except (ObjectNotFound, errors.BucketNotFound):
            return False
        return True

    def size(self, path: ObsPath) -> int:
        return int(self._head(path)["size"])

    def get(self, path: ObsPath) -> bytes:
        with self._told(path):
            return bytes(obstore.get(self._client(path.bucket), path.object_key()).bytes())

    def open(self, path: ObsPath) -> BinaryIO:
        head = self._head(path)

        def fetch(start: int, end: int) -> bytes:
            return self._read_range(path, start, end, head["e_tag"])

        return ranged(int(head["size"]), fetch, errors.ObsFileUnreadable, block=_READ_BYTES, ahead=_AHEAD)

    def put(self, path: ObsPath, data: bytes) -> None:
        self._put(path, data)

    @contextmanager
    def writer(self, path: ObsPath) -> Iterator[BinaryIO]:
        path.object_key()
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as file:
            yield file  # type: ignore[misc]  # all of BinaryIO but its class
            file.seek(0)
            self._put(path, file)

    def appender(self, path: ObsPath) -> S3Appender:
        return S3Appender(self, path)

    def list(self, prefix: ObsPath) -> Iterator[ObjectInfo]:
        if not self.bucket_exists(prefix.bucket):
            raise errors.BucketNotFound(f"obs://{prefix.bucket}/")
        return self._rows(prefix)

    def delete(self, path: ObsPath) -> None:
        key = path.object_key()
        if not self.bucket_exists(path.bucket):
            raise errors.BucketNotFound(f"obs://{path.bucket}/")
        with self._told(path):
            obstore.delete(self._client(path.bucket), key)

    def make_folder(self, path: ObsPath) -> None:
        key = path.proper_folder_key()
        status = self._send_marker("PUT", path.bucket, key)
        if status == 404 and self._create_buckets:
            self.create_bucket(path.bucket)
            status = self._send_marker("PUT", path.bucket, key)
        self._check_marker(path, status)

    def folder_exists(self, path: ObsPath) -> bool:
        if not self.bucket_exists(path.bucket):
            return False
        if not path.key:
            return True
        with self._told(path):
            return (
                next(iter(obstore.list(self._client(path.bucket), path.folder_key(), chunk_size=1)), None) is not None
            )

    def delete_folder(self, path: ObsPath) -> int:
        key = path.proper_folder_key()
        if not self.bucket_exists(path.bucket):
            raise errors.BucketNotFound(f"obs://{path.bucket}/")
        count, markers = 0, {key}
        with self._told(path):
            for rows in obstore.list(self._client(path.bucket), key):
                found = [row["path"] for row in rows if f"{row['path']}/" != key]
                markers |= {f"{row['path']}/" for row in rows if not row["size"]}  # each may be an object or a marker
                count += sum(1 for row in rows if row["size"] or self._is_object(path.bucket, row["path"]))
                if found:
                    obstore.delete(self._client(path.bucket), found)
        for marker in sorted(markers):
            self._check_marker(path, self._send_marker("DELETE", path.bucket, marker))
        return count

    def _read_range(self, path: ObsPath, start: int, end: int, e_tag: str | None) -> bytes:
        """Bytes ``start`` to before ``end`` of the version ``e_tag``. Raises ObsFileUnreadable when it was replaced."""
        options: dict[str, Any] = {"range": (start, end)}
        if e_tag is not None:
            options["if_match"] = e_tag
        with self._told(path):
            return bytes(obstore.get(self._client(path.bucket), path.object_key(), options=options).bytes())  # type: ignore[arg-type]

    def _client(self, bucket: str) -> BucketClient:
        client = self._clients.get(bucket)
        if client is None:
            client = self._clients[ObsPath(bucket).bucket] = BucketClient(bucket, **self._options)
        return client

    def _head(self, path: ObsPath) -> Any:
        with self._told(path):
            return obstore.head(self._client(path.bucket), path.object_key())

    def _put(self, path: ObsPath, content: Any) -> None:
        key = path.object_key()
        try:
            with self._told(path):
                obstore.put(self._client(path.bucket), key, content)
        except errors.BucketNotFound:
            if not self._create_buckets:
                raise
            self.create_bucket(path.bucket)
            if not isinstance(content, bytes):
                content.seek(0)
            with self._told(path):
                obstore.put(self._client(path.bucket), key, content)

    def _rows(self, prefix: ObsPath) -> Iterator[ObjectInfo]:
        with self._told(prefix):
            for rows in obstore.list(self._client(prefix.bucket), prefix.folder_key() or None):
                for row in rows:
                    if is_object_key(row["path"]) and (row["size"] or self._is_object(prefix.bucket, row["path"])):
                        modified_ms = int(row["last_modified"].timestamp() * 1000)
                        yield ObjectInfo(ObsPath(prefix.bucket, row["path"]), row["size"], modified_ms)

    def _is_object(self, bucket: str, key: str) -> bool:
        """Whether an empty row of a listing is an object: obstore shows the marker ``a/`` of a folder as ``a``."""
        try:
            obstore.head(self._client(bucket), key)
        except (exceptions.NotFoundError, FileNotFoundError):
            return False
        return True

    def _send_marker(self, method: str, bucket: str, key: str) -> int:
        """Make or remove the empty object ``key``, which ends in a slash; the status."""
        parts = urlsplit(self._endpoint)
        path = encoded_path(bucket, key)
        access_key, secret_key = self._keys
        headers = signed_headers(
            method,
            parts.netloc,
            path,
            access_key=access_key,
            secret_key=secret_key,
            region=self._region,
            now=self._now(),
        )
        return self._send(method, f"{self._endpoint}{path}", b"", headers)[0]

    def _check_marker(self, path: ObsPath, status: int) -> None:
        if status == 404:
            raise errors.BucketNotFound(f"obs://{path.bucket}/")
        if status >= 300:
            raise errors.ObsFileUnreadable(f"{path}: {self._endpoint} answers status {status}")

    @contextmanager
    def _told(self, path: ObsPath) -> Iterator[None]:
        """Turn what obstore raises into what callers are told."""
        try:
            yield
        except (exceptions.NotFoundError, FileNotFoundError) as error:
            if not self.bucket_exists(path.bucket):
                raise errors.BucketNotFound(f"obs://{path.bucket}/") from error
            raise ObjectNotFound(f"{path} does not exist") from error
        except (exceptions.BaseError, OSError) as error:
            raise self._failed(path, error) from error

    def _failed(self, path: ObsPath, error: BaseException) -> errors.ObsFileUnreadable:
        """An error without the endpoint's own text, which may repeat parts of the request."""
        if isinstance(error, exceptions.PreconditionError):
            return errors.ObsFileUnreadable(f"{path} was replaced while it was read")
        if isinstance(error, _REFUSED):
            return errors.ObsFileUnreadable(f"{path}: {self._endpoint} refuses the access key")
        return errors.ObsFileUnreadable(f"{path}: {self._endpoint} failed or cannot be reached")

    def _location(self) -> bytes:
        """The body of a bucket's creation. Source: Amazon S3 API reference, "CreateBucket"."""
        if self._region == "us-east-1":
            return b""
        return (
            '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<LocationConstraint>{self._region}</LocationConstraint></CreateBucketConfiguration>"
        ).encode()

    def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send one signed request; obstore has no operation that makes buckets or markers of folders."""
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=self._timeout.total_seconds())
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read(64 << 10)
        except (OSError, http.client.HTTPException) as error:
            raise errors.ObsFileUnreadable(f"{self._endpoint} failed or cannot be reached") from error
        finally:
            connection.close()


class S3Appender:
    """Collects what is added and puts the whole object at ``close``: S3 objects cannot grow."""

    def __init__(self, store: S3Store, path: ObsPath) -> None:
        self._store = store
        self._path = path
        self._lock = threading.Lock()
        self._file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 - closed by close()
        if store.exists(path):
            self._file.write(store.get(path))

    def write(self, data: bytes) -> None:
        with self._lock:
            self._file.seek(0, io.SEEK_END)
            self._file.write(data)

    def read(self, offset: int, size: int) -> tuple[bytes, int] | None:
        """What was added, also what was there before; None once the object has it."""
        with self._lock:
            if self._file.closed:
                return None
            begin = begin_of(offset, self._file.seek(0, io.SEEK_END))
            self._file.seek(begin)
            return self._file.read(size), begin

    def close(self) -> None:
        with self._lock:
            if self._file.closed:
                return
            with self._file, self._store.writer(self._path) as target:
                self._file.seek(0)
                while piece := self._file.read(_READ_BYTES):
                    target.write(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
