"""Types of PostgreSQL and of what speaks its protocol, as Arrow has them, and back.

What Arrow has no type for travels as text in the form that the server itself reads again.
Source: PostgreSQL manual, "Data Types"; reference on the migration engine, §4.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors_cdm import TypeUnsupported
from headrace.transfer.relational.database import Column

_DECLARED = re.compile(r"(?P<name>.+?)(?:\((?P<first>\d+)(?:,(?P<second>-?\d+))?\))?(?P<zone> with(?:out)? time zone)?")
_MOST_DIGITS = 76  # of a decimal of Arrow
_TYPES = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "oid": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "time without time zone": pa.time64("us"),
}
_PLAIN_TEXT = frozenset({"text", "character varying", "character", "bpchar", "name", "json"})
_CAST_FIRST = {"oid": "bigint", "money": "numeric::text"}  # the text of money depends on the server's language
_BINARY_TEXT = frozenset({"text", "character varying", "character", "bpchar", "json", "jsonb", "xml", "uuid"})
_LENGTH = re.compile(r"(?P<kind>n?varchar2?|character varying|n?char|character|bpchar)\((?P<length>\d+)[^)]*\)", re.I)
_KEPT = re.compile(
    r"(?:jsonb?|uuid|inet|cidr|macaddr8?|interval|money|xml|numeric|time with time zone|bit(?: varying)?(?:\(\d+\))?"
    r"|(?:smallint|integer|bigint|real|double precision|boolean|text|uuid|date|numeric(?:\(\d+,\d+\))?"
    r"|character varying(?:\(\d+\))?|timestamp with(?:out)? time zone)\[\])"
)
_NEW: tuple[tuple[Any, str], ...] = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_uint64, "numeric(20,0)"),
    (lambda kind: pa.types.is_uint32(kind) or pa.types.is_int64(kind), "bigint"),
    (lambda kind: pa.types.is_uint16(kind) or pa.types.is_int32(kind), "integer"),
    (pa.types.is_integer, "smallint"),
    (pa.types.is_float64, "double precision"),
    (pa.types.is_floating, "real"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time without time zone"),
    (lambda kind: pa.types.is_duration(kind) or pa.types.is_interval(kind), "interval"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "bytea"),
    (lambda kind: pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind), "bytea"),
    (pa.types.is_nested, "json"),
    (pa.types.is_null, "text"),
)


class _Parts(NamedTuple):
    name: str  # with its zone, without numbers
    precision: int | None
    scale: int


def _parts(declared: str) -> _Parts:
    found = _DECLARED.fullmatch(declared)
    if found is None:
        return _Parts(declared, None, 0)
    first, second = found["first"], found["second"]
    return _Parts(found["name"] + (found["zone"] or ""), int(first) if first else None, int(second or 0))


def arrow_type(declared: str) -> pa.DataType:
    """What holds the values of a type, as ``format_type`` names it, without loss; text where Arrow has nothing."""
    name, precision, scale = _parts(declared)
    if name == "numeric" and precision is not None and 0 <= scale <= precision <= _MOST_DIGITS:
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    return _TYPES.get(name, pa.string())


def selected(quoted: str, declared: str) -> str:
    """A column in a select list, cast to text unless the driver gives its type as it is."""
    name = _parts(declared).name
    if name in _CAST_FIRST:
        return f"{quoted}::{_CAST_FIRST[name]} AS {quoted}"
    if name in _PLAIN_TEXT or name in _TYPES:
        return quoted
    return f"{quoted}::text AS {quoted}"  # of decimals too: the server makes text of them three times faster


def assigned(quoted: str, declared: str) -> str:
    """A column of texts in an INSERT into a column of a type; one with a length is not cast, which would cut texts."""
    return quoted if _parts(declared).name in ("character varying", "character", "bpchar") else f"{quoted}::{declared}"


def is_binary(column: Column) -> bool:
    """Whether the driver can load a column in binary form; the others need the text form of COPY."""
    return (column.type != pa.string() and _parts(column.declared).name != "oid") or column.declared.partition("(")[
        0
    ] in _BINARY_TEXT


def new_type(field: pa.Field, factor: int = 1) -> str:
    """The type of a column in a new table; ``factor``: by which lengths of text grow. Raises TypeUnsupported."""
    kind = field.type
    if isinstance(kind, pa.UuidType):
        return "uuid"
    if isinstance(kind, pa.JsonType):
        return "json"
    if isinstance(kind, pa.BaseExtensionType):
        return new_type(field.with_type(kind.storage_type), factor)
    if pa.types.is_dictionary(kind):
        return new_type(field.with_type(kind.value_type), factor)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _text_type(((field.metadata or {}).get(b"declared") or b"").decode(), factor)
    if pa.types.is_decimal(kind):
        scale = max(kind.scale, 0)
        return f"numeric({kind.precision - min(kind.scale, 0)},{scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp with time zone" if kind.tz else "timestamp without time zone"
    for fits, name in _NEW:
        if fits(kind):
            return name
    raise TypeUnsupported(f"{field.name}: {kind} has no type in PostgreSQL.")


def _text_type(declared: str, factor: int) -> str:
    """As the source has it where that is known here; else text."""
    if _KEPT.fullmatch(declared):
        return declared
    found = _LENGTH.fullmatch(declared)
    if found is None:
        return "text"
    kind = "character varying" if "var" in found["kind"].lower() else "character"
    return f"{kind}({int(found['length']) * factor})"


# What the driver makes of infinity and -infinity: 32 and 64 bits that ran over when they were moved to 1970
_DATE_ENDS = (2**31 - 1 + 10_957 - 2**32, -(2**31) + 10_957)
_MOMENT_ENDS = (2**63 - 1 + 946_684_800_000_000 - 2**64, -(2**63) + 946_684_800_000_000)


def received(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column as it was read: decimals as text, which may be NaN, as dates are where one is infinite."""
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _with_ends(array)
    if array.type == kind:
        return array
    return array if pa.types.is_decimal(kind) else array.cast(kind)


def _with_ends(array: pa.Array) -> pa.Array:
    is_date = pa.types.is_date(array.type)
    ends = _DATE_ENDS if is_date else _MOMENT_ENDS
    numbers = array.view(pa.int32() if is_date else pa.int64())
    least = pc.min(numbers).as_py()
    if least is None or least > max(ends):
        return array
    texts = array.cast(pa.string())
    for end, text in zip(ends, ("infinity", "-infinity"), strict=True):
        texts = pc.if_else(pc.equal(numbers, end), text, texts)
    return texts


def uuids(array: pa.Array) -> pa.Array:
    """Texts as UUIDs. Raises ValueError where one is none."""
    digits = pc.replace_substring(pc.fill_null(array, "0" * 32), "-", "").cast(pa.large_string())
    if not len(array):
        return pa.array([], pa.uuid())
    if pc.any(pc.not_equal(pc.binary_length(digits), 32)).as_py():
        raise ValueError("A text is no UUID.")
    start = memoryview(digits.buffers()[1]).cast("q")[digits.offset]
    data = bytes.fromhex(digits.buffers()[2][start : start + 32 * len(array)].to_pybytes().decode())
    if len(data) != 16 * len(array):
        raise ValueError("A text is no UUID.")  # blanks in it
    mask = array.is_valid().buffers()[1] if array.null_count else None
    storage = pa.Array.from_buffers(pa.binary(16), len(array), [mask, pa.py_buffer(data)])
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)
