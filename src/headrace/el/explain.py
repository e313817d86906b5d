"""Evaluates a field and tells every step of it, from the inside out.

Slower than evaluating: the functions a tree is bound to are wrapped, one by one, in functions that record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from headrace.el import parameters, template
from headrace.el.declare import Kind, Method
from headrace.el.errors import ExpressionError
from headrace.el.evaluator import Binder, Context, Evaluate
from headrace.el.parameters import Substituted
from headrace.el.parser import parse_at
from headrace.el.scope import Scope
from headrace.el.shown import cut, shown_value, type_name
from headrace.el.simple import apply_simple_variables
from headrace.el.spans import Span, Spans
from headrace.el.template import Expression, Template
from headrace.el.tree import Chain, Conditional, Link, Literal, Name, Node, Placeholder
from headrace.el.values import Value

MAX_STEPS = 200  # recorded of one field; further ones are only counted
_LOGIC = ("&&", "||")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A part of a text and the value it has.

    ``place`` is the text it is a part of: "" for the field, else ``job parameter `day` `` whose value is being
    evaluated. ``position`` is the 0-based offset into that text, for expressions after ``${name}`` was replaced in it.
    Texts longer than 200 characters are cut and end with ``…``.
    """

    place: str
    source: str
    position: int
    value: str
    type: str  # as Java names it; ``null`` for null
    note: str = ""  # what a value of ${name} is, or which way a condition went
    arguments: tuple[str, ...] = ()  # the values a method was called with, in quotes where they are texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The text a field gives, or the error, and the steps up to there."""

    value: str | None
    error: ExpressionError | None
    error_place: str  # as a step's
    steps: tuple[Step, ...]
    left_out: int  # steps that were taken but not recorded


