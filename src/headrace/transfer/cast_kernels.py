"""Kernels that cast numbers, truth values, bytes and UUIDs: each takes a whole column, or raises."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

Kernel = Callable[[pa.Array], pa.Array]

TRUE, FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")

_WORDS = pa.array([*TRUE, *FALSE])
_WORD_VALUES = pa.array([True] * len(TRUE) + [False] * len(FALSE))
_LONGEST = pa.decimal128(38, 0)
_SAFE_LENGTH = 38
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?", re.ASCII)


def plain(array: pa.Array) -> pa.Array:
    """The column as it is."""
    return array


def to_type(target: pa.DataType) -> Kernel:
    """Arrow's own cast, which raises where a value changes."""
    return lambda array: array.cast(target)


def in_order(*kernels: Kernel) -> Kernel:
    """One kernel after the other."""
    needed = [kernel for kernel in kernels if kernel is not plain]
    if len(needed) == 1:
        return needed[0]
    return lambda array: reduce(lambda value, kernel: kernel(value), needed, array)


def refuse_unless(holds: pa.Array) -> None:
    """Raise unless it holds in every cell that is not null."""
    if pc.all(holds).as_py() is False:
        raise pa.ArrowInvalid("A value would change.")


def cleaned(array: pa.Array) -> pa.Array:
    """Texts without blanks around them; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(pc.binary_length(trimmed), 0), pa.scalar(None, pa.string()), trimmed)


def has_any(array: pa.StringArray, signs: bytes) -> bool:
    """Whether one of the ASCII characters may be in the texts of a column."""
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return False
    ends = memoryview(offsets).cast("i")
    texts = bytes(memoryview(data)[ends[array.offset] : ends[array.offset + len(array)]])
    return any(sign in texts for sign in signs)


def without_hex(kernel: Kernel) -> Kernel:
    """A kernel that refuses ``0x1F``, which Arrow takes for a number."""

    def strict(array: pa.Array) -> pa.Array:
        if has_any(array, b"xX"):
            raise pa.ArrowInvalid("A text with the letter x.")
        return kernel(array)

    return strict


def number_of_text(target: pa.DataType) -> Kernel:
    """Any way to write a whole number (``+5``, ``1.0``, ``1e3``)."""
    return in_order(decimal_of_text(_LONGEST), to_type(target))


def decimal_of_text(target: pa.DataType) -> Kernel:
    """Any way to write a decimal; zeros at its end are no digits.

    Arrow shifts a text by more than 38 places without noticing that digits are lost: long texts and those with an
    exponent are read by Python.
    """

    def kernel(array: pa.Array) -> pa.Array:
        longest = pc.max(pc.binary_length(array)).as_py() or 0
        if longest <= _SAFE_LENGTH and not has_any(array, b"eE"):
            return array.cast(target)
        with_exponent = pc.match_substring(array, "e", ignore_case=True)
        unusual = pc.fill_null(pc.or_(with_exponent, pc.greater(pc.binary_length(array), _SAFE_LENGTH)), False)
        usual = pc.if_else(unusual, pa.scalar(None, pa.string()), array).cast(target)
        read = [_decimal(text, target) for text in array.filter(unusual).to_pylist()]
        return pc.replace_with_mask(usual, unusual, pa.array(read, target))

    return kernel


def _decimal(text: str, target: pa.DataType) -> Decimal:
    """A text as decimal of a type. Raises ArithmeticError or ArrowInvalid."""
    if not _DECIMAL.fullmatch(text):
        raise pa.ArrowInvalid("No number.")
    exact = Context(prec=target.precision, traps=[Inexact, InvalidOperation])
    return Decimal(text).quantize(Decimal((0, (1,), -target.scale)), context=exact)


def double_of_text(target: pa.DataType) -> Kernel:
    """The nearest number; what is too large is refused, not infinite."""

    def kernel(array: pa.Array) -> pa.Array:
        numbers = array.cast(target)
        endless = pc.is_inf(numbers)
        if pc.any(endless).as_py():
            refuse_unless(pc.equal(endless, pc.match_substring(array, "inf", ignore_case=True)))
        return numbers

    return kernel


def narrowed_float(target: pa.DataType) -> Kernel:
    """The nearest number; what is too large is refused, not infinite."""

    def kernel(array: pa.Array) -> pa.Array:
        numbers = array.cast(target)
        endless = pc.is_inf(numbers)
        if pc.any(endless).as_py():
            refuse_unless(pc.equal(endless, pc.is_inf(array)))
        return numbers

    return kernel


def bool_of_number(array: pa.Array) -> pa.Array:
    """1 and 0."""
    values = array.cast(pa.bool_())
    refuse_unless(pc.equal(values.cast(array.type), array))
    return values


def bool_of_text(array: pa.Array) -> pa.Array:
    """The words of ``TRUE`` and ``FALSE`` in any case."""
    found = _WORD_VALUES.take(pc.index_in(pc.utf8_lower(array), _WORDS))
    refuse_unless(pc.equal(found.is_null(), array.is_null()))
    return found


def number_text(array: pa.Array) -> pa.Array:
    """The shortest text that gives the same number again; ``NaN``, ``Infinity``."""
    texts = array.cast(pa.string())
    if pc.all(pc.is_finite(array)).as_py() is False:
        return pc.replace_substring(pc.replace_substring(texts, "nan", "NaN"), "inf", "Infinity")
    return texts


def decimal_text(array: pa.Array) -> pa.Array:
    """All digits, never with an exponent."""
    texts = array.cast(pa.string())
    short = pc.match_substring(texts, "E")
    if not pc.any(short).as_py():
        return texts
    known = array.filter(short).unique()
    written = pa.array([format(value, "f") if value is not None else None for value in known.to_pylist()], pa.string())
    return pc.if_else(short, written.take(pc.index_in(array, known)), texts)


def text_of_bytes(array: pa.Array) -> pa.Array:
    """A character a byte (ISO 8859-1). Source: exported jobs, encodingForBinary."""
    try:
        texts = array.cast(pa.string())
        if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
            return texts
    except pa.ArrowInvalid:
        pass  # bytes above 127
    return pa.array([None if one is None else one.decode("latin-1") for one in array.to_pylist()], pa.string())


def bytes_of_text(array: pa.Array) -> pa.Array:
    """The bytes that ``text_of_bytes`` gave. Raises for a character that is none."""
    if pc.all(pc.string_is_ascii(array)).as_py() is not False:
        return array.cast(pa.binary())
    return pa.array([None if one is None else one.encode("latin-1") for one in array.to_pylist()], pa.binary())


def uuid_text(array: pa.Array) -> pa.Array:
    """``c0ffee00-0000-4000-8000-000000000000``"""
    texts = [None if one is None else str(uuid.UUID(bytes=one)) for one in array.to_pylist()]
    return pa.array(texts, pa.string())


def uuid_of_text(array: pa.Array) -> pa.Array:
    """The 16 bytes of a UUID."""
    return pa.array([None if one is None else uuid.UUID(one).bytes for one in array.to_pylist()], pa.binary())


def nested_of_text(target: pa.DataType) -> Kernel:
    """Lists and structures from JSON."""
    return lambda array: pa.array([None if one is None else json.loads(one) for one in array.to_pylist()], target)
