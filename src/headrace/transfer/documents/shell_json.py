"""Queries as the shell of MongoDB takes them: JSON with bare names, either quotes, and calls such as ``ISODate("…")``.

Source: MongoDB manual, "Data Types in mongosh". Nothing is evaluated: a call is one of those that the reader is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from headrace.errors_cdm import CdmError

_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NAME = re.compile(r"(?:new\s+)?([A-Za-z_$][\w$.]*)")
_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|Infinity)")
_PATTERN = re.compile(r"/((?:[^/\\\n]|\\.)+)/([a-z]*)")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": float("nan"), "Infinity": float("inf")}
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_DEEPEST = 100  # levels, as documents have

Calls = Mapping[str, Callable[..., Any]]


def read_shell_json(text: str, member: str, calls: Calls) -> dict[str, Any]:
    """A query. ``calls``: what the names stand for; ``RegExp`` also makes ``/…/i``. Raises CdmError, naming it."""
    reader = _Reader(text, member, calls)
    found = reader.value(0)
    if not isinstance(found, dict):
        reader.refuse("it is no object")
    reader.blank()
    if reader.at < len(text):
        reader.refuse("something follows the object")
    return found


class _Reader:
    """Reads values from left to right."""

    def __init__(self, text: str, member: str, calls: Calls) -> None:
        self.text = text
        self.at = 0
        self._member = member
        self._calls = calls

    def refuse(self, why: str) -> NoReturn:
        """Raise CdmError that says where."""
        raise CdmError(f"{self._member}: {why}, at character {self.at + 1}.")

    def blank(self) -> None:
        """Go on behind blanks and comments."""
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _next(self, mark: str) -> bool:
        """Take a mark, if it is the next."""
        self.blank()
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _taken(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def value(self, depth: int) -> Any:
        """One value of any kind."""
        if depth > _DEEPEST:
            self.refuse("it is nested too deeply")
        if self._next("{"):
            return self._object(depth)
        if self._next("["):
            return self._list("]", depth)
        if string := self._taken(_STRING):
            return _unescaped(string)
        if number := self._taken(_NUMBER):
            return _number(number.group())
        if pattern := self._taken(_PATTERN):
            return self._call("RegExp", [pattern.group(1), pattern.group(2)])
        if name := self._taken(_NAME):
            return self._named(name.group(1), depth)
        return self.refuse("a value is missing")

    def _named(self, name: str, depth: int) -> Any:
        if self._next("("):
            return self._call(name, self._list(")", depth))
        if name not in _WORDS:
            self.refuse(f"{name!r} is no value")
        return _WORDS[name]

    def _call(self, name: str, arguments: list[Any]) -> Any:
        make = self._calls.get(name)
        if make is None:
            self.refuse(f"{name!r} is unknown")
        try:
            return make(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever a driver's type says of its arguments
            return self.refuse(f"{name}: {error}")

    def _list(self, end: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while not self._next(end):
            found.append(self.value(depth + 1))
            if not self._next(","):
                if not self._next(end):
                    self.refuse(f"{end!r} is missing")
                break
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._next("}"):
            name = self._key()
            if not self._next(":"):
                self.refuse("':' is missing")
            found[name] = self.value(depth + 1)
            if not self._next(","):
                if not self._next("}"):
                    self.refuse("'}' is missing")
                break
        return found

    def _key(self) -> str:
        self.blank()
        if string := self._taken(_STRING):
            return _unescaped(string)
        name = self._taken(_NAME)
        return name.group(1) if name else self.refuse("a name is missing")


def _unescaped(found: re.Match[str]) -> str:
    body = found.group(1) if found.group(1) is not None else found.group(2)

    def one(escape: re.Match[str]) -> str:
        letter = escape.group(1)
        return str(json.loads(f'"\\{letter}"')) if len(letter) > 1 else _ESCAPED.get(letter, letter)

    return _ESCAPE.sub(one, body)


def _number(text: str) -> int | float:
    if "x" in text.lower():
        return int(text, 16)
    if text.lstrip("+-").isdecimal():
        return int(text)
    return float(text)
