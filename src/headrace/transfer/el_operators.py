"""Operators of converter expressions with the coercions of JSP EL: ``+`` adds, also texts that spell numbers.

Source: JavaServer Pages expression language 2.1, "Operators" and "Coercion rules". Differences: a whole number that
leaves 64 bits is an error instead of another number, and blanks around a number are no error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import double_text
from headrace.transfer.json_text import json_text

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_LONG = 2**63
_DIGITS = 76  # of a decimal, as many as Arrow's
Number = int | float | Decimal


def text_of(value: Any) -> str:
    """A value as text; null is "". Times as the casts of a migration write them."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        text = value.isoformat(" ")
        return re.sub(r"(\.[0-9]*?)0+(?=$|[+-])", r"\1", text) if value.microsecond else text
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return json_text(value) if isinstance(value, dict | list) else str(value)


def number_of(value: Any) -> Number:
    """A value as number: null and "" are 0. Raises CannotEvaluate for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str | None):
        raise CannotEvaluate(f"a number, found {described(value)}")
    if not isinstance(value, str):
        return 0 if value is None else value
    text = value.strip()
    if not text:
        return 0
    if _INTEGER.fullmatch(text):
        return checked(int(text))
    if _DECIMAL.fullmatch(text):
        return float(text) if not text.lstrip("+-").isdecimal() else checked(int(text))
    raise CannotEvaluate(f"a number, found {described(value)}")


def checked(number: int) -> int:
    """The number. Raises CannotEvaluate where it is none of 64 bits."""
    if not -_LONG <= number < _LONG:
        raise CannotEvaluate("a whole number of 64 bits")
    return number


def truth(value: Any) -> bool:
    """A value as boolean: null and "" are false, a text is true when it says so. Raises CannotEvaluate."""
    if isinstance(value, bool):
        return value
    if value is None or isinstance(value, str):
        return (value or "").lower() == "true"
    raise CannotEvaluate(f"true or false, found {described(value)}", "Compare the value, for example with ==.")


def is_empty(value: Any) -> bool:
    """Null, "", and a list or map without elements."""
    return value is None or (isinstance(value, str | list | dict | bytes) and not value)


def described(value: Any) -> str:
    """A value in the words of an error."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"the text {value[:40]!r}" + ("…" if len(value) > 40 else "")
    return f"{type(value).__name__} {text_of(value)[:40]}"


def negate(value: Any) -> Number:
    """The number with the other sign."""
    number = -number_of(value)
    return checked(number) if isinstance(number, int) else number


def _arithmetic(of_ints: Callable[[int, int], int], of_others: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Number:
        one, other = number_of(left), number_of(right)
        if isinstance(one, int) and isinstance(other, int):
            return checked(of_ints(one, other))
        if isinstance(one, Decimal) or isinstance(other, Decimal):
            return _of_decimals(of_others, one, other)
        result: float = of_others(float(one), float(other))
        return result

    return apply


def _of_decimals(operation: Callable[[Any, Any], Any], left: Number, right: Number) -> Number:
    """A decimal result with all its digits. Raises CannotEvaluate where it has too many."""
    if not all(math.isfinite(one) for one in (left, right) if isinstance(one, float)):
        return float(operation(float(left), float(right)))
    with localcontext(prec=_DIGITS):
        result = operation(_exact(left), _exact(right))
    return Decimal(result)


def _exact(number: Number) -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def divide(left: Any, right: Any) -> Number:
    """Never cut: 5 / 2 is 2.5. A decimal keeps the scale of the dividend, rounded half up (BigDecimal)."""
    one, other = number_of(left), number_of(right)
    if other == 0:
        raise CannotEvaluate("a divisor other than 0", "Test the divisor first: b == 0 ? 0 : a / b.")
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        return _divided(_exact(one), _exact(other))
    return float(one) / float(other)


def _divided(one: Decimal, other: Decimal) -> Decimal:
    scale = max(-int(one.as_tuple().exponent), 0)
    with localcontext(prec=_DIGITS * 2):
        return (one / other).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def remainder(left: Any, right: Any) -> Number:
    """With the sign of the dividend."""
    one, other = number_of(left), number_of(right)
    if other == 0:
        raise CannotEvaluate("a divisor other than 0")
    if isinstance(one, int) and isinstance(other, int):
        rest = abs(one) % abs(other)
        return -rest if one < 0 else rest
    return math.fmod(float(one), float(other))


def equals(left: Any, right: Any) -> bool:
    """As numbers, truth values or dates where either is one, else as texts; null equals only null."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) == truth(right)
    if isinstance(left, int | float | Decimal) or isinstance(right, int | float | Decimal):
        return _same(number_of(left), number_of(right))
    if isinstance(left, str) or isinstance(right, str):
        return text_of(left) == text_of(right)
    return bool(left == right)


def _same(left: Number, right: Number) -> bool:
    """Whether two numbers are equal; of a decimal and a float, by the digits the float is written with."""
    if isinstance(left, Decimal) != isinstance(right, Decimal) and math.isfinite(left) and math.isfinite(right):
        return _exact(left) == _exact(right)
    return left == right


def _ordering(accepts: Callable[[int], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return left is right and accepts(0)
        if isinstance(left, int | float | Decimal) or isinstance(right, int | float | Decimal):
            left, right = number_of(left), number_of(right)
            if left != left or right != right:
                return False
        elif isinstance(left, str) or isinstance(right, str):
            left, right = text_of(left), text_of(right)
        try:
            return accepts((left > right) - (left < right))
        except TypeError:
            raise CannotEvaluate(
                f"values that can be compared, found {described(left)} and {described(right)}"
            ) from None

    return compare


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _arithmetic(lambda one, other: one + other, lambda one, other: one + other),
    "-": _arithmetic(lambda one, other: one - other, lambda one, other: one - other),
    "*": _arithmetic(lambda one, other: one * other, lambda one, other: one * other),
    "/": divide,
    "%": remainder,
    "==": equals,
    "!=": lambda left, right: not equals(left, right),
    "<": _ordering(lambda sign: sign < 0),
    ">": _ordering(lambda sign: sign > 0),
    "<=": _ordering(lambda sign: sign <= 0),
    ">=": _ordering(lambda sign: sign >= 0),
}
