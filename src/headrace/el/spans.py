"""Where each node of a tree begins and ends in the text it was read from."""

from __future__ import annotations

from typing import NamedTuple

from headrace.el.lexer import Token
from headrace.el.tree import Call, Chain, Conditional, Index, Link, Literal, Member, Name, Node, Placeholder, Unary

_PARTNERS = {")": "(", "]": "[", "}": "#{"}


class Span(NamedTuple):
    """A part of the source: its text and its 0-based position."""

    text: str
    position: int


class _Reach(NamedTuple):
    first: int  # index of its first token
    last: int


class Spans:
    """Finds the span of a node from the tokens its tree was read from; trees hold only where a node stands."""

    def __init__(self, source: str, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens
        self._at = {token.position: index for index, token in enumerate(tokens)}
        self._closing = _closing(tokens)
        self._known: dict[int, _Reach] = {}

    def of(self, node: Node) -> Span:
        """What the author wrote for a node, without parentheses around all of it."""
        return self._span(self._reach(node))

    def up_to(self, chain: Chain, link: Link) -> Span:
        """A chain up to one of its operands."""
        return self._span(_Reach(self._reach(chain).first, self._outer(link.operand).last))

    def _span(self, reach: _Reach) -> Span:
        start = self._tokens[reach.first].position
        end = self._tokens[reach.last + 1].position
        return Span(self._source[start:end].rstrip(), start)

    def _reach(self, node: Node) -> _Reach:
        found = self._known.get(id(node))
        if found is None:
            found = self._known[id(node)] = self._measured(node)
        return found

    def _measured(self, node: Node) -> _Reach:
        match node:
            case Literal(value, position):
                index = self._at[position]
                return _Reach(index - (isinstance(value, int | float) and value < 0), index)
            case Name() | Placeholder():
                return _Reach(self._at[node.position], self._at[node.position])
            case Member():
                return _Reach(self._outer(node.base).first, self._at[node.position])
            case Call():
                return _Reach(self._outer(node.base).first, self._closing[self._at[node.position] + 1])
            case Index():
                return _Reach(self._outer(node.base).first, self._closing[self._at[node.position]])
            case Unary():
                return _Reach(self._at[node.position], self._outer(node.operand).last)
            case Chain():
                return _Reach(self._outer(node.first).first, self._outer(node.links[-1].operand).last)
            case Conditional():
                return _Reach(self._outer(node.condition).first, self._outer(node.no).last)

    def _outer(self, node: Node) -> _Reach:
        """The node with the parentheses that hold nothing else."""
        first, last = self._reach(node)
        while self._is_group(first - 1) and self._closing.get(first - 1) == last + 1:
            first, last = first - 1, last + 1
        return _Reach(first, last)

    def _is_group(self, index: int) -> bool:
        """Whether a token opens a group; the parenthesis behind ``.name`` opens arguments."""
        if index < 0 or self._tokens[index].kind not in ("(", "#{"):
            return False
        return index < 2 or self._tokens[index - 2].kind != "."


def _closing(tokens: list[Token]) -> dict[int, int]:
    """By the index of each opening token that of its closing one."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind in ("(", "[", "#{"):
            opened.append(index)
        elif opened and _PARTNERS.get(token.kind) == tokens[opened[-1]].kind:
            found[opened.pop()] = index
    return found
