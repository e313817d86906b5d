"""``${name}``: which value a name has, and putting it in place of the name.

A value handed down by a parent wins, then the job's parameters, the workspace's environment, the script's parameters.
Values that are expressions are evaluated when first used, once; a cycle among them is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from headrace.el.errors import ExpressionError
from headrace.el.scope import Scope
from headrace.el.values import MAX_TEXT

MAX_CHAIN = 20  # parameters that need each other in a row

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.<>\-\u4e00-\u9fa5]{1,128})\}")
_DLF = "dlf."

EvaluateText = Callable[[str], str]


class Substituted(NamedTuple):
    """A text with values in place of names. ``literal``: where those that contain ``#{`` stand, from and before."""

    text: str
    literal: tuple[tuple[int, int], ...] = ()


def substitute_parameters(text: str, values: Mapping[str, str], prefix_only_dlf: bool = False) -> str:
    """The text with ``${name}`` replaced by its value, as text and once; an unknown name stays as written.

    With ``prefix_only_dlf`` only ``${dlf.name}`` is a variable; its name includes ``dlf.``. A value that makes the
    text longer than 1,000,000 characters more than it was raises ExpressionError.
    """
    return substituted(text, values, prefix_only_dlf).text


def substituted(text: str, values: Mapping[str, str], prefix_only_dlf: bool = False) -> Substituted:
    """As ``substitute_parameters``, with the places of values that must not be read as expressions."""
    if "${" not in text:
        return Substituted(text)
    added = moved = 0
    literal: list[tuple[int, int]] = []

    def value(match: re.Match[str]) -> str:
        nonlocal added, moved
        name = match[1]
        if prefix_only_dlf and not name.startswith(_DLF):
            return match[0]
        found = values.get(name)
        if found is None:
            return match[0]
        added += len(found)
        if added > MAX_TEXT:
            raise ExpressionError(text, match.start(), f"values of at most {MAX_TEXT:,} characters together")
        if "#" in found or "{" in found:
            start = match.start() + moved
            literal.append((start, start + len(found)))
        moved += len(found) - len(match[0])
        return found

    return Substituted(_REFERENCE.sub(value, text), tuple(literal))


class LazyValues(Mapping[str, str]):
    """Values that are computed when first read. ``kind`` names them in errors; ``chain`` are those being computed."""

    def __init__(self, kind: str, given: Mapping[str, str], compute: EvaluateText, chain: list[str]) -> None:
        self.kind = kind
        self._given = given
        self._compute = compute
        self._chain = chain
        self._known: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name in self._known:
            return self._known[name]
        raw = self._given[name]
        label = f"{self.kind} `{name[:64]}`"
        if label in self._chain:
            cycle = " → ".join([*self._chain[self._chain.index(label) :], label])
            raise ExpressionError(raw, 0, f"a {label} that does not need itself ({cycle})", "Break the cycle.")
        if len(self._chain) >= MAX_CHAIN:
            raise ExpressionError(raw, 0, f"at most {MAX_CHAIN} parameters that need each other in a row")
        self._chain.append(label)
        try:
            value = self._known[name] = self._compute(raw)
        finally:
            self._chain.pop()
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __contains__(self, name: object) -> bool:
        return name in self._given


class FirstOf(Mapping[str, str]):
    """The value of the first mapping that has the name."""

    def __init__(self, *mappings: Mapping[str, str]) -> None:
        self._mappings = mappings

    def __getitem__(self, name: str) -> str:
        for mapping in self._mappings:
            if name in mapping:
                return mapping[name]
        raise KeyError(name)

    def origin(self, name: str) -> str:
        """What the first mapping that has the name holds."""
        return next((origin_of(mapping, name) for mapping in self._mappings if name in mapping), "")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for mapping in self._mappings for name in mapping))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return any(name in mapping for mapping in self._mappings)


def origin_of(values: Mapping[str, str], name: str) -> str:
    """What the value of a name is in the words of a reader: ``job parameter``, ``environment variable``."""
    if isinstance(values, FirstOf):
        return values.origin(name)
    return values.kind if isinstance(values, LazyValues) else "parameter"


def resolve(
    scope: Scope,
    evaluate_text: Callable[[str, Scope], str],
    *,
    job_params: Mapping[str, str],
    environment: Mapping[str, str],
    script_args: Mapping[str, str],
    handed_down: Mapping[str, str],
) -> Scope:
    """The scope with ``parameters``, ``job_params`` and ``environment`` that evaluate themselves when read.

    An environment variable sees expressions only; a text in double quotes is the text without them. A job parameter
    sees the environment and other job parameters; a script parameter sees both, but no other script parameter.
    """
    chain: list[str] = []
    holder: list[Scope] = []

    def of_environment(raw: str) -> str:
        if len(raw) > 1 and raw[0] == raw[-1] == '"' and '"' not in raw[1:-1]:
            raw = raw[1:-1]
        return evaluate_text(raw, replace(holder[0], parameters={}, simple_variables=False))

    def of_job(raw: str) -> str:
        return evaluate_text(raw, holder[0])

    environment_values = LazyValues("environment variable", environment, of_environment, chain)
    own_values = LazyValues("job parameter", job_params, of_job, chain)
    for_job = FirstOf(handed_down, own_values, environment_values)
    script_values = LazyValues("script parameter", script_args, of_job, chain)
    inner = replace(scope, parameters=for_job, job_params=own_values, environment=environment_values)
    holder.append(inner)
    return replace(inner, parameters=FirstOf(for_job, script_values))
