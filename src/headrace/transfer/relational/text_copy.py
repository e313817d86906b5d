"""Batches as the CSV that a server's COPY reads: NULL is nothing, empty text is a pair of quotes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv as pa_csv

_FORMAT = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")


def csv_of(batch: pa.RecordBatch) -> bytes:
    """The rows, every value quoted; binary data as PostgreSQL's ``\\x…``."""
    columns = [_as_hex(column) if _is_binary(column.type) else column for column in batch.columns]
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(pa.RecordBatch.from_arrays(columns, names=batch.schema.names), sink, _FORMAT)
    return bytes(sink.getvalue())


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _as_hex(column: pa.Array) -> pa.Array:
    return pa.array([None if value is None else "\\x" + value.hex() for value in column.to_pylist()], pa.string())
