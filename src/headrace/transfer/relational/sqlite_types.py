"""Types of SQLite, which are what a column was declared as and what each value happens to be.

A declared type says what its values mean; a value that is something else stays text, so that it is refused, not bent.
Decimals of more digits than a double has are kept as text, in columns that are named so that SQLite leaves them alone.
Source: SQLite manual, "Datatypes In SQLite".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import TypeUnsupported
from headrace.transfer.casts import FAILURES, cast_of
from headrace.transfer.relational.database import Column

_DECLARED = re.compile(r"\s*(?P<name>[^()]*?)\s*(?:\(\s*(?P<first>\d+)\s*(?:,\s*(?P<second>\d+)\s*)?\))?\s*")
_DOUBLE_DIGITS = 15  # decimal digits that a double keeps
_LONG_DECIMAL = "DECIMALTEXT"  # has TEXT in its name, so SQLite keeps what is stored
_DECIMALS = ("DECIMAL", "NUMERIC", "NUMBER", _LONG_DECIMAL)
_ZONED = ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIME WITH TIME ZONE")
_NAMED = {
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOL": pa.bool_(),
    "BOOLEAN": pa.bool_(),
}
_PARTS = (  # by parts of the name, in this order. Source: SQLite manual, "Determination Of Column Affinity"
    ("INT", pa.int64()),
    ("CHAR", pa.string()),
    ("CLOB", pa.string()),
    ("TEXT", pa.string()),
    ("BLOB", pa.binary()),
    ("BINARY", pa.binary()),
    ("REAL", pa.float64()),
    ("FLOA", pa.float64()),
    ("DOUB", pa.float64()),
)
_STORED = (("text", "TEXT"), ("blob", "BLOB"), ("real", "REAL"), ("integer", "INTEGER"))  # the widest first
_NEW: tuple[tuple[Any, str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_uint64, f"{_LONG_DECIMAL}(20,0)"),
    (pa.types.is_integer, "INTEGER"),
    (pa.types.is_floating, "REAL"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz, "TIMESTAMPTZ"),
    (pa.types.is_timestamp, "TIMESTAMP"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "BLOB"),
    (lambda kind: pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind), "BLOB"),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), "TEXT"),
    (lambda kind: pa.types.is_string_view(kind) or pa.types.is_null(kind), "TEXT"),
    (lambda kind: pa.types.is_duration(kind) or pa.types.is_interval(kind) or pa.types.is_nested(kind), "TEXT"),
)


class _Form(NamedTuple):
    """How values of a type travel: what the query selects, and a value that tells the driver the type."""

    select: str
    first: str


_AS_TEXT = _Form("CAST({0} AS TEXT) AS {0}", "''")


def arrow_type(declared: str) -> pa.DataType:
    """What a declared type means; text where it says nothing."""
    found = _DECLARED.fullmatch(declared.upper())
    name, first, second = (found["name"], found["first"], found["second"]) if found else (declared.upper(), None, None)
    if name in _DECIMALS:
        precision, scale = int(first or 0), int(second or 0)
        if not 0 < precision <= 76 or scale > precision:
            return pa.string()
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if name in _ZONED:
        return pa.timestamp("us", "UTC")
    return _NAMED.get(name) or next((kind for part, kind in _PARTS if part in name), pa.string())


def column_of(name: str, declared: str, *, nullable: bool = True, key: bool = False) -> Column:
    """A column by its declared type; lengths of texts are left out, as SQLite does not keep them."""
    kind = arrow_type(declared)
    return Column(
        name=name, declared="TEXT" if kind == pa.string() else declared, type=kind, nullable=nullable, key=key
    )


def stored_type(kinds: Collection[str]) -> str:
    """The declared type that takes all values of which ``typeof`` says these."""
    if "text" in kinds and "blob" in kinds:
        return "BLOB"
    return next((name for kind, name in _STORED if kind in kinds), "TEXT")


def form(column: Column) -> _Form:
    """How a column is selected."""
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return _Form("{0}", "0")
    if pa.types.is_floating(column.type):
        return _Form("{0}", "0.0")
    return _Form("{0}", "x''") if pa.types.is_binary(column.type) else _AS_TEXT


def received(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column as it was read, in its type; as text where a value is none of that."""
    if array.type == kind:
        return array
    if pa.types.is_boolean(kind) and pa.types.is_integer(array.type):
        known = pc.all(pc.is_in(array, pa.array([0, 1, None], array.type))).as_py()
        return array.cast(kind) if known is not False else array.cast(pa.string())
    for kernel in cast_of(array.type, kind, UTC)[:1]:
        try:
            return kernel(array)
        except FAILURES:
            break
    return array.cast(pa.string())


def sent(array: pa.Array) -> pa.Array:
    """A column as it is stored: whole numbers, doubles, texts and bytes."""
    kind = array.type
    if pa.types.is_boolean(kind):
        return array.cast(pa.int64())
    if any(fits(kind) for fits in (pa.types.is_decimal, pa.types.is_date, pa.types.is_time, pa.types.is_timestamp)):
        return array.cast(pa.string())
    return array


def new_type(field: pa.Field) -> str:
    """The type of a column in a new table. Raises TypeUnsupported."""
    kind = field.type
    if isinstance(kind, pa.UuidType):
        return "TEXT"
    if isinstance(kind, pa.BaseExtensionType):
        return new_type(field.with_type(kind.storage_type))
    if pa.types.is_dictionary(kind):
        return new_type(field.with_type(kind.value_type))
    if pa.types.is_decimal(kind):
        digits = kind.precision - min(kind.scale, 0)
        return f"{'DECIMAL' if digits <= _DOUBLE_DIGITS else _LONG_DECIMAL}({digits},{max(kind.scale, 0)})"
    for fits, name in _NEW:
        if fits(kind):
            return name
    raise TypeUnsupported(f"{field.name}: {kind} has no type in SQLite.")
