"""A field: literal text with ``#{…}`` in it, read once and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from headrace.el.errors import ExpressionError
from headrace.el.evaluator import Binder, Context, Evaluate
from headrace.el.java_text import text_of, writable
from headrace.el.parser import parse_at
from headrace.el.scope import Scope
from headrace.el.tree import Node
from headrace.el.values import MAX_TEXT, Value

MAX_FIELD_TOKENS = 3000  # of all expressions of a field
MAX_KEPT = 2000  # characters of a text whose reading is kept
_KEPT = 2048  # readings


class Expression:
    """A bound expression. ``source`` is the text it stands in, ``tree`` what it was read as."""

    __slots__ = ("_evaluate", "position", "source", "tree")

    def __init__(self, source: str, tree: Node, position: int) -> None:
        self.source = source
        self.tree = tree
        self.position = position
        self._evaluate: Evaluate | None = None

    def bind(self) -> Evaluate:
        """Resolve its names, once. Raises ExpressionError for unknown names and wrong arity."""
        if self._evaluate is None:
            evaluate, _ = _bounded(self, lambda: self._binder().bind(self.tree))
            self._evaluate = evaluate
        return self._evaluate

    def _binder(self) -> Binder:
        return Binder(self.source)

    def evaluate(self, scope: Scope) -> Value:
        """Its value. Raises ExpressionError."""
        return self.evaluate_in(Context(scope))

    def evaluate_in(self, context: Context) -> Value:
        """Its value, on what is left of the context's work. Raises ExpressionError."""
        evaluate = self._evaluate or self.bind()
        try:
            return evaluate(context)  # type: ignore[no-any-return]
        except RecursionError:
            raise _too_deep(self) from None

    def evaluate_text(self, context: Context) -> str:
        """The text of its value. Raises ExpressionError."""
        value = self.evaluate_in(context)
        if value.__class__ is str:
            return writable(str(value))
        return writable(str(_bounded(self, lambda: text_of(value, context.scope.zone))))


class Template:
    """The parts of a field: literal texts and expressions."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[str | Expression, ...]) -> None:
        self.parts = parts

    @property
    def expressions(self) -> list[Expression]:
        """Its expressions, in order."""
        return [part for part in self.parts if isinstance(part, Expression)]

    def evaluate(self, scope: Scope) -> str:
        """The field with each expression replaced by the text of its value. Raises ExpressionError."""
        context = Context(scope)
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].evaluate_text(context)
        texts: list[str] = []
        size = 0
        for part in self.parts:
            text = part if isinstance(part, str) else part.evaluate_text(context)
            size += 0 if isinstance(part, str) else len(text)
            if size > MAX_TEXT and isinstance(part, Expression):
                expected = f"expressions whose texts have at most {MAX_TEXT:,} characters together"
                raise ExpressionError(part.source, part.position, expected)
            texts.append(text)
        return "".join(texts)


def read_expression(text: str) -> Expression:
    """The expression a text without ``#{ }`` is. Raises ExpressionError."""
    return _read_kept(text) if len(text) <= MAX_KEPT else _read(text)


def read_template(text: str, literal: tuple[tuple[int, int], ...] = ()) -> Template:
    """The parts of a field. In the places ``literal`` (from and before) no expression begins.

    Raises ExpressionError for an expression that does not parse.
    """
    return _split(text, literal) if literal or len(text) > MAX_KEPT else _split_kept(text)


def _read(text: str) -> Expression:
    try:
        reading = parse_at(text)
    except RecursionError:
        raise _too_deep(Expression(text, _NO_TREE, 0)) from None
    if reading.closed:
        raise ExpressionError(text, reading.end - 1, "the end of the expression, found `}`", "Remove the brace.")
    return Expression(text, reading.tree, 0)


def _split(text: str, literal: tuple[tuple[int, int], ...] = ()) -> Template:
    parts: list[str | Expression] = []
    at = tokens = 0
    while (start := _next_start(text, at, literal)) >= 0:
        if start > at:
            parts.append(text[at:start])
        try:
            reading = parse_at(text, start + 2)
        except RecursionError:
            raise _too_deep(Expression(text, _NO_TREE, start)) from None
        if not reading.closed:
            raise ExpressionError(text, reading.end, "`}` after the expression", "Close #{ with }.")
        tokens += len(reading.tokens)
        if tokens > MAX_FIELD_TOKENS:
            expected = f"at most {MAX_FIELD_TOKENS} signs and words in the expressions of a field"
            raise ExpressionError(text, start, expected, "Split the field over parameters.")
        parts.append(Expression(text, reading.tree, start))
        at = reading.end
    if at < len(text):
        parts.append(text[at:])
    return Template(tuple(parts))


def _next_start(text: str, at: int, literal: tuple[tuple[int, int], ...]) -> int:
    """Where the next ``#{`` is of which no part lies in a literal place; -1 when there is none."""
    start = text.find("#{", at)
    for begin, end in literal:
        while 0 <= start < end and start + 1 >= begin:
            start = text.find("#{", start + 1)
    return start


_read_kept = lru_cache(maxsize=_KEPT)(_read)
_split_kept = lru_cache(maxsize=_KEPT)(_split)
_NO_TREE: Any = None


def _bounded(expression: Expression, work: Callable[[], Any]) -> Any:
    """The result of work that goes as deep as the data does. Raises ExpressionError when that is too deep."""
    try:
        return work()
    except RecursionError:
        raise _too_deep(expression) from None


def _too_deep(expression: Expression) -> ExpressionError:
    return ExpressionError(expression.source, expression.position, "less deeply nested expressions and data")
