"""Documents as Python objects and back, with every number in the form it came in.

A document (the JSON of a job, script, resource, connection) is kept as text. Where one member must be read or changed
the text is decoded with its fractions as ``msgspec.Raw``, so that encoding gives ``1.50`` and ``1E5`` back.
"""

from __future__ import annotations

from typing import Any

import msgspec

Document = dict[str, Any]


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=_as_written)
_ENCODER = msgspec.json.Encoder()


def read_document(text: str | bytes) -> Document:
    """The members of a document, in order. Raises msgspec.DecodeError."""
    document: Document = _DECODER.decode(text)
    return document


def write_document(document: Document) -> bytes:
    """The text of a document, without blanks."""
    return _ENCODER.encode(document)


def number_value(value: Any) -> Any:
    """A Python number for a fraction that was kept as written; anything else as it is."""
    return float(bytes(value)) if isinstance(value, msgspec.Raw) else value


def as_text(value: Any) -> str:
    """How a scalar reads as text: ``true``, ``12``, ``1.50``, nothing for null. Source: notes §4, property values."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return str(value) if isinstance(value, int) else _ENCODER.encode(value).decode()


def as_truth(value: Any) -> bool:
    """A real boolean for ``true``, ``"true"``, ``1`` and ``"1"``."""
    if isinstance(value, bool):
        return value
    return as_text(value).strip().lower() in ("true", "1")


def without_nulls(members: Document) -> Document:
    """``null`` members count as absent. Source: notes §1."""
    if None not in members.values():
        return members.copy()
    return {name: value for name, value in members.items() if value is not None}
