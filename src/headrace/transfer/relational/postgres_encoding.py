"""Columns in the exact types that the binary form of COPY takes.

A decimal of the destination comes as text, as it may be NaN there, which no decimal of Arrow can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from headrace.transfer.casts import cast, cast_of
from headrace.transfer.relational.database import Column
from headrace.transfer.relational.postgres_types import uuids

_NAN = "nan"
_MOST_SHOWN = 100  # characters


class Part(NamedTuple):
    """Rows of a batch with their numbers in it, None where these are all."""

    rows: pa.RecordBatch
    numbers: Sequence[int] | None = None

    def number(self, row: int) -> int:
        """The number in the batch of a row of this part."""
        return row if self.numbers is None else self.numbers[row]


class Encoded(NamedTuple):
    """A batch for COPY.

    ``plain``: in binary form; ``odd``: rows with NaN, as they came, for which there is no binary form; ``bad``: rows
    that have no place in the table, and why.
    """

    plain: Part
    odd: Part | None
    bad: Mapping[int, str]


class _Cells(NamedTuple):
    array: pa.Array
    odd: Sequence[int] = ()
    bad: Mapping[int, str] = {}


def encoded(batch: pa.RecordBatch, columns: Sequence[Column]) -> Encoded:
    """A batch whose columns come as ``Column.taken`` says."""
    cells = [_encoded(array, column) for array, column in zip(batch.columns, columns, strict=True)]
    bad = {row: reason for one in reversed(cells) for row, reason in one.bad.items()}
    odd = sorted({row for one in cells for row in one.odd} - bad.keys())
    if not bad and not odd:
        return Encoded(Part(pa.RecordBatch.from_arrays([one.array for one in cells], batch.schema.names)), None, bad)
    others = [row for row in range(batch.num_rows) if row not in bad and row not in set(odd)]
    plain, _, _ = encoded(_taken(batch, others), columns)
    return Encoded(plain._replace(numbers=others), Part(_taken(batch, odd), odd) if odd else None, bad)


def checked(batch: pa.RecordBatch, columns: Sequence[Column]) -> Encoded:
    """A batch for COPY as text: as it is, without the decimals that have no exact place."""
    bad: dict[int, str] = {}
    for array, column in zip(batch.columns, columns, strict=True):
        if pa.types.is_decimal(column.type) and array.type != column.type:
            bad = {**_decimals(array, column).bad, **bad}
    if not bad:
        return Encoded(Part(batch), None, bad)
    kept = [row for row in range(batch.num_rows) if row not in bad]
    return Encoded(Part(_taken(batch, kept), kept), None, bad)


def _taken(batch: pa.RecordBatch, rows: Sequence[int]) -> pa.RecordBatch:
    return batch.take(pa.array(rows, pa.int64()))


def _encoded(array: pa.Array, column: Column) -> _Cells:
    if column.declared == "uuid":
        return _uuids(array, column.name)
    if column.declared == "jsonb":  # whose binary form begins with its version. Source: PostgreSQL source, jsonb_recv
        return _Cells(pc.binary_join_element_wise("\x01", array, ""))
    if pa.types.is_decimal(column.type) and array.type != column.type:
        return _decimals(array, column)
    return _Cells(array if array.type == column.type else array.cast(column.type))


def _uuids(array: pa.Array, name: str) -> _Cells:
    try:
        return _Cells(uuids(array))
    except ValueError:
        texts = enumerate(array.to_pylist())
        return _Cells(array, bad={row: _reason(name, text, "uuid") for row, text in texts if not _is_uuid(text)})


def _is_uuid(text: str | None) -> bool:
    try:
        return len(uuids(pa.array([text], pa.string()))) == 1
    except ValueError:
        return False


def _decimals(array: pa.Array, column: Column) -> _Cells:
    """Exact or refused, as the server would round without a word."""
    made, wrong = cast(array, cast_of(array.type, column.type, UTC), column.type)
    texts = {row: str(array[row].as_py()) for row in wrong}
    odd = [row for row, text in texts.items() if text.strip().lower() == _NAN]
    bad = {row: _reason(column.name, text, column.declared) for row, text in texts.items() if row not in set(odd)}
    return _Cells(made, odd, bad)


def _reason(name: str, text: str | None, kind: str) -> str:
    return f"Column {name}: {str(text)[:_MOST_SHOWN]!r} does not fit {kind}."
