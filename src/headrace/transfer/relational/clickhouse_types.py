"""Types of ClickHouse and those of Arrow that hold their values without loss, both ways.

Source: ClickHouse documentation, "Data types", "Arrow".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import TypeUnsupported
from headrace.transfer.relational.database import declared_of

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)", re.DOTALL)
_DECIMAL = re.compile(r"Decimal\((\d+), ?(\d+)\)")
_MOMENT = re.compile(r"DateTime(?:64\((\d)(?:, ?'[^']*')?\)|\('[^']*'\))?")
_MOST_DIGITS = 76  # of a decimal, here as in Arrow
_TYPES: dict[str, pa.DataType] = {
    "Bool": pa.bool_(),
    "Int8": pa.int8(),
    "Int16": pa.int16(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Float32": pa.float32(),
    "Float64": pa.float64(),
    "Date": pa.date32(),
    "Date32": pa.date32(),
    "String": pa.string(),
}
_NESTED = re.compile(r"(?:Array|Tuple|Map|Nested|JSON|Object|Variant|Dynamic)\b")
_NEW: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_null, "String"),
    (pa.types.is_boolean, "Bool"),
    (pa.types.is_int8, "Int8"),
    (pa.types.is_int16, "Int16"),
    (pa.types.is_int32, "Int32"),
    (pa.types.is_int64, "Int64"),
    (pa.types.is_uint8, "UInt8"),
    (pa.types.is_uint16, "UInt16"),
    (pa.types.is_uint32, "UInt32"),
    (pa.types.is_uint64, "UInt64"),
    (pa.types.is_float64, "Float64"),
    (pa.types.is_floating, "Float32"),
    (pa.types.is_date, "Date32"),
    (pa.types.is_time, "String"),
    (pa.types.is_duration, "String"),
    (pa.types.is_interval, "String"),
    (pa.types.is_nested, "String"),
    (pa.types.is_binary, "String"),
    (pa.types.is_large_binary, "String"),
    (pa.types.is_fixed_size_binary, "String"),
    (pa.types.is_binary_view, "String"),
)


def bare(declared: str) -> str:
    """A type without what may be around it."""
    found = _WRAPPED.fullmatch(declared)
    return bare(found[1]) if found else declared


def is_nullable(declared: str) -> bool:
    """Whether a column may hold NULL."""
    return declared.startswith(("Nullable(", "LowCardinality(Nullable(", "Variant", "Dynamic"))


def arrow_type(declared: str) -> pa.DataType:
    """What holds the values of a type; text where Arrow has nothing."""
    inner = bare(declared)
    if (decimal := _DECIMAL.fullmatch(inner)) is not None:
        precision, scale = int(decimal[1]), int(decimal[2])
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if (moment := _MOMENT.fullmatch(inner)) is not None:
        return pa.timestamp(_unit(moment[1]), "UTC")
    return pa.binary() if inner.startswith("FixedString") else _TYPES.get(inner, pa.string())


def _unit(digits: str | None) -> str:
    return "s" if digits in (None, "0") else "us" if int(digits or 0) <= 6 else "ns"


def selected(quoted: str, declared: str) -> str:
    """A column in a select list, as what its Arrow type takes."""
    inner = bare(declared)
    kind = arrow_type(declared)
    if inner == "Date":
        return f"toDate32({quoted})"
    if pa.types.is_timestamp(kind):
        return f"toDateTime64({quoted}, { {'s': 0, 'us': 6, 'ns': 9}[kind.unit] }, 'UTC')"
    if kind != pa.string() or inner == "String":
        return quoted
    return f"toJSONString({quoted})" if _NESTED.match(inner) else f"toString({quoted})"


def is_composed(declared: str) -> bool:
    """Whether a column holds more than one value, which are read as JSON."""
    inner = bare(declared)
    return _NESTED.match(inner) is not None and not inner.startswith("JSON")


def most_days_or_seconds(declared: str) -> int | None:
    """The greatest number of days or seconds since 1970 that a type holds, where Arrow's holds more; the least is 0."""
    inner = bare(declared)
    if inner == "Date":
        return 2**16 - 1
    return 2**32 - 1 if inner.startswith("DateTime") and not inner.startswith("DateTime64") else None


def new_type(field: pa.Field) -> str:
    """The type that a new table gives to a column of a source. Raises TypeUnsupported."""
    kind: Any = field.type
    if isinstance(kind, pa.UuidType):
        return "UUID"
    if isinstance(kind, pa.BaseExtensionType):
        return new_type(field.with_type(kind.storage_type))
    if pa.types.is_dictionary(kind):
        return new_type(field.with_type(kind.value_type))
    if pa.types.is_decimal(kind):
        digits, scale = kind.precision - min(kind.scale, 0), max(kind.scale, 0)
        return f"Decimal({digits}, {scale})" if digits <= _MOST_DIGITS else "String"
    if pa.types.is_timestamp(kind):
        digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        return f"DateTime64({digits}, 'UTC')" if kind.tz else f"DateTime64({digits})"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "UUID" if declared_of(field).lower() == "uuid" else "String"
    for fits, name in _NEW:
        if fits(kind):
            return name
    raise TypeUnsupported(f"{field.name}: {kind} has no type in ClickHouse.")
