"""Files in a bucket of an object store that speaks S3: OBS, OSS, COS, MinIO, S3."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO

import obstore
from obstore import exceptions
from obstore.store import S3Store as BucketClient

from headrace.errors_cdm import BucketMissing, CdmError, FileNotRead, ObsUnreachable, SourcePathMissing
from headrace.objectstore.ranged import BLOCK, ranged
from headrace.transfer.files.paths import checked, checked_file
from headrace.transfer.files.s3_endpoint import Endpoint
from headrace.transfer.files.store import FileEntry, FileStore

PART_BYTES = 16 << 20  # of a multipart upload: 10,000 of them make an object of 156 GB
PARTS_AT_ONCE = 4
AHEAD = 2  # blocks that are fetched while others are read
MOST_COPIED = 5 << 30  # bytes that a store copies by itself. Source: Amazon S3 API reference, "CopyObject"
_TIMEOUT, _CONNECT = timedelta(seconds=60), timedelta(seconds=10)
_REFUSED = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError)
_MISSING = (exceptions.NotFoundError, FileNotFoundError)
_NONE = (*_REFUSED, exceptions.BaseError, OSError)


def bucket_client(endpoint: Endpoint, bucket: str, *, retries: int = 3) -> BucketClient:
    """The client of one bucket."""
    token: Any = {"session_token": endpoint.token} if endpoint.token else {}
    return BucketClient(
        bucket,
        endpoint=endpoint.of_bucket(bucket),
        access_key_id=endpoint.access_key,
        secret_access_key=endpoint.secret_key,
        **token,
        region=endpoint.region,
        virtual_hosted_style_request=endpoint.by_host(bucket),
        client_options={"allow_http": True, "timeout": _TIMEOUT, "connect_timeout": _CONNECT},
        retry_config={"max_retries": retries, "retry_timeout": _TIMEOUT},
    )


class S3Files(FileStore):
    """The objects of one bucket of an endpoint. An object is read in ranges of one version, and written in parts."""

    def __init__(self, endpoint: Endpoint, bucket: str) -> None:
        self._endpoint = endpoint
        self._bucket = bucket
        self._client = bucket_client(endpoint, bucket)

    def list(self, path: str) -> Iterator[FileEntry]:
        """The object, or all below the folder; markers of folders are none. Raises BucketMissing."""
        plain = checked(path)
        found = self.find(plain) if plain else None
        if found is not None:
            yield found
            return
        with self._told(plain):
            for rows in obstore.list(self._client, plain or None):
                for row in rows:
                    if row["size"] or self.find(row["path"]):  # the marker "a/" of a folder is shown as "a"
                        yield _entry(row)

    def find(self, path: str) -> FileEntry | None:
        """The object. Raises BucketMissing."""
        plain = checked_file(path)
        with self._told(plain):
            try:
                return _entry(obstore.head(self._client, plain))
            except _MISSING:
                self._bucket_or_raise()
                return None

    def open(self, path: str) -> BinaryIO:
        """Raises SourcePathMissing, BucketMissing; reading raises FileNotRead when the object was replaced."""
        plain = checked_file(path)
        with self._told(plain):
            head = obstore.head(self._client, plain)
        e_tag = head.get("e_tag")

        def fetch(start: int, end: int) -> bytes:
            options: Any = {"range": (start, end), **({"if_match": e_tag} if e_tag else {})}
            with self._told(plain):
                return bytes(obstore.get(self._client, plain, options=options).bytes())

        return ranged(int(head["size"]), fetch, FileNotRead, ahead=AHEAD)

    def create(self, path: str) -> S3Output:
        """The object appears, or is replaced, when it is closed."""
        plain = checked_file(path)
        return S3Output(self._client, plain, lambda: self._told(plain))

    def delete(self, path: str) -> None:
        """Raises BucketMissing."""
        plain = checked_file(path)
        with self._told(plain):
            try:
                obstore.delete(self._client, plain)
            except _MISSING:
                self._bucket_or_raise()

    def rename(self, path: str, to: str) -> None:
        """Copy and delete, as stores know no other way. Raises SourcePathMissing."""
        plain, new = checked_file(path), checked_file(to)
        if plain == new:
            return
        with self._told(plain):
            if int(obstore.head(self._client, plain)["size"]) <= MOST_COPIED:
                obstore.copy(self._client, plain, new)
            else:
                self._streamed(plain, new)
        self.delete(plain)

    def _streamed(self, path: str, to: str) -> None:
        output = self.create(to)
        with self.open(path) as stream:
            try:
                while data := stream.read(BLOCK):
                    output.write(data)
            except BaseException:
                output.discard()
                raise
        output.close()

    def _bucket_or_raise(self) -> None:
        """Raises BucketMissing: the answer to a look at one object does not tell which of the two is missing."""
        try:
            next(iter(obstore.list(self._client, chunk_size=1)), None)
        except _NONE as error:
            if "NoSuchBucket" in str(error):
                raise BucketMissing(self._bucket) from error

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """What the store says, in our words: its own may repeat parts of the request."""
        try:
            yield
        except _MISSING as error:
            if "NoSuchBucket" in str(error):
                raise BucketMissing(self._bucket) from error
            self._bucket_or_raise()
            raise SourcePathMissing(path) from error
        except exceptions.PreconditionError as error:
            raise FileNotRead(f"{path} was replaced while it was read.") from error
        except _REFUSED as error:
            raise ObsUnreachable(f"{self._endpoint.shown} refuses the access key for {path or '/'!r}.") from error
        except (exceptions.BaseError, OSError) as error:
            if "NoSuchBucket" in str(error):
                raise BucketMissing(self._bucket) from error
            raise ObsUnreachable(f"{path or '/'!r}: {self._endpoint.shown} failed or cannot be reached.") from error


class S3Output:
    """An object being written: small ones at once, others in parts, which are sent by a thread of its own.

    ``told`` makes the block in which errors of the store become ours.
    """

    def __init__(self, client: BucketClient, path: str, told: Callable[[], Any]) -> None:
        self._client = client
        self._path = path
        self._told = told
        self._waiting = bytearray()
        self._blocks: queue.Queue[bytes | None] = queue.Queue(2)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._discarded = False

    def write(self, data: bytes) -> int:
        """Raises what sending the parts before it raised."""
        self._waiting += data
        while len(self._waiting) >= PART_BYTES:
            self._send(bytes(self._waiting[:PART_BYTES]))
            del self._waiting[:PART_BYTES]
        return len(data)

    def close(self) -> None:
        """Complete the object. Raises CdmError, and leaves nothing then."""
        if self._thread is None:
            with self._told():
                obstore.put(self._client, self._path, bytes(self._waiting), use_multipart=False)
            return
        self._send(bytes(self._waiting))
        self._end()
        self._raise()

    def discard(self) -> None:
        """Take back the parts that were sent."""
        self._waiting.clear()
        self._discarded = True
        if self._thread is not None:
            self._end()

    def _send(self, block: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._upload, name="upload", daemon=True)
            self._thread.start()
        self._blocks.put(block)
        self._raise()

    def _end(self) -> None:
        assert self._thread is not None  # noqa: S101 - both callers have looked
        self._blocks.put(None)
        self._thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _upload(self) -> None:
        try:
            with self._told():
                obstore.put(
                    self._client,
                    self._path,
                    self._parts(),
                    use_multipart=True,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
        except BaseException as error:  # noqa: BLE001 - raised by the writer
            self._error = error
            while not self._discarded and self._blocks.get() is not None:
                pass  # the writer must not wait for room

    def _parts(self) -> Iterator[bytes]:
        while (block := self._blocks.get()) is not None:
            if self._discarded:
                break
            yield block
        if self._discarded:
            raise CdmError("The object is not wanted.")


def _entry(row: Any) -> FileEntry:
    return FileEntry(row["path"], int(row["size"]), round(row["last_modified"].timestamp() * 1000))
