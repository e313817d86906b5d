"""JSON objects found in a stream one after the other, without holding more than one block and one object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.formats.records import BLOCK, LONGEST

DEEPEST = 512  # levels of an object

_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_TOKEN = re.compile(
    rb'[\s,]*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*+(:)?|([{}\[\]])|([^\s,:{}\[\]"]++)(?=[\s,:{}\[\]]))', re.DOTALL
)


class Text:
    """A window on a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.data = b""
        self.at = 0
        self._wanted = 0

    def more(self) -> bool:
        """Read on, dropping what was passed; false at the end. Raises FileFormatWrong for a value that never ends."""
        self.data, self.at = self.data[self.at :], 0
        if len(self.data) > LONGEST:
            raise FileFormatWrong(f"A JSON value is longer than {LONGEST >> 20} MB.")
        pieces = []
        wanted = max(1, len(self.data))
        while wanted > 0 and (chunk := next(self._chunks, b"")):
            pieces.append(chunk)
            wanted -= len(chunk)
        self.data += b"".join(pieces)
        return bool(pieces)

    def peek(self) -> bytes:
        """The next sign that is no blank and no comma; empty at the end."""
        while True:
            while self.at < len(self.data):
                sign = self.data[self.at : self.at + 1]
                if sign not in b" \t\r\n,":
                    return sign
                self.at += 1
            if not self.more():
                return b""

    def token(self) -> re.Match[bytes] | None:
        """The next string, bracket or word, passed; none at the end."""
        while True:
            found = _TOKEN.match(self.data, self.at)
            if found is not None and found.end() < len(self.data):
                self.at = found.end()
                return found
            if not self.more():
                self.at = found.end() if found is not None else len(self.data)
                return found


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The blocks of a stream."""
    while block := stream.read(BLOCK):
        yield block


def values(text: Text) -> Iterator[bytes]:
    """The values from here on: of the array that begins here, else one after the other to the end of the file.

    Commas and blanks between them mean nothing. Raises FileFormatWrong.
    """
    in_array = text.peek() == b"["
    if in_array:
        text.at += 1
    while True:
        sign = text.peek()
        if not sign:
            if in_array:
                raise FileFormatWrong("A JSON array has no end.")
            return
        if sign == b"]" and in_array:
            return
        yield value(text)


def value(text: Text) -> bytes:
    """The value that begins here, passed. Raises FileFormatWrong."""
    if text.peek() not in (b"{", b"["):
        return _scalar(text)
    depth, seen = 0, 0
    while True:
        found = _BRACKET.match(text.data, text.at + seen)
        if found is None:
            if not text.more():
                raise FileFormatWrong("A JSON value has no end.")
            continue
        seen = found.end() - text.at
        depth += 1 if found[1] in b"{[" else -1
        if depth > DEEPEST:
            raise FileFormatWrong(f"A JSON value is nested deeper than {DEEPEST} levels.")
        if depth == 0:
            start, text.at = text.at, text.at + seen
            return text.data[start : text.at]


def _scalar(text: Text) -> bytes:
    found = text.token()
    if found is None or found[3]:
        raise FileFormatWrong("The file is no JSON.")
    return found[1] or found[4]


def seek(text: Text, path: tuple[str, ...]) -> bool:
    """Move to the value under a dotted path of the object that begins here; whether there is one.

    Raises FileFormatWrong. Source: CDM API reference, jsonReferenceNode.
    """
    for name in path:
        if text.peek() != b"{":
            return False
        text.at += 1
        if not _seek_member(text, name.encode()):
            return False
    return True


def _seek_member(text: Text, name: bytes) -> bool:
    while True:
        sign = text.peek()
        if sign in (b"}", b""):
            return False
        found = text.token()
        if found is None or not found[1] or not found[2]:
            raise FileFormatWrong("The file is no JSON: a name and a colon belong before a value.")
        if found[1][1:-1] == name:
            text.peek()
            return True
        value(text)
