"""Streams cut into blocks that end where a row ends."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from headrace.errors_cdm import FileFormatWrong
from headrace.transfer.formats.csv_dialect import CsvDialect

BLOCK = 2 << 20  # bytes read at once
LONGEST = 64 << 20  # bytes of a row; a quote that is never closed must not fill the memory

Cut = Callable[[bytes], int]  # where the last whole row of a block ends; 0 where there is none


def utf8_blocks(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    """The text of a stream in UTF-8, without a mark at its beginning.

    Bytes that are no characters stay none, so that their row is told apart later.
    """
    first = True
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)("surrogateescape")
    while True:
        block = stream.read(BLOCK)
        text = block if decoder is None else decoder.decode(block, not block).encode("utf-8", "surrogatepass")
        if first and text:
            text, first = text.removeprefix(codecs.BOM_UTF8), False
        if text:
            yield text
        if not block:
            return


def whole_records(blocks: Iterator[bytes], dialect: CsvDialect) -> Iterator[bytes]:
    """Blocks of whole rows, each row with its end. Raises FileFormatWrong for a row longer than ``LONGEST``."""
    cut, rest, enough = cutter(dialect), b"", 0
    for block in blocks:
        rest += block
        if len(rest) < enough:
            continue
        end = cut(rest)
        if end:
            yield rest[:end]
        elif len(rest) > LONGEST:
            raise FileFormatWrong(f"A row is longer than {LONGEST >> 20} MB; is a quotation mark left open?")
        rest, enough = rest[end:], 0 if end else 2 * len(rest)
    if rest:
        yield from _last(rest, dialect, cut)


def _last(rest: bytes, dialect: CsvDialect, cut: Cut) -> Iterator[bytes]:
    """The end of a file: its last row need not have an end, and gets one."""
    ending = (dialect.line_separator or "\n").encode()
    whole = rest if rest.endswith((b"\n", b"\r") if not dialect.line_separator else ending) else rest + ending
    end = cut(whole + b"\0") if whole.endswith(b"\r") else cut(whole)  # a CR at the end may be half of a CRLF
    if end:
        yield whole[:end]
    if whole[end:]:
        yield whole[end:]


def cutter(dialect: CsvDialect) -> Cut:
    """Finds the end of the last whole row in a block that begins with a row."""
    plain = _plain_cut(dialect.line_separator.encode())
    if dialect.quotes == "NONE" or dialect.pattern:
        return plain
    tail, rows = re.compile(_tail_pattern(dialect)), re.compile(_rows_pattern(dialect))

    def cut(block: bytes) -> int:
        if b'"' not in block:
            return plain(block)
        found = tail.match(block)
        assert found is not None  # noqa: S101 - the pattern matches everything
        end = plain(found[1])
        if end:
            return found.start(1) + end
        whole = rows.match(block)
        return whole.end() if whole else 0

    return cut


def first_record(block: bytes, dialect: CsvDialect) -> int:
    """Where the first row of a block of whole rows ends."""
    if dialect.quotes == "NONE" or dialect.pattern:
        found = re.search(_line_end(dialect), block)
        return found.end() if found else len(block)
    whole = re.compile(_one_row_pattern(dialect)).match(block)
    return whole.end() if whole else len(block)


def _plain_cut(separator: bytes) -> Cut:
    if separator:
        return lambda block: block.rfind(separator) + len(separator) if separator in block else 0

    def cut(block: bytes) -> int:
        return max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1

    return cut


def _line_end(dialect: CsvDialect) -> bytes:
    """A pattern of the end of a row; a CR at the end of the block may be half of one."""
    return re.escape(dialect.line_separator.encode()) if dialect.line_separator else rb"(?:\r\n|\n|\r(?!\Z))"


def field_patterns(dialect: CsvDialect) -> tuple[bytes, bytes]:
    """Patterns of what may precede a field (a look behind) and of a field in quotes from its first quote on."""
    separator, line = re.escape(dialect.separator_bytes), dialect.line_separator.encode()
    ends = [separator, *([re.escape(line)] if line else [rb"\r", rb"\n"])]
    before = b"(?:" + b"|".join(b"(?<=%s)" % end for end in ends) + rb"|\A)"
    after = b"(?=" + b"|".join(ends) + b")"
    doubled = rb'"[^"]*+(?:""[^"]*+)*+"'
    tripled = rb'"""(?s:.*?)"""' + after
    quoted = {
        "RFC4180": doubled,
        "TRIPLE": b"(?:" + tripled + rb'|(?!""")' + doubled + b")",
        "AUTO": b"(?:" + doubled + after + b"|" + tripled + rb'|(?!""")' + doubled + b")",
    }
    return before, quoted[dialect.quotes]


def _tail_pattern(dialect: CsvDialect) -> bytes:
    """The block up to a field whose quotes are open; the group is what follows the last quote before."""
    before, quoted = field_patterns(dialect)
    return rb'(?:[^"]*+(?:' + before + quoted + rb"|(?!" + before + rb')"))*+([^"]*+)'


def _rows_pattern(dialect: CsvDialect) -> bytes:
    return b"(?:" + _one_row_pattern(dialect) + b")*+"


def _one_row_pattern(dialect: CsvDialect) -> bytes:
    before, quoted = field_patterns(dialect)
    line = _line_end(dialect)
    plain = rb'[^"\r\n]++' if not dialect.line_separator else rb"(?:(?!" + line + rb')[^"])++'
    stray = rb"(?!" + before + rb')"'
    return b"(?:" + before + quoted + b"|" + plain + b"|" + stray + b")*+" + line
