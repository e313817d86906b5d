"""Lists and structures as JSON text."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa


def json_texts(array: pa.Array) -> pa.Array:
    """A column of lists, structures or maps as JSON: numbers keep all digits, other values are texts.

    Raises ValueError for a map that has a key twice.
    """
    try:
        values = array.to_pylist(maps_as_pydicts="strict")
    except KeyError as error:
        raise ValueError("A map with a key twice.") from error
    return pa.array([None if one is None else json_text(one) for one in values], pa.string())


def json_text(value: Any) -> str:
    """One value as JSON without blanks."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(str(name))}:{json_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(json_text(one) for one in value) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float) and value - value == 0:
        return json.dumps(value)
    return _quoted(_text(value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _text(value: Any) -> str:
    """A value that JSON has no form for."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)
