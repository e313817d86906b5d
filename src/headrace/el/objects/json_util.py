"""``JSONUtil``: JSON texts."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from headrace.el.declare import EmbeddedObject
from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import json_text
from headrace.el.values import Value

JSON_UTIL = EmbeddedObject("JSONUtil", "JSON texts.", counted=True)

MAX_PATH = 1000  # characters
_STEP = re.compile(r"\.?(?P<name>[^.\[\]\s'\"][^.\[\]]*)|\[(?P<index>[0-9]{1,9})\]|\[(['\"])(?P<quoted>[^'\"]*)\3\]")


@JSON_UTIL.method("parse")
def parse(json_str: str) -> Value:
    """The object, array or value a JSON text stands for."""
    value: Value = _parsed(json_str)
    return value


@JSON_UTIL.method("toString")
def to_string(json_object: Value) -> str:
    """The value as JSON, without blanks; a text therefore in double quotes."""
    return json_text(json_object)


@JSON_UTIL.method("path")
def path(json_str: Value, json_path: str) -> Value:
    """The part of a JSON text at a path such as ``cities[0].areaCode``, counting from 0; null when there is none."""
    value = _parsed(json_str) if isinstance(json_str, str) else json_str
    for step in _steps(json_path):
        value = _part(value, step)
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" (unreadable from its character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
        begin = text[:40] + ("…" if len(text) > 40 else "")
        raise CannotEvaluate(f"JSON text, found {begin!r}{place}", "Check what the text before gives.") from None


@lru_cache(maxsize=512)
def _steps(json_path: str) -> tuple[str | int, ...]:
    """The members (texts) and elements (numbers) of a path; a leading ``$`` is allowed."""
    if len(json_path) > MAX_PATH:
        raise CannotEvaluate(f"a JSON path of at most {MAX_PATH} characters")
    at = 1 if json_path.startswith("$") else 0
    steps: list[str | int] = []
    while at < len(json_path):
        match = _STEP.match(json_path, at)
        if match is None:
            expected = f"a JSON path, found {json_path[:40]!r} (unreadable from its character {at + 1})"
            raise CannotEvaluate(expected, 'Write members with . and elements with [n]: "cities[0].areaCode".')
        index, member = match["index"], match["name"]
        steps.append(int(index) if index else member if member is not None else match["quoted"])
        at = match.end()
    return tuple(steps)


def _part(value: Value, step: str | int) -> Value:
    """A member of an object or an element of an array; null when it is not there."""
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None
