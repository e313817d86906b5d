"""How a CSV file is written down: its separators, quotes, header and character set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from headrace.errors_cdm import CdmError
from headrace.transfer.options import Options

Quotes = Literal["NONE", "AUTO", "TRIPLE", "RFC4180"]
ENCODINGS = {
    "UTF8": "utf-8",
    "GBK": "gbk",
    "GB2312": "gb2312",
    "GB18030": "gb18030",
    "ISO88591": "iso-8859-1",
    "UTF16": "utf-16",
}


@dataclass(frozen=True, kw_only=True)
class CsvDialect:
    """One way to write rows as text.

    ``separator``: any text. ``line_separator``: empty where reading takes LF, CR and CRLF alike. ``quotes``: ``NONE``
    leaves them ordinary characters; ``TRIPLE`` is the documented way (a field that holds a quote stands in three
    quotes and is left alone inside), ``RFC4180`` doubles quotes inside, the only one that can hold every value;
    ``AUTO``, for reading, takes a field that begins with three quotes for what RFC 4180 makes of it if a separator
    follows, else for the documented way.
    ``null``: what stands for NULL when it is not quoted; empty text that is not quoted is NULL by default.
    ``pattern``: a regular expression instead of the separator: with groups, a column a group, and the whole line must
    match; without, what lies between the columns. Source: CDM API reference, fromJobConfig of OBS; ``RFC4180`` and
    ``null`` are inputs of our own, ``rfc4180`` and ``nullLiteral``.
    """

    separator: str = ","
    line_separator: str = ""
    quotes: Quotes = "NONE"
    header: bool = False
    encoding: str = "utf-8"
    null: str = ""
    pattern: str = ""

    @property
    def separator_bytes(self) -> bytes:
        """The separator in UTF-8, in which everything is parsed."""
        return self.separator.encode()


def reading_dialect(options: Options, *, pleasant: bool = False) -> CsvDialect:
    """The dialect of a source. ``pleasant``: nothing but the name of the file says that it is CSV, so that a header
    and the quotes of RFC 4180 are expected unless the inputs say otherwise. Raises CdmError.
    """
    return _dialect(options, pleasant, "", "AUTO")


def writing_dialect(options: Options, *, pleasant: bool = False) -> CsvDialect:
    """The dialect of a destination; lines end in CRLF unless it says otherwise (in LF where ``pleasant``).

    Raises CdmError. Source: CDM API reference, toJobConfig.lineSeparator.
    """
    return _dialect(options, pleasant, "\n" if pleasant else "\r\n", "TRIPLE")


def _dialect(options: Options, pleasant: bool, line_separator: str, unsaid: Quotes) -> CsvDialect:
    lines = unquote(options.text("lineSeparator", line_separator))
    dialect = CsvDialect(
        separator=unquote(options.text("fieldSeparator", ",")),
        line_separator=lines,
        quotes=_quotes(options, pleasant, unsaid),
        header=options.flag("firstRowAsHeader", default=pleasant),
        encoding=encoding(options),
        null=options.text("nullLiteral"),
        pattern=options.required("regex") if options.flag("regexSeparator") else "",
    )
    if dialect.separator == dialect.line_separator or dialect.separator in "\r\n" or '"' in dialect.separator:
        raise CdmError(f"{options.section}.fieldSeparator: {dialect.separator!r} cannot be told from other signs.")
    if '"' in dialect.line_separator:
        raise CdmError(f"{options.section}.lineSeparator: a quotation mark cannot end lines.")
    return dialect


def _quotes(options: Options, pleasant: bool, unsaid: Quotes) -> Quotes:
    if not options.flag("quoteChar", default=pleasant):
        return "NONE"
    if not pleasant and not options.text("rfc4180"):
        return unsaid
    return "RFC4180" if options.flag("rfc4180", default=pleasant) else "TRIPLE"


def encoding(options: Options) -> str:
    """The character set of ``encodeType``, in the words of Python. Raises CdmError."""
    named = options.text("encodeType", "UTF-8")
    found = ENCODINGS.get(named.upper().replace("-", "").replace("_", ""))
    if found is None:
        raise CdmError(f"{options.section}.encodeType: {named!r} is none of UTF-8, GBK, GB2312, GB18030, ISO-8859-1.")
    return found
