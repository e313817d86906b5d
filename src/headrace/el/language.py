"""The expression language as the rest of the system uses it: check, evaluate, decide, substitute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headrace.el import parameters, template
from headrace.el.errors import ExpressionError
from headrace.el.explain import Explanation, Step, explain
from headrace.el.parameters import FirstOf, Substituted, substitute_parameters, substituted
from headrace.el.scope import Scope
from headrace.el.simple import apply_simple_variables
from headrace.el.template import Expression
from headrace.el.values import Value

__all__ = [
    "Explanation",
    "Step",
    "check",
    "condition_holds",
    "effective_parameters",
    "evaluate",
    "evaluate_text",
    "explain",
    "parse",
    "script_text",
    "substitute_parameters",
    "with_parameters",
]


def parse(expression_text: str) -> Expression:
    """The expression of a text without ``#{ }``, read once and kept. Raises ExpressionError."""
    return template.read_expression(expression_text)


def check(text: str) -> None:
    """Raise ExpressionError for the first ``#{…}`` of a field that cannot be right.

    That is: it does not parse, names an unknown object, property or method, has a wrong number of arguments or one of
    a wrong type. ``${name}`` counts as a value of any type.
    """
    for expression in template.read_template(text).expressions:
        expression.bind()


def evaluate_text(text: str, scope: Scope) -> str:
    """The field with simple variables (by the switch), then ``${name}``, then ``#{…}`` replaced.

    A value put in place of ``${name}`` is text: a ``#{`` in it begins no expression. Migration macros stay. Raises
    ExpressionError.
    """
    if "#{" not in text and "$" not in text:
        return text
    try:
        text, literal = _substituted(text, scope)
        return template.read_template(text, literal).evaluate(scope) if "#{" in text else text
    except RecursionError:
        raise ExpressionError(text, 0, "less deeply nested expressions and parameters") from None


def evaluate(text: str, scope: Scope) -> Value:
    """As ``evaluate_text``; a field that is one expression gives its value with its type. Raises ExpressionError."""
    text, literal = _substituted(text, scope)
    read = template.read_template(text, literal)
    if len(read.parts) == 1 and isinstance(read.parts[0], Expression):
        return read.parts[0].evaluate(scope)
    return read.evaluate(scope)


def script_text(text: str, scope: Scope, script_args: Mapping[str, str]) -> str:
    """The body of a script: simple variables (by the switch) and ``${name}`` replaced, ``#{…}`` left as it stands.

    ``script_args`` are evaluated values, which come after those of the job and the workspace. Raises ExpressionError.
    """
    return _substituted(text, replace(scope, parameters=FirstOf(scope.parameters, script_args))).text


def _substituted(text: str, scope: Scope) -> Substituted:
    return substituted(apply_simple_variables(text, scope), scope.parameters, scope.prefix_only_dlf)


def condition_holds(text: str, scope: Scope) -> bool:
    """Whether the condition of a connection is met: it gives true, or the text ``true`` in any case.

    Raises ExpressionError, which is a failure of the node, not an unmet condition.
    """
    return evaluate_text(text, scope).strip().lower() == "true"


def with_parameters(
    scope: Scope,
    *,
    job_params: Mapping[str, str],
    environment: Mapping[str, str],
    script_args: Mapping[str, str] | None = None,
    handed_down: Mapping[str, str] | None = None,
) -> Scope:
    """The scope in which ``${name}``, ``Job.getParam`` and ``Env.get`` find these, each evaluated when first read.

    The values are as written (``#{…}`` allowed), those handed down by a parent job are final. Reading one raises
    ExpressionError when it cannot be evaluated or needs itself.
    """
    return parameters.resolve(
        scope,
        evaluate_text,
        job_params=job_params,
        environment=environment,
        script_args=script_args or {},
        handed_down=handed_down or {},
    )


def effective_parameters(
    job_params: Mapping[str, str],
    environment: Mapping[str, str],
    script_args: Mapping[str, str],
    handed_down: Mapping[str, str],
    scope: Scope,
) -> dict[str, str]:
    """All values by name: handed down > job > environment > script, each evaluated. Raises ExpressionError."""
    found = with_parameters(
        scope, job_params=job_params, environment=environment, script_args=script_args, handed_down=handed_down
    )
    return dict(found.parameters)
