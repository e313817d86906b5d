"""Cut what sqlglot cannot read out of a statement, by tokens, before it is parsed: clauses that only steer the cluster.

DWS: ``WITH (ORIENTATION = COLUMN)``, ``DISTRIBUTE BY``, ``TO GROUP``, ``PARTITION BY RANGE``, ``COMMENT =``; ``MINUS``.
Source: DWS SQL syntax reference, "CREATE TABLE" and "CREATE TABLE PARTITION".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import NamedTuple

import sqlglot
from sqlglot.tokenizer_core import TokenType

from headrace.sql.dialects import Dialect
from headrace.sql.engine import StatementNotTranslated

_REPLACE = re.compile(r"\A\s*REPLACE\s+(?:INTO\s+)?(?=[\w`])", re.IGNORECASE)


def readable(text: str, dialect: Dialect) -> str:
    """``text`` without those clauses."""
    if dialect.name == "postgres":
        return _dws(text)
    if dialect.name in ("mysql", "doris"):
        return _REPLACE.sub("INSERT OR REPLACE INTO ", text)
    return text


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """``${hiveconf:name}`` and ``${hivevar:name}`` replaced by what SET gave them."""

    def value(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name not in variables:
            raise StatementNotTranslated(f"The variable {match[1]} was not set.")
        return variables[name]

    return re.sub(r"\$\{(?:hiveconf|hivevar):([\w.-]+)\}", value, text)


def _dws(text: str) -> str:
    pieces = _pieces(text)
    words = [piece.word for piece in pieces]
    if words[:1] == ["CREATE"] and ("TABLE" in words[:5] or "MATERIALIZED" in words[:3]):
        text = _without(text, pieces, _table_clauses(words))
        pieces = _pieces(text)
    return _minus(text, pieces)


class _Piece(NamedTuple):
    """A word of a statement in capitals, empty for texts, and where its token stands: [start, end)."""

    word: str
    start: int
    end: int


def _pieces(text: str) -> list[_Piece]:
    pieces = []
    for token in sqlglot.tokenize(text, read="postgres"):
        words = [""] if token.token_type == TokenType.STRING else token.text.upper().split() or [""]
        pieces += [_Piece(word, token.start, token.end + 1) for word in words]  # "PARTITION BY" is one token
    return pieces


def _minus(text: str, pieces: list[_Piece]) -> str:
    for piece, following in reversed(list(itertools.pairwise(pieces))):
        if piece.word == "MINUS" and following.word in ("SELECT", "(", "WITH"):
            text = text[: piece.start] + "EXCEPT" + text[piece.end :]
    return text


def _table_clauses(words: list[str]) -> list[tuple[int, int]]:
    """The token ranges [first, last) of the clauses outside the column list and before AS."""
    ranges = []
    depth, index = 0, 0
    while index < len(words) and not (depth == 0 and words[index] == "AS"):
        length = _clause_length(words, index) if depth == 0 else 0
        if length:
            ranges.append((index, index + length))
            index += length
            continue
        depth += {"(": 1, ")": -1}.get(words[index], 0)
        index += 1
    return ranges


def _clause_length(words: list[str], index: int) -> int:
    two, three = words[index : index + 2], words[index : index + 3]
    if two == ["WITH", "("]:
        return 1 + _parentheses(words, index + 1)
    if three[:2] == ["DISTRIBUTE", "BY"]:
        return 3 + (_parentheses(words, index + 3) if words[index + 3 : index + 4] == ["("] else 0)
    if two in (["TO", "GROUP"], ["TO", "NODE"], ["TABLESPACE", *two[1:]]):
        return 2 if two[0] == "TABLESPACE" else 3
    if two == ["PARTITION", "BY"]:
        kind = 3
        kind += _parentheses(words, index + kind)
        return kind + (_parentheses(words, index + kind) if words[index + kind : index + kind + 1] == ["("] else 0)
    if three[:1] == ["COMMENT"] and three[1:2] == ["="]:
        return 3
    if two in (["BUILD", "IMMEDIATE"], ["REFRESH", "COMPLETE"]):
        return 2
    if three == ["ENABLE", "QUERY", "REWRITE"]:
        return 3
    if words[index] in ("COMPRESS", "NOCOMPRESS", "INCREMENTAL"):
        return 1
    if three in (["ENABLE", "ROW", "MOVEMENT"], ["DISABLE", "ROW", "MOVEMENT"]):
        return 3
    return 0


def _parentheses(words: list[str], index: int) -> int:
    """How many tokens the parenthesis that opens at ``index`` has."""
    depth = 0
    for length, word in enumerate(words[index:], start=1):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0:
            return length
    return len(words) - index


def _without(text: str, pieces: list[_Piece], ranges: list[tuple[int, int]]) -> str:
    for first, end in reversed(ranges):
        text = text[: pieces[first].start] + text[pieces[min(end, len(pieces)) - 1].end :]
    return text
