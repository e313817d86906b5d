"""Cuts an expression into tokens, each with its position in the field it stands in."""

from __future__ import annotations

import re

import msgspec

from headrace.el.errors import ExpressionError

MAX_SOURCE = 64 * 1024  # characters of one expression
MAX_TOKENS = 3000  # of one expression

WORDS = {
    "div": "/",
    "mod": "%",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "and": "&&",
    "or": "||",
    "not": "!",
    "empty": "empty",
    "true": "true",
    "false": "false",
    "null": "null",
}

_REST = r"""
  |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
  |(?P<sign>\#\{|&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]}])
  |(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)
  |\$\{(?P<placeholder>[^{}\s]*)\}
  |(?P<end>\Z)
  |(?P<other>.)
)"""
_STRICT = re.compile(
    r"""[ \t\r\n]*+(?:
   "(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"
  |'(?P<single>[^'\\]*+(?:\\.[^'\\]*+)*+)'"""
    + _REST,
    re.VERBOSE | re.DOTALL,
)
# The documentation writes the one-character text " as "\\"": here two backslashes before a quote are one.
_COLLAPSED = re.compile(
    r"""[ \t\r\n]*+(?:
   "(?P<double>[^"\\]*+(?:(?:\\\\"|\\.)[^"\\]*+)*+)"
  |'(?P<single>[^'\\]*+(?:(?:\\\\'|\\.)[^'\\]*+)*+)'"""
    + _REST,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}


class Token(msgspec.Struct, frozen=True, gc=False):
    """``kind`` is ``name``, ``number``, ``text``, ``placeholder``, ``end`` or the operator itself (``eq`` is ``==``).

    ``text`` is as written, without quotes and with escapes replaced for a text.
    """

    kind: str
    text: str
    position: int


def read_tokens(source: str, start: int = 0, *, collapsed: bool = False) -> tuple[list[Token], int]:
    """The tokens from ``start`` to the ``}`` that closes the expression, and the offset behind it.

    Without such a brace the tokens go to the end of the source; the last one is of kind ``end`` either way.
    ``collapsed`` reads ``\\\\"`` as one quote. Raises ExpressionError for a sign that begins no token.
    """
    tokens: list[Token] = []
    append = tokens.append
    nested = 0
    limit = start + MAX_SOURCE
    many = MAX_TOKENS
    for match in (_COLLAPSED if collapsed else _STRICT).finditer(source, start, limit + 1):
        group = match.lastgroup or "end"
        text = match[group]
        position = match.start(group)
        many -= 1
        if not many:
            raise ExpressionError(source, position, f"at most {MAX_TOKENS} signs and words", "Shorten the expression.")
        if group == "sign":
            if text == "}":
                if not nested:
                    append(Token("end", "}", position))
                    return tokens, position + 1
                nested -= 1
            elif text == "#{":
                nested += 1
            append(Token(text, text, position))
        elif group == "name":
            append(Token(WORDS.get(text, "name"), text, position))
        elif group in ("double", "single"):
            append(Token("text", _unescape(text, collapsed) if "\\" in text else text, position - 1))
        elif group == "end":
            break
        elif group == "other":
            raise _no_token(source, position, text)
        else:
            append(Token(group, text, position))
    if len(source) > limit:
        raise ExpressionError(source, start, "an expression of at most 64 KB", "Shorten the expression.")
    append(Token("end", "", len(source)))
    return tokens, len(source)


def _unescape(text: str, collapsed: bool) -> str:
    if collapsed:
        text = text.replace('\\\\"', '\\"').replace("\\\\'", "\\'")
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    """An unknown escape keeps its backslash, as JEXL keeps it."""
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[0])


def _no_token(source: str, position: int, sign: str) -> ExpressionError:
    if sign in "\"'":
        return ExpressionError(source, position, f"a closing {sign} for this text", f"Close the text with {sign}.")
    if sign in "“”‘’":
        return ExpressionError(source, position, "a text in straight quotes", 'Write " instead of the curly quote.')
    if sign == "=":
        return ExpressionError(source, position, "an operator", "Compare with == instead of =.")
    if sign in "&|":
        return ExpressionError(source, position, "an operator", f"Write {sign * 2} instead of {sign}.")
    return ExpressionError(
        source, position, f"an operator, a name, a number or a text, found {sign!r}", "Put texts in double quotes."
    )
