"""Turn values of the embedded engine into JSON scalars and its types into those of the script's dialect."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlglot import exp
from sqlglot.errors import SqlglotError

from headrace.sql.dialects import Dialect
from headrace.sql.engine import Scalar


def scalar(value: Any) -> Scalar:
    """One cell, as documented at StatementResult."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(_nested(value), ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, date | time | timedelta | UUID):
        return str(value)
    return str(value)


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(scalar(key)): _nested(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(each) for each in value]
    return scalar(value)


def type_name(duckdb_type: str, dialect: Dialect) -> str:
    """``VARCHAR`` is ``string`` to Hive and Spark; types without an equal keep DuckDB's name. Lower case."""
    try:
        return exp.DataType.build(duckdb_type, dialect="duckdb").sql(dialect=dialect.grammar).lower()
    except SqlglotError:
        return duckdb_type.lower()
