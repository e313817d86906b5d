"""Whole rows of CSV text as columns of text: by pyarrow where it knows how, by patterns elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from headrace.transfer.connector import Reject
from headrace.transfer.formats.csv_dialect import CsvDialect
from headrace.transfer.formats.records import field_patterns

SHOWN = 1_000  # characters of a bad row that are kept
NO_TEXT = "The row holds bytes that are no characters."
_SPARE = (b"\xff", b"\xfe", b"\xfd", b"\xfc")  # bytes that UTF-8 never has: they stand for others for a while
_DELIMITER = b"\x1f"  # what stands for a separator that pyarrow cannot have

Rows = list[pa.Array]  # the wanted columns, binary
Parse = Callable[[bytes, Reject], Rows]  # a block of whole rows, in UTF-8


def parser(dialect: CsvDialect, width: int, chosen: Sequence[int]) -> Parse:
    """Parses blocks of a dialect into the chosen ones of ``width`` columns."""
    if dialect.pattern:
        return _by_pattern(dialect, width, chosen)
    return _by_arrow(dialect, width, chosen)


def as_text(columns: Rows, names: Sequence[str], reject: Reject) -> pa.RecordBatch:
    """The columns as text; rows with bytes that are no characters are rejected."""
    try:
        return pa.RecordBatch.from_arrays([column.cast(pa.string()) for column in columns], names=list(names))
    except pa.ArrowInvalid:
        good = [all(_is_text(cell) for cell in row) for row in zip(*(one.to_pylist() for one in columns), strict=True)]
        for at, is_good in enumerate(good):
            if not is_good:
                reject([_shown(column[at].as_py()) for column in columns], NO_TEXT)
        kept = pa.array(good, pa.bool_())
        return pa.RecordBatch.from_arrays(
            [column.filter(kept).cast(pa.string()) for column in columns], names=list(names)
        )


def _is_text(cell: bytes | None) -> bool:
    try:
        return cell is None or cell.decode() is not None
    except UnicodeDecodeError:
        return False


def _shown(row: bytes | None) -> str | None:
    return None if row is None else row[:SHOWN].decode(errors="replace")


def wrong_width(found: int, width: int) -> str:
    """Why a row is none."""
    return f"The row has {found} columns, the file has {width}."


class _Swap:
    """Puts other bytes in the place of those that pyarrow would take for something else, and back."""

    def __init__(self, dialect: CsvDialect) -> None:
        self._there: list[tuple[bytes, bytes]] = []
        self._back: list[tuple[bytes, bytes]] = []
        line, separator = dialect.line_separator.encode(), dialect.separator_bytes
        if line not in (b"", b"\n"):
            self._there += [(line, _SPARE[0]), (b"\n", _SPARE[1]), (b"\r", _SPARE[2]), (_SPARE[0], b"\n")]
            self._back += [(b"\n", line), (_SPARE[1], b"\n"), (_SPARE[2], b"\r")]
        elif line:
            self._there.append((b"\r", _SPARE[2]))
            self._back.append((_SPARE[2], b"\r"))
        self.delimiter = separator
        if len(separator) > 1:
            self.delimiter = _DELIMITER
            self._there += [(_DELIMITER, _SPARE[3]), (separator, _DELIMITER)]
            self._back += [(_DELIMITER, separator), (_SPARE[3], _DELIMITER)]

    @property
    def changes(self) -> bool:
        """Whether blocks are other than they were."""
        return bool(self._there)

    def there(self, block: bytes) -> bytes:
        for old, new in self._there:
            block = block.replace(old, new)
        return block

    def back(self, columns: Rows) -> Rows:
        for old, new in self._back:
            columns = [_replaced(column, old, new) for column in columns]
        return columns


def _replaced(column: pa.Array, old: bytes, new: bytes) -> pa.Array:
    data = column.buffers()[2]
    if data is None or old not in memoryview(data).tobytes():
        return column
    return pc.replace_substring(column, old, new)


def _by_arrow(dialect: CsvDialect, width: int, chosen: Sequence[int]) -> Parse:
    """By pyarrow: one sign between columns, quotes doubled or none."""
    swap = _Swap(dialect)
    quotes = dialect.quotes != "NONE"
    names = [str(number) for number in range(width)]
    wanted = [names[number] for number in chosen]
    convert = pa_csv.ConvertOptions(
        check_utf8=False,
        column_types=dict.fromkeys(wanted, pa.binary()),
        null_values=[dialect.null],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        include_columns=wanted,
    )

    slow, doubled = _by_fields(dialect, width, chosen), _doubling(dialect)

    def columns(text: bytes, note: Callable[[Any], str] | None) -> Rows:
        rules = pa_csv.ParseOptions(
            delimiter=swap.delimiter.decode(),
            quote_char='"' if quotes else False,
            double_quote=quotes,
            newlines_in_values=quotes,
            ignore_empty_lines=width > 1,
            invalid_row_handler=note,
        )
        whole = pa_csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False)
        table = pa_csv.read_csv(pa.BufferReader(text), whole, rules, convert)
        return [column.combine_chunks() for column in table.columns]

    def parse(block: bytes, reject: Reject) -> Rows:
        text = swap.there(doubled(block))
        try:
            return swap.back(columns(text, None))
        except pa.ArrowInvalid:
            pass  # there are rows that are none
        bad: list[tuple[str, str]] = []

        def note(row: Any) -> str:
            bad.append((row.text[:SHOWN], wrong_width(row.actual_columns, width)))
            return "skip"

        if swap.changes or not _is_text(text):
            return slow(block, reject)  # pyarrow shows only rows that are text
        try:
            found = columns(text, note)
        except pa.ArrowInvalid:
            return slow(block, reject)
        for row, reason in bad:
            reject(row, reason)
        return found

    return parse


def _doubling(dialect: CsvDialect) -> Callable[[bytes], bytes]:
    """Writes the fields in three quotes of a block of whole rows as RFC 4180 does."""
    if dialect.quotes in ("NONE", "RFC4180"):
        return lambda block: block
    before, quoted = field_patterns(dialect)
    stray = rb"(?!" + before + rb')"'
    piece = re.compile(rb'([^"]*+(?:' + stray + rb'[^"]*+)*+)(' + before + quoted + rb")?")

    def doubled(block: bytes) -> bytes:
        if b'"""' not in block:
            return block
        pieces: list[bytes] = []
        for found in iter(cast(Any, piece).scanner(block).match, None):
            plain, field = found.groups()
            pieces.append(plain)
            if field is None:  # the end, or quotes that are left open
                pieces.append(block[found.end() :])
                break
            tripled = is_tripled(field, dialect)
            pieces.append(b'"' + field[3:-3].replace(b'"', b'""') + b'"' if tripled else field)
        return b"".join(pieces)

    return doubled


