"""Kernels for common expressions over a column of texts: each gives what row by row evaluation gives, or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.el.tree import Call, Chain, Conditional, Literal, Name, Node, Unary

Kernel = Callable[[pa.Array], pa.Array | None]  # None: these texts need the slow way
_CONTROL = "".join(map(chr, range(33)))
_ABSENT = object()


def kernel_of(tree: Node) -> Kernel | None:
    """The kernel of an expression that gives texts or truth values, None where it has none."""
    text = _text(tree)
    return text if text is not None and not isinstance(tree, Name | Literal) else _truth(tree)


def _text(node: Node) -> Kernel | None:
    """The kernel of a node that gives a text of the column's values."""
    match node:
        case Name("value"):
            return lambda array: array
        case Literal(value) if isinstance(value, str):
            return lambda array: pa.repeat(value, len(array))
        case Call(Name("StringUtils"), name, (first, *others)) if name in _TEXTS:
            inner = _text(first)
            literals = [one.value if isinstance(one, Literal) else _ABSENT for one in others]
            make = _TEXTS[name](*literals) if inner and len(literals) == _COUNTS[name] else None
            return _then(inner, make)
        case Conditional(condition, yes, no):
            return _choice(_truth(condition), _text(yes), _text(no))
    return None


def _truth(node: Node) -> Kernel | None:
    """The kernel of a node that gives a truth value, never null."""
    match node:
        case Chain(first, (link,)) if link.operator in ("==", "!=") and isinstance(link.operand, Literal):
            if isinstance(link.operand.value, str):
                return _then(_text(first), _equal(link.operand.value, wanted=link.operator == "=="))
        case Unary("empty", operand):
            return _then(_text(operand), _is_empty)
        case Call(Name("StringUtils"), name, (first, Literal(value))) if name in _TESTS and isinstance(value, str):
            test = _TESTS[name]
            return _then(_text(first), lambda array: pc.fill_null(test(array, value), False))
        case Call(Name("StringUtils"), "isEmpty", (first,)):
            return _then(_text(first), _is_empty)
    return None


def _then(first: Kernel | None, second: Kernel | None) -> Kernel | None:
    if first is None or second is None:
        return None

    def both(array: pa.Array) -> pa.Array | None:
        made = first(array)
        return None if made is None else second(made)

    return both


def _choice(condition: Kernel | None, yes: Kernel | None, no: Kernel | None) -> Kernel | None:
    if condition is None or yes is None or no is None:
        return None

    def choose(array: pa.Array) -> pa.Array | None:
        made = [kernel(array) for kernel in (condition, yes, no)]
        return None if any(one is None for one in made) else pc.if_else(*made)

    return choose


def _equal(value: str, *, wanted: bool) -> Kernel:
    compare = pc.equal if wanted else pc.not_equal
    return lambda array: pc.fill_null(compare(array, value), not wanted)


def _is_empty(array: pa.Array) -> pa.Array:
    return pc.fill_null(pc.equal(pc.binary_length(array), 0), True)


def _ascii_only(kernel: Callable[[pa.Array], pa.Array]) -> Kernel:
    """Letters beyond ASCII may become two, which only the slow way knows."""
    return lambda array: kernel(array) if pc.all(pc.string_is_ascii(array)).as_py() is not False else None


def _replace(old: Any, new: Any) -> Kernel | None:
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    return (lambda array: pc.replace_substring(array, old, new)) if old else None


def _sliced(start: Any, end: Any) -> Kernel | None:
    numbers = all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**31 for one in (start, end))
    return (lambda array: pc.utf8_slice_codeunits(array, start, end)) if numbers else None


_TEXTS: dict[str, Callable[..., Kernel | None]] = {
    "upperCase": lambda: _ascii_only(pc.ascii_upper),
    "lowerCase": lambda: _ascii_only(pc.ascii_lower),
    "trim": lambda: lambda array: pc.utf8_trim(array, characters=_CONTROL),
    "replace": _replace,
    "remove": lambda old: _replace(old, ""),
    "substring": _sliced,
    "left": lambda size: _sliced(0, size),
}
_COUNTS = {"upperCase": 0, "lowerCase": 0, "trim": 0, "replace": 2, "remove": 1, "substring": 2, "left": 1}
_TESTS: dict[str, Callable[[pa.Array, str], pa.Array]] = {
    "contains": pc.match_substring,
    "startsWith": pc.starts_with,
    "endsWith": pc.ends_with,
}
