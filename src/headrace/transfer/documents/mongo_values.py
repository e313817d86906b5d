"""Values of BSON as texts of a row, and cells of a row as values of BSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import ModuleType
from typing import Any

from headrace.transfer.drivers import driver
from headrace.transfer.json_text import json_text

_WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def plain(value: Any, bson: ModuleType) -> Any:
    """A value of BSON as one that JSON has, or whose text is its own. Raises ValueError for what has no text."""
    if value is None or isinstance(value, str | bool | int | float):
        return int(value) if isinstance(value, bson.Int64) else value
    if isinstance(value, dict):
        return {name: plain(one, bson) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one, bson) for one in value]
    if isinstance(value, bson.Decimal128):
        return value.to_decimal()
    if isinstance(value, bson.DatetimeMS):
        raise ValueError(f"a moment out of reach, {int(value)} ms from 1970 on")
    if isinstance(value, bytes | datetime):
        return value
    if isinstance(value, bson.ObjectId) or type(value).__name__ == "UUID":
        return str(value)
    return str(driver("bson.json_util", "mongodb").dumps(value))


def as_text(value: Any, bson: ModuleType) -> str | None:
    """A value of BSON as text; documents and lists as JSON. Raises ValueError."""
    kind = type(value)
    if kind is str or value is None:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        text = repr(value)
        return _WORDS.get(text, text)
    value = plain(value, bson)
    if isinstance(value, dict | list):
        return json_text(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def found_at(document: Mapping[str, Any], path: str) -> Any:
    """A member of a document, or of those in it (``a.b``), a list for several; None where there is none."""
    if path in document:
        return document[path]
    first, dot, rest = path.partition(".")
    inner = document.get(first) if dot else None
    if isinstance(inner, list):
        return [found_at(one, rest) for one in inner if isinstance(one, dict)]
    return found_at(inner, rest) if isinstance(inner, dict) else None


def as_bson(bson: ModuleType) -> Callable[[Any], Any]:
    """What makes a value of BSON of a Python value. It raises ValueError, ArithmeticError for one that has none."""

    def make(value: Any) -> Any:
        if isinstance(value, Decimal):
            return bson.Decimal128(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, time):
            return value.isoformat()
        if isinstance(value, dict):
            return {name: make(one) for name, one in value.items()}
        if isinstance(value, list):
            return [make(one) for one in value]
        return value

    return make