def _by_fields(dialect: CsvDialect, width: int, chosen: Sequence[int]) -> Parse:
    """Field by field, for quotes that pyarrow does not know."""
    rows_of, ending = row_splitter(dialect), dialect.line_separator.encode()

    def parse(block: bytes, reject: Reject) -> Rows:
        rows: list[list[bytes | None]] = []
        for row, text in rows_of(block):
            if len(row) == width:
                rows.append(row)
            elif not is_blank(text, dialect):
                why = wrong_width(len(row), width) if row else "A quotation mark is left open."
                reject(_shown(text.removesuffix(ending) if ending else text.rstrip(b"\r\n")), why)
        return [pa.array([one[number] for one in rows], pa.binary()) for number in chosen]

    return parse


def is_blank(line: bytes, dialect: CsvDialect) -> bool:
    """Whether a line with its end holds nothing."""
    ending = dialect.line_separator.encode()
    return line == ending if ending else not line.strip(b"\r\n")


def row_splitter(dialect: CsvDialect) -> Callable[[bytes], Iterator[tuple[list[bytes | None], bytes]]]:
    """Splits a block of whole rows into rows of fields, each with its text."""
    separator, line = re.escape(dialect.separator_bytes), dialect.line_separator.encode()
    end = re.escape(line) if line else rb"\r\n|\r|\n"
    quoted = b'((?!")|' + field_patterns(dialect)[1] + b")" if dialect.quotes != "NONE" else b"()"
    rest = rb"((?:(?!" + separator + b"|" + end + rb").)*+)"
    field = re.compile(b"(?s)" + quoted + rest + b"(?:" + end + b"|(" + separator + b"))")
    null = dialect.null.encode()

    def rows_of(block: bytes) -> Iterator[tuple[list[bytes | None], bytes]]:
        row: list[bytes | None] = []
        start = at = 0
        for found in iter(cast(Any, field).scanner(block).match, None):
            inside, after, more = found.groups()
            row.append(_value(inside, after, null, dialect))
            at = found.end()
            if not more:
                yield row, block[start:at]
                row, start = [], at
        if start < len(block):
            yield [], block[start:]  # quotes are left open

    return rows_of


def _value(inside: bytes | None, after: bytes, null: bytes, dialect: CsvDialect) -> bytes | None:
    """A field from what stands in quotes and what follows."""
    if not inside:
        return None if after == null else after
    if is_tripled(inside, dialect):
        return inside[3:-3] + after
    return inside[1:-1].replace(b'""', b'"') + after


def is_tripled(field: bytes, dialect: CsvDialect) -> bool:
    """Whether a field in quotes is written in the documented way."""
    if len(field) < 6 or not (field.startswith(b'"""') and field.endswith(b'"""')):
        return False
    return dialect.quotes == "TRIPLE" or _DOUBLED.fullmatch(field) is None


_DOUBLED = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')


def lines_of(block: bytes, dialect: CsvDialect) -> pa.Array:
    """The lines of a block of whole rows, without their ends; binary."""
    separator = dialect.line_separator.encode() or b"\n"
    if not dialect.line_separator and b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    whole = pa.array([block.removesuffix(separator)], pa.binary())
    return pc.split_pattern(whole, separator).flatten()


def _by_pattern(dialect: CsvDialect, width: int, chosen: Sequence[int]) -> Parse:
    """By a regular expression over each line."""
    split = line_splitter(dialect)
    null = dialect.null.encode()

    def parse(block: bytes, reject: Reject) -> Rows:
        rows: list[list[bytes | None]] = []
        for line in lines_of(block, dialect).to_pylist():
            cells = split(line)
            if cells is None:
                reject(_shown(line), "The row does not match the regular expression.")
            elif len(cells) != width:
                reject(_shown(line), wrong_width(len(cells), width))
            else:
                rows.append([None if cell == null else cell for cell in cells])
        return [pa.array([row[number] for row in rows], pa.binary()) for number in chosen]

    return parse


def line_splitter(dialect: CsvDialect) -> Callable[[bytes], Sequence[bytes] | None]:
    """Splits a line by the pattern of the dialect; nothing where it does not match.

    Groups that took no part are empty. Raises re.error.
    """
    pattern = re.compile(dialect.pattern, re.ASCII)  # Java's \d, \w and \s are those of ASCII too
    if not pattern.groups:
        return lambda line: [one.encode("utf-8", "surrogateescape") for one in pattern.split(_decoded(line))]

    def groups(line: bytes) -> Sequence[bytes] | None:
        found = pattern.fullmatch(_decoded(line))
        return None if found is None else [(one or "").encode("utf-8", "surrogateescape") for one in found.groups()]

    return groups


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
