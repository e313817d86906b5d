"""Cells of HBase, which are bytes, as columns; and columns as cells.

Numbers in binary are as Java's HBase client has them: big-endian, a decimal as its scale and its digits. Source:
HBase API, "Bytes.toBytes".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from struct import Struct
from struct import error as WrongLength
from typing import Any

import pyarrow as pa

from headrace.el.errors import CannotEvaluate
from headrace.el.java_date_format import fields_of
from headrace.errors_cdm import CdmError
from headrace.transfer.documents.texts import as_texts
from headrace.transfer.el_functions import whole_date

Cells = Sequence[bytes | None]
Reader = Callable[[Cells], tuple[pa.Array, frozenset[int]]]  # a column, and the cells that are none, which are NULL

_NUMBERS: Mapping[str, tuple[str, pa.DataType]] = {
    "short": (">h", pa.int16()),
    "int": (">i", pa.int32()),
    "long": (">q", pa.int64()),
    "float": (">f", pa.float32()),
    "double": (">d", pa.float64()),
}
_SCALE = Struct(">i")
_LARGEST_SCALE = 1_000  # digits; what has more is no decimal but other bytes
_CLOCK = frozenset("HhkKmsSa")  # letters of a pattern that tell a time of the day


def text_cells(cells: Cells) -> tuple[pa.Array, frozenset[int]]:
    """Texts in UTF-8."""
    return as_texts(pa.array(cells, pa.binary()))


def binary_cells(cells: Cells) -> tuple[pa.Array, frozenset[int]]:
    """Bytes as they are."""
    return pa.array(cells, pa.binary()), frozenset()


def _number_cells(code: str, given: pa.DataType) -> Reader:
    form = Struct(code)
    return lambda cells: _each(cells, lambda cell: form.unpack(cell)[0], given)


def _boolean(cell: bytes) -> bool:
    if len(cell) != 1:
        raise ValueError
    return cell != b"\0"


def _decimal_text(cell: bytes) -> str:
    (scale,) = _SCALE.unpack(cell[:4])
    if len(cell) == _SCALE.size or abs(scale) > _LARGEST_SCALE:
        raise ValueError
    digits = int.from_bytes(cell[4:], "big", signed=True)
    return format(Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -scale)), "f")


def _each(cells: Cells, read: Callable[[bytes], Any], given: pa.DataType) -> tuple[pa.Array, frozenset[int]]:
    """A column of what ``read`` gives; it raises for a cell that is none."""
    found: list[Any] = []
    bad = []
    for number, cell in enumerate(cells):
        try:
            found.append(None if cell is None else read(cell))
        except (ValueError, ArithmeticError, CannotEvaluate, WrongLength):
            found.append(None)
            bad.append(number)
    return pa.array(found, given), frozenset(bad)


READERS: Mapping[str, tuple[Reader, pa.DataType]] = {
    "string": (text_cells, pa.string()),
    "binary": (binary_cells, pa.binary()),
    "boolean": (lambda cells: _each(cells, _boolean, pa.bool_()), pa.bool_()),
    "decimal": (lambda cells: _each(cells, _decimal_text, pa.string()), pa.string()),
    **{name: (_number_cells(code, given), given) for name, (code, given) in _NUMBERS.items()},
}


def date_cells(pattern: str, zone: tzinfo) -> tuple[Reader, pa.DataType]:
    """Texts of a pattern of Java's: dates, or moments as clocks of the zone show them. Raises CdmError."""
    try:
        letters = {field.letter for field in fields_of(pattern)}
    except CannotEvaluate as error:
        raise CdmError(f"fromJobConfig.formats: {pattern!r} is no pattern of a date.") from error
    given = pa.timestamp("ms") if letters & _CLOCK else pa.date32()

    def read(cell: bytes) -> Any:
        moment = whole_date(cell.decode(), pattern, zone).astimezone(zone).replace(tzinfo=None)
        return moment if given == pa.timestamp("ms") else moment.date()

    return lambda cells: _each(cells, read, given), given


def named_pairs(text: str, member: str) -> Mapping[str, str]:
    """A map in an input: a JSON object, or a list of ``{"name", "value"}``. Raises CdmError."""
    try:
        found = json.loads(text) if text.strip() else {}
        if isinstance(found, list):
            found = {one["name"]: one["value"] for one in found}
        return {str(name): str(value) for name, value in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CdmError(f"{member}: is no JSON object of texts.") from error


# ---- columns as cells


def written_type(source: pa.DataType, *, numbers: bool) -> pa.DataType:
    """What a column is written from: texts and bytes; ``numbers``: numbers too, in the sizes that Java has."""
    if pa.types.is_binary(source) or pa.types.is_large_binary(source) or pa.types.is_fixed_size_binary(source):
        return pa.binary()
    if numbers and pa.types.is_integer(source):
        return _SIGNED.get(source, source)
    if numbers and pa.types.is_floating(source):
        return pa.float64() if source == pa.float64() else pa.float32()
    return source if numbers and pa.types.is_decimal(source) else pa.string()


def cells_of(column: pa.Array) -> Cells:
    """The cells of a column of a type that ``written_type`` gave."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        found: Cells = column.cast(pa.binary()).to_pylist()
        return found
    pack = _decimal_bytes if pa.types.is_decimal(kind) else Struct(_CODES[kind]).pack
    return [None if value is None else pack(value) for value in column.to_pylist()]


_SIGNED: Mapping[pa.DataType, pa.DataType] = {
    pa.int8(): pa.int16(),
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
}
_CODES: Mapping[pa.DataType, str] = {given: code for code, given in _NUMBERS.values()}


def _decimal_bytes(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits)))
    number = -number if sign else number
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return _SCALE.pack(-int(exponent)) + number.to_bytes(size, "big", signed=True)
