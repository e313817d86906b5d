"""The content digest of a package: equal for equal content, whatever the archive, its layout, its order or release."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from headrace.packages.model import PackageObject


class DigestBuilder:
    """Takes objects one by one and keeps 32 bytes of each."""

    def __init__(self) -> None:
        self._entries: set[bytes] = set()

    def add(self, item: PackageObject) -> None:
        """Count an object; the same object twice counts once."""
        kind, group, name = item.key
        head = "\0".join((kind.name, group, name)).encode("utf-8", "surrogatepass")
        self._entries.add(sha256(sha256(head).digest() + sha256(item.text).digest()).digest())

    def value(self) -> str:
        """``sha256:`` and 64 hexadecimal digits."""
        return "sha256:" + sha256(b"".join(sorted(self._entries))).hexdigest()


def content_digest(items: Iterable[PackageObject]) -> str:
    """The digest of some objects."""
    builder = DigestBuilder()
    for item in items:
        builder.add(item)
    return builder.value()
