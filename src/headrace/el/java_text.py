"""The text of a value as Java's ``toString`` gives it."""

from __future__ import annotations

import json
import math
from datetime import datetime, tzinfo
from decimal import Decimal

from headrace.el.java_date_format import format_date
from headrace.el.values import Value

DATE_TEXT = "EEE MMM dd HH:mm:ss zzz yyyy"


def text_of(value: Value, zone: tzinfo) -> str:
    """The text put in place of a value: ``null``, ``true``, decimal numbers, ``Date.toString()``, JSON of lists."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, datetime):
        return format_date(value, DATE_TEXT, zone)
    return json_text(value)


def writable(text: str) -> str:
    """The text with halves of characters joined, as in Java's UTF-16, and U+FFFD for a half that stands alone."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def json_text(value: Value) -> str:
    """The value as JSON without blanks, members in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def double_text(number: float) -> str:
    """A double as ``Double.toString``: plain from 0.001 to below 10,000,000, else like ``1.0E10``."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    mantissa = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{mantissa}E{len(digits) - 1 + int(exponent)}"


def describe(value: Value) -> str:
    """The value in the words of an error: its kind, and its beginning when that is short and telling."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}" + ("…" if len(value) > 40 else "")
    if isinstance(value, int | float):
        return f"the number {value}" if isinstance(value, float) or abs(value) < 2**64 else "a huge number"
    if isinstance(value, datetime):
        return "a Date"
    return "an array" if isinstance(value, list) else "a JSON object"
