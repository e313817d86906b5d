"""Types of MySQL and those of Arrow that hold their values without loss, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from headrace.errors_cdm import TypeUnsupported

_INTEGERS = {
    "tinyint": (pa.int8(), pa.uint8()),
    "smallint": (pa.int16(), pa.uint16()),
    "mediumint": (pa.int32(), pa.uint32()),
    "int": (pa.int32(), pa.uint32()),
    "bigint": (pa.int64(), pa.uint64()),
}
_OTHERS: dict[str, pa.DataType] = {
    "float": pa.float32(),
    "double": pa.float64(),
    "year": pa.int16(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", "UTC"),
}
_BYTES = re.compile(r"binary|blob|geometry|point|linestring|polygon|geomcollection|vector")
_MOST_DIGITS, _MOST_SCALE = 65, 30  # of a decimal. Source: MySQL manual, "Fixed-Point Types"
_MOST_CHARACTERS = 255  # of a new varchar: a row has room for 65,535 bytes of them, four a character

_NEW: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_null, "VARCHAR(255)"),
    (pa.types.is_boolean, "TINYINT(1)"),
    (pa.types.is_int8, "TINYINT"),
    (pa.types.is_int16, "SMALLINT"),
    (pa.types.is_int32, "INT"),
    (pa.types.is_int64, "BIGINT"),
    (pa.types.is_uint8, "TINYINT UNSIGNED"),
    (pa.types.is_uint16, "SMALLINT UNSIGNED"),
    (pa.types.is_uint32, "INT UNSIGNED"),
    (pa.types.is_uint64, "BIGINT UNSIGNED"),
    (pa.types.is_float16, "FLOAT"),
    (pa.types.is_float32, "FLOAT"),
    (pa.types.is_float64, "DOUBLE"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME(6)"),
    (pa.types.is_duration, "TIME(6)"),
    (pa.types.is_interval, "VARCHAR(64)"),
    (pa.types.is_binary, "LONGBLOB"),
    (pa.types.is_large_binary, "LONGBLOB"),
    (pa.types.is_binary_view, "LONGBLOB"),
    (pa.types.is_fixed_size_binary, "LONGBLOB"),
    (pa.types.is_nested, "JSON"),
)
_LENGTH = re.compile(r"(?:n?varchar2?|n?char|character varying|character|bpchar)\s*\((\d+)", re.IGNORECASE)
_AS_TEXT = {"time": "TIME(6)", "year": "YEAR", "json": "JSON", "jsonb": "JSON", "uuid": "CHAR(36)"}


def type_of(name: str, declared: str, precision: int = 0, scale: int = 0, *, bool_is_tiny: bool = False) -> pa.DataType:
    """What holds a column of MySQL.

    ``name``: of its type (``int``); ``declared``: all of it (``int(10) unsigned``); ``precision``: of a decimal, or the
    bits of ``bit``; ``bool_is_tiny``: whether ``tinyint(1)`` is a truth value.
    """
    name = name.lower()
    if name == "tinyint" and bool_is_tiny and declared.lower() == "tinyint(1)":
        return pa.bool_()
    if name in _INTEGERS:
        return _INTEGERS[name]["unsigned" in declared.lower()]
    if name == "decimal":
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if name == "bit":
        return pa.bool_() if precision == 1 else pa.uint64()
    if name in _OTHERS:
        return _OTHERS[name]
    return pa.binary() if _BYTES.search(name) else pa.string()


def declared_type(field: pa.Field, text_factor: int = 1) -> str:
    """The type that a new table gives to a column of a source. Raises TypeUnsupported.

    ``text_factor``: by how much columns of characters are longer. Source: CDM API reference, extendCharLength.
    """
    kind: Any = field.type
    if isinstance(kind, pa.UuidType):
        return "CHAR(36)"
    if isinstance(kind, pa.BaseExtensionType):
        return declared_type(field.with_type(kind.storage_type), text_factor)
    if pa.types.is_dictionary(kind):
        return declared_type(field.with_type(kind.value_type), text_factor)
    if pa.types.is_decimal(kind):
        return _decimal(kind)
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP(6)" if kind.tz else "DATETIME(6)"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _text(field, text_factor)
    for fits, name in _NEW:
        if fits(kind):
            return name
    raise TypeUnsupported(f"{field.name}: {kind} has no type in MySQL.")


def _decimal(kind: Any) -> str:
    scale = max(kind.scale, 0)
    digits = kind.precision + max(-kind.scale, 0)
    return f"DECIMAL({digits},{scale})" if digits <= _MOST_DIGITS and scale <= _MOST_SCALE else "LONGTEXT"


def _text(field: pa.Field, factor: int) -> str:
    """As long as the source declares it; a text without a length otherwise."""
    declared = (field.metadata or {}).get(b"declared", b"").decode()
    word = declared.partition("(")[0].strip().lower()
    if word in _AS_TEXT:
        return _AS_TEXT[word]
    found = _LENGTH.fullmatch(declared.partition(")")[0])
    length = int(found[1]) * factor if found else 0
    return f"VARCHAR({length})" if 0 < length <= _MOST_CHARACTERS else "LONGTEXT"
