"""Reads tokens into a tree, one function a level of precedence."""

from __future__ import annotations

from typing import NamedTuple

from headrace.el.errors import ExpressionError
from headrace.el.lexer import Token, read_tokens
from headrace.el.tree import Call, Chain, Conditional, Index, Link, Literal, Member, Name, Node, Placeholder, Unary

MAX_DEPTH = 50  # parentheses, calls, conditionals and unary operators inside each other
MAX_LONG = 2**63

_EQUALITY = frozenset({"==", "!="})
_COMPARE = frozenset({"<", ">", "<=", ">="})
_ADD = frozenset({"+", "-"})
_MULTIPLY = frozenset({"*", "/", "%"})
_POSTFIX = frozenset({".", "["})
_UNARY = frozenset({"-", "!", "empty"})
_WORD_VALUES: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Reading(NamedTuple):
    """An expression read from a field."""

    tree: Node
    end: int  # offset behind the expression, and behind its ``}``
    closed: bool  # whether a ``}`` ended it
    tokens: list[Token]


def parse_at(source: str, start: int = 0) -> Reading:
    """Read the expression that begins at ``start``, up to its ``}`` or the end of the source.

    A text that fails as written is read again with ``\\\\"`` as one quote, the way the documentation writes it.
    Raises ExpressionError, with the position of the first reading.
    """
    try:
        return _parse(source, start, collapsed=False)
    except ExpressionError:
        if '\\\\"' not in source and "\\\\'" not in source:
            raise
        try:
            return _parse(source, start, collapsed=True)
        except ExpressionError:
            pass  # the first reading has the better position
        raise


def _parse(source: str, start: int, *, collapsed: bool) -> Reading:
    tokens, end = read_tokens(source, start, collapsed=collapsed)
    parser = Parser(source, tokens)
    tree = parser.parse_ternary()
    if parser.kind != "end":
        raise parser.unexpected("an operator or the end of the expression")
    return Reading(tree, end, parser.token.text == "}", tokens)