def explain(
    text: str,
    scope: Scope,
    *,
    job_params: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Explanation:
    """Evaluate a field as ``evaluate_text`` does and tell how. Raises nothing: an error is part of the explanation.

    Parameters given here, as written, are joined to the scope as ``with_parameters`` does and explained where they
    are expressions; those already in the scope are only told with their values.
    """
    trace = _Trace()
    if job_params is not None or environment is not None:
        scope = parameters.resolve(
            scope,
            trace.evaluate_text,
            job_params=job_params or {},
            environment=environment or {},
            script_args={},
            handed_down={},
        )
    value = error = None
    try:
        value = trace.evaluate_text(text, scope)
    except ExpressionError as raised:
        error = raised
    except RecursionError:
        error = ExpressionError(text, 0, "less deeply nested expressions and parameters")
    return Explanation(
        value=value, error=error, error_place=trace.error_place, steps=tuple(trace.steps), left_out=trace.left_out
    )


class _Trace:
    """What happened so far, and in which text it happens now."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.left_out = 0
        self.error_place = ""
        self._places = [""]
        self._failed = False

    def evaluate_text(self, text: str, scope: Scope) -> str:
        """As the function of that name of the language."""
        with self._located():
            prepared, literal = self._prepared(text, scope)
            if "#{" not in prepared:
                return prepared
            parts = [self._traced(part) for part in template.read_template(prepared, literal).parts]
            watched = replace(
                scope,
                job_params=_Watched(scope.job_params, self._within),
                environment=_Watched(scope.environment, self._within),
            )
            return Template(tuple(parts)).evaluate(watched)

    def record(self, span: Span, value: Value, scope: Scope, note: str = "", arguments: tuple[str, ...] = ()) -> None:
        """Add a step, or a note to the step before when it is of the same part."""
        place = self._places[-1]
        last = self.steps[-1] if self.steps else None
        same = last and (last.place, last.position, last.source) == (place, span.position, cut(span.text))
        if last and same and note and not last.note:
            self.steps[-1] = replace(last, note=note)
        elif len(self.steps) == MAX_STEPS:
            self.left_out += 1
        else:
            step = Step(
                place=place,
                source=cut(span.text),
                position=span.position,
                value=shown_value(value, scope.zone),
                type=type_name(value),
                note=note,
                arguments=arguments,
            )
            self.steps.append(step)

    def _prepared(self, text: str, scope: Scope) -> Substituted:
        """The text with simple variables and ``${name}`` replaced, each told."""
        simple = apply_simple_variables(text, scope)
        if simple != text:
            self.record(Span(text, 0), simple, scope, "simple variables replaced")
        behind = 0

        def told(name: str, value: str, origin: str) -> None:
            nonlocal behind
            written = f"${{{name}}}"
            behind = simple.index(written, behind) + len(written)
            self.record(Span(written, behind - len(written)), value, scope, origin)

        values = _Watched(scope.parameters, self._within, told)
        prepared = parameters.substituted(simple, values, scope.prefix_only_dlf)
        if prepared.text != simple and "#{" in simple:
            self.record(Span(simple, 0), prepared.text, scope, "${name} replaced")
        return prepared

    def _traced(self, part: str | Expression) -> str | Expression:
        return part if isinstance(part, str) else _TracedExpression(part, self)

    @contextmanager
    def _within(self, place: str) -> Iterator[None]:
        self._places.append(place)
        try:
            with self._located():
                yield
        finally:
            self._places.pop()

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Keep the place of an error where it was raised first."""
        try:
            yield
        except ExpressionError:
            if not self._failed:
                self._failed, self.error_place = True, self._places[-1]
            raise


class _Watched(Mapping[str, str]):
    """Values whose computing happens within their place, and whose reading is told."""

    def __init__(
        self,
        values: Mapping[str, str],
        within: Callable[[str], Any],
        told: Callable[[str, str, str], None] | None = None,
    ) -> None:
        self._values = values
        self._within = within
        self._told = told

    def __getitem__(self, name: str) -> str:
        if name not in self._values:
            raise KeyError(name)
        origin = parameters.origin_of(self._values, name)
        with self._within(f"{origin} `{name[:64]}`"):
            value = self._values[name]
        if self._told:
            self._told(name, value, origin)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values


class _TracedExpression(Expression):
    """An expression that is read and bound anew, so that it records."""

    __slots__ = ("_spans", "_trace")

    def __init__(self, expression: Expression, trace: _Trace) -> None:
        reading = parse_at(expression.source, expression.position + 2)
        super().__init__(expression.source, reading.tree, expression.position)
        self._spans = Spans(expression.source, reading.tokens)
        self._trace = trace

    def _binder(self) -> Binder:
        return _TracingBinder(self.source, self._spans, self._trace)


class _TracingBinder(Binder):
    """Binds as the binder does; what has a value that is not written there is recorded when it is evaluated."""

    def __init__(self, source: str, spans: Spans, trace: _Trace) -> None:
        super().__init__(source)
        self._spans = spans
        self._trace = trace
        self._branches: dict[int, str] = {}  # by the id of a node behind ? or : which way the condition went
        self._reached: dict[int, Span] = {}  # by the id of a link: the chain up to there
        self._given: dict[int, list[Value]] = {}  # by the position of a method's name: the arguments of its last call

    def bind(self, node: Node) -> tuple[Evaluate, Kind]:
        """The function that evaluates a node and records it."""
        folded = isinstance(node, Chain) and node.links[0].operator not in _LOGIC  # its links record themselves
        if isinstance(node, Chain):
            self._reached.update((id(link), self._spans.up_to(node, link)) for link in node.links)
        if isinstance(node, Conditional):
            self._branches[id(node.yes)] = "chosen: the condition is true"
            self._branches[id(node.no)] = "chosen: the condition is false"
        note = self._branches.get(id(node), "")
        evaluate, kind = super().bind(node)
        if not note and (folded or isinstance(node, Literal | Name | Placeholder)):
            return evaluate, kind
        span, given = self._spans.of(node), self._arguments(node)

        def recording(context: Context) -> Any:
            value = evaluate(context)
            arguments = tuple(shown_value(one, context.scope.zone, quoted=True) for one in given)
            self._trace.record(span, value, context.scope, note, arguments)
            return value

        return recording, kind

    def _arguments(self, node: Node) -> list[Value]:
        """Where the arguments of a call will be, when they are not all written there as they are."""
        written = all(isinstance(argument, Literal) for argument in getattr(node, "arguments", ()))
        return [] if written else self._given[node.position]

    def _caller(self, method: Method, takes: list[Evaluate], position: int, *, counted: bool) -> Evaluate:
        given: list[Value] = [None] * len(takes)
        self._given[position] = given
        keeping = [_keeping(take, given, number) for number, take in enumerate(takes)]
        return super()._caller(method, keeping, position, counted=counted)

    def _link(self, link: Link) -> Callable[[Any, Context], Any]:
        step = super()._link(link)
        span = self._reached[id(link)]

        def recording(left: Any, context: Context) -> Any:
            value = step(left, context)
            self._trace.record(span, value, context.scope)
            return value

        return recording


def _keeping(take: Evaluate, given: list[Value], number: int) -> Evaluate:
    def taking(context: Context) -> Any:
        given[number] = value = take(context)
        return value

    return taking
