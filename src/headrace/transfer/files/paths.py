"""Paths in places with files, none of which leads out of them."""

from __future__ import annotations

import secrets

from headrace.errors_cdm import PathNotPermitted

PART = ".headrace-part-"  # names of files being written; no listing shows them
_CONTROL = frozenset(map(chr, range(32))) | {"\x7f"}


def checked(path: str) -> str:
    """A path without slashes around it. Raises PathNotPermitted where it climbs, or has signs that no name has."""
    plain = path.strip("/")
    if any(segment in (".", "..") for segment in plain.split("/")):
        raise PathNotPermitted(f"{path!r} has the segment '.' or '..'.")
    if "//" in plain or _CONTROL & set(plain):
        raise PathNotPermitted(f"{path!r} has an empty segment or a control character.")
    return plain


def checked_file(path: str) -> str:
    """As ``checked``, where a file and not the whole place must be named."""
    plain = checked(path)
    if not plain:
        raise PathNotPermitted("The path is empty where that of a file is needed.")
    return plain


def below(folder: str, name: str) -> str:
    """The path of what a listing of a folder shows. Raises PathNotPermitted for a name that would lead elsewhere."""
    if not name or "/" in name or name in (".", ".."):
        raise PathNotPermitted(f"The listing of {folder or '/'!r} has the name {name!r}.")
    return f"{folder}/{name}" if folder else name


def part_of(path: str) -> str:
    """A name beside a path for what is not complete, another each time."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{PART}{secrets.token_hex(8)}"


def is_part(name: str) -> bool:
    """Whether a name, or the last of a path, is that of a file being written."""
    return name.rpartition("/")[2].startswith(PART)
