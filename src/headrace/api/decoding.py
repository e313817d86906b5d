"""Turns what came over the wire into the arguments of an operation, or says which member is wrong."""

from __future__ import annotations

import re
import typing
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from headrace.api.operation import Operation
from headrace.errors import InvalidParameter, MissingParameter

_NO_OPTIONS = frozenset({b"", b"null"})
_AT = re.compile(r" - at `\$(?:\.|)(.*)`$")


@cache
def _decoder(body_type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(body_type, strict=False)


def decode_body(operation: Operation, body: bytes) -> Any:
    """The body in its declared shape; None for an optional one that is absent, empty or ``null``.

    Raises MissingParameter, InvalidParameter with the path of the member and what was expected there.
    """
    if operation.body_type is bytes:
        return body
    if operation.body_optional and body.strip() in _NO_OPTIONS:
        return None
    return decode_json(operation.body_type, body)


def decode_json(shape: Any, body: bytes) -> Any:
    """A body that must be there, in a shape. Raises MissingParameter, InvalidParameter."""
    if body.strip() in _NO_OPTIONS:
        raise MissingParameter("The request needs a JSON body.")
    try:
        if not body.isascii():
            body.decode()  # members that no shape names are kept as text, though the decoder only skips them
        return _decoder(shape).decode(body)
    except msgspec.ValidationError as error:
        raise InvalidParameter(explain(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidParameter(f"The body is not valid JSON in UTF-8: {error}.") from error
    except RecursionError as error:
        raise InvalidParameter("The body is nested too deeply.") from error


def decode_query(operation: Operation, query: bytes) -> Any:
    """The query in its declared shape; empty values count as absent. Raises InvalidParameter."""
    try:
        given = parse_qsl(query.decode("ascii"), errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidParameter("The query string is not valid UTF-8.") from error
    if any("\0" in value for _, value in given):
        raise InvalidParameter("The query holds a NUL character.")
    try:
        return msgspec.convert(_members(operation.query_type, given), operation.query_type, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidParameter(explain(error)) from error


def _members(query_type: Any, given: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    """The members of a query. Of one that is given twice the last counts; a list holds all."""
    members: dict[str, str | list[str]] = {name: value for name, value in given if value != ""}
    for name in _lists(query_type) & members.keys():
        members[name] = [value for each, value in given if each == name and value != ""]
    return members


@cache
def _lists(query_type: Any) -> frozenset[str]:
    """The members of a query that may be given several times."""
    fields = msgspec.structs.fields(query_type)
    origins = {field.encode_name: [typing.get_origin(part) for part in typing.get_args(field.type)] for field in fields}
    return frozenset(name for name, found in origins.items() if list in found)


def decode_segments(raw_path: bytes) -> list[str]:
    """The path cut into segments, each percent-decoded once after the cut. Raises InvalidParameter."""
    try:
        segments = [unquote_to_bytes(part).decode("utf-8") for part in raw_path.strip(b"/").split(b"/")]
    except UnicodeDecodeError as error:
        raise InvalidParameter("The path is not valid UTF-8.") from error
    if any("\0" in segment for segment in segments):
        raise InvalidParameter("The path holds a NUL character.")
    return segments


def explain(error: msgspec.ValidationError) -> str:
    """``nodes[0].retryTimes: expected `int`, got `str` `` for msgspec's own text."""
    text = str(error)
    found = _AT.search(text)
    if found is None:
        return f"{text}."
    what = text[: found.start()]
    return f"{found.group(1) or 'body'}: {what[:1].lower()}{what[1:]}."
