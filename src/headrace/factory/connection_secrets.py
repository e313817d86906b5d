"""Secrets of connections: sealed in the stored text, masked on read, kept when the mask comes back.

Which members of ``config`` are secrets says ``domain/secrets.py``; they count on every level of it. The rest of the
text stays as received.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from headrace.auth.sealing import MASK, Sealer
from headrace.domain.secrets import connection_secret
from headrace.wire.document import Document, as_text, read_document, write_document

Path = tuple[str | int, ...]


def seal_connection(text: bytes, sealer: Sealer, previous: str | None = None, *, keep_absent: bool = False) -> str:
    """The text to store. A masked secret keeps the one of ``previous`` (the stored text).

    ``keep_absent``: so does one that is absent or empty, because exports leave secrets out.
    """
    connection = read_document(text)
    kept = dict(_secrets(read_document(previous))) if previous is not None else {}
    changed = False
    for path, value in list(_secrets(connection)):
        stored = kept.pop(path, None)
        if stored is not None and (value == MASK or (keep_absent and value in ("", None))):
            _put(connection, path, stored)
        elif value in ("", None):
            continue
        else:
            _put(connection, path, sealer.seal(as_text(value)))
        changed = True
    for path, stored in kept.items() if keep_absent else ():
        changed |= _restore(connection, path, stored)
    return (write_document(connection) if changed else text).decode()


def unseal_connection(text: str, sealer: Sealer) -> Document:
    """The members with secrets in clear: only for what connects."""
    return _changed(text, lambda value: sealer.unseal(value) if isinstance(value, str) and value else value)


def masked_connection(text: str) -> Document:
    """The members with a mask for every secret that is set."""
    return _changed(text, lambda value: value if value in ("", None) else MASK)


def _changed(text: str, change: Callable[[Any], Any]) -> Document:
    connection = read_document(text)
    for path, value in list(_secrets(connection)):
        _put(connection, path, change(value))
    return connection


def _secrets(connection: Document) -> Iterator[tuple[Path, Any]]:
    return _walk(connection.get("config"), ("config",), secret=False)


def _walk(value: Any, path: Path, *, secret: bool) -> Iterator[tuple[Path, Any]]:
    """The path and value of every scalar that is a secret, or lies in one."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, (*path, name), secret=secret or connection_secret(name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index), secret=secret)
    elif secret:
        yield path, value


def _put(connection: Document, path: Path, value: Any) -> None:
    holder: Any = connection
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value


def _restore(connection: Document, path: Path, value: Any) -> bool:
    """Put a secret back whose holder is still there; whether it is."""
    holder: Any = connection
    for step in path[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else None
    if not isinstance(holder, dict):
        return False
    holder[path[-1]] = value
    return True
