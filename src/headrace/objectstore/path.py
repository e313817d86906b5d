"""obs://bucket/key: read strictly, so that no path leaves its bucket or its folder."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Self

from headrace import errors

RESERVED_PREFIX = ".headrace-"  # names of files being written; never an object's
MAX_KEY_BYTES = 1024  # Source: OBS user guide, "Uploading an Object"
_BUCKET = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}")
_URL = re.compile(r"(?:obs|s3a)://([^/]*)(?:/(.*))?", re.IGNORECASE | re.DOTALL)
_SHOWN = 200  # characters of a refused value that an error repeats


@dataclass(frozen=True, slots=True)
class ObsPath:
    """A bucket and a key in it; whoever holds one may use it without checking it again.

    The key has no leading slash. It is empty for the bucket itself and ends in ``/`` when a folder was named.
    Buckets have 1 to 63 characters: published examples use ``_``, capitals and one-letter names.
    Raises InvalidObsPath (DLF.0803).
    """

    bucket: str
    key: str = ""

    def __post_init__(self) -> None:
        if fault := _bucket_fault(self.bucket) or _key_fault(self.key):
            raise _invalid("path", str(self), fault)

    @classmethod
    def parse(cls, text: str, member: str = "path") -> Self:
        """Read ``obs://bucket/key`` or ``s3a://bucket/key``; an error names ``member`` and the value."""
        match = _URL.fullmatch(text)
        if match is None:
            raise _invalid(member, text, "is not of the form obs://bucket/key")
        bucket, key = match[1], match[2] or ""
        if fault := _bucket_fault(bucket) or _key_fault(key):
            raise _invalid(member, text, fault)
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"obs://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> Self:
        """The path ``name`` below this folder. ``name`` may have several segments, all of them below."""
        folder = self.key.rstrip("/")
        if not name:
            raise _invalid("path", str(self), "cannot be joined with an empty name")
        return type(self)(self.bucket, f"{folder}/{name}" if folder else name)

    @property
    def name(self) -> str:
        """The last segment, empty for the bucket itself."""
        return self.key.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> Self:
        """The folder around it; the bucket's parent is the bucket."""
        folder, slash, _ = self.key.rstrip("/").rpartition("/")
        return type(self)(self.bucket, folder + slash)

    def object_key(self) -> str:
        """The key, where an object and not a folder must be named. Raises InvalidObsPath."""
        if not self.key or self.key.endswith("/"):
            raise _invalid("path", str(self), "names a folder where an object is needed")
        return self.key

    def folder_key(self) -> str:
        """What the keys of everything below this folder begin with: empty, or ending in ``/``."""
        folder = self.key.rstrip("/")
        return f"{folder}/" if folder else ""

    def proper_folder_key(self) -> str:
        """As ``folder_key``, where a folder in the bucket must be named. Raises InvalidObsPath."""
        if not self.key:
            raise _invalid("path", str(self), "names a whole bucket where a folder in it is needed")
        return self.folder_key()


def is_object_key(key: str) -> bool:
    """Whether a key found in a store is one that an ObsPath can name as an object."""
    return bool(key) and not key.endswith("/") and _key_fault(key) is None


def _bucket_fault(bucket: str) -> str | None:
    if _BUCKET.fullmatch(bucket):
        return None
    return "has no valid bucket: 1 to 63 letters, digits, '.', '-' or '_', not beginning with '.'"


def _key_fault(key: str) -> str | None:
    """What is wrong with a key, or None."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode text"
    if size > MAX_KEY_BYTES:
        return f"has a key of {size} bytes; {MAX_KEY_BYTES} is the limit"
    if "\\" in key:
        return "has a backslash"
    if not key.isprintable() and any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in key):
        return "has a control character"
    segments = key.removesuffix("/").split("/")
    return None if segments == [""] and not key else _segment_fault(segments)


def _segment_fault(segments: list[str]) -> str | None:
    for segment in segments:
        if not segment:
            return "has an empty segment"
        if segment in (".", ".."):
            return f"has the segment {segment!r}"
        if segment.startswith(RESERVED_PREFIX):
            return f"has a segment that begins with {RESERVED_PREFIX}, which is reserved"
    return None


def _invalid(member: str, value: str, fault: str) -> errors.InvalidObsPath:
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return errors.InvalidObsPath(f"{member}: {shown!r} {fault}")
