"""The tree of an expression: frozen nodes, each with its 0-based position in the source."""

from __future__ import annotations

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A text, a number, true, false or null."""

    value: str | int | float | bool | None
    position: int


class Name(msgspec.Struct, frozen=True):
    """A bare word: one of the embedded objects, or a mistake."""

    name: str
    position: int


class Placeholder(msgspec.Struct, frozen=True):
    """``${name}`` that no parameter has replaced: readable, but without a value."""

    name: str
    position: int


class Member(msgspec.Struct, frozen=True):
    """``base.name``: a property of an object or an entry of a map. The position is that of the name."""

    base: Node
    name: str
    position: int


class Index(msgspec.Struct, frozen=True):
    """``base[index]``. The position is that of the bracket."""

    base: Node
    index: Node
    position: int


class Call(msgspec.Struct, frozen=True):
    """``base.name(arguments)``. The position is that of the name."""

    base: Node
    name: str
    arguments: tuple[Node, ...]
    position: int


class Unary(msgspec.Struct, frozen=True):
    """``-``, ``!`` or ``empty`` before an operand."""

    operator: str
    operand: Node
    position: int


class Link(msgspec.Struct, frozen=True):
    """An operator and its right operand in a chain. The position is that of the operator."""

    operator: str
    operand: Node
    position: int


class Chain(msgspec.Struct, frozen=True):
    """Operators of one level, from left to right; flat, so that a long chain is no deep tree."""

    first: Node
    links: tuple[Link, ...]
    position: int


class Conditional(msgspec.Struct, frozen=True):
    """``condition ? yes : no``. The position is that of the question mark."""

    condition: Node
    yes: Node
    no: Node
    position: int


Node = Literal | Name | Placeholder | Member | Index | Call | Unary | Chain | Conditional
