"""Turns a tree into a function of the scope, resolving names once; evaluating then is calling it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.el import arithmetic
from headrace.el.declare import EmbeddedObject, Kind, Method
from headrace.el.errors import CannotEvaluate, ExpressionError
from headrace.el.java_text import describe
from headrace.el.objects import OBJECTS
from headrace.el.scope import Scope
from headrace.el.suggestions import unknown_member, unknown_name
from headrace.el.tree import Call, Chain, Conditional, Index, Link, Literal, Member, Name, Node, Placeholder, Unary
from headrace.el.values import MAX_WORK, Value

_ANY = Kind(object, nullable=True)


class Context:
    """One evaluation: its scope, and how many characters of work it may still do."""

    __slots__ = ("scope", "work")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.work = MAX_WORK

    def charge(self, values: list[Any], result: Value) -> None:
        """Count a call and the characters it read and wrote. Raises CannotEvaluate beyond the limit."""
        work = 100
        for value in (*values, result):
            if value.__class__ is str or value.__class__ is list:
                work += len(value)
        self.work -= work
        if self.work < 0:
            raise CannotEvaluate(f"a field whose methods handle at most {MAX_WORK:,} characters in all")


Evaluate = Callable[[Context], Any]


class Binder:
    """Binds the trees of one source. Raises ExpressionError for unknown names, wrong arity and types known to clash."""

    def __init__(self, source: str) -> None:
        self.source = source

    def bind(self, node: Node) -> tuple[Evaluate, Kind]:
        """The function that evaluates a node, and what is known of its result."""
        match node:
            case Literal(value):
                return (lambda _: value), Kind(type(value)) if value is not None else _ANY
            case Call(Name()):
                return self._call(node)
            case Member():
                return self._member(node)
            case Chain():
                return self._chain(node)
            case Conditional():
                return self._conditional(node)
            case Unary():
                return self._unary(node)
            case Index():
                return self._index(node), _ANY
            case Placeholder():
                return self._placeholder(node), _ANY
            case Name():
                raise unknown_name(self.source, node)
            case Call():
                expected = f"one of the objects {', '.join(sorted(OBJECTS))} before the method `{node.name[:40]}`"
                raise ExpressionError(
                    self.source, node.position, expected, "Values have no methods; call one of StringUtil."
                )

    # ---- objects

    def _call(self, node: Call) -> tuple[Evaluate, Kind]:
        assert isinstance(node.base, Name)  # noqa: S101  # as matched
        owner = OBJECTS.get(node.base.name)
        if owner is None:
            raise unknown_name(self.source, node.base)
        method = self._overload(owner, node)
        takes = [self._argument(method, number, argument) for number, argument in enumerate(node.arguments)]
        return self._caller(method, takes, node.position, counted=owner.counted), method.returns

    def _overload(self, owner: EmbeddedObject, node: Call) -> Method:
        overloads = owner.methods.get(node.name)
        if overloads is None:
            if node.name in owner.properties:
                repair = f"{owner.name}.{node.name} is a property; write it without ()."
                raise ExpressionError(self.source, node.position, f"a method of {owner.name}", repair)
            raise unknown_member(self.source, owner, node.name, node.position)
        for method in overloads:
            if method.takes(len(node.arguments)):
                return method
        count = len(node.arguments)
        signatures = " or ".join(method.signature for method in overloads)
        expected = f"the arguments of {signatures}, found {count}"
        raise ExpressionError(self.source, node.position, expected, f"Write {owner.name}.{node.name} by its signature.")

    def _argument(self, method: Method, number: int, node: Node) -> Evaluate:
        """The function that gives an argument, coerced; a literal is coerced now."""
        kind = method.parameters[number].kind
        evaluate, known = self.bind(node)
        place = f"as argument {number + 1} of {method.signature}"
        if not kind.accepts_kind(known.type):
            expected = f"a value of type {kind.java} {place}, found one of type {known.java}"
            raise ExpressionError(self.source, node.position, expected)
        if isinstance(node, Literal):
            constant = self._coerced(kind, node.value, place, node.position)
            return lambda _: constant
        if kind.type is object:
            return evaluate
        expected_class = kind.type

        def take(context: Context) -> Value:
            value: Value = evaluate(context)
            if value.__class__ is expected_class:
                return value
            return self._coerced(kind, value, place, node.position)

        return take

    def _coerced(self, kind: Kind, value: Value, place: str, position: int) -> Value:
        try:
            return kind.coerce(value)
        except CannotEvaluate as error:
            raise ExpressionError(self.source, position, f"{error.expected} {place}", error.repair) from None

    def _caller(self, method: Method, takes: list[Evaluate], position: int, *, counted: bool) -> Evaluate:
        function = method.function
        source = self.source
        needs_scope = method.needs_scope

        def call(context: Context) -> Any:
            values = [take(context) for take in takes]
            try:
                result = function(context.scope, *values) if needs_scope else function(*values)
                if counted:
                    context.charge(values, result)
            except CannotEvaluate as error:
                raise ExpressionError(source, position, error.expected, error.repair) from None
            return result

        return call

    def _member(self, node: Member) -> tuple[Evaluate, Kind]:
        path, base = [node.name], node.base
        while isinstance(base, Member):
            path.insert(0, base.name)
            base = base.base
        if isinstance(base, Name):
            owner = OBJECTS.get(base.name)
            if owner is None:
                raise unknown_name(self.source, base)
            if declared := owner.properties.get(".".join(path)):
                function = declared.function
                return self._reader(function, node.position), declared.returns
            if len(path) == 1 or not self._is_value(owner, path[:-1]):
                raise unknown_member(self.source, owner, ".".join(path), node.position)
        return self._entry(node), _ANY

    @staticmethod
    def _is_value(owner: EmbeddedObject, path: list[str]) -> bool:
        return any(".".join(path[:length]) in owner.properties for length in range(1, len(path) + 1))

    def _reader(self, function: Callable[..., Any], position: int) -> Evaluate:
        source = self.source

        def read(context: Context) -> Any:
            try:
                return function(context.scope)
            except CannotEvaluate as error:
                raise ExpressionError(source, position, error.expected, error.repair) from None

        return read

    # ---- values

    def _entry(self, node: Member) -> Evaluate:
        evaluate, _ = self.bind(node.base)
        source, name, position = self.source, node.name, node.position

        def entry(context: Context) -> Any:
            value = evaluate(context)
            if isinstance(value, dict):
                return value.get(name)
            repair = "Read JSON text with JSONUtil.path." if isinstance(value, str) else ""
            raise ExpressionError(
                source, position, f"a JSON object before .{name[:40]}, found {describe(value)}", repair
            )

        return entry

    def _index(self, node: Index) -> Evaluate:
        evaluate, _ = self.bind(node.base)
        evaluate_index, _ = self.bind(node.index)
        source, position = self.source, node.position

        def element(context: Context) -> Any:
            value, index = evaluate(context), evaluate_index(context)
            if isinstance(value, dict):
                return value.get(index if isinstance(index, str) else str(index)[:100])
            if not isinstance(value, list):
                raise ExpressionError(source, position, f"an array before [ ], found {describe(value)}")
            number = arithmetic.number_in(index)
            if not isinstance(number, int):
                raise ExpressionError(source, position, f"a whole number as index, found {describe(index)}")
            if not 0 <= number < len(value):
                expected = f"an index below {len(value)}, found {number}" if value else "an array with elements"
                raise ExpressionError(source, position, expected, "Indexes count from 0.")
            return value[number]

        return element

    def _placeholder(self, node: Placeholder) -> Evaluate:
        def missing(_: Context) -> Any:
            expected = f"a value for the parameter `{node.name[:40]}`"
            repair = "Define it as job parameter, environment variable or script parameter."
            raise ExpressionError(self.source, node.position, expected, repair)

        return missing

    # ---- operators

    def _chain(self, node: Chain) -> tuple[Evaluate, Kind]:
        first, _ = self.bind(node.first)
        operator = node.links[0].operator
        if operator in ("&&", "||"):
            operands = [(first, node.first.position)]
            operands += [(self.bind(link.operand)[0], link.position) for link in node.links]
            return self._logic(operands, until=operator == "||"), Kind(bool)
        links = [self._link(link) for link in node.links]

        def fold(context: Context) -> Any:
            value = first(context)
            for link in links:
                value = link(value, context)
            return value

        return fold, Kind(bool) if operator in arithmetic.COMPARISONS else _ANY

    def _link(self, link: Link) -> Callable[[Any, Context], Any]:
        """The function that applies an operator to the value so far."""
        evaluate, _ = self.bind(link.operand)
        apply = arithmetic.operator_named(link.operator)
        source, position = self.source, link.position

        def step(left: Any, context: Context) -> Any:
            right = evaluate(context)
            try:
                result = apply(left, right, context.scope.zone)
                if left.__class__ is str or result.__class__ is str:
                    context.charge([left], result)
                return result
            except CannotEvaluate as error:
                raise ExpressionError(source, position, error.expected, error.repair) from None

        return step

    def _logic(self, operands: list[tuple[Evaluate, int]], *, until: bool) -> Evaluate:
        """Operands from left to right up to the first that is ``until``."""

        def decide(context: Context) -> bool:
            for evaluate, position in operands:
                if self._truth(evaluate(context), position) is until:
                    return until
            return not until

        return decide

    def _conditional(self, node: Conditional) -> tuple[Evaluate, Kind]:
        condition, _ = self.bind(node.condition)
        yes, yes_kind = self.bind(node.yes)
        no, no_kind = self.bind(node.no)
        position = node.position

        def choose(context: Context) -> Any:
            return yes(context) if self._truth(condition(context), position) else no(context)

        return choose, yes_kind if yes_kind == no_kind else _ANY

    def _truth(self, value: Value, position: int) -> bool:
        if value.__class__ is bool:
            return bool(value)
        try:
            return arithmetic.truth(value)
        except CannotEvaluate as error:
            raise ExpressionError(self.source, position, error.expected, error.repair) from None

    def _unary(self, node: Unary) -> tuple[Evaluate, Kind]:
        operand, _ = self.bind(node.operand)
        position = node.position
        if node.operator == "empty":
            return (lambda context: arithmetic.is_empty(operand(context))), Kind(bool)
        if node.operator == "!":
            return (lambda context: not self._truth(operand(context), position)), Kind(bool)

        def negative(context: Context) -> Value:
            try:
                return arithmetic.negate(operand(context))
            except CannotEvaluate as error:
                raise ExpressionError(self.source, position, error.expected, error.repair) from None

        return negative, _ANY
