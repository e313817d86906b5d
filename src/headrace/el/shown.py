"""Values in the words of an explanation: short, and never longer than a limit."""

from __future__ import annotations

import json
from datetime import datetime, tzinfo

from headrace.el.declare import Kind
from headrace.el.errors import CannotEvaluate
from headrace.el.java_date_format import format_date
from headrace.el.java_text import text_of
from headrace.el.values import Value

MAX_SHOWN = 200  # characters of a value or a source


def cut(text: str) -> str:
    """The text, or its beginning and ``…``."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def shown_value(value: Value, zone: tzinfo, *, quoted: bool = False) -> str:
    """The value, a Date like ``2018-09-26 01:00:00 +08:00``; a text is in quotes when asked for.

    No more of a list or a JSON object is written than is shown.
    """
    if isinstance(value, str):
        return json.dumps(cut(value), ensure_ascii=False) if quoted else cut(value)
    if isinstance(value, datetime):
        return _date(value, zone)
    if isinstance(value, list | dict):
        return _beginning(value)
    return cut(text_of(value, zone))


def type_name(value: Value) -> str:
    """The type as Java names it: ``String``, ``int``, ``long``, ``Date``, ``Object[]``; ``null`` for null."""
    if value is None:
        return "null"
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        return "long"
    return Kind(type(value)).java


def _date(value: datetime, zone: tzinfo) -> str:
    part = ".SSS" if value.microsecond else ""
    try:
        return format_date(value, f"yyyy-MM-dd HH:mm:ss{part} XXX", zone)
    except CannotEvaluate:  # outside the years a wall clock shows there
        return value.isoformat(" ")


def _beginning(value: Value) -> str:
    """JSON, written piece by piece until it is long enough."""
    text = ""
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).iterencode(value):
            text += piece[: MAX_SHOWN + 1]
            if len(text) > MAX_SHOWN:
                break
    except RecursionError:
        text += "…"
    return cut(text)
