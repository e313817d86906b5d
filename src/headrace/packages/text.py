"""Lossless JSON text: the one text form of packages, and strict reading of untrusted members.

The text form is that of real exports: UTF-8 without escapes, tabs, ``"key":value``, members sorted by code point on
every level, ``[]`` and ``{}``, no line break at the end, numbers as they were written.
Source: package-format.md §1; docs/decisions/0002.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any, Never

import msgspec

from headrace.errors import ObsFileUnreadable
from headrace.wire.document import read_document

MAX_DEPTH = 64
_OWN_DEPTH = 400  # of texts that are ours already

_BOM = b"\xef\xbb\xbf"
# Possessive, and an open string runs to the end: linear in the text, however hostile it is.
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_PAIR = re.compile(rb"((?<!\\)(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}")  # the only escape of its kind in our text form

# What would move a terminal's cursor, turn text around, or cannot be printed at all.
_UNPRINTED = re.compile("[\0-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class PackageRefused(ObsFileUnreadable):
    """A package, or one member of it, cannot be taken; the detail names the member and the reason."""


class Number(str):
    """A number as it was written: ``1.50``, ``1E5``, ``-0``."""

    __slots__ = ()


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


_FAST_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=_as_written)
_FAST_ENCODER = msgspec.json.Encoder(order="sorted")
_MINUS_ZERO = re.compile(rb"-0(?![.0-9eE])")  # the one integer whose form the fast way loses
# Blanks inside texts wait as a byte that UTF-8 never has, so that every blank of the layout can become a tab at once.
_HIDE_BLANKS = bytes.maketrans(b" ", b"\xff")
_BLANKS_TO_TABS = bytes.maketrans(b" \xff", b"\t ")


def canonical(text: bytes) -> bytes:
    """The text form of a document. Of a member name that occurs twice in one object the last counts, as everywhere in
    JSON. Raises ValueError when the text is no JSON object, with the reason.
    """
    quick = _quickly(text)
    return dump(parse(text, max_depth=_OWN_DEPTH, strict=False)) if quick is None else quick[0]


def _quickly(text: bytes) -> tuple[bytes, dict[str, Any]] | None:
    """The text form and the members, as ``canonical`` and ``members`` give them; None for what the fast way cannot."""
    if _MINUS_ZERO.search(text):
        return None
    try:
        document = _FAST_DECODER.decode(text)
        compact = _FAST_ENCODER.encode(document)
    except (msgspec.DecodeError, OverflowError, UnicodeDecodeError, RecursionError):
        return None
    spaced = msgspec.json.format(compact.translate(_HIDE_BLANKS), indent=1)
    return spaced.translate(_BLANKS_TO_TABS).replace(b'":\t', b'":'), document


def is_canonical(text: bytes) -> bool:
    """Whether a text is in the text form already. Raises ValueError when it is no JSON object."""
    return canonical(text) == text


def members(text: bytes) -> dict[str, Any]:
    """The members of a text, to look at, as ``read_document`` gives them; half a surrogate pair shows as U+FFFD.

    Raises ValueError when the text is no JSON object.
    """
    try:
        return read_document(text)
    except msgspec.DecodeError:
        return read_document(_HALF_PAIR.sub(rb"\1\\ufffd", canonical(text)))


def printable(line: str) -> str:
    """A line of a stranger with escapes for what a terminal would obey instead of show."""
    return _UNPRINTED.sub(lambda sign: ascii(sign[0])[1:-1], line)


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, in order; nothing where a stranger put something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def parse(text: bytes, *, max_depth: int = MAX_DEPTH, strict: bool = True) -> dict[str, Any]:
    """The object of an untrusted member; its numbers are ``Number``.

    Raises ValueError with a reason: wrong encoding, bad JSON, a member name twice (when ``strict``), NaN, too deep, no
    object.
    """
    try:
        decoded = text.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"the text is not UTF-8 (byte {error.start})") from error
    check_depth(decoded, max_depth)
    value = json.loads(
        decoded,
        object_pairs_hook=_once if strict else None,
        parse_float=Number,
        parse_int=Number,
        parse_constant=_no_constant,
    )
    if not isinstance(value, dict):
        raise ValueError("the content is no JSON object")
    return value


def checked(text: bytes, *, max_depth: int = MAX_DEPTH) -> tuple[bytes, dict[str, Any]]:
    """The text form of an untrusted member, and its members, to look at.

    Raises ValueError with a reason, as ``parse`` does, at a quarter of its cost.
    """
    quick = _quickly(text)
    if quick is None or _lines(text) != quick[0].count(b"\n"):  # or it lost lines: members that occur twice
        form = dump(parse(text, max_depth=max_depth))
        return form, json.loads(form, parse_float=_as_written, parse_int=_as_written)
    if b"\n" + b"\t" * (max_depth + 1) in quick[0]:
        raise ValueError(f"the JSON is nested more than {max_depth} levels deep")
    return quick


def _lines(text: bytes) -> int:
    """How many line breaks good JSON has with every member and element on a line of its own."""
    return msgspec.json.format(text, indent=1).count(b"\n")


def check_depth(text: str, limit: int) -> None:
    """Raises ValueError when brackets nest deeper than ``limit``; it only looks at the text, nothing recurses."""
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > limit:
            raise ValueError(f"the JSON is nested more than {limit} levels deep")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    once = dict(pairs)
    if len(once) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the member {name!r} occurs twice in one object")
            seen.add(name)
    return once


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")


def dump(value: Any) -> bytes:
    """The text form of parsed members. ``dump(parse(text)) == canonical(text)``."""
    return "".join(_pieces(value, "\n")).encode("utf-8")


def _pieces(value: Any, line: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _members(value, line)
    elif isinstance(value, list):
        yield from _items(value, line)
    else:
        yield _scalar(value)


def _members(value: dict[str, Any], line: str) -> Iterator[str]:
    if not value:
        yield "{}"
        return
    deeper, start = line + "\t", "{"
    for name in sorted(value):
        yield f"{start}{deeper}{_text(name)}:"
        yield from _pieces(value[name], deeper)
        start = ","
    yield line + "}"


def _items(value: list[Any], line: str) -> Iterator[str]:
    if not value:
        yield "[]"
        return
    deeper, start = line + "\t", "["
    for item in value:
        yield start + deeper
        yield from _pieces(item, deeper)
        start = ","
    yield line + "]"


def _scalar(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode()


def _text(value: str) -> str:
    quoted = encode_basestring(value)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
