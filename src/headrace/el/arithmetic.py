"""Operators with Java's results: 64-bit integers that wrap, truncating division, text that concatenates.

Where the documentation is silent the rules are those of Apache Commons JEXL, as the operator words are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, tzinfo

from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import describe, text_of
from headrace.el.values import MAX_TEXT, Value

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_SIGN = 1 << 63
_MASK = (1 << 64) - 1


def wrap(number: int) -> int:
    """The number as a Java long: 64 bits, overflow wraps."""
    return number if -_SIGN <= number < _SIGN else ((number + _SIGN) & _MASK) - _SIGN


def number_in(value: Value) -> int | float | None:
    """The number a value is, or a text spells; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return wrap(value)
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return wrap(int(text)) if text.lstrip("+-").isdigit() else float(text)
    return None


def _number(value: Value) -> int | float:
    number = number_in(value)
    if number is None:
        repair = "Shift dates with DateUtil.addDays, addHours or addMonths." if isinstance(value, datetime) else ""
        raise CannotEvaluate(f"a number, found {describe(value)}", repair)
    return number


def add(left: Value, right: Value, zone: tzinfo) -> Value:
    """The sum; the concatenation when either side is a text."""
    if isinstance(left, str) or isinstance(right, str):
        text = text_of(left, zone) + text_of(right, zone)
        if len(text) > MAX_TEXT:
            raise CannotEvaluate(f"a text of at most {MAX_TEXT:,} characters")
        return text
    return _narrow(_number(left) + _number(right))


def subtract(left: Value, right: Value) -> Value:
    """The difference of two numbers."""
    return _narrow(_number(left) - _number(right))


def multiply(left: Value, right: Value) -> Value:
    """The product of two numbers."""
    return _narrow(_number(left) * _number(right))


def divide(left: Value, right: Value) -> Value:
    """The quotient: of integers cut towards zero, as in Java. A divisor of 0 is an error, also for decimals (JEXL)."""
    dividend, divisor = _number(left), _divisor(right)
    if isinstance(dividend, int) and isinstance(divisor, int):
        quotient = abs(dividend) // abs(divisor)
        return wrap(quotient if (dividend < 0) == (divisor < 0) else -quotient)
    return dividend / divisor


def remainder(left: Value, right: Value) -> Value:
    """The remainder, with the sign of the dividend."""
    dividend, divisor = _number(left), _divisor(right)
    if isinstance(dividend, int) and isinstance(divisor, int):
        rest = abs(dividend) % abs(divisor)
        return -rest if dividend < 0 else rest
    return math.fmod(dividend, divisor) if math.isfinite(dividend) else math.nan


def negate(value: Value) -> Value:
    """The number with the other sign."""
    return _narrow(-_number(value))


def _divisor(value: Value) -> int | float:
    divisor = _number(value)
    if divisor == 0:
        raise CannotEvaluate("a divisor other than 0", "Test the divisor first: b == 0 ? 0 : a / b.")
    return divisor


def _narrow(number: int | float) -> int | float:
    return wrap(number) if isinstance(number, int) else number


def equals(left: Value, right: Value) -> bool:
    """Whether two values are equal: as numbers when either is a number and both read as one, else as they are."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return _same_truth(left, right)
    if isinstance(left, int | float) or isinstance(right, int | float):
        left_number, right_number = number_in(left), number_in(right)
        return left_number is not None and left_number == right_number
    return left == right


def _same_truth(left: Value, right: Value) -> bool:
    try:
        return truth(left) == truth(right)
    except CannotEvaluate:
        return False


def order(left: Value, right: Value, accepts: Callable[[int], bool]) -> bool:
    """Whether the sign of left compared with right is accepted. Null is neither less nor greater than anything."""
    if left is None or right is None:
        return left is right and accepts(0)
    if isinstance(left, str) and isinstance(right, str):
        return accepts((left > right) - (left < right))
    if isinstance(left, datetime) and isinstance(right, datetime):
        return accepts((left > right) - (left < right))
    left_number, right_number = _number(left), _number(right)
    if math.isnan(left_number) or math.isnan(right_number):
        return False
    return accepts((left_number > right_number) - (left_number < right_number))


def truth(value: Value) -> bool:
    """The boolean a value is: a text is true when it says true, a number when it is not 0, null is false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip().lower() == "true"
    if value is None:
        return False
    if isinstance(value, int | float):
        return value != 0
    raise CannotEvaluate(f"true or false, found {describe(value)}", "Compare the value, for example with ==.")


def is_empty(value: Value) -> bool:
    """True for null, "", and a list or map without entries."""
    return value is None or (isinstance(value, str | list | dict) and not value)


Operator = Callable[[Value, Value, tzinfo], Value]

_BY_NAME: dict[str, Operator] = {
    "+": add,
    "-": lambda left, right, _: subtract(left, right),
    "*": lambda left, right, _: multiply(left, right),
    "/": lambda left, right, _: divide(left, right),
    "%": lambda left, right, _: remainder(left, right),
    "==": lambda left, right, _: equals(left, right),
    "!=": lambda left, right, _: not equals(left, right),
    "<": lambda left, right, _: order(left, right, lambda sign: sign < 0),
    ">": lambda left, right, _: order(left, right, lambda sign: sign > 0),
    "<=": lambda left, right, _: order(left, right, lambda sign: sign <= 0),
    ">=": lambda left, right, _: order(left, right, lambda sign: sign >= 0),
}
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})


def operator_named(name: str) -> Operator:
    """The function of an operator between two values; the zone is that of dates put into text."""
    return _BY_NAME[name]
