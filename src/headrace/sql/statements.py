r"""Split a script into its statements.

Statements end at ``;``. A semicolon that is none is written ``\;``, also inside strings and comments; the backslash
is removed before execution. Source: user guide, "Developing an SQL Script". We also leave a bare ``;`` inside quotes
and comments alone.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from headrace.sql.dialects import Dialect


@dataclass(frozen=True)
class Statement:
    """One statement without the comments around it, and where it began in the script."""

    text: str
    offset: int  # characters before it
    line: int  # 1 is the first
    column: int  # 1 is the first

    @property
    def position(self) -> str:
        """For messages: ``line 3, column 1``."""
        return f"line {self.line}, column {self.column}"


def split(script: str, dialect: Dialect) -> list[Statement]:
    """The statements of ``script`` in order; pieces of only blanks and comments are left out."""
    statements: list[Statement] = []
    begin = end = -1  # of the statement's own text, without comments around it
    for token in _tokens(dialect).finditer(script):
        if token.lastgroup == "end":
            statements += _statement(script, begin, end, statements)
            begin = end = -1
        elif token.lastgroup not in ("blank", "comment"):
            begin = token.start() if begin < 0 else begin
            end = token.end()
    return statements + _statement(script, begin, end, statements)


def _statement(script: str, begin: int, end: int, before: list[Statement]) -> list[Statement]:
    if begin < 0:
        return []
    last_offset, last_line = (before[-1].offset, before[-1].line) if before else (0, 1)
    line = last_line + script.count("\n", last_offset, begin)
    column = begin - (script.rfind("\n", 0, begin) + 1) + 1
    return [Statement(script[begin:end].replace("\\;", ";"), begin, line, column)]


@functools.cache
def _tokens(dialect: Dialect) -> re.Pattern[str]:
    """One token of a script; every character belongs to exactly one, so the scan is linear."""
    line_comment = r"(?:--|\#)" if dialect.hash_comments else "--"
    escape = r"\\." if dialect.backslash_escapes else r"\\;"
    plain = r"\\" if dialect.backslash_escapes else ""
    dollars = r"|\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$" if dialect.dollar_quotes else ""
    return re.compile(
        rf"""(?P<blank>\s+)
        |(?P<comment>{line_comment}(?:\\;|[^\n])*|/\*(?!\+).*?(?:\*/|\Z))
        |(?P<quoted>'(?:{escape}|[^'{plain}])*'|"(?:{escape}|[^"{plain}])*"|`[^`]*`{dollars})
        |(?P<word>[\w.,()=*+]+)
        |(?P<literal>\\;)
        |(?P<end>;)
        |(?P<other>.)""",
        re.VERBOSE | re.DOTALL,
    )
