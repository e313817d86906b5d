"""The dataset of a For Each node: a two-dimensional array, written as people write it.

Cells are quoted with ``"`` or ``'``, or bare; a bare cell that is a JSON number, true, false or null keeps that type,
any other is text: ``[['001'], ["a\\"b"], [00], [7]]``. Source: user guide, "For Each"; nodes.md §5.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_CHARACTERS = 4_000_000
_BARE = re.compile(r"[^\[\],'\"]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class InvalidDataset(ValueError):
    """The text is no two-dimensional array; says where it goes wrong."""


def read_dataset(text: str) -> list[list[Any]]:
    """The rows of a dataset; none for an empty text and ``null``. Raises InvalidDataset."""
    if text.strip() in ("", "null"):
        return []
    if len(text) > MAX_CHARACTERS:
        raise InvalidDataset(f"it has {len(text):,} characters, more than {MAX_CHARACTERS:,}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _Reader(text).rows()
    if not isinstance(found, list) or not all(isinstance(row, list) for row in found):
        raise InvalidDataset(f"{_shortened(text)} is not an array of arrays like [['a'],['b']]")
    return found


class _Reader:
    """Reads ``[[cell, …], …]`` with either quote and bare cells."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rows(self) -> list[list[Any]]:
        rows = self._listed(self._row)
        self._blanks()
        if self._at < len(self._text):
            raise self._error("the end of the dataset")
        return rows

    def _row(self) -> list[Any]:
        return self._listed(self._cell)

    def _listed(self, item: Any) -> list[Any]:
        self._take("[")
        found: list[Any] = []
        self._blanks()
        if self._peek() == "]":
            self._at += 1
            return found
        while True:
            found.append(item())
            self._blanks()
            if self._peek() == "]":
                self._at += 1
                return found
            if self._peek() != ",":
                raise self._error("`,` or `]`")
            self._at += 1

    def _cell(self) -> Any:
        self._blanks()
        quote = self._peek()
        if quote in ("'", '"'):
            return self._quoted(quote)
        match = _BARE.match(self._text, self._at)
        text = match.group().strip() if match else ""
        if not text:
            raise self._error("a cell")
        self._at += len(match.group()) if match else 0
        try:
            return json.loads(text)
        except ValueError:
            return text

    def _quoted(self, quote: str) -> str:
        self._at += 1
        parts: list[str] = []
        while (sign := self._peek()) != quote:
            if not sign:
                raise self._error(f"the closing {quote}")
            self._at += 1
            if sign == "\\":
                escaped = self._peek()
                self._at += 1
                sign = _ESCAPES.get(escaped, escaped)
            parts.append(sign)
        self._at += 1
        return "".join(parts)

    def _take(self, sign: str) -> None:
        self._blanks()
        if self._peek() != sign:
            raise self._error(f"`{sign}`")
        self._at += 1

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _error(self, expected: str) -> InvalidDataset:
        found = _shortened(self._text[self._at :]) if self._at < len(self._text) else "the end"
        return InvalidDataset(f"expected {expected} at character {self._at + 1}, found {found}")


def _shortened(text: str) -> str:
    line = " ".join(text[:200].split())
    return f"`{line[:60]}…`" if len(line) > 60 or len(text) > 200 else f"`{line}`"
