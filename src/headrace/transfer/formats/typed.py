"""Types that a format does not know, as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

import pyarrow as pa

from headrace.transfer.casts import cast, cast_of


def as_known(column: pa.Array, known: Callable[[pa.DataType], pa.DataType]) -> pa.Array:
    """A column in the type that the format has for it. Raises TypeUnsupported."""
    target = known(column.type)
    if target == column.type:
        return column
    return cast(column, cast_of(column.type, target, UTC), target)[0]


def known_schema(schema: pa.Schema, known: Callable[[pa.DataType], pa.DataType]) -> pa.Schema:
    """The schema of a file of the format."""
    return pa.schema([pa.field(field.name, known(field.type)) for field in schema])


def is_wide_time(kind: pa.DataType) -> bool:
    """Whether a type is a length of time, which few formats have."""
    return bool(pa.types.is_interval(kind) or pa.types.is_duration(kind))