class Parser:
    """Reads one expression. ``kind`` and ``token`` are the token it looks at."""

    __slots__ = ("depth", "index", "kind", "source", "token", "tokens")

    def __init__(self, source: str, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.index = 0
        self.depth = 0
        self.token = tokens[0]
        self.kind = self.token.kind

    def parse_ternary(self) -> Node:
        """``or ? ternary : ternary``"""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_deep()
        tree = self.parse_or()
        if self.kind == "?":
            position = self.advance().position
            yes = self.parse_ternary()
            self.take(":", "`:` and the value for the other case")
            tree = Conditional(tree, yes, self.parse_ternary(), position)
        self.depth -= 1
        return tree

    def parse_or(self) -> Node:
        """``and || and``"""
        first = self.parse_and()
        if self.kind != "||":
            return first
        links = []
        while self.kind == "||":
            position = self.advance().position
            links.append(Link("||", self.parse_and(), position))
        return Chain(first, tuple(links), first.position)

    def parse_and(self) -> Node:
        """``equality && equality``"""
        first = self.parse_equality()
        if self.kind != "&&":
            return first
        links = []
        while self.kind == "&&":
            position = self.advance().position
            links.append(Link("&&", self.parse_equality(), position))
        return Chain(first, tuple(links), first.position)

    def parse_equality(self) -> Node:
        """``compare == compare``"""
        first = self.parse_compare()
        if self.kind not in _EQUALITY:
            return first
        links = []
        while self.kind in _EQUALITY:
            operator = self.advance()
            links.append(Link(operator.kind, self.parse_compare(), operator.position))
        return Chain(first, tuple(links), first.position)

    def parse_compare(self) -> Node:
        """``add < add``"""
        first = self.parse_add()
        if self.kind not in _COMPARE:
            return first
        links = []
        while self.kind in _COMPARE:
            operator = self.advance()
            links.append(Link(operator.kind, self.parse_add(), operator.position))
        return Chain(first, tuple(links), first.position)

    def parse_add(self) -> Node:
        """``multiply + multiply``"""
        first = self.parse_multiply()
        if self.kind not in _ADD:
            return first
        links = []
        while self.kind in _ADD:
            operator = self.advance()
            links.append(Link(operator.kind, self.parse_multiply(), operator.position))
        return Chain(first, tuple(links), first.position)

    def parse_multiply(self) -> Node:
        """``unary * unary``"""
        first = self.parse_unary()
        if self.kind not in _MULTIPLY:
            return first
        links = []
        while self.kind in _MULTIPLY:
            operator = self.advance()
            links.append(Link(operator.kind, self.parse_unary(), operator.position))
        return Chain(first, tuple(links), first.position)

    def parse_unary(self) -> Node:
        """``- unary``, ``! unary``, ``empty unary``; a negative number is one literal."""
        if self.kind not in _UNARY:
            return self.parse_postfix()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_deep()
        operator = self.advance()
        if operator.kind == "-" and self.kind == "number":
            tree: Node = self.parse_number(negative=True)
        else:
            tree = Unary(operator.kind, self.parse_unary(), operator.position)
        self.depth -= 1
        return tree

    def parse_postfix(self) -> Node:
        """``primary.name``, ``primary.name(arguments)``, ``primary[index]``"""
        tree = self.parse_primary()
        steps = 0
        while self.kind in _POSTFIX:
            steps += 1
            if steps > MAX_DEPTH:
                raise self.too_deep()
            tree = self.parse_member(tree) if self.kind == "." else self.parse_index(tree)
        return tree

    def parse_member(self, base: Node) -> Node:
        """``.name`` or ``.name(arguments)``; operator words are names here."""
        self.advance()
        name = self.token
        if not (name.kind == "name" or (name.kind != "text" and name.text.isidentifier())):
            raise self.unexpected("the name of a property or method")
        self.advance()
        if self.kind != "(":
            return Member(base, name.text, name.position)
        return Call(base, name.text, self.parse_arguments(), name.position)

    def parse_arguments(self) -> tuple[Node, ...]:
        """``(ternary, ternary)``"""
        self.advance()
        arguments: list[Node] = []
        if self.kind != ")":
            arguments.append(self.parse_ternary())
            while self.kind == ",":
                self.advance()
                arguments.append(self.parse_ternary())
        self.take(")", "`,` or `)` after an argument")
        return tuple(arguments)

    def parse_index(self, base: Node) -> Node:
        """``[ternary]``"""
        position = self.advance().position
        index = self.parse_ternary()
        self.take("]", "`]` after the index")
        return Index(base, index, position)

    def parse_primary(self) -> Node:
        """A literal, a name, a placeholder, or an expression in ``( )`` or, by a common mistake, in ``#{ }``."""
        kind = self.kind
        if kind == "name":
            token = self.advance()
            return Name(token.text, token.position)
        if kind == "text":
            token = self.advance()
            return Literal(token.text, token.position)
        if kind == "number":
            return self.parse_number(negative=False)
        if kind == "(":
            return self.parse_group(")")
        if kind == "#{":
            return self.parse_group("}")
        if kind in _WORD_VALUES:
            return Literal(_WORD_VALUES[kind], self.advance().position)
        if kind == "placeholder":
            token = self.advance()
            return Placeholder(token.text, token.position)
        raise self.unexpected("a value")

    def parse_group(self, closing: str) -> Node:
        """``( ternary )`` or ``#{ ternary }``"""
        self.advance()
        tree = self.parse_ternary()
        self.take(closing, f"`{closing}`")
        return tree

    def parse_number(self, *, negative: bool) -> Node:
        """An integer of 64 bits, or a decimal."""
        token = self.advance()
        if not token.text.isdigit():
            number = float(token.text)
            return Literal(-number if negative else number, token.position)
        if len(token.text) > 19 or int(token.text) >= MAX_LONG + negative:
            raise ExpressionError(self.source, token.position, "an integer of 64 bits", "Put longer numbers in quotes.")
        return Literal(-int(token.text) if negative else int(token.text), token.position)

    def advance(self) -> Token:
        """The current token; looks at the next one."""
        token = self.token
        if token.kind != "end":
            self.index += 1
            self.token = self.tokens[self.index]
            self.kind = self.token.kind
        return token

    def take(self, kind: str, expected: str) -> None:
        """Step over a token of this kind. Raises ExpressionError when it is another."""
        if self.kind != kind:
            raise self.unexpected(expected)
        self.advance()

    def unexpected(self, expected: str) -> ExpressionError:
        """The error for the current token where something else is needed."""
        found = "the end of the expression" if self.kind == "end" else f"`{self.token.text[:40]}`"
        repair = "Complete the expression." if self.kind == "end" else f"Remove or replace {found}."
        return ExpressionError(self.source, self.token.position, f"{expected}, found {found}", repair)

    def too_deep(self) -> ExpressionError:
        """The error for an expression nested beyond the limit."""
        expected = f"at most {MAX_DEPTH} levels of nesting"
        return ExpressionError(self.source, self.token.position, expected, "Split the expression over parameters.")
