"""Expressions of field converters: JSP EL over ``value``, ``row`` and a fixed table of functions.

Read by the lexer and parser of the expression language of jobs, compiled once to closures. Source: CDM user guide,
"Field Conversion". Time macros have been replaced before.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from headrace.el.errors import CannotEvaluate, ExpressionError
from headrace.el.parser import parse_at
from headrace.el.tree import Call, Chain, Conditional, Index, Literal, Member, Name, Node, Placeholder, Unary
from headrace.el.values import MAX_WORK
from headrace.transfer.el_functions import FUNCTIONS, Function, Reach, as_text, as_whole
from headrace.transfer.el_operators import OPERATORS, described, is_empty, negate, number_of, truth

_LONG_TEXT = 1000  # characters from which a result counts as work


class Frame:
    """The row that is evaluated: the value, its number, and how much work it may still do."""

    __slots__ = ("at", "cells", "reach", "value", "width", "work")

    def __init__(self, reach: Reach, width: int, cells: Callable[[int], Sequence[Any]]) -> None:
        self.reach = reach
        self.width = width
        self.cells = cells
        self.value: Any = None
        self.at = 0
        self.work = MAX_WORK

    def charge(self, text: str) -> None:
        """Count a long text. Raises CannotEvaluate beyond the limit."""
        self.work -= len(text)
        if self.work < 0:
            raise CannotEvaluate(f"functions that make at most {MAX_WORK:,} characters in all")


Evaluate = Callable[[Frame], Any]


class Expression:
    """A compiled expression. ``of_value_only``: it gives the same for the same value. Raises ExpressionError."""

    def __init__(self, source: str) -> None:
        self.source = source
        reading = parse_at(source)
        if reading.closed:
            raise ExpressionError(source, reading.end - 1, "no `}`", "Write the expression without #{ }.")
        self.tree = reading.tree
        self._evaluate = _Compiler(source).compile(reading.tree)
        self.of_value_only = all(_is_of_value(node) for node in _walk(reading.tree))

    def over(self, values: Sequence[Any], frame: Frame) -> tuple[list[Any], dict[int, str]]:
        """The results for the values of a column, None where there is none; and why there is none, by row."""
        results: list[Any] = []
        bad: dict[int, str] = {}
        evaluate, append = self._evaluate, results.append
        for at, value in enumerate(values):
            frame.value, frame.at, frame.work = value, at, MAX_WORK
            try:
                append(evaluate(frame))
            except ExpressionError as error:
                bad[at] = f"expected {error.expected}, at character {error.position + 1} of its expression."
                append(None)
        return results, bad


def _walk(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Call():
            inner: Sequence[Node] = (node.base, *node.arguments)
        case Member():
            inner = (node.base,)
        case Index():
            inner = (node.base, node.index)
        case Unary():
            inner = (node.operand,)
        case Chain():
            inner = (node.first, *(link.operand for link in node.links))
        case Conditional():
            inner = (node.condition, node.yes, node.no)
        case _:
            inner = ()
    for one in inner:
        yield from _walk(one)


def _is_of_value(node: Node) -> bool:
    if isinstance(node, Name):
        return node.name != "row"
    if isinstance(node, Call) and isinstance(node.base, Name):
        return FUNCTIONS[node.base.name][node.name].pure
    return True


class _Compiler:
    """Makes closures of the nodes of one source."""

    def __init__(self, source: str) -> None:
        self.source = source

    def compile(self, node: Node) -> Evaluate:
        match node:
            case Literal(value):
                return lambda _: value
            case Name("value"):
                return lambda frame: frame.value
            case Name("row"):
                return lambda frame: [frame.cells(number)[frame.at] for number in range(frame.width)]
            case Index(Name("row"), Literal(number)) if isinstance(number, int) and not isinstance(number, bool):
                return self._cell(node, number)
            case Name():
                raise self._unknown(node.name, ["value", "row", *FUNCTIONS], node.position)
            case Call():
                return self._call(node)
            case Chain():
                return self._chain(node)
            case Conditional():
                return self._conditional(node)
            case Unary():
                return self._unary(node)
            case Index(base, index):
                return self._entry(base, self.compile(index), node.position)
            case Member(base, name):
                return self._entry(base, lambda _: name, node.position)
            case Placeholder():
                raise ExpressionError(
                    self.source, node.position, f"a value for ${{{node.name[:40]}}}", "No variable has that name."
                )

    def _cell(self, node: Index, number: int) -> Evaluate:
        def cell(frame: Frame) -> Any:
            if not 0 <= number < frame.width:
                raise self._error(CannotEvaluate(f"an index below {frame.width}, found {number}"), node.position)
            return frame.cells(number)[frame.at]

        return cell

    def _call(self, node: Call) -> Evaluate:
        if not isinstance(node.base, Name):
            raise ExpressionError(
                self.source, node.position, f"one of {', '.join(FUNCTIONS)} before `{node.name[:40]}`"
            )
        if node.base.name == "HttpsUtils":
            raise ExpressionError(
                self.source, node.base.position, "no function of HttpsUtils", "Expressions reach no other system here."
            )
        owner = FUNCTIONS.get(node.base.name)
        if owner is None:
            raise self._unknown(node.base.name, FUNCTIONS, node.base.position)
        function = owner.get(node.name)
        if function is None:
            raise self._unknown(node.name, owner, node.position)
        if not function.least <= len(node.arguments) <= len(function.kinds):
            needed = str(function.least)
            needed += f" to {len(function.kinds)}" if len(function.kinds) > function.least else ""
            raise ExpressionError(
                self.source,
                node.position,
                f"{needed} arguments of {node.base.name}.{node.name}, found {len(node.arguments)}",
            )
        arguments = [
            self._argument(kind, argument) for kind, argument in zip(function.kinds, node.arguments, strict=False)
        ]
        if arguments and not function.reaches and all(isinstance(one, Literal) for one in node.arguments[1:]):
            fixed = [self._fixed(kind, one) for kind, one in zip(function.kinds[1:], node.arguments[1:], strict=False)]
            return self._caller_of_one(function, arguments[0], fixed, node.position)
        return self._caller(function, arguments, node.position)

    def _fixed(self, kind: str, node: Node) -> Any:
        """An argument that is a literal."""
        value = node.value if isinstance(node, Literal) else None
        try:
            return as_text(value) if kind == "s" else as_whole(value) if kind == "n" else value
        except CannotEvaluate as error:
            raise self._error(error, node.position) from None

    def _argument(self, kind: str, node: Node) -> Evaluate:
        evaluate = self.compile(node)
        if kind == "s":

            def text(frame: Frame) -> str | None:
                value = evaluate(frame)
                return value if value.__class__ is str else as_text(value)

            return text
        return (lambda frame: as_whole(evaluate(frame))) if kind == "n" else evaluate

    def _caller_of_one(self, function: Function, first: Evaluate, fixed: Sequence[Any], position: int) -> Evaluate:
        """A call whose other arguments are literals: the usual one."""
        call, others = function.call, tuple(fixed)

        def result(frame: Frame) -> Any:
            try:
                made = call(first(frame), *others)
                if made.__class__ is str and len(made) > _LONG_TEXT:
                    frame.charge(made)
            except CannotEvaluate as error:
                raise self._error(error, position) from None
            return made

        return result

    def _caller(self, function: Function, arguments: Sequence[Evaluate], position: int) -> Evaluate:
        call, reaches = function.call, function.reaches

        def result(frame: Frame) -> Any:
            try:
                given = [argument(frame) for argument in arguments]
                made = call(frame.reach, *given) if reaches else call(*given)
                if made.__class__ is str and len(made) > _LONG_TEXT:
                    frame.charge(made)
            except CannotEvaluate as error:
                raise self._error(error, position) from None
            return made

        return result

    def _chain(self, node: Chain) -> Evaluate:
        first = self.compile(node.first)
        others = [(link.operator, self.compile(link.operand), link.position) for link in node.links]
        if node.links[0].operator in ("&&", "||"):
            return self._logic([first, *(evaluate for _, evaluate, _ in others)], node, node.links[0].operator == "||")
        links = [(OPERATORS[operator], evaluate, position) for operator, evaluate, position in others]

        def fold(frame: Frame) -> Any:
            made = first(frame)
            for apply, evaluate, position in links:
                other = evaluate(frame)
                try:
                    made = apply(made, other)
                except (CannotEvaluate, ArithmeticError) as error:
                    raise self._error(error, position) from None
            return made

        return fold

    def _logic(self, operands: Sequence[Evaluate], node: Chain, until: bool) -> Evaluate:
        """Operands from left to right up to the first that is ``until``."""

        def decide(frame: Frame) -> bool:
            for evaluate in operands:
                if self._truth(evaluate(frame), node.position) is until:
                    return until
            return not until

        return decide

    def _conditional(self, node: Conditional) -> Evaluate:
        condition, yes, no = self.compile(node.condition), self.compile(node.yes), self.compile(node.no)
        position = node.condition.position
        return lambda frame: yes(frame) if self._truth(condition(frame), position) else no(frame)

    def _unary(self, node: Unary) -> Evaluate:
        operand, position = self.compile(node.operand), node.position
        if node.operator == "empty":
            return lambda frame: is_empty(operand(frame))
        if node.operator == "!":
            return lambda frame: not self._truth(operand(frame), position)

        def negative(frame: Frame) -> Any:
            value = operand(frame)
            try:
                return negate(value)
            except CannotEvaluate as error:
                raise self._error(error, position) from None

        return negative

    def _entry(self, base: Node, index: Evaluate, position: int) -> Evaluate:
        holder = self.compile(base)

        def entry(frame: Frame) -> Any:
            value, key = holder(frame), index(frame)
            try:
                return _entry_of(value, key)
            except CannotEvaluate as error:
                raise self._error(error, position) from None

        return entry

    def _truth(self, value: Any, position: int) -> bool:
        if value is True or value is False:
            return bool(value)
        try:
            return truth(value)
        except CannotEvaluate as error:
            raise self._error(error, position) from None

    def _error(self, error: Exception, position: int) -> ExpressionError:
        if isinstance(error, CannotEvaluate):
            return ExpressionError(self.source, position, error.expected, error.repair)
        return ExpressionError(self.source, position, "a number that can be computed")

    def _unknown(self, name: str, known: Sequence[str] | dict[str, Any], position: int) -> ExpressionError:
        near = difflib.get_close_matches(name[:64], list(known), n=1)
        repair = f"Did you mean {near[0]}?" if near else "A text needs quotes." if "value" in known else ""
        return ExpressionError(self.source, position, f"one of {', '.join(known)}, found `{name[:40]}`", repair)


def _entry_of(value: Any, key: Any) -> Any:
    """``map[key]``, ``list[number]``; null of null. Raises CannotEvaluate."""
    if value is None or key is None:
        return None
    if isinstance(value, dict):
        return value.get(key if isinstance(key, str) else str(key)[:100])
    if not isinstance(value, list):
        raise CannotEvaluate(f"an array or a map before [ ], found {described(value)}")
    number = number_of(key)
    if number != number // 1 or not 0 <= number < len(value):
        raise CannotEvaluate(f"an index below {len(value)}, found {described(key)}")
    return value[int(number)]
