"""Types of SQLAlchemy and those of Arrow that hold their values without loss, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from headrace.errors_cdm import TypeUnsupported
from headrace.transfer.relational.database import declared_of

_mssql: Any = mssql  # whose constructors have no types
SQLITE = "sqlite"  # which would make floats of decimals
_MOST_DIGITS = 38  # of a decimal of the systems reached through SQLAlchemy
_MONEY: tuple[tuple[type[Any], pa.DataType], ...] = (
    (mssql.SMALLMONEY, pa.decimal128(10, 4)),
    (mssql.MONEY, pa.decimal128(19, 4)),
    (mssql.TINYINT, pa.int16()),
    (mssql.DATETIMEOFFSET, pa.timestamp("us", "UTC")),
    (mssql.TIMESTAMP, pa.binary()),
    (oracle.FLOAT, pa.string()),  # 38 decimal digits
    (oracle.RAW, pa.binary()),
)
_KINDS: tuple[tuple[type[Any], pa.DataType], ...] = (
    (sa.Boolean, pa.bool_()),
    (sa.SmallInteger, pa.int16()),
    (sa.BigInteger, pa.int64()),
    (sa.REAL, pa.float32()),
    (sa.Float, pa.float64()),
    (sa.Date, pa.date32()),
    (sa.Time, pa.time64("us")),
    (sa.LargeBinary, pa.binary()),
    (sa.types._Binary, pa.binary()),
)
_BYTES = sa.LargeBinary().with_variant(_mssql.VARBINARY("max"), "mssql")
_NEW: tuple[tuple[Callable[[pa.DataType], bool], TypeEngine[Any]], ...] = (
    (pa.types.is_boolean, sa.Boolean().with_variant(sa.SmallInteger(), "oracle")),
    (lambda kind: pa.types.is_int8(kind) or pa.types.is_uint8(kind) or pa.types.is_int16(kind), sa.SmallInteger()),
    (lambda kind: pa.types.is_uint16(kind) or pa.types.is_int32(kind), sa.Integer()),
    (lambda kind: pa.types.is_uint32(kind) or pa.types.is_int64(kind), sa.BigInteger()),
    (pa.types.is_uint64, sa.Numeric(20, 0).with_variant(sa.String(20), SQLITE)),
    (pa.types.is_float64, sa.Double().with_variant(oracle.BINARY_DOUBLE(), "oracle")),
    (pa.types.is_floating, sa.REAL().with_variant(oracle.BINARY_FLOAT(), "oracle")),
    (pa.types.is_date, sa.Date().with_variant(sa.DATE(), "mssql")),
    (pa.types.is_time, sa.Time().with_variant(_mssql.TIME(6), "mssql").with_variant(sa.String(32), "oracle")),
    (lambda kind: pa.types.is_duration(kind) or pa.types.is_interval(kind), sa.String(64)),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), _BYTES),
    (lambda kind: pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind), _BYTES),
)
_MOMENT = sa.DateTime().with_variant(_mssql.DATETIME2(6), "mssql").with_variant(oracle.TIMESTAMP(), "oracle")
_ZONED = (
    sa.DateTime(timezone=True)
    .with_variant(_mssql.DATETIMEOFFSET(6), "mssql")
    .with_variant(oracle.TIMESTAMP(timezone=True), "oracle")
)
_TEXT = sa.Text().with_variant(mssql.NVARCHAR(), "mssql")  # without a length: as long as can be


def arrow_type(kind: TypeEngine[Any], dialect: str) -> pa.DataType:
    """What holds the values of a reflected type; text where Arrow or SQLAlchemy has nothing."""
    for cls, found in _MONEY:
        if isinstance(kind, cls):
            return found
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return _decimal(kind)
    if isinstance(kind, sa.Integer) and not isinstance(kind, sa.SmallInteger | sa.BigInteger):
        return pa.int32() if dialect in ("mssql", "postgresql", "db2", "hana") else pa.int64()
    if isinstance(kind, sa.DateTime):
        return pa.timestamp("us", "UTC") if kind.timezone or getattr(kind, "local_timezone", False) else _NAIVE
    return next((found for cls, found in _KINDS if isinstance(kind, cls)), pa.string())


_NAIVE = pa.timestamp("us")


def _decimal(kind: Any) -> pa.DataType:
    precision, scale = kind.precision, kind.scale or 0
    if precision is None or not 0 < precision <= 76 or not 0 <= scale <= precision:
        return pa.string()  # of any length: NUMBER of Oracle
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def declared_type(kind: TypeEngine[Any], dialect: Dialect) -> str:
    """A type as the system writes it; empty where SQLAlchemy does not know it."""
    return "" if isinstance(kind, sa.types.NullType) else str(kind.compile(dialect=dialect))


def new_type(field: pa.Field, dialect: Dialect) -> TypeEngine[Any]:
    """The type that a new table gives to a column of a source. Raises TypeUnsupported."""
    kind: Any = field.type
    if isinstance(kind, pa.UuidType):
        return sa.String(36)
    if isinstance(kind, pa.BaseExtensionType):
        return new_type(field.with_type(kind.storage_type), dialect)
    if pa.types.is_dictionary(kind):
        return new_type(field.with_type(kind.value_type), dialect)
    if pa.types.is_timestamp(kind):
        return _ZONED if kind.tz else _MOMENT
    if pa.types.is_decimal(kind):
        digits = kind.precision - min(kind.scale, 0)
        fits = digits <= _MOST_DIGITS and dialect.name != SQLITE
        return sa.Numeric(digits, max(kind.scale, 0)) if fits else sa.String(128)
    if pa.types.is_nested(kind) or pa.types.is_null(kind) or _is_text(kind):
        return sa.String(36) if declared_of(field).lower() == "uuid" else _TEXT
    for fits_one, found in _NEW:
        if fits_one(kind):
            return found
    raise TypeUnsupported(f"{field.name}: {kind} has no type in {dialect.name}.")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
